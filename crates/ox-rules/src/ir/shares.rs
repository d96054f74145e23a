//! `Shares`: what rules have in common by name, settled while they are lowered.
//!
//! The kernel sets up a `recent` list or a `hashlimit` table when it loads the first rule that names it, before any
//! packet comes. Lowering visits the rules in that order, so an extension asks here for its part and adds to it.

use rustc_hash::FxHashMap;
use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// A thing that several rules share.
type Shared = Arc<dyn Any + Send + Sync>;

/// Values shared by (kind, name) among the rules of a ruleset.
#[derive(Default)]
pub struct Shares(RefCell<FxHashMap<(&'static str, String), Shared>>);

impl Shares {
    /// The value of this kind and name, made by the first who asks. One kind, one type.
    pub fn get<T: Any + Send + Sync>(&self, kind: &'static str, name: &str, first: impl FnOnce() -> T) -> Arc<T> {
        let mut map = self.0.borrow_mut();
        let key = (kind, name.to_owned());
        if let Some(there) = map.get(&key).and_then(|v| Arc::clone(v).downcast().ok()) {
            return there;
        }
        let made = Arc::new(first());
        map.insert(key, Arc::clone(&made) as Arc<dyn Any + Send + Sync>);
        made
    }
}

impl fmt::Debug for Shares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shares({})", self.0.borrow().len())
    }
}
