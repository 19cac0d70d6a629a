//! Stopping queries from another thread.

use super::child::Killer;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// A request to stop, shared by threads. Cancelling kills the children that are answering under it; their queries end
/// as [`Undecided::Cancelled`](super::Undecided::Cancelled).
///
/// Invariant: a killer is listed exactly while its check waits, so that a child lent to someone else is never hit.
#[derive(Clone, Default, Debug)]
pub struct Cancel(Arc<Shared>);

#[derive(Default, Debug)]
struct Shared {
    stop: AtomicBool,
    next: AtomicU64,
    waiting: Mutex<Vec<(u64, Killer)>>,
}

impl Cancel {
    /// A new request, not made yet.
    pub fn new() -> Cancel {
        Cancel::default()
    }

    /// Whether it was made.
    pub fn is_cancelled(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// Makes it.
    pub fn cancel(&self) {
        // The flag is set under the lock, so that a check either sees it or is in the list.
        let waiting = self.waiting();
        self.0.stop.store(true, Ordering::Release);
        for (_, killer) in waiting.iter() {
            killer.kill();
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Killer)>> {
        // The list is whole after every operation, also when a thread panicked between them.
        self.0.waiting.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Lists a child until the result is dropped; `None` when the request was already made.
    pub(super) fn watch(&self, killer: Killer) -> Option<Watch<'_>> {
        let mut waiting = self.waiting();
        if self.is_cancelled() {
            return None;
        }
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        waiting.push((id, killer));
        Some(Watch { cancel: self, id })
    }
}

/// A child's place in the list.
pub(super) struct Watch<'a> {
    cancel: &'a Cancel,
    id: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.cancel.waiting().retain(|(id, _)| *id != self.id);
    }
}
