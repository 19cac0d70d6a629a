//! `benches/manifest.toml`.

use super::BenchError;
use serde::Deserialize;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
struct File {
    bench: Vec<Program>,
}

/// A program of the suite and its twins.
#[derive(Clone, Debug, Deserialize)]
pub struct Program {
    /// Name, and name of its folder.
    pub name: String,
    /// What it measures.
    #[serde(default)]
    pub what: String,
    /// Lua 5.4 source.
    pub lua: String,
    /// LuaJIT's spelling where it differs.
    pub luajit: Option<String>,
    /// C twin.
    pub c: Option<String>,
    /// JavaScript twin.
    pub js: Option<String>,
    /// Python twin.
    pub py: Option<String>,
    /// Argument of the measured size.
    pub default: String,
    /// Argument of the training size.
    pub train: String,
    /// Argument of the smoke size.
    pub smoke: String,
    /// False: CPython is too slow for the measured size.
    #[serde(default = "yes")]
    pub python3: bool,
    /// Folder of the files.
    #[serde(skip)]
    pub dir: PathBuf,
}

fn yes() -> bool {
    true
}

/// Reads the manifest of a folder.
pub fn read(dir: &Path) -> Result<Vec<Program>, BenchError> {
    let path = dir.join("manifest.toml");
    let text = std::fs::read_to_string(&path).map_err(|e| {
        BenchError::Manifest(format!(
            "cannot read {}: {e}; run from the repository's root or give --dir",
            path.display()
        ))
    })?;
    let file: File = toml::from_str(&text)
        .map_err(|e| BenchError::Manifest(format!("{}: {e}", path.display())))?;
    Ok(file
        .bench
        .into_iter()
        .map(|mut p| {
            p.dir = dir.join(&p.name);
            p
        })
        .collect())
}
