//! Proven windows: straight-line runs of machine instructions, looked up after register allocation and replaced by what a
//! search found and proved.
//!
//! A window is a run of instructions over general registers and memory between labels, jumps and calls: it never spans a
//! safe point, changes none of the pinned registers or the stack pointer, and does not touch the thread's record, which
//! others write. What it has to leave is known from the whole function (`live`). Its name is its [`canonical`]
//! form: registers renamed in the order in which they are met, and what lives behind it. A [`WindowStore`] maps names to
//! replacements; who filled it has to have proven them.
//!
//! [`canonical`]: canonical()

mod apply;
mod canonical;
mod effect;
mod live;
mod store;
#[cfg(test)]
mod tests;
mod weigh;

pub(crate) use apply::windows;
pub use apply::{Hit, Run, WindowReport};
pub use canonical::{Canonical, Renaming, canonical, decode, digest, encode};
pub use effect::{Effect, Live, effect};
pub use store::{Refused, Replacement, WindowStore};
pub(crate) use weigh::weigh;

use crate::bisect::Bisect;
use std::sync::Arc;

/// Instructions of the longest window that is looked up.
pub const LONGEST: usize = 12;

/// What to do about windows.
#[derive(Clone, Debug, Default)]
pub struct WindowOptions {
    /// Replace what is in here.
    pub store: Option<Arc<WindowStore>>,
    /// Count replacements, and do none past the limit.
    pub bisect: Option<Arc<Bisect>>,
    /// Collect the runs of the function as they are in the end.
    pub harvest: bool,
}

impl WindowOptions {
    /// Whether there is anything to do.
    pub fn any(&self) -> bool {
        self.harvest || self.store.is_some()
    }
}
