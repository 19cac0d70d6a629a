//! Reading a source file the way `lua` loads one (luaL_loadfilex): byte-order mark and `#` line skipped, chunk named after the file.

use crate::exit::{Error, Failure, Result, reason};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use trinity_frontend::skip_shebang;

/// A chunk of Lua as it was read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path on disk, as given or found; `-` is standard input.
    pub path: PathBuf,
    /// Chunk name with its mark: `@file` or `=stdin`.
    pub chunkname: Vec<u8>,
    /// The bytes after byte-order mark and first comment line; line numbers are kept.
    pub text: Vec<u8>,
}

/// Reads `path` and names the chunk `@shown`.
pub fn read(path: &Path, shown: &[u8]) -> Result<Source> {
    let mut raw = Vec::new();
    let stdin = path == Path::new("-");
    let got = if stdin {
        std::io::stdin().lock().read_to_end(&mut raw).map(|_| ())
    } else {
        std::fs::read(path).map(|bytes| raw = bytes)
    };
    if let Err(e) = got {
        return Err(unreadable(path, &e));
    }
    let chunkname = if stdin {
        b"=stdin".to_vec()
    } else {
        [b"@", shown].concat()
    };
    Ok(Source {
        path: path.to_path_buf(),
        chunkname,
        text: skip_shebang(&raw).to_vec(),
    })
}

fn unreadable(path: &Path, e: &std::io::Error) -> Error {
    let mut message = b"cannot open ".to_vec();
    message.extend_from_slice(path.as_os_str().as_bytes());
    let hint = match e.kind() {
        std::io::ErrorKind::NotFound => "; check the file name",
        std::io::ErrorKind::PermissionDenied => "; give yourself read permission",
        std::io::ErrorKind::IsADirectory => "; name a Lua file in it",
        _ => "",
    };
    message.extend_from_slice(format!(": {}{hint}", reason(e)).as_bytes());
    Error::new(Failure::Input, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_file() {
        let e = read(Path::new("/nonexistent.lua"), b"/nonexistent.lua").unwrap_err();
        assert_eq!(e.failure, Failure::Input);
        assert_eq!(
            e.to_string(),
            "cannot open /nonexistent.lua: No such file or directory; check the file name"
        );
    }
}
