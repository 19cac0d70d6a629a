//! Where the solver program is.

use super::SolverError;
use std::path::PathBuf;

/// The program's file name.
const NAME: &str = "trinity-solver";

/// Finds `trinity-solver`: the path in `TRINITY_SOLVER` (which must exist), else beside the current executable, else
/// in the folder above it, where tests find it (they run from `deps/`).
///
/// # Errors
/// [`SolverError::NotFound`] with the places that were tried.
pub fn locate() -> Result<PathBuf, SolverError> {
    let mut tried = Vec::new();
    if let Some(path) = std::env::var_os("TRINITY_SOLVER") {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(path);
        }
        tried.push(path);
        return Err(SolverError::NotFound { tried });
    }
    if let Ok(exe) = std::env::current_exe() {
        for dir in exe.ancestors().skip(1).take(2) {
            let path = dir.join(NAME);
            if path.is_file() {
                return Ok(path);
            }
            tried.push(path);
        }
    }
    Err(SolverError::NotFound { tried })
}
