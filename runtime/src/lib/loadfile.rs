//! Loading chunks from files (luaL_loadfilex): `loadfile`, `dofile`, `require` and the command line.

use super::io::stdio::{self, c_part, errno, error_text};
use crate::error::{LResult, Status};
use crate::thread::Lua;
use libc::FILE;

/// First byte of a binary chunk.
const SIGNATURE: u8 = 0x1b;
/// Bytes read at once.
const BLOCK: usize = 1 << 16;

/// Loads the file `name` (`None`: standard input) and pushes the function, or the message.
pub fn load_file(l: Lua, name: Option<&[u8]>, mode: &str) -> LResult<Status> {
    let name = name.map(c_part);
    let mut chunkname = Vec::new();
    match name {
        None => chunkname.extend_from_slice(b"=stdin"),
        Some(n) => {
            chunkname.push(b'@');
            chunkname.extend_from_slice(n);
        }
    }
    let text = match read_whole(name) {
        Ok(t) => t,
        Err((what, e)) => {
            let mut msg = format!("cannot {what} ").into_bytes();
            msg.extend_from_slice(&chunkname[1..]);
            msg.extend_from_slice(b": ");
            msg.extend_from_slice(&error_text(e));
            l.push_bytes(&msg)?;
            return Ok(Status::Run);
        }
    };
    Ok(l.load(&skip_comment(text), &chunkname, mode))
}

fn read_whole(name: Option<&[u8]>) -> Result<Vec<u8>, (&'static str, i32)> {
    // SAFETY: the stream is open while it is read, and closed once.
    unsafe {
        let f = match name {
            None => stdio::stdin,
            Some(n) => stdio::open(n, b"r"),
        };
        if f.is_null() {
            return Err(("open", errno()));
        }
        let text = read_stream(f);
        if name.is_some() {
            libc::fclose(f);
        }
        text.map_err(|e| ("read", e))
    }
}

unsafe fn read_stream(f: *mut FILE) -> Result<Vec<u8>, i32> {
    let mut text = Vec::<u8>::new();
    loop {
        if text.try_reserve(BLOCK).is_err() {
            return Err(libc::ENOMEM);
        }
        let old = text.len();
        // SAFETY: `BLOCK` bytes are reserved behind `old`; fread initialises as many as it says.
        unsafe {
            let got = libc::fread(text.as_mut_ptr().add(old).cast(), 1, BLOCK, f);
            text.set_len(old + got);
            if got < BLOCK {
                return if libc::ferror(f) != 0 {
                    Err(errno())
                } else {
                    Ok(text)
                };
            }
        }
    }
}

/// Drops a byte-order mark, and a first line that starts with '#' but for its newline, which keeps line numbers right (before a binary
/// chunk the newline goes too).
fn skip_comment(text: Vec<u8>) -> Vec<u8> {
    let body = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
    let start = text.len() - body.len();
    if body.first() != Some(&b'#') {
        return if start == 0 { text } else { body.to_vec() };
    }
    match body.iter().position(|&c| c == b'\n') {
        None => Vec::new(),
        Some(end) if body.get(end + 1) == Some(&SIGNATURE) => body[end + 1..].to_vec(),
        Some(end) => body[end..].to_vec(),
    }
}
