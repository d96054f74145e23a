//! `-m policy`: whether IPsec carried a packet here, or will carry it away, and how.
//!
//! Kernel: net/netfilter/xt_policy.c; ABI: uapi/linux/netfilter/xt_policy.h (four elements).
use super::addrmask::AddrMask;
use super::prelude::*;
use ox_wire::xtables::ipsec::{XtPolicyElem, XtPolicyInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    out: bool,
    none: bool,
    strict: bool,
    elements: Vec<Element>,
}

/// What is asked of one transformation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Element {
    reqid: Option<Inv<u32>>,
    spi: Option<Inv<u32>>,
    proto: Option<Inv<u8>>,
    tunnel: Option<Inv<bool>>,
    dst: Option<Inv<AddrMask>>,
    src: Option<Inv<AddrMask>>,
}

/// Most elements.
const MAX: usize = 4;

options! { Policy;
    /// `in` for packets that came, `out` for packets that leave.
    DIR ["dir"] Dir, .needed() => |p, v| p.out = v.0;
    /// `ipsec`, or `none` for packets without.
    POL ["pol"] Pol => |p, v| p.none = v.0;
    /// The elements must be all of the policy, in order.
    STRICT ["strict"] Flag => |p, _v| p.strict = true;
    /// Request id of the rule.
    REQID ["reqid"] Inv<u32>, .multi() => |p, v| once(&mut p.last().reqid, v);
    /// Security parameters index.
    SPI ["spi"] Inv<u32>, .multi() => |p, v| once(&mut p.last().spi, v);
    /// esp, ah or ipcomp.
    PROTO ["proto"] Inv<Transform>, .multi() => |p, v| once(&mut p.last().proto, Inv { is: v.is.0, not: v.not });
    /// `tunnel` or `transport`.
    MODE ["mode"] Inv<Mode>, .multi() => |p, v| once(&mut p.last().tunnel, Inv { is: v.is.0, not: v.not });
    /// Far end of a tunnel.
    DST ["tunnel-dst"] Inv<AddrMask>, .multi() => |p, v| once(&mut p.last().dst, v);
    /// Near end of a tunnel.
    SRC ["tunnel-src"] Inv<AddrMask>, .multi() => |p, v| once(&mut p.last().src, v);
    /// Begins the next element of a strict policy.
    NEXT ["next"] Flag, .separates() => |p, _v| p.next();
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err("it can be given only once for each element".into()),
    }
}

struct Dir(bool);

impl Value for Dir {
    const HINT: &'static str = "in|out";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "in" => Ok(Dir(false)),
            "out" => Ok(Dir(true)),
            other => Err(format!("`{other}' is not a direction: in or out")),
        }
    }
}

struct Pol(bool);

impl Value for Pol {
    const HINT: &'static str = "ipsec|none";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "ipsec" => Ok(Pol(false)),
            "none" => Ok(Pol(true)),
            other => Err(format!("`{other}' is not a policy: ipsec or none")),
        }
    }
}

/// Names of the transformations.
const TRANSFORMS: [(&str, u8); 3] = [("esp", 50), ("ah", 51), ("ipcomp", 108)];

struct Transform(u8);

impl Value for Transform {
    const HINT: &'static str = "esp|ah|ipcomp";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let n = number(args[0], 255).map(|n| n as u8);
        match TRANSFORMS.iter().find(|(name, p)| *name == args[0] || Some(*p) == n) {
            Some(&(_, p)) => Ok(Transform(p)),
            None => Err(format!("`{}' is not a protocol of IPsec: esp, ah or ipcomp", args[0])),
        }
    }
}

struct Mode(bool);

impl Value for Mode {
    const HINT: &'static str = "tunnel|transport";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        match args[0] {
            "tunnel" => Ok(Mode(true)),
            "transport" => Ok(Mode(false)),
            other => Err(format!("`{other}' is not a mode: tunnel or transport")),
        }
    }
}

impl Policy {
    fn last(&mut self) -> &mut Element {
        if self.elements.is_empty() {
            self.elements.push(Element::default());
        }
        let last = self.elements.len() - 1;
        &mut self.elements[last]
    }

    fn next(&mut self) -> Result<(), String> {
        self.last();
        if self.elements.len() == MAX {
            return Err(format!("a policy has {MAX} elements at most"));
        }
        self.elements.push(Element::default());
        Ok(())
    }
}

