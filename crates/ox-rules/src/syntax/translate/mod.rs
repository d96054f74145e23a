//! `iptables-translate`: rules said in the language of nft.
//!
//! Each extension says itself what it is in nft's words (`Ext::translate`). Here are the rest of a rule, the commands
//! (`command.rs`), and restore text (`text.rs`). What nft has no words for is never left out or made a comment in silence:
//! it comes back as [`NoForm`], with the reason.
//!
//! Facts: the texts of iptables-translate 1.8.9, and what nft 1.0.6 makes of them. Where nft would understand something
//! else than the rule says, the text is another one; `deviations/` has these cases.

mod command;
mod nft;
#[cfg(test)]
mod tests;
mod text;

pub use command::{Translated, translate_command};
pub use nft::{Aside, Nft, Where};
pub use text::{TranslatedText, Untranslated, translate_text};

use super::names::protocol_name;
use crate::ext::{self, Match, Target};
use crate::model::{Head, Iface, Inv, Net, Proto, Rule, Standard};
use ox_packet::Family;

/// Which part of a rule has no nft form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Culprit {
    /// The match at this place in the rule.
    Match(usize),
    /// The target.
    Target,
    /// Something else: the head, the chain, the command.
    Other,
}

/// A rule that nft has no words for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoForm {
    /// Which part.
    pub part: Culprit,
    /// Why, in our words.
    pub why: String,
}

impl NoForm {
    fn other(why: impl Into<String>) -> Self {
        Self { part: Culprit::Other, why: why.into() }
    }
}

/// A rule in nft's words: everything that stands behind the name of its chain. `aside` gets what is to be said
/// beside it.
///
/// # Errors
/// A part without nft form.
pub fn translate_rule(rule: &Rule, place: Where<'_>, aside: &mut Aside) -> Result<String, NoForm> {
    let mut nft = Nft::new(place, &rule.head, aside.sets);
    let mut said = false;
    for (i, m) in rule.matches.iter().enumerate() {
        said |= one_match(m, &mut nft, &rule.head).map_err(|why| NoForm { part: Culprit::Match(i), why })?;
    }
    let matches = nft.take();
    let said = said && !nft.must_say_protocol();
    head(&rule.head, said, &mut nft).map_err(NoForm::other)?;
    if !matches.is_empty() {
        nft.word(&matches);
    }
    nft.word("counter");
    verdict(&rule.target, &mut nft).map_err(|why| NoForm { part: Culprit::Target, why })?;
    Ok(nft.finish(aside))
}

/// Translates a match. `true`: what it says is about the rule's protocol, so that need not be said again.
fn one_match(m: &Match, nft: &mut Nft<'_>, head: &Head) -> Result<bool, String> {
    // The kernel looks at such bytes in whatever protocol there is, or refuses the rule; nft would ask for the protocol.
    if m.desc().is_some_and(|d| misplaced(d, head)) {
        return Err(format!("-m {} without its -p before it", m.name()));
    }
    let before = nft.len();
    if m.translate(nft).is_none() {
        return Err(nft.reason(|| format!("nft has nothing like -m {}", m.name())));
    }
    // Without a short name a protocol is known by the match for it.
    let proto = head.proto.is.0;
    let same = match protocol_name(proto) {
        Some(name) => name == m.name(),
        None => m.desc().is_some_and(|d| d.proto == Some(proto)),
    };
    Ok(nft.len() > before && !head.proto.not && same)
}

fn verdict(target: &Target, nft: &mut Nft<'_>) -> Result<(), String> {
    match target {
        Target::None => {}
        Target::Jump(chain) | Target::Goto(chain) => {
            nft::name(chain.as_str())?;
            nft.word(if matches!(target, Target::Jump(_)) { "jump" } else { "goto" });
            nft.word(chain.as_str());
        }
        Target::Standard(Standard::Accept) => nft.word("accept"),
        Target::Standard(Standard::Drop) => nft.word("drop"),
        Target::Standard(Standard::Return) => nft.word("return"),
        Target::Standard(Standard::Queue) => nft.word("queue num 0"),
        target => {
            if target.translate(nft).is_none() {
                return Err(nft.reason(|| format!("nft has nothing like -j {}", target.name())));
            }
        }
    }
    Ok(())
}

