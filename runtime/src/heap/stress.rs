//! Stress modes for tests: collections far more often than pacing would ask for, so that an object that nothing keeps alive, or a missing
//! barrier, shows at once. Freed cells are overwritten, and free runs are single cells, so that every allocation is seen.
//!
//! `TRINITY_GC_STRESS=1` does a full collection at every safe point where anything was allocated since the last one, `=N` one when about N
//! small objects were. `=step` advances an incremental collection by a single step at every such safe point (a minor collection in
//! generational mode): a program then runs through every state of the collector, many times within one cycle.

/// When to collect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Stress {
    /// As pacing says.
    #[default]
    Off,
    /// A full collection after this many bytes; 0: after every allocation.
    Full(u32),
    /// A single step after every allocation.
    Step,
}

/// What one "allocation" of `TRINITY_GC_STRESS=N` stands for.
const BYTES: u32 = 32;

impl Stress {
    /// Reads `TRINITY_GC_STRESS`. What cannot be understood is off.
    pub fn from_environment() -> Stress {
        match std::env::var("TRINITY_GC_STRESS").as_deref() {
            Ok("step") => Stress::Step,
            Ok(n) => match n.parse::<u32>() {
                Ok(n) if n > 0 => Stress::Full((n - 1).saturating_mul(BYTES)),
                _ => Stress::Off,
            },
            Err(_) => Stress::Off,
        }
    }

    /// Every allocation counts.
    pub(super) fn every(self) -> bool {
        matches!(self, Stress::Full(0) | Stress::Step)
    }
}