impl Element {
    fn print(&self, dashes: &str, numeric: bool, family: Family, out: &mut Out) {
        let Self { reqid, spi, proto, tunnel, dst, src } = *self;
        let flag = |not: bool, name: &str, out: &mut Out| {
            out.word(if not { "! " } else { "" });
            out.raw(dashes);
            out.raw(name);
            out.gap();
        };
        if let Some(v) = reqid {
            flag(v.not, "reqid", out);
            v.is.print(out);
        }
        if let Some(v) = spi {
            flag(v.not, "spi", out);
            out.fmt(format_args!("{:#x}", v.is));
        }
        if let Some(v) = proto {
            flag(v.not, "proto", out);
            match TRANSFORMS.iter().find(|t| t.1 == v.is && !numeric) {
                Some((name, _)) => out.raw(name),
                None => v.is.print(out),
            }
        }
        if let Some(v) = tunnel {
            flag(v.not, "mode", out);
            out.raw(if v.is { "tunnel" } else { "transport" });
        }
        for (name, end) in [("tunnel-dst", dst), ("tunnel-src", src)] {
            let Some(v) = end else { continue };
            flag(v.not, name, out);
            v.is.print(family, true, out);
        }
    }
}

impl Ext for Policy {
    const NAME: &'static str = "policy";
    const ABOUT: &'static str = "Asks whether IPsec carried the packet here, or will carry it away, and how.";

    fn check(&mut self, _: u32, _: &Reading<'_>) -> Result<(), String> {
        if self.none {
            if self.strict || self.elements.len() > 1 {
                return Err("`--pol none' has no elements and no `--strict'".into());
            }
            self.elements.clear();
        }
        if !self.strict && self.elements.len() > 1 {
            return Err("several elements go with `--strict' only".into());
        }
        if self.strict && (self.elements.is_empty() || self.elements.contains(&Element::default())) {
            return Err("with `--strict', each element must ask for something".into());
        }
        // Not given, the mode is transport.
        let tunnel = |e: &Element| e.tunnel.is_some_and(|t| t.is != t.not);
        if self.elements.iter().any(|e| (e.src.is_some() || e.dst.is_some()) && !tunnel(e)) {
            return Err("the ends of a tunnel go with `--mode tunnel' only".into());
        }
        Ok(())
    }

    fn admit(&self, at: &Place<'_>) -> Result<(), Refused> {
        let hooks = at.checked_hooks();
        if self.out && (hooks.has(Hook::Prerouting) || hooks.has(Hook::Input)) {
            return Err(Refused::invalid("`--dir out' is used where packets do not leave"));
        }
        if !self.out && (hooks.has(Hook::Postrouting) || hooks.has(Hook::Output)) {
            return Err(Refused::invalid("`--dir in' is used where packets do not come in"));
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, family: Family) {
        let Self { out: leaves, none, strict, elements } = self;
        out.opt(false, "--dir", if *leaves { "out" } else { "in" });
        out.opt(false, "--pol", if *none { "none" } else { "ipsec" });
        if *strict {
            out.word("--strict");
        }
        for (i, element) in elements.iter().enumerate() {
            if i > 0 {
                out.word("--next");
            }
            element.print("--", false, family, out);
        }
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { out: leaves, none, strict, elements } = self;
        out.word("policy match");
        out.opt(false, "dir", if *leaves { "out" } else { "in" });
        out.opt(false, "pol", if *none { "none" } else { "ipsec" });
        if *strict {
            out.word("strict");
        }
        for (i, element) in elements.iter().enumerate() {
            if elements.len() > 1 {
                out.fmt(format_args!(" [{i}]"));
            }
            element.print("", show.numeric, show.family, out);
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { out, none, strict: _, elements } = self;
        let asked = |e: &Element| *e != Element::default();
        if elements.iter().any(asked) {
            return nft.no("nft asks whether there is a policy, and not for what it says");
        }
        nft.word(if *out { "rt ipsec" } else { "meta secpath" });
        nft.word(if *none { "missing" } else { "exists" });
        Some(())
    }
}

impl Matching for Policy {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { out, none, strict: _, elements: _ } = self;
        let why = if *out { "whether IPsec will carry the packet" } else { "whether IPsec carried the packet here" };
        let none = *none;
        Native::new("IPsec policy", Effect::Stable, move |at| match at.env.ipsec() {
            Some(false) => Ok(none),
            _ => Err(Stop::Unknown(why)),
        })
        .into()
    }
}

impl Xt<0> for Policy {
    type Info = XtPolicyInfo;

    fn encode(&self, cx: &Carry<'_>) -> Option<XtPolicyInfo> {
        let Self { out, none, strict, elements } = self;
        let mut info = XtPolicyInfo {
            flags: bits([!out, *out, *none, *strict]).into(),
            // One element that asks for nothing is what stock gives the kernel for none.
            len: if *none { 0 } else { elements.len().max(1) as u16 },
            ..Default::default()
        };
        for (slot, element) in info.pol.iter_mut().zip(elements) {
            *slot = element.encode(cx.family);
        }
        Some(info)
    }

