//! `-m state`: the short form of `-m conntrack --ctstate`.
//!
//! Kernel: net/netfilter/xt_conntrack.c; the kernel knows only `conntrack`, and stock prints what was typed.
use super::conntrack::States;
use super::prelude::*;
use ox_wire::xtables::conn::{XtConntrackMtinfo3, XtStateInfo};

/// The match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    state: Inv<States>,
}

options! { State;
    /// Any of these states: INVALID, NEW, RELATED, ESTABLISHED, UNTRACKED.
    STATE ["state"] Inv<Texts>, .needed() => |s, v| s.read(v);
}

impl State {
    fn read(&mut self, v: Inv<Texts>) -> Result<(), String> {
        self.state = Inv { is: States::parse(&v.is.0, States::plain())?, not: v.not };
        Ok(())
    }
}

impl Ext for State {
    const NAME: &'static str = "state";
    const ABOUT: &'static str = "Asks for the state of the packet's connection.";
    const TRACKING: bool = true;

    fn save(&self, out: &mut Out, _: Family) {
        let Self { state } = *self;
        out.opt(state.not, "--state", state.is);
    }

    fn list(&self, out: &mut Out, _: &Show<'_>) {
        let Self { state } = *self;
        out.opt(state.not, "state", state.is);
    }

    fn translate(&self, nft: &mut Nft<'_>) -> Option<()> {
        let Self { state } = *self;
        state.is.translate(state.not, nft)
    }
}

impl Matching for State {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { state } = *self;
        state.is.pred().not_if(state.not)
    }
}

impl Xt<3> for State {
    type Info = XtConntrackMtinfo3;
    const KERNEL: Option<&'static str> = Some("conntrack");

    fn encode(&self, _: &Carry<'_>) -> Option<Self::Info> {
        let Self { state } = *self;
        Some(super::conntrack::alias(state))
    }

    fn decode(info: &Self::Info, _: &Carry<'_>) -> Option<Self> {
        Some(Self { state: super::conntrack::aliased(info) })
    }
}

/// Kernel: xt_state.c, gone since Linux 2.6.38 in favour of conntrack's alias; the name is still taken.
impl Xt<0> for State {
    type Info = XtStateInfo;

    fn encode(&self, _: &Carry<'_>) -> Option<XtStateInfo> {
        let Self { state } = *self;
        // It has no bit for `!`: stock gives the states that are left.
        (!state.not).then(|| XtStateInfo { statemask: state.is.0.into() })
    }

    fn decode(info: &XtStateInfo, _: &Carry<'_>) -> Option<Self> {
        let XtStateInfo { statemask } = *info;
        let known: u16 = States::plain().iter().map(|s| s.1).sum();
        let bits = u16::try_from(statemask).ok().filter(|bits| bits & !known == 0)?;
        Some(Self { state: Inv::plain(States(bits)) })
    }
}
