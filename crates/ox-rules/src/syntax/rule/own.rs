//! The rule's own options: `-s -d -i -o -p -f -m -j -g -c -4 -6`.

use super::find::MOBILITY;
use super::suggest::meant;
use super::{ArgKind, Extra, Found, LastForeign, Reader, Seen, Strangers, letter};
use crate::ext;
use crate::model::{Counters, Foreign, Iface, Inv, Match, Net, Proto, Standard, Target};
use crate::syntax::names::read_protocol;
use crate::syntax::value::{read_net, read_numeric_net};
use crate::syntax::{Fault, decimal_u64};
use ox_packet::Family;

/// Whether one of the rule's own options takes an argument, by its letter.
pub(super) const fn arg_of(c: char) -> Option<ArgKind> {
    match c {
        's' | 'd' | 'p' | 'i' | 'o' | 'j' | 'g' | 'm' | 'c' => Some(ArgKind::Yes),
        'f' | '4' | '6' => Some(ArgKind::No),
        'h' => Some(ArgKind::Maybe),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    #[inline(never)]
    pub(super) fn take(
        &mut self,
        here: usize,
        found: Found,
        arg: Option<&'a str>,
        not: Option<usize>,
        extra: &mut dyn Extra,
    ) -> Result<(), Fault> {
        match found {
            Found::Core(c, _) => self.own(here, c, arg.unwrap_or_default(), not, extra),
            Found::Extra(i, _) => {
                let rest = self.words.get(self.at..).unwrap_or_default();
                let taken = extra
                    .take(i, arg, not.is_some(), rest)
                    .map_err(|f| Fault { word: f.word.map(|w| w + self.at).or(Some(here)), ..f })?;
                self.at += taken;
                self.cx.table = extra.table().unwrap_or(self.cx.table);
                self.rule.help |= extra.is_done();
                Ok(())
            }
            Found::Match(..) | Found::Target(_) => Ok(()),
        }
    }

    /// Takes one of the rule's own options; `arg` is empty if it has none. Inlined, since most words of a dump come here.
    #[inline(always)]
    pub(super) fn own(
        &mut self,
        here: usize,
        c: char,
        mut arg: &'a str,
        mut not: Option<usize>,
        extra: &dyn Extra,
    ) -> Result<(), Fault> {
        // The old place of `!`: `-s ! 10.0.0.1`.
        if arg == "!" && matches!(c, 's' | 'd' | 'p' | 'i' | 'o') && not.is_none() && self.argument_follows() {
            not = Some(self.at - 1);
            arg = self.next(here, "-", letter(&mut [0; 4], c))?;
        }
        let once = matches!(c, 's' | 'd' | 'p' | 'i' | 'o' | 'f' | 'c');
        if once && self.rule.given.has(c) {
            return Err(Fault::usage(here, format!("multiple -{c} flags not allowed")));
        }
        self.rule.given.add(c);
        if let Some(at) = not
            && matches!(c, 'm' | 'j' | 'g' | 'c' | '4' | '6' | 'h')
        {
            return Err(Fault::usage(at, format!("unexpected ! flag before -{c}")));
        }
        let at = if arg.is_empty() { here } else { self.at - 1 };
        let not = not.is_some();
        match c {
            's' | 'd' => self.address(c, arg, not, at),
            'i' | 'o' => return self.interface(c, arg, not, here, at),
            'p' => return self.protocol(arg, not, at),
            'f' => return self.fragment(not, here),
            'c' => return self.counters(arg, here, at),
            'm' => return self.matching(arg, at),
            'j' | 'g' => return self.jump(c, arg, here, at, extra),
            '4' | '6' => self.rule.family = Some(if c == '4' { Family::V4 } else { Family::V6 }),
            _ => self.rule.help = true,
        }
        Ok(())
    }

    fn address(&mut self, c: char, arg: &str, not: bool, at: usize) {
        let net = match read_numeric_net(arg, self.cx.family) {
            Some(net) => net,
            None => match self.networks(c, arg, not, at) {
                Ok((nets, first)) => {
                    *(if c == 's' { &mut self.rule.srcs } else { &mut self.rule.dsts }) = nets;
                    first
                }
                Err(fault) => {
                    self.late.get_or_insert(fault);
                    Net::default()
                }
            },
        };
        let head = &mut self.rule.rule.head;
        *(if c == 's' { &mut head.src } else { &mut head.dst }) = Inv { is: net, not };
    }

    fn interface(&mut self, c: char, arg: &str, not: bool, here: usize, at: usize) -> Result<(), Fault> {
        if arg.is_empty() {
            return Err(Fault::usage(here, "Empty interface is likely to be undesired"));
        }
        let Some(iface) = Iface::new(arg) else {
            return Err(Fault::usage(at, format!("interface name `{arg}' must be shorter than 16 characters")));
        };
        let head = &mut self.rule.rule.head;
        *(if c == 'i' { &mut head.iif } else { &mut head.oif }) = Inv { is: iface, not };
        Ok(())
    }

    fn protocol(&mut self, arg: &str, not: bool, at: usize) -> Result<(), Fault> {
        let Some(number) = read_protocol(arg, self.cx.names) else {
            let names = ["tcp", "udp", "icmp", "icmpv6", "sctp", "dccp", "esp", "ah", "gre", "igmp", "all"];
            let hint = meant(arg, "", names).unwrap_or_default();
            return Err(Fault::usage(at, format!("unknown protocol \"{arg}\" specified{hint}")));
        };
        if number == 0 && not {
            return Err(Fault::usage(at, "rule would never match protocol"));
        }
        self.rule.rule.head.proto = Inv { is: Proto(number), not };
        // The extension of the mobility header is loaded by its own name only, not by its protocol's.
        self.proto = Some(number).filter(|&n| n != MOBILITY || arg.eq_ignore_ascii_case("mh"));
        Ok(())
    }

    fn fragment(&mut self, not: bool, here: usize) -> Result<(), Fault> {
        if self.cx.family == Family::V6 {
            return Err(Fault::usage(here, "`-f' is not for IPv6: use `-m frag'"));
        }
        self.rule.rule.head.frag = Some(!not);
        Ok(())
    }

    fn counters(&mut self, arg: &str, here: usize, at: usize) -> Result<(), Fault> {
        let (packets, bytes) = match arg.split_once(',') {
            Some((p, b)) => (p, b),
            None => match self.words.get(self.at) {
                Some(bytes) if !bytes.starts_with('-') => (arg, self.next(here, "-", "c")?),
                _ => return Err(Fault::usage(at, "-c requires packet and byte counter")),
            },
        };
        let count = |what: &str, t: &str| {
            decimal_u64(t, u64::MAX).ok_or_else(|| Fault::usage(at, format!("-c {what} counter not numeric: `{t}'")))
        };
        self.rule.rule.counters = Counters { packets: count("packet", packets)?, bytes: count("byte", bytes)? };
        self.rule.counted = true;
        Ok(())
    }

    fn matching(&mut self, arg: &str, at: usize) -> Result<(), Fault> {
        self.foreign = None;
        match ext::new_match(arg, self.cx.family) {
            Some(ext) => self.load(ext, at),
            None if self.cx.strangers == Strangers::Keep => {
                self.foreign = Some(LastForeign::Match(self.room.matches.len()));
                self.kept = self.at;
                let ext = Match::Foreign(Box::new(Foreign { name: arg.to_owned(), ..Foreign::default() }));
                self.load(ext, at);
            }
            None => {
                let hint = meant(arg, "", ext::match_names(self.cx.family)).unwrap_or_else(|| {
                    " (no such match is known; in a ruleset file it would be kept as it stands)".to_owned()
                });
                let message = format!("Couldn't load match `{arg}':No such file or directory{hint}");
                return Err(Fault::usage(at, message));
            }
        }
        Ok(())
    }

    /// Networks by name, or several of them: the list if there is more than one, and the first.
    pub(super) fn networks(&self, c: char, arg: &str, not: bool, at: usize) -> Result<(Vec<Net>, Net), Fault> {
        let mut nets = Vec::new();
        for part in arg.split(',') {
            nets.extend(read_net(part, self.cx.family, self.cx.names).map_err(|m| Fault::usage(at, m))?);
        }
        let Some(&first) = nets.first() else {
            return Err(Fault::usage(at, format!("`{arg}' has no address in this family")));
        };
        if nets.len() == 1 {
            nets.clear();
        } else if not {
            let side = if c == 's' { "source" } else { "destination" };
            return Err(Fault::usage(at, format!("! not allowed with multiple {side} IP addresses")));
        }
        Ok((nets, first))
    }

    fn jump(&mut self, c: char, arg: &str, here: usize, at: usize, extra: &dyn Extra) -> Result<(), Fault> {
        if self.target.is_some() {
            return Err(Fault::usage(here, "multiple -j flags not allowed"));
        }
        if arg.is_empty() {
            return Err(Fault::usage(here, "Invalid target name (empty)"));
        }
        self.foreign = None;
        let target = if c == 'g' {
            Target::Goto(extra.chain(arg))
        } else {
            match arg {
                "ACCEPT" => Target::Standard(Standard::Accept),
                "DROP" => Target::Standard(Standard::Drop),
                "RETURN" => Target::Standard(Standard::Return),
                "QUEUE" => Target::Standard(Standard::Queue),
                _ => match ext::new_target(arg, self.cx.family) {
                    Some(t) => t,
                    None => Target::Jump(extra.chain(arg)),
                },
            }
        };
        self.rule.rule.target = target;
        self.target = Some(Seen { options: 0, word: at });
        self.rule.target_word = Some(at);
        // Words behind an unknown upper-case name may be the options of a target that we do not know.
        if self.cx.strangers == Strangers::Keep
            && let Target::Jump(name) = &self.rule.rule.target
            && self.stranger_follows(extra)?
        {
            let foreign = Foreign { name: name.as_str().to_owned(), ..Foreign::default() };
            self.rule.rule.target = Target::Foreign(Box::new(foreign));
            self.foreign = Some(LastForeign::Target);
            self.kept = self.at;
        }
        Ok(())
    }

    /// Whether an option follows that nothing known has, or a word behind a `!`, which nothing known takes.
    fn stranger_follows(&self, extra: &dyn Extra) -> Result<bool, Fault> {
        let not = self.words.get(self.at) == Some(&"!");
        let at = self.at + usize::from(not);
        let Some(word) = self.words.get(at) else { return Ok(not) };
        let Some(option) = word.strip_prefix("--") else { return Ok(not && !word.starts_with('-')) };
        let name = option.split_once('=').map_or(option, |(name, _)| name);
        Ok(self.find(at, name, extra)?.is_none())
    }
}
