//! Extensions: one file for each match, target, or pair of both; one row each in the registry below.
//!
//! A file says how its extension is written ([`Options`]), what is refused ([`Ext::check`], [`Ext::admit`]), how it is
//! printed ([`Ext::save`], [`Ext::list`]) and what it means ([`Matching::pred`] or [`Acting::act`]). Nobody outside the
//! file knows any of that. `CONTRIBUTING.md` lists the steps for a new one.

pub mod abi;
mod addrmask;
pub mod addrtype;
pub mod ah;
pub mod audit;
pub mod bpf;
pub mod cgroup;
pub mod checksum;
pub mod classify;
pub mod cluster;
pub mod clusterip;
pub mod comment;
pub mod connbytes;
pub mod connlabel;
pub mod connlimit;
pub mod connmark;
pub mod conntrack;
pub mod cpu;
pub mod ct;
pub mod dccp;
pub mod devgroup;
pub mod dnat;
pub mod dscp;
pub mod ecn;
pub mod esp;
pub mod eui64;
mod exthdr;
pub mod frag;
pub mod hashlimit;
mod hashtable;
pub mod helper;
pub mod hl;
pub mod hmark;
mod hops;
pub mod icmp;
pub mod icmp6;
pub mod idletimer;
pub mod ipcomp;
pub mod iprange;
pub mod ipv6header;
pub mod ipvs;
pub mod led;
pub mod length;
pub mod limit;
pub mod log;
pub mod mac;
pub mod mark;
pub mod masquerade;
mod merge;
pub mod mh;
pub mod multiport;
mod named;
mod nat;
pub mod netmap;
pub mod nfacct;
pub mod nflog;
pub mod nfqueue;
pub mod npt;
pub mod opts;
pub mod osf;
pub mod owner;
pub mod physdev;
pub mod pkttype;
mod plen;
pub mod policy;
mod ports;
pub mod quota;
mod rate;
pub mod rateest;
pub mod realm;
pub mod recent;
pub mod redirect;
pub mod reject;
pub mod rpfilter;
pub mod rt;
pub mod sctp;
pub mod secmark;
pub mod set;
pub mod snat;
pub mod socket;
mod span;
pub mod srh;
pub mod state;
pub mod statistic;
pub mod string;
pub mod synproxy;
pub mod tcp;
pub mod tcpmss;
pub mod tcpoptstrip;
pub mod tee;
pub mod time;
pub mod tos;
pub mod tproxy;
pub mod trace;
pub mod ttl;
pub mod u32;
pub mod udp;
pub mod ulog;

#[cfg(test)]
mod header_tests;
mod prelude;
mod registry;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trial;

pub use merge::as_nft_writes;
pub use registry::{Match, Target};

use crate::ir::{Act, HookSet, Lowering, Pred};
use crate::model::{Foreign, Head, TableName};
use crate::syntax::{Nft, Opt, Options, Out, Reading, Show};
use ox_packet::Family;
use std::sync::LazyLock;

/// Which families an extension is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Both.
    Both,
    /// iptables only.
    V4,
    /// ip6tables only.
    V6,
}

impl Families {
    /// Whether a family is among them.
    pub const fn has(self, family: Family) -> bool {
        matches!((self, family), (Families::Both, _) | (Families::V4, Family::V4) | (Families::V6, Family::V6))
    }
}

/// Where a rule stands, as the kernel sees it when it decides whether to take it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Family.
    pub family: Family,
    /// Table.
    pub table: TableName,
    /// Hooks from which the rule's chain can be reached.
    pub hooks: HookSet,
    /// Whether that chain is a built-in one.
    pub base: bool,
    /// The rule's head.
    pub head: &'a Head,
    /// The rule's matches, all of them.
    pub matches: &'a [Match],
    /// Whose refusals.
    pub dialect: crate::ir::Dialect,
}