/// `-i -o -f -p -s -d`, in this order.
fn head(head: &Head, proto_said: bool, nft: &mut Nft<'_>) -> Result<(), String> {
    let Head { src, dst, iif, oif, proto, frag } = *head;
    interface("iifname", iif, nft)?;
    interface("oifname", oif, nft)?;
    match frag {
        Some(true) => nft.word("ip frag-off & 0x1fff != 0"),
        Some(false) => nft.word("ip frag-off & 0x1fff 0"),
        None => {}
    }
    if !proto.is_default() && !proto_said {
        let key = if nft.family == Family::V4 { "ip protocol" } else { "meta l4proto" };
        // nft asks the system for names, and ours of mobility headers is not among them.
        match protocol_name(proto.is.0).filter(|_| proto.is != Proto::MH) {
            Some(name) => nft.test(key, proto.not, name),
            None => nft.test(key, proto.not, proto.is.0),
        }
    }
    let ip = nft.ip();
    net(format_args!("{ip} saddr"), src, nft);
    net(format_args!("{ip} daddr"), dst, nft);
    Ok(())
}

fn interface(key: &str, iface: Inv<Iface>, nft: &mut Nft<'_>) -> Result<(), String> {
    if iface.is.is_any() {
        if iface.not {
            // No interface has a slash in its name: never, as iptables-nft writes it too.
            nft.say(format_args!("{key} \"INVAL/D\""));
        }
        return Ok(());
    }
    let stem = iface.is.stem();
    if !nft::quotable(&stem) {
        return Err(format!("nft cannot write the name of the interface {stem:?}"));
    }
    nft.word(key);
    if iface.not {
        nft.word("!=");
    }
    // A star at the end would be a wildcard.
    match (iface.is.is_wild(), stem.strip_suffix('*')) {
        (true, _) => nft.say(format_args!("\"{stem}*\"")),
        (false, Some(stem)) => nft.say(format_args!("\"{stem}\\*\"")),
        (false, None) => nft.say(format_args!("\"{stem}\"")),
    }
    Ok(())
}

fn net(key: std::fmt::Arguments<'_>, net: Inv<Net>, nft: &mut Nft<'_>) {
    if net.is.is_any() && !net.not {
        return;
    }
    nft.say(key);
    nft.net(net);
}

/// Whether a name can stand for a chain in nft's language.
pub(super) fn chain_name(name: &str) -> Result<(), NoForm> {
    nft::name(name).map_err(NoForm::other)
}

/// The position in `words` of what [`NoForm`] is about; `words` are those of a whole command.
pub fn culprit_word(words: &[&str], rule: &Rule, part: Culprit) -> Option<usize> {
    let named = |long: &str, short: &str, wanted: &dyn Fn(&str) -> bool, nth: usize| {
        let at = |i: usize| -> Option<usize> {
            let word = words[i];
            if word == short || word == long {
                return words.get(i + 1).is_some_and(|w| wanted(w)).then_some(i + 1);
            }
            let glued = word.strip_prefix(long).and_then(|w| w.strip_prefix('='));
            let glued = glued.or_else(|| word.strip_prefix(short).filter(|w| !w.is_empty()));
            glued.filter(|w| wanted(w)).map(|_| i)
        };
        (0..words.len()).filter_map(at).nth(nth)
    };
    match part {
        Culprit::Other => None,
        Culprit::Target => named("--jump", "-j", &|_| true, 0).or_else(|| named("--goto", "-g", &|_| true, 0)),
        Culprit::Match(i) => {
            let m = rule.matches.get(i)?;
            let same = |w: &str| m.desc().map_or(w == m.name(), |d| d.name == w || d.aliases.contains(&w));
            let nth = rule.matches[..i].iter().filter(|o| o.name() == m.name()).count();
            // One that came with its protocol.
            named("--match", "-m", &same, nth)
                .or_else(|| named("--protocol", "-p", &|_| true, 0))
                .or_else(|| named("--proto", "-p", &|_| true, 0))
        }
    }
}

/// Whether an extension's kernel half asks for a protocol that the rule does not name.
pub(super) fn misplaced(desc: &ext::Desc, head: &Head) -> bool {
    desc.proto.is_some_and(|p| head.proto != Inv::plain(Proto(p)))
}
