//! `Native`: a question that fields cannot answer, as a function plus what it may disturb.

use super::env::At;
use std::fmt;
use std::sync::Arc;

/// What asking does, so that everybody else knows how careful to be. What is not classified is `Mutates`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Same packet, same answer: may be moved, shared, skipped.
    Stable,
    /// Asks again each time (chance): may be skipped, not shared.
    Fresh,
    /// Asking changes state: runs exactly when the walk reaches it.
    Mutates,
}

/// Why a question has no yes-or-no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The packet is dropped there and then (`par->hotdrop`).
    Hotdrop,
    /// It cannot be decided; the text says what is missing ("the contents of the ipset").
    Unknown(&'static str),
}

/// The function of a [`Native`].
pub trait Eval: Send + Sync {
    /// Answers for the packet at hand.
    ///
    /// # Errors
    /// [`Stop`] when there is no answer.
    fn eval(&self, at: &mut At<'_>) -> Result<bool, Stop>;
}

impl<F: Fn(&mut At<'_>) -> Result<bool, Stop> + Send + Sync> Eval for F {
    fn eval(&self, at: &mut At<'_>) -> Result<bool, Stop> {
        self(at)
    }
}

/// A named function over the packet, its connection and the world.
#[derive(Clone)]
pub struct Native {
    /// What it is about, for people ("tcp option").
    pub name: &'static str,
    /// What asking it does.
    pub effect: Effect,
    /// The function.
    pub eval: Arc<dyn Eval>,
}

impl Native {
    /// A native question. The closure is called with [`At`]: packet, connection, world, and a state cell of its own.
    pub fn new(
        name: &'static str,
        effect: Effect,
        eval: impl Fn(&mut At<'_>) -> Result<bool, Stop> + Send + Sync + 'static,
    ) -> Self {
        Self { name, effect, eval: Arc::new(eval) }
    }

    /// A question nobody here can answer: always [`Stop::Unknown`] with this reason.
    pub fn unknown(name: &'static str, why: &'static str) -> Self {
        Self::new(name, Effect::Stable, move |_| Err(Stop::Unknown(why)))
    }
}

impl fmt::Debug for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Native({}, {:?})", self.name, self.effect)
    }
}