    fn decode(info: &XtPolicyInfo, cx: &Carry<'_>) -> Option<Self> {
        let XtPolicyInfo { pol, flags, len } = info;
        let [_, out, none, strict] = unbits(*flags as u8);
        let pol = pol.get(..usize::from(*len))?;
        let mut elements: Vec<Element> = pol.iter().map(|e| Element::decode(e, cx.family)).collect();
        if !strict && elements == [Element::default()] {
            elements.clear();
        }
        Some(Self { out, none, strict, elements })
    }

    fn settle(info: &mut XtPolicyInfo, cx: &Carry<'_>) {
        // Stock forgets to take back what was said before `--pol none'.
        for element in info.pol.iter_mut().skip(info.len.into()) {
            *element = XtPolicyElem::default();
        }
        for element in &mut info.pol {
            settle_mask(&mut element.smask, cx.family);
            settle_mask(&mut element.dmask, cx.family);
        }
    }
}

/// A mask, which stock fills up when it is whole.
fn mask128(mask: u128, family: Family) -> [u8; 16] {
    let whole = inet_mask(128, family);
    if addr(&whole, family) == mask { whole } else { inet(mask, family) }
}

impl Element {
    fn encode(&self, family: Family) -> XtPolicyElem {
        let Self { reqid, spi, proto, tunnel, dst, src } = *self;
        let end = |end: Option<Inv<AddrMask>>| end.map_or((0, 0), |e| (e.is.addr, e.is.mask));
        let ((saddr, smask), (daddr, dmask)) = (end(src), end(dst));
        let said = [
            src.map(|v| v.not),
            dst.map(|v| v.not),
            proto.map(|v| v.not),
            tunnel.map(|v| v.not),
            spi.map(|v| v.not),
            reqid.map(|v| v.not),
        ];
        XtPolicyElem {
            saddr: inet(saddr, family),
            smask: mask128(smask, family),
            daddr: inet(daddr, family),
            dmask: mask128(dmask, family),
            spi: spi.map_or(0, |v| v.is),
            reqid: reqid.map_or(0, |v| v.is),
            proto: proto.map_or(0, |v| v.is),
            mode: tunnel.is_some_and(|v| v.is).into(),
            r#match: bits(said.map(|s| s.is_some())),
            invert: bits(said.map(|s| s == Some(true))),
        }
    }

    fn decode(info: &XtPolicyElem, family: Family) -> Self {
        let XtPolicyElem { saddr, smask, daddr, dmask, spi, reqid, proto, mode, r#match, invert } = *info;
        let not: [bool; 6] = unbits(invert);
        let [s, d, p, m, i, r] = unbits(r#match);
        let end = |a, mask, not| Inv { is: AddrMask { addr: addr(&a, family), mask: addr(&mask, family) }, not };
        Self {
            reqid: r.then_some(Inv { is: reqid, not: not[5] }),
            spi: i.then_some(Inv { is: spi, not: not[4] }),
            proto: p.then_some(Inv { is: proto, not: not[2] }),
            tunnel: m.then_some(Inv { is: mode != 0, not: not[3] }),
            dst: d.then_some(end(daddr, dmask, not[1])),
            src: s.then_some(end(saddr, smask, not[0])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        for (typed, printed, listed) in [
            ("-m policy --dir in", "-m policy --dir in --pol ipsec", "policy match dir in pol ipsec"),
            (
                "-m policy --pol none --dir in --reqid 5",
                "-m policy --dir in --pol none",
                "policy match dir in pol none",
            ),
            (
                "-m policy --dir in --strict --tunnel-src 1.2.3.4 ! --tunnel-dst 5.6.7.8/16 --mode tunnel --proto esp --next ! --spi 16",
                "-m policy --dir in --pol ipsec --strict --proto esp --mode tunnel ! --tunnel-dst 5.6.7.8/16 --tunnel-src 1.2.3.4 --next ! --spi 0x10",
                "policy match dir in pol ipsec strict [0] proto 50 mode tunnel ! tunnel-dst 5.6.7.8/16 tunnel-src 1.2.3.4 [1] ! spi 0x10",
            ),
        ] {
            check(V4, Filter, typed, printed, listed);
        }
        for rest in
            ["--pol none --strict", "--proto esp --next --proto ah", "--strict", "--tunnel-src 1.2.3.4", "--proto tcp"]
        {
            refused(V4, Filter, &format!("-m policy --dir in {rest}"));
        }
        refused(V4, Filter, "-m policy --pol ipsec");
    }
}
