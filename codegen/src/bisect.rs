//! Searching for the one rewrite that makes a result wrong (`--opt-bisect-limit=N`, as LLVM has it): rewrites are counted, and
//! only the first N are done.
//!
//! The count is of one compilation. Whoever sets a limit compiles one function after another, so that the n-th rewrite is always
//! the same.

use std::fmt::Display;
use std::sync::Mutex;

/// Counts rewrites, and refuses those past the limit.
#[derive(Debug)]
pub struct Bisect {
    limit: u64,
    asked: Mutex<(u64, Vec<String>)>,
}

impl Bisect {
    /// The first `limit` rewrites are done.
    pub fn new(limit: u64) -> Bisect {
        Bisect {
            limit,
            asked: Mutex::default(),
        }
    }

    /// Whether this one is done. Each call is one rewrite.
    pub fn allows(&self, what: &dyn Display) -> bool {
        // A poisoned count is still a count: nothing here can be half done.
        let mut asked = self.asked.lock().unwrap_or_else(|e| e.into_inner());
        asked.0 += 1;
        let done = asked.0 <= self.limit;
        let not = if done { "" } else { "not " };
        let line = format!("bisect: {not}done ({}) {what}", asked.0);
        asked.1.push(line);
        done
    }

    /// What was asked so far, a line each.
    pub fn lines(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap_or_else(|e| e.into_inner());
        asked.1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_ones_are_done() {
        let b = Bisect::new(2);
        let done: Vec<bool> = (0..4).map(|n| b.allows(&n)).collect();
        assert_eq!(done, [true, true, false, false]);
        assert_eq!(b.lines()[2], "bisect: not done (3) 2");
    }
}