impl Place<'_> {
    /// The hooks that `checkentry` is told of: nf_tables names none for a user's chain
    /// (Kernel: net/netfilter/nft_compat.c `nft_compat_chain_validate_dependency`, `nft_match_set_mtchk_param`).
    pub fn checked_hooks(&self) -> HookSet {
        if self.base || self.dialect == crate::ir::Dialect::Legacy { self.hooks } else { HookSet::NONE }
    }
}

/// A refusal by the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// errno text as scripts see it (`Invalid argument`).
    pub errno: &'static str,
    /// Why, in our words.
    pub why: String,
}

impl Refused {
    /// `EINVAL`
    pub fn invalid(why: impl Into<String>) -> Self {
        Self { errno: "Invalid argument", why: why.into() }
    }
}

/// Something that the kernel keeps under a name and the first rule with that name makes: whoever names it later must mean
/// the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shared<'a> {
    /// What it is, for messages.
    pub what: &'static str,
    /// Its name.
    pub name: &'a str,
    /// What must be the same for all.
    pub terms: u64,
}

/// What every extension is: a value with a syntax.
pub trait Ext: Options + Default + Clone + PartialEq + std::fmt::Debug {
    /// Name after `-m` or `-j`.
    const NAME: &'static str;
    /// Other names for the same.
    const ALIASES: &'static [&'static str] = &[];
    /// Name in listings, where it is another one.
    const LISTED: &'static str = Self::NAME;
    /// Families it is for.
    const FAMILIES: Families = Families::Both;
    /// One sentence for help.
    const ABOUT: &'static str;
    /// Protocol that `-p` must name without `!` for the kernel to take it (`.proto` of xt_match or xt_target).
    const PROTO: Option<u8> = None;
    /// Tables in which the kernel takes it (`.table`).
    const TABLES: &'static [TableName] = &TableName::ALL;
    /// Hooks at which the kernel takes it (`.hooks`).
    const HOOKS: HookSet = HookSet::ALL;
    /// Whether a rule with it makes the kernel track connections (its `checkentry` calls `nf_ct_netns_get`).
    const TRACKING: bool = false;
    /// Whether a rule with it makes the kernel put fragments together, as tracking does (`nf_defrag_ipv4_enable`).
    const DEFRAG: bool = false;
    /// Whether a rule with it makes the kernel count what connections carry (`nf_ct_set_acct`).
    const ACCOUNTING: bool = false;

    /// What stock's final check refuses, once all words are read. `seen` holds the bits of the options given.
    ///
    /// # Errors
    /// What is missing or contradicts, in our own words.
    fn check(&mut self, seen: u32, cx: &Reading<'_>) -> Result<(), String> {
        let _ = (seen, cx);
        Ok(())
    }

    /// Whether this rule makes the kernel track connections; [`Ext::TRACKING`] unless the options decide.
    fn tracks(&self) -> bool {
        Self::TRACKING
    }

    /// What the kernel's `checkentry` refuses beyond `PROTO`, `TABLES` and `HOOKS`.
    ///
    /// # Errors
    /// The refusal.
    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let _ = at;
        Ok(())
    }

    /// What it shares with every other rule that says the same name, if the kernel compares the two.
    fn shared(&self) -> Option<Shared<'_>> {
        None
    }

    /// Prints the options as `-S` does: each ` --option value`, nothing for the name itself.
    fn save(&self, out: &mut Out, family: Family);

    /// Prints as `-L` does, words separated by a blank.
    fn list(&self, out: &mut Out, show: &Show<'_>);

    /// Says it in nft's words; `None` if nft has none that mean the same (and [`Nft::no`] can say why).
    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let _ = nft;
        None
    }
}

