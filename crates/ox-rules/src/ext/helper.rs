//! `-m helper`: packets of a connection that a helper expected.
//!
//! Kernel: net/netfilter/xt_helper.c; ABI: uapi/linux/netfilter/xt_helper.h (30 bytes of name, zero included).
use super::prelude::*;
use crate::bytes::cut;
use ox_wire::xtables::conn::XtHelperInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Helper {
    name: Inv<Text>,
}

options! { Helper;
    /// Name of the helper that expected the connection; empty for any.
    HELPER ["helper"] Inv<Text>, .needed() => |h, v| h.name = Inv { is: Text(cut(&v.is.0, 29).to_owned()), not: v.not };
}

impl Ext for Helper {
    const NAME: &'static str = "helper";
    const ABOUT: &'static str = "Passes packets of connections that a helper such as ftp expected.";
    const TRACKING: bool = true;

    fn save(&self, out: &mut Out, _: Family) {
        let Self { name } = self;
        out.flag(name.not, "--helper");
        out.quoted(&name.is.0);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { name } = self;
        out.fmt(format_args!(
            "{}helper match {}\"{}\"",
            if out.text.is_empty() { "" } else { " " },
            if name.not { "! " } else { "" },
            name.is.0
        ));
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { name } = self;
        if name.is.0.is_empty() {
            return nft.no("nft cannot ask for any helper at all");
        }
        if name.not {
            return nft.no("connections without a helper pass here, and nft asks for helpers only where there is one");
        }
        // `NF_CT_HELPER_NAME_LEN`, zero included.
        if name.is.0.len() > 15 {
            return nft.no("nft takes names of helpers up to 15 bytes");
        }
        nft.word("ct helper");
        nft.quoted(&name.is.0)
    }
}

impl Matching for Helper {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { name } = self.clone();
        Native::new("helper of the master connection", Effect::Stable, move |at| {
            let Some(conn) = at.conn.as_deref().filter(|c| c.master.is_some()) else { return Ok(name.not) };
            let Some(helper) = &conn.master_helper else { return Ok(name.not) };
            // Kernel: `strncmp` over the helper's own length, so a longer name (ftp-2121) passes as well.
            Ok(name.is.0.is_empty() != name.not || name.is.0.starts_with(helper.as_str()) != name.not)
        })
        .into()
    }
}

impl Xt<0> for Helper {
    type Info = XtHelperInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtHelperInfo> {
        let Self { name } = self;
        Some(XtHelperInfo { invert: name.not.into(), name: chars(&name.is.0)?, ..Default::default() })
    }

    fn decode(info: &XtHelperInfo, _: &Carry<'_>) -> Option<Self> {
        let XtHelperInfo { invert, name, _pad } = info;
        Some(Self { name: Inv { is: Text(text(name)?.into_owned()), not: *invert != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(
            V4,
            Filter,
            "-m helper ! --helper ftp-2121",
            "-m helper ! --helper ftp-2121",
            "helper match ! \"ftp-2121\"",
        );
        check(V4, Filter, "-m helper --helper \"\"", "-m helper --helper \"\"", "helper match \"\"");
        refused(V4, Filter, "-m helper");
    }
}
