//! What integration tests share: the reference implementation and random numbers.
#![allow(dead_code)] // each test binary uses its part

use std::io::Write;
use std::process::{Command, Stdio};

/// Compiles each chunk with `lua5.4` and gives its messages; `None` where it compiles.
pub fn reference_messages(chunks: &[Vec<u8>], name: &str) -> Vec<Option<Vec<u8>>> {
    let script = format!(
        "while true do\n\
           local n = io.read('n') if not n then break end\n\
           io.read(1)\n\
           local text = n == 0 and '' or io.read(n)\n\
           local f, message = load(text, {name:?}, 't')\n\
           message = f and '' or (message:gsub('\\nstack traceback:.*', ''))\n\
           io.write(f and '+' or '-', #message, '\\n', message)\n\
         end"
    );
    let mut child = Command::new("lua5.4")
        .args(["-e", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("lua5.4 is installed by the set-up");
    let mut input = Vec::new();
    for chunk in chunks {
        input.extend_from_slice(format!("{}\n", chunk.len()).as_bytes());
        input.extend_from_slice(chunk);
    }
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("lua5.4 runs");
    writer
        .join()
        .expect("the writer does not panic")
        .expect("lua5.4 reads all its input");
    let mut rest = output.stdout.as_slice();
    let mut out = Vec::new();
    while !rest.is_empty() {
        let line_end = rest
            .iter()
            .position(|&c| c == b'\n')
            .expect("a length ends with a newline");
        let length: usize = std::str::from_utf8(&rest[1..line_end])
            .unwrap()
            .parse()
            .unwrap();
        let message = rest[line_end + 1..line_end + 1 + length].to_vec();
        out.push((rest[0] == b'-').then_some(message));
        rest = &rest[line_end + 1 + length..];
    }
    assert_eq!(out.len(), chunks.len(), "lua5.4 answered every chunk");
    out
}

/// A small generator of pseudorandom numbers (xorshift64*).
pub struct Random(pub u64);

impl Random {
    /// The seed from `TRINITY_SEED`, or a fixed one; printed so that failures can be repeated.
    pub fn seeded(what: &str) -> Self {
        let seed = std::env::var("TRINITY_SEED")
            .ok()
            .and_then(|s| s.parse().ok())
            .unwrap_or(0x5eed);
        println!("{what}: TRINITY_SEED={seed}");
        Random(seed | 1)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n.max(1)
    }
}
