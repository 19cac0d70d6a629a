//! The solver process: reads framed requests on standard input, answers with Z3.
//!
//! Z3 runs in a process of its own because nothing else bounds it: its timeout is only polled, its memory limit is
//! advice, and a crash must be an error of one query and not of the search (reference section 6, law 10). The
//! parent sets the address-space limit, a hard deadline, and kills.
//!
//! A frame is a 32-bit little-endian length and that many bytes: one command letter and its body in UTF-8.
//!
//! | letter | body | reply |
//! |---|---|---|
//! | `V` | | `version TEXT` |
//! | `R` | logic name, or empty | none: a new context, nothing declared |
//! | `A` | SMT-LIB text: `declare-fun` and `assert` | none |
//! | `P`, `O` | | none: push, pop |
//! | `C` | `RLIMIT TIMEOUT_MS NAME...` (0: no limit) | the answer |
//!
//! Commands without a reply keep their first error for the next `C`, so that the parent can write ahead.
//! An answer is lines: `sat`, `unsat`, `unknown REASON` or `error MESSAGE`; then `rlimit N`, `memory BYTES`,
//! `time_us N`; then, when `sat`, `value NAME #x...` for each constant asked for.
//!
//! Invariants: one context at a time; the text of declarations lives as long as the scope that made it; end of input
//! ends the process at once, also in the middle of a check, so that no solver outlives its parent.

mod session;

use std::io::{self, Read, Write};
use std::sync::mpsc;

use session::Session;

/// Z3 recurses over terms; the main thread's stack is not ours to choose.
const STACK: usize = 512 << 20;
/// A longer frame is a broken parent.
const MAX_FRAME: usize = 1 << 30;

fn main() {
    // `--memory-mb N`: Z3's own limit, below the address-space limit the parent sets.
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match (
            arg.as_str(),
            args.next().and_then(|n| n.parse::<u32>().ok()),
        ) {
            ("--memory-mb", Some(mb)) => session::limit_memory(mb),
            _ => {
                eprintln!(
                    "usage: trinity-solver [--memory-mb N], with framed requests on standard input"
                );
                std::process::exit(2);
            }
        }
    }
    let (tx, rx) = mpsc::channel::<Vec<u8>>();
    let worker = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || serve(&rx));
    let Ok(worker) = worker else {
        eprintln!("trinity-solver: no memory for a stack");
        std::process::exit(1);
    };
    let mut input = io::stdin().lock();
    while let Some(frame) = read_frame(&mut input) {
        if tx.send(frame).is_err() {
            break;
        }
    }
    if worker.is_finished() {
        std::process::exit(1);
    }
    std::process::exit(0);
}

/// The next frame; `None` at the end of input or when it is broken.
fn read_frame(input: &mut impl Read) -> Option<Vec<u8>> {
    let mut len = [0; 4];
    input.read_exact(&mut len).ok()?;
    let len = u32::from_le_bytes(len) as usize;
    if len == 0 || len > MAX_FRAME {
        return None;
    }
    let mut frame = vec![0; len];
    input.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// Executes frames in order.
fn serve(frames: &mpsc::Receiver<Vec<u8>>) {
    let mut session = Session::new("");
    // The first error since the last reply.
    let mut pending: Option<String> = None;
    while let Ok(frame) = frames.recv() {
        let (letter, body) = (frame[0], &frame[1..]);
        let Ok(body) = std::str::from_utf8(body) else {
            pending.get_or_insert_with(|| "a request is not UTF-8".into());
            continue;
        };
        let done = match letter {
            b'V' => {
                reply(&format!("version {}\n", session::version()));
                Ok(())
            }
            b'R' => {
                pending = None;
                session = Session::new(body);
                Ok(())
            }
            b'A' => session.assert(body),
            b'P' => session.push(),
            b'O' => session.pop(),
            b'C' => {
                let answer = match pending.take() {
                    Some(error) => Err(error),
                    None => session.check(body),
                };
                reply(&answer.unwrap_or_else(|e| format!("error {}\n", e.replace('\n', " "))));
                Ok(())
            }
            _ => Err(format!("unknown request {:?}", letter as char)),
        };
        if let Err(error) = done {
            pending.get_or_insert(error);
        }
    }
}

/// Writes one frame; without a reader there is nothing left to do.
fn reply(text: &str) {
    let mut out = io::stdout().lock();
    let sent = out
        .write_all(&(text.len() as u32).to_le_bytes())
        .and_then(|()| out.write_all(text.as_bytes()))
        .and_then(|()| out.flush());
    if sent.is_err() {
        std::process::exit(1);
    }
}
