//! Profiles on the command line: `--profile-use`, `--train`, `trinityc profile show` and `merge` (docs/profiles.md).
//!
//! A file that was asked for and is no profile ends the compilation; a profile that fits badly only costs speed, and is warned of.

pub mod cli;
mod show;
pub mod train;

use crate::compile;
use crate::discover::Program;
use crate::exit::{Error, Failure, Result, reason};
use std::path::{Path, PathBuf};
use trinity_profile::{Profile, ReadError};

/// Reads a profile.
pub fn read(path: &Path) -> Result<Profile> {
    Profile::read(path).map_err(|e| {
        let shown = path.display();
        let message = match e {
            ReadError::Io(e) => format!("cannot read the profile {shown}: {}", reason(&e)),
            ReadError::Format(e) => {
                format!("{shown} is {e}; make it again with --profile-gen or --train")
            }
        };
        Error::new(Failure::Profile, message)
    })
}

/// Reads profiles and adds them up.
pub fn read_all(paths: &[PathBuf]) -> Result<Profile> {
    let mut out = Profile::default();
    for path in paths {
        out.merge(&read(path)?);
    }
    Ok(out)
}

/// The profile for this version of the program, and what is to be said about how it fits (a warning when it does not at all).
pub fn fit(profile: &Profile, program: &Program) -> (Profile, String, Option<String>) {
    let a = profile.adapt(&compile::profiled(program));
    let said = format!(
        "profile of {} runs: {} functions as they were, {} in another version, {} lost",
        profile.runs, a.exact, a.similar, a.lost
    );
    let executed = a.exact + a.similar + a.lost;
    let warning = match (a.exact + a.similar, executed) {
        (0, 0) => Some("the profile has seen nothing: no function was executed".to_string()),
        (0, _) => Some("the profile fits no function of this program; it is not used".to_string()),
        _ => None,
    };
    (a.profile, said, warning)
}
