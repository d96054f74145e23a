//! `Nft`: a rule of nft under construction, and what its language can write at all.

use crate::model::{Head, Inv, Net, TableName};
use crate::syntax::{Out, Print};
use ox_packet::Family;

/// Where a rule stands.
#[derive(Clone, Copy, Debug)]
pub struct Where<'a> {
    /// Family.
    pub family: Family,
    /// Table.
    pub table: TableName,
    /// Chain.
    pub chain: &'a str,
}

/// What is said beside a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aside {
    /// What is lost, or is not quite the same, in words for people.
    pub notes: Vec<String>,
    /// Commands of nft that make what the rule needs.
    pub before: Vec<String>,
    /// Sets made so far, for their names.
    pub sets: u32,
}

/// A rule of nft under construction: statements separated by blanks.
#[derive(Debug)]
pub struct Nft<'a> {
    out: Out,
    /// Family of the rule.
    pub family: Family,
    /// Table it is in.
    pub table: TableName,
    /// Chain it is in.
    pub chain: &'a str,
    /// Its head.
    pub head: &'a Head,
    needs_protocol: bool,
    comment: Option<String>,
    why: Option<String>,
    aside: Aside,
}

/// Longest comment that nft takes, in bytes.
const COMMENT: usize = 128;

impl<'a> Nft<'a> {
    pub(super) fn new(place: Where<'a>, head: &'a Head, sets: u32) -> Self {
        let Where { family, table, chain } = place;
        Self {
            out: Out::default(),
            family,
            table,
            chain,
            head,
            needs_protocol: false,
            comment: None,
            why: None,
            aside: Aside { sets, ..Aside::default() },
        }
    }

    /// `ip` or `ip6`.
    pub fn ip(&self) -> &'static str {
        match self.family {
            Family::V4 => "ip",
            Family::V6 => "ip6",
        }
    }

    /// A word after a blank.
    pub fn word(&mut self, word: &str) {
        self.out.word(word);
    }

    /// A value after a blank.
    pub fn value(&mut self, value: impl Print) {
        self.out.value(value);
    }

    /// Words after a blank.
    pub fn say(&mut self, words: std::fmt::Arguments<'_>) {
        self.out.gap();
        self.out.fmt(words);
    }

    /// Text without a blank before it.
    pub fn raw(&mut self, text: &str) {
        self.out.raw(text);
    }

    /// A value without a blank before it.
    pub fn raw_value(&mut self, value: impl Print) {
        value.print(&mut self.out);
    }

    /// An address without a blank before it.
    pub fn raw_addr(&mut self, addr: u128) {
        self.out.addr(self.family, addr);
    }

    /// A test: `KEY VALUE`, or `KEY != VALUE`.
    pub fn test(&mut self, key: &str, not: bool, value: impl Print) {
        self.word(key);
        if not {
            self.word("!=");
        }
        self.value(value);
    }

    /// An address after a blank.
    pub fn addr(&mut self, addr: u128) {
        self.out.gap();
        self.out.addr(self.family, addr);
    }

    /// `[!=] ADDRESS[/LENGTH]` behind a key, or `& MASK == ADDRESS` for a mask that is no prefix.
    pub fn net(&mut self, net: Inv<Net>) {
        let Inv { is, not } = net;
        let family = self.family;
        match is.prefix_len(family) {
            Some(len) => {
                if not {
                    self.word("!=");
                }
                self.addr(is.addr());
                if len != if family == Family::V4 { 32 } else { 128 } {
                    self.out.fmt(format_args!("/{len}"));
                }
            }
            None => {
                self.word("&");
                self.addr(is.mask());
                self.word(if not { "!=" } else { "==" });
                self.addr(is.addr());
            }
        }
    }

    /// A string in quotes: nft knows no way to write a quote in one.
    pub fn quoted(&mut self, text: &str) -> Option<()> {
        if !quotable(text) {
            return self.no(format!("nft cannot write {text:?}: a string of its cannot have a quote in it"));
        }
        self.say(format_args!("\"{text}\""));
        Some(())
    }

    /// The name of a device, in quotes only if it needs them.
    pub fn device(&mut self, device: &str) -> Option<()> {
        if name(device).is_err() {
            return self.quoted(device);
        }
        self.word(device);
        Some(())
    }

    /// The name of something that nft keeps.
    pub fn named(&mut self, text: &str) -> Option<()> {
        match name(text) {
            Ok(()) => self.word(text),
            Err(why) => return self.no(why),
        }
        Some(())
    }

    /// The rule's comment; the last one counts. nft cannot write a quote, and nothing longer than 128 bytes: comments are
    /// for people, so one is changed rather than that the rule be lost.
    pub fn comment(&mut self, text: &str) {
        let mut end = text.len().min(COMMENT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        if end < text.len() {
            self.note(format!("the comment is cut to {COMMENT} bytes, nft takes no more"));
        }
        let cut = &text[..end];
        if cut.contains('"') {
            self.note("quotes in the comment become apostrophes, nft cannot write them");
        }
        let plain = |c: char| match c {
            '"' => '\'',
            c if c.is_control() => ' ',
            c => c,
        };
        self.comment = Some(cut.chars().map(plain).collect());
    }

    /// Says what is lost, or is not quite the same.
    pub fn note(&mut self, note: impl Into<String>) {
        self.aside.notes.push(note.into());
    }

    /// Makes a set for addresses that the rule itself fills; its name.
    pub fn dynamic_set(&mut self, stem: &str) -> String {
        let name = format!("{stem}{}", self.aside.sets);
        self.aside.sets += 1;
        let (ip, table) = (self.ip(), self.table.name());
        let kind = if self.family == Family::V4 { "ipv4_addr" } else { "ipv6_addr" };
        self.aside.before.push(format!("add set {ip} {table} {name} {{ type {kind}; flags dynamic; }}"));
        name
    }

    /// What is said next means something to nft only behind the rule's protocol.
    pub fn needs_protocol(&mut self) {
        self.needs_protocol = true;
    }

    pub(super) fn must_say_protocol(&self) -> bool {
        self.needs_protocol
    }

    /// Gives up, and says why.
    pub fn no<T>(&mut self, why: impl Into<String>) -> Option<T> {
        self.why = Some(why.into());
        None
    }

    /// Why it was given up.
    pub(super) fn reason(&mut self, otherwise: impl FnOnce() -> String) -> String {
        self.why.take().unwrap_or_else(otherwise)
    }

    pub(super) fn len(&self) -> usize {
        self.out.text.len()
    }

    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.out.text)
    }

    pub(super) fn finish(mut self, aside: &mut Aside) -> String {
        if let Some(comment) = self.comment.take() {
            self.say(format_args!("comment \"{comment}\""));
        }
        aside.notes.append(&mut self.aside.notes);
        aside.before.append(&mut self.aside.before);
        aside.sets = self.aside.sets;
        self.out.text
    }
}

