//! `-m connlabel`: one of 128 labels of a connection, which it may set.
//!
//! Kernel: net/netfilter/xt_connlabel.c; ABI: uapi/linux/netfilter/xt_connlabel.h. Names for labels come from a file of
//! the host (`connlabel.conf`); numbers always work.
use super::prelude::*;
use ox_wire::xtables::conn::XtConnlabelMtinfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connlabel {
    label: Inv<u32>,
    set: bool,
}

options! { Connlabel;
    /// Number of the label, from 0 to 127.
    LABEL ["label"] Inv<Label>, .needed() => |c, v| c.label = Inv { is: v.is.0, not: v.not };
    /// Set the label if the connection does not have it.
    SET ["set"] Flag => |c, _v| c.set = true;
}

/// A label's number; the kernel refuses those that are too large, but for what an `int` cannot hold.
struct Label(u32);

impl Value for Label {
    const FORMS: &'static [Form] = &[Form::Number];
    const HINT: &'static str = "N";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        let label = number(args[0], i32::MAX as u32).map(Self);
        label.ok_or_else(|| format!("`{}' is not a number of a label: 0 to 127 are expected", args[0]))
    }
}

impl Ext for Connlabel {
    const NAME: &'static str = "connlabel";
    const ABOUT: &'static str = "Asks for a label of the connection, and may set it.";
    const TRACKING: bool = true;

    fn admit(&self, _: &Place<'_>) -> Result<(), Refused> {
        let Self { label, set: _ } = *self;
        if label.is > 127 {
            let why = format!("label {} is beyond the 128 of a connection", label.is);
            return Err(Refused { errno: "Numerical result out of range", why });
        }
        Ok(())
    }

    fn save(&self, out: &mut Out, _: Family) {
        let Self { label, set } = *self;
        out.opt(label.not, "--label", format_args!("\"{}\"", label.is));
        if set {
            out.word("--set");
        }
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { label, set } = *self;
        out.word("connlabel");
        out.raw(if label.not { " ! " } else { " " });
        label.is.print(out);
        if set {
            out.word("set");
        }
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { label, set } = *self;
        if label.is > 127 {
            return nft.no("a connection has 128 labels");
        }
        if label.not {
            return nft.no("without a connection `!' holds here, and nft asks for labels of connections only");
        }
        if set {
            nft.say(format_args!("ct label set {}", label.is));
        }
        nft.say(format_args!("ct label {}", label.is));
        Some(())
    }
}

impl Matching for Connlabel {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { label, set } = *self;
        let bit = 1u128.checked_shl(label.is).unwrap_or(0);
        let effect = if set { Effect::Mutates } else { Effect::Stable };
        Native::new("connection label", effect, move |at| {
            let Some(conn) = at.conn.as_deref_mut() else { return Ok(label.not) };
            if set {
                conn.labels |= bit;
            }
            Ok((conn.labels & bit != 0) != label.not)
        })
        .into()
    }
}

impl Xt<0> for Connlabel {
    type Info = XtConnlabelMtinfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtConnlabelMtinfo> {
        let Self { label, set } = *self;
        Some(XtConnlabelMtinfo { bit: label.is.try_into().ok()?, options: bits([label.not, set]).into() })
    }

    fn decode(info: &XtConnlabelMtinfo, _: &Carry<'_>) -> Option<Self> {
        let XtConnlabelMtinfo { bit, options } = *info;
        let [not, set] = unbits(options as u8);
        Some(Self { label: Inv { is: bit.into(), not }, set })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::V4;

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-m connlabel --set ! --label 5", "-m connlabel ! --label \"5\" --set", "connlabel ! 5 set");
        refused(V4, Filter, "-m connlabel --set");
        refused(V4, Filter, "-m connlabel --label nosuch");
    }
}