/// A match.
pub trait Matching: Ext {
    /// What it asks of a packet. At most one state-keeping native in it.
    fn pred(&self, cx: &Lowering<'_>) -> Pred;
}

/// A target.
pub trait Acting: Ext {
    /// What it does to a packet.
    fn act(&self, cx: &Lowering<'_>) -> Act;
}

/// What help, completion and checks need to know of an extension.
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    /// Name.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// See [`Ext::LISTED`].
    pub listed: &'static str,
    /// Families.
    pub families: Families,
    /// One sentence.
    pub about: &'static str,
    /// Option table.
    pub options: &'static [Opt],
    /// Row of the option table by an option's exact name.
    pub row: fn(&str) -> Option<usize>,
    /// Bits of the options without which it is refused.
    pub needed: u32,
    /// Bits of the options that need another one beside them.
    pub also: u32,
    /// See [`Ext::PROTO`].
    pub proto: Option<u8>,
    /// See [`Ext::TABLES`].
    pub tables: &'static [TableName],
    /// See [`Ext::HOOKS`].
    pub hooks: HookSet,
}

impl Desc {
    const fn of<E: Ext>() -> Self {
        let (mut needed, mut also, mut i) = (0, 0, 0);
        while i < E::OPTIONS.len() {
            needed |= (E::OPTIONS[i].needed as u32) << i;
            also |= ((E::OPTIONS[i].also != 0) as u32) << i;
            i += 1;
        }
        Self {
            name: E::NAME,
            aliases: E::ALIASES,
            listed: E::LISTED,
            families: E::FAMILIES,
            about: E::ABOUT,
            options: E::OPTIONS,
            row: E::row,
            needed,
            also,
            proto: E::PROTO,
            tables: E::TABLES,
            hooks: E::HOOKS,
        }
    }
}

/// Every match, in registry order.
pub fn matches() -> &'static [Desc] {
    registry::MATCHES
}

/// Every target, in registry order.
pub fn targets() -> &'static [Desc] {
    registry::TARGETS
}

static MATCHES_BY_NAME: LazyLock<ByName> = LazyLock::new(|| ByName::new(registry::MATCHES));
static TARGETS_BY_NAME: LazyLock<ByName> = LazyLock::new(|| ByName::new(registry::TARGETS));

const _: () =
    assert!(registry::MATCHES.len() < 128 && registry::TARGETS.len() < 128, "rows and names are counted in bytes");

/// Registry rows by name and alias: a name is looked up for every `-m` and `-j` of a dump.
struct ByName {
    /// The first name of each [`ByName::slot`], as its place in `names` and one.
    slots: [u8; 256],
    /// A name, its families and row, and the next of the names in the same slot; few share one.
    names: Vec<(&'static str, Families, u8, u8)>,
}

impl ByName {
    fn new(descs: &'static [Desc]) -> Self {
        let (mut slots, mut names) = ([0; 256], Vec::new());
        // Backwards, so that the first of several rows is found first.
        for (i, desc) in descs.iter().enumerate().rev() {
            for name in [desc.name].iter().chain(desc.aliases) {
                let slot = &mut slots[Self::slot(name)];
                // There are far fewer than this has room for.
                names.push((*name, desc.families, i as u8, *slot));
                *slot = names.len() as u8;
            }
        }
        Self { slots, names }
    }

    /// Length and three letters tell nearly all names apart.
    fn slot(name: &str) -> usize {
        match *name.as_bytes() {
            [a, b, .., z] => (name.len() * 61 + usize::from(a) * 7 + usize::from(b) * 29 + usize::from(z) * 13) & 0xff,
            _ => name.len(),
        }
    }

    /// The row of the extension that answers to a name in a family.
    fn row(&self, name: &str, family: Family) -> Option<usize> {
        let mut at = self.slots[Self::slot(name)];
        loop {
            let &(found, families, row, next) = self.names.get(usize::from(at).wrapping_sub(1))?;
            if found == name && families.has(family) {
                return Some(row.into());
            }
            at = next;
        }
    }
}

/// A match by name.
pub fn match_desc(name: &str, family: Family) -> Option<&'static Desc> {
    MATCHES_BY_NAME.row(name, family).map(|i| &matches()[i])
}

/// A target by name.
pub fn target_desc(name: &str, family: Family) -> Option<&'static Desc> {
    TARGETS_BY_NAME.row(name, family).map(|i| &targets()[i])
}