/// Whether nft can write this between quotes.
pub(super) fn quotable(text: &str) -> bool {
    !text.contains(|c: char| c == '"' || c.is_control())
}

/// Words that nft keeps for itself: it takes them as no name, and there are no quotes for names. Facts: nft 1.0.6, by
/// asking it about every word of its manual and library.
const KEPT: &str = "accept add ah all and arp auto-merge bridge cgroup chain comment comp constant continue counter cpu create \
    ct day dccp define delete describe device devices dnat drop dst dup dynamic ecn element elements eq esp \
    ether exists expires export exthdr fib flags flow flowtable flush frag fwd gc-interval ge get goto gt handle \
    hbh hook hour ibriport ibrname icmp icmpv6 igmp iif iifgroup iifname iiftype import include index inet \
    insert interval ip ip6 ipsec jhash jump le limit list log lshift lt map mark masquerade meta meter mh \
    missing monitor ne netdev nftrace not notrack numgen obriport obrname offload oif oifgroup oifname oiftype \
    or osf pkttype policy position priority queue quota random redefine redirect reject rename replace reset \
    return rshift rt rt0 rt2 rtclassid rule ruleset sctp secmark set size skgid skuid snat socket srh symhash \
    synproxy table tcp th time timeout tproxy type typeof udp udplite undefine update vlan vmap xor xt";

/// Whether nft's language takes a word as a name (its lexer's `string`).
///
/// # Errors
/// Why not.
pub(super) fn name(text: &str) -> Result<(), String> {
    let first = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b"_.".contains(&b));
    if KEPT.split(' ').any(|kept| kept == text) {
        return Err(format!("nft keeps the word `{text}' for itself and cannot take it as a name"));
    }
    if first && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_.".contains(&b)) {
        return Ok(());
    }
    Err(format!("nft cannot write the name {text:?}: letters, digits and / - _ . only, and no digit or dash first"))
}
