//! Queries as files, for other solvers and for people.
//!
//! The text uses `declare-fun`, `assert` and `let` only: old Boolector releases reject `define-fun`.

use super::SolverError;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// A folder that receives each query's text.
#[derive(Debug)]
pub struct Dump {
    dir: PathBuf,
    written: Mutex<u32>,
}

impl Dump {
    /// Makes the folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(dir: &Path) -> Result<Dump, SolverError> {
        std::fs::create_dir_all(dir).map_err(|e| SolverError::File {
            path: dir.into(),
            why: e.to_string(),
        })?;
        Ok(Dump {
            dir: dir.into(),
            written: Mutex::new(0),
        })
    }

    /// Writes a query; the file is named by its number in this run, `goal` and its hash.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, goal: &str, script: &str) -> Result<PathBuf, SolverError> {
        let number = {
            // A counter is never half-written.
            let mut n = self.written.lock().unwrap_or_else(|e| e.into_inner());
            *n += 1;
            *n
        };
        let goal: String = goal
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        let path = self.dir.join(format!(
            "{number:05}-{goal}-{}.smt2",
            &text_hash(script)[..12]
        ));
        std::fs::write(&path, script).map_err(|e| SolverError::File {
            path: path.clone(),
            why: e.to_string(),
        })?;
        Ok(path)
    }
}

/// A query by itself: logic, its text, `check-sat`.
pub fn script(logic: &str, text: &str) -> String {
    format!("(set-logic {logic})\n{text}(check-sat)\n(exit)\n")
}

/// A name for a text: 128-bit FNV-1a in hexadecimal. It finds files and answers again; it does not resist forgery.
pub fn text_hash(text: &str) -> String {
    let mut h: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for b in text.bytes() {
        h = (h ^ u128::from(b)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{h:032x}")
}
