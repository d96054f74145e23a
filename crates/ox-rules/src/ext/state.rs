//! `-m state`: the short form of `-m conntrack --ctstate`.
//!
//! Kernel: net/netfilter/xt_conntrack.c; the kernel knows only `conntrack`, and stock prints what was typed.
use super::conntrack::States;
use super::prelude::*;

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
}

impl Matching for State {
    fn pred(&self, _: &Lowering<'_>) -> Pred {
        let Self { state } = *self;
        state.is.pred().not_if(state.not)
    }
}
