//! `-m realm`: the realm of the packet's route.
//!
//! Kernel: net/netfilter/xt_realm.c; ABI: uapi/linux/netfilter/xt_realm.h.
use super::named;
use super::prelude::*;
use ox_wire::xtables::host::XtRealmInfo;

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Realm {
    realm: Inv<Id>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Id(Masked);

/// Realm 0, as iproute2's table names it.
const ZERO: &str = "cosmos";

impl Value for Id {
    const HINT: &'static str = "REALM[/MASK]";
    fn read(args: &[&str], _: bool, _: &Reading<'_>) -> Result<Self, String> {
        named::read(args[0], ZERO).map(Id)
    }
}

options! { Realm;
    /// The realm, looked at through the mask if one is given.
    REALM ["realm"] Inv<Id>, .needed() => |r, v| r.realm = v;
}

impl Ext for Realm {
    const NAME: &'static str = "realm";
    const FAMILIES: Families = Families::V4;
    const ABOUT: &'static str = "Compares the realm of the packet's route.";
    const HOOKS: HookSet = HookSet::of(&[Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting]);

    fn save(&self, out: &mut Out, _: Family) {
        let Self { realm } = *self;
        out.flag(realm.not, "--realm");
        named::print(realm.is.0, ZERO, false, out);
    }

    fn list(&self, out: &mut Out, show: &Show<'_>) {
        let Self { realm } = *self;
        out.flag(realm.not, "realm");
        named::print(realm.is.0, ZERO, show.numeric, out);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { realm } = *self;
        super::mark::translate_mark("rtclassid", Inv { is: realm.is.0, not: realm.not }, nft)
    }
}

impl Matching for Realm {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { realm } = *self;
        match realm.is.0.mask {
            0 => Pred::Is((realm.is.0.value == 0) != realm.not),
            _ => Native::unknown("realm", "the realm of the packet's route").into(),
        }
    }
}

impl Xt<0> for Realm {
    type Info = XtRealmInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtRealmInfo> {
        let Self { realm } = *self;
        let Masked { value, mask } = realm.is.0;
        Some(XtRealmInfo { id: value, mask, invert: realm.not.into(), ..Default::default() })
    }

    fn decode(info: &XtRealmInfo, _: &Carry<'_>) -> Option<Self> {
        let XtRealmInfo { id, mask, invert, _pad } = *info;
        Some(Self { realm: Inv { is: Id(Masked { value: id, mask }), not: invert != 0 } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, refused};
    use crate::model::TableName::Filter;
    use ox_packet::Family::{V4, V6};

    #[test]
    fn reads_and_prints() {
        check(V4, Filter, "-m realm --realm cosmos", "-m realm --realm cosmos", "realm 0x0");
        check(V4, Filter, "-m realm ! --realm 5/0xff", "-m realm ! --realm 0x5/0xff", "! realm 0x5/0xff");
        refused(V4, Filter, "-m realm");
        refused(V6, Filter, "-m realm --realm 5");
    }
}