/// Names of the matches of a family.
pub fn match_names(family: Family) -> impl Iterator<Item = &'static str> {
    matches().iter().filter(move |d| d.families.has(family)).map(|d| d.name)
}

/// Names of the targets of a family.
pub fn target_names(family: Family) -> impl Iterator<Item = &'static str> {
    targets().iter().filter(move |d| d.families.has(family)).map(|d| d.name)
}

/// A match by name, with nothing said yet.
pub fn new_match(name: &str, family: Family) -> Option<Match> {
    MATCHES_BY_NAME.row(name, family).map(registry::make_match)
}

/// A target by name, with nothing said yet.
pub fn new_target(name: &str, family: Family) -> Option<Target> {
    TARGETS_BY_NAME.row(name, family).map(registry::make_target)
}

/// The extension that has an option of this name, for "it belongs to …".
pub fn owner_of(option: &str, family: Family) -> Option<String> {
    let has = |d: &&Desc| d.families.has(family) && d.options.iter().any(|o| o.names.contains(&option));
    // Of the protocols with ports, tcp is most likely meant.
    let tcp = matches().iter().find(|d| d.name == "tcp" && has(d));
    let m = tcp.or_else(|| matches().iter().find(has)).map(|d| format!("-m {}", d.name));
    m.or_else(|| targets().iter().find(has).map(|d| format!("-j {}", d.name)))
}

/// Prints `-m NAME` and its options.
pub fn save_match(m: &Match, family: Family, out: &mut Out) {
    out.word("-m");
    match m {
        Match::Foreign(f) => out.guarded(&f.name),
        known => out.word(known.name()),
    }
    m.save(out, family);
}

/// Prints `-j NAME` and its options; nothing for jumps and verdicts, which `syntax::save` prints.
pub fn save_target(t: &Target, family: Family, out: &mut Out) {
    out.word("-j");
    match t {
        Target::Foreign(f) => out.guarded(&f.name),
        known => out.word(known.name()),
    }
    t.save(out, family);
}

/// What a match asks.
pub fn pred(m: &Match, cx: &Lowering<'_>) -> Pred {
    m.pred(cx)
}

/// What an extension target does.
pub fn act(t: &Target, cx: &Lowering<'_>) -> Act {
    t.act(cx)
}

/// Whether the kernel would take an extension where it stands.
///
/// # Errors
/// Its refusal.
pub fn admit_desc(desc: &Desc, at: &Place<'_>) -> Result<(), Refused> {
    let Desc { name, proto, tables, hooks, .. } = *desc;
    if !tables.contains(&at.table) {
        let list: Vec<_> = tables.iter().map(|t| t.name()).collect();
        return Err(Refused::invalid(format!("{name} is only valid in the {} table", list.join(" or "))));
    }
    if !hooks.covers(at.hooks) {
        let list: Vec<_> = at.table.hooks().iter().filter(|h| hooks.has(**h)).map(|h| h.name()).collect();
        let why = match list.as_slice() {
            [] => format!("{name} is not valid in the {} table", at.table.name()),
            list => format!("{name} is only valid in {} and in chains called from there alone", list.join(", ")),
        };
        return Err(Refused::invalid(why));
    }
    if let Some(p) = proto
        && (at.head.proto.is.0 != p || at.head.proto.not)
    {
        return Err(Refused::invalid(format!("{name} is only valid for protocol {p}")));
    }
    Ok(())
}

/// An address of the rule's family, or the first of a host name's.
fn host(text: &str, cx: &Reading<'_>) -> Result<u128, String> {
    if let Some(addr) = crate::syntax::read_addr(text, cx.family) {
        return Ok(addr);
    }
    let found = cx.names.hosts(text, cx.family).map_err(|why| format!("`{text}' is not an address: {why}"))?;
    found.first().copied().ok_or_else(|| format!("`{text}' has no address in this family"))
}

/// Prints the words of an unknown extension as they stood.
fn save_foreign(f: &Foreign, out: &mut Out) {
    for w in &f.words {
        out.guarded(w);
    }
}
