//! Profiles: what a training run saw of a program, per function and bytecode position, and how the compiler finds it again.
//!
//! An executable made with `trinityc --profile-gen` interprets every function, observes every instruction and writes a profile when it
//! ends; `trinityc --profile-use FILE` hands it to the optimizer. Profiles are advice: they say what is probable, never what is certain, so
//! nothing here can make a program wrong. The user's view is docs/profiles.md.
//!
//! [`model`] the data; [`tags`] sets of value kinds; [`fingerprint`] how functions are named and recognised; `merge` sums of profiles;
//! [`mod@format`] files; [`adapt`] profiles for another version of the program.

pub mod adapt;
mod align;
pub mod fingerprint;
pub mod format;
mod merge;
pub mod model;
pub mod tags;
#[cfg(test)]
mod testing;

pub use adapt::Adapted;
pub use fingerprint::skeleton;
pub use format::{FormatError, ReadError};
pub use model::{
    Callee, FuncKey, FuncProfile, FuncRef, Place, Profile, ShapeKeys, ShapeKind, ShapeSeen, Site,
    Target, kind,
};
pub use tags::TagSet;
