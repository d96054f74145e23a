//! `-m nfacct`: counts on a named accounting object.
//!
//! Kernel: net/netfilter/xt_nfacct.c, net/netfilter/nfnetlink_acct.c; ABI: uapi/linux/netfilter/xt_nfacct.h.
//! The kernel takes a rule only if the object exists; a ruleset file has no objects, so here every name does.
use super::prelude::*;
use ox_wire::xtables::report::{XtNfacctMatchInfo, XtNfacctMatchInfoV1};
use std::mem::offset_of;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Nfacct {
    name: String,
}

/// Bytes of a name that the kernel keeps, the final zero not counted (`NFACCT_NAME_MAX` - 1).
const NAME_MAX: usize = 31;

options! { Nfacct;
    /// Name of the accounting object.
    NAME ["nfacct-name"] Text, .needed() => |n, v| n.name(v.0);
}

impl Nfacct {
    fn name(&mut self, name: String) -> Result<(), String> {
        match bytes::len(&name) {
            0 => Err("a name must have one character at least".into()),
            len if len > NAME_MAX => Err(format!("a name of {len} bytes is too long: {NAME_MAX} at most")),
            _ => {
                self.name = name;
                Ok(())
            }
        }
    }
}

impl Ext for Nfacct {
    const NAME: &'static str = "nfacct";
    const ABOUT: &'static str = "Counts packets and bytes on a named object; no match while it is under its quota.";

    fn save(&self, out: &mut Out, _: Family) {
        let Self { name } = self;
        // Stock leaves two blanks before the name, here and in listings.
        out.word("--nfacct-name  ");
        print(name, out);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { name } = self;
        out.word("nfacct-name  ");
        print(name, out);
    }
}

fn print(name: &str, out: &mut Out) {
    let mut word = Out::default();
    word.guarded(name);
    out.raw(&word.text);
}

impl Matching for Nfacct {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { name } = self.clone();
        Native::new("accounting object", Effect::Mutates, move |at| Ok(at.env.account(&name, at.packet.key.len))).into()
    }
}

/// As revision 0, but for how 32-bit programs see it.
impl Xt<1> for Nfacct {
    type Info = XtNfacctMatchInfoV1;
    const COMPARE: usize = offset_of!(XtNfacctMatchInfoV1, nfacct);

    fn encode(&self, _: &Carry<'_>) -> Option<XtNfacctMatchInfoV1> {
        let Self { name } = self;
        Some(XtNfacctMatchInfoV1 { name: chars(name)?, ..Default::default() })
    }

    fn decode(info: &XtNfacctMatchInfoV1, _: &Carry<'_>) -> Option<Self> {
        let XtNfacctMatchInfoV1 { name, nfacct: _ } = info;
        Some(Self { name: text(name)?.into_owned() })
    }
}

impl Xt<0> for Nfacct {
    type Info = XtNfacctMatchInfo;
    const COMPARE: usize = offset_of!(XtNfacctMatchInfo, nfacct);

    fn encode(&self, _: &Carry<'_>) -> Option<XtNfacctMatchInfo> {
        let Self { name } = self;
        Some(XtNfacctMatchInfo { name: chars(name)?, ..Default::default() })
    }

    fn decode(info: &XtNfacctMatchInfo, _: &Carry<'_>) -> Option<Self> {
        let XtNfacctMatchInfo { name, nfacct: _ } = info;
        Some(Self { name: text(name)?.into_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use super::super::trial::{Trial, udp};
    use super::*;

    #[test]
    fn text() {
        let two_blanks = "-m nfacct --nfacct-name  foo";
        check(Family::V4, TableName::Filter, "-m nfacct --nfacct-name foo", two_blanks, "nfacct-name  foo");
        for name in ["\"\"", "01234567890123456789012345678901"] {
            refused(Family::V4, TableName::Filter, &format!("-m nfacct --nfacct-name {name}"));
        }
    }

    #[test]
    fn the_object_decides() {
        let mut packet = udp([1, 1, 1, 1], [2, 2, 2, 2]);
        assert_eq!(Trial::of("-m nfacct --nfacct-name foo").takes(&mut packet), Ok(true));
        packet.key.len = 20;
        assert_eq!(Trial::of("-m nfacct --nfacct-name foo").takes(&mut packet), Ok(false));
    }
}
