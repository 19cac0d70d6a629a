//! The read-eval-print loop: lines with editing and history on a terminal, plain lines otherwise.
//!
//! A line is tried as an expression first ("return ...;"), then as a statement; while the statement is incomplete (its syntax error is at
//! `<eof>`), more lines are asked for.

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{Config, Editor};
use std::io::IsTerminal;
use std::path::PathBuf;
use trinity_runtime::cli;
use trinity_runtime::error::{LResult, Status};
use trinity_runtime::lib::io::stdio;
use trinity_runtime::object::Str;
use trinity_runtime::thread::{Lua, MIN_STACK};
use trinity_runtime::value::Value;

/// Name of chunks typed in.
const CHUNK: &[u8] = b"=stdin";
/// Longest line read from something that is not a terminal.
const MAX_LINE: usize = 1 << 20;

/// Where lines come from.
enum Source {
    /// A terminal, with line editing, and the file that keeps its history.
    Terminal(Box<Editor<(), FileHistory>>, Option<PathBuf>),
    /// Anything else.
    Plain,
}

impl Source {
    fn new() -> Source {
        if std::io::stdin().is_terminal()
            && let Ok(mut editor) = Editor::with_history(Config::default(), FileHistory::new())
        {
            let file = history_file();
            if let Some(f) = &file {
                // There need not be one yet.
                let _ = editor.load_history(f);
            }
            return Source::Terminal(Box::new(editor), file);
        }
        Source::Plain
    }

    /// The next line without its newline; `None` at the end of input.
    fn read(&mut self, prompt: &[u8]) -> Option<Vec<u8>> {
        match self {
            Source::Terminal(editor, _) => loop {
                stdio::flush_stdout();
                match editor.readline(&*String::from_utf8_lossy(prompt)) {
                    Ok(line) => return Some(line.into_bytes()),
                    // Ctrl-C at the prompt drops the line.
                    Err(ReadlineError::Interrupted) => {}
                    Err(_) => return None,
                }
            },
            Source::Plain => {
                stdio::write_stdout(prompt);
                stdio::flush_stdout();
                let line = read_plain()?;
                // Shown as the reference's line editor shows input that is not typed.
                stdio::write_stdout(&line);
                stdio::write_stdout(b"\n");
                stdio::flush_stdout();
                Some(line)
            }
        }
    }

    fn remember(&mut self, text: &[u8]) {
        if let Source::Terminal(editor, file) = self
            && !text.is_empty()
        {
            // History is a convenience: an entry that is refused or cannot be written is no error.
            let _ = editor.add_history_entry(String::from_utf8_lossy(text));
            if let Some(f) = file {
                let _ = editor.append_history(f);
            }
        }
    }
}

/// Where the history is kept: `TRINITY_HISTORY` (empty: nowhere), or `.trinity_history` in the home directory.
fn history_file() -> Option<PathBuf> {
    match std::env::var_os("TRINITY_HISTORY") {
        Some(f) => (!f.is_empty()).then(|| f.into()),
        None => std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".trinity_history")),
    }
}

/// A line from the C library's standard input, which `io.read` shares.
fn read_plain() -> Option<Vec<u8>> {
    let mut line = Vec::new();
    // SAFETY: stdin is open for the life of the process.
    unsafe {
        loop {
            let c = libc::fgetc(stdio::stdin);
            if c == libc::EOF {
                return if line.is_empty() { None } else { Some(line) };
            }
            if c == i32::from(b'\n') || line.len() == MAX_LINE {
                return Some(line);
            }
            line.push(c as u8);
        }
    }
}

/// Runs the loop until the end of input.
pub fn run(l: Lua) -> LResult<()> {
    let mut source = Source::new();
    loop {
        l.set_top(0);
        let Some(mut status) = load_input(l, &mut source)? else {
            break;
        };
        if status == Status::Ok {
            status = cli::call(l, 0, -1)?;
        }
        if status == Status::Ok {
            print_results(l)?;
        } else {
            cli::report(l, status, None);
        }
    }
    l.set_top(0);
    stdio::write_stdout(b"\n");
    stdio::flush_stdout();
    Ok(())
}

/// The prompt: the global `_PROMPT` or `_PROMPT2` as a string, or the default.
fn prompt(l: Lua, first: bool) -> LResult<Vec<u8>> {
    let (name, default) = if first {
        ("_PROMPT", "> ")
    } else {
        ("_PROMPT2", ">> ")
    };
    let v = l.get_field(Value::table(l.globals()), name)?;
    if v.is_nil() {
        return Ok(default.as_bytes().to_vec());
    }
    let s = l.tostring(v)?;
    // SAFETY: `tostring` gives a string; nothing has run since.
    Ok(unsafe { Str::bytes(s.as_str()) }.to_vec())
}

/// Reads and loads one chunk; leaves the function or the message on the stack. `None`: no more input.
fn load_input(l: Lua, source: &mut Source) -> LResult<Option<Status>> {
    let p = prompt(l, true)?;
    let Some(mut text) = source.read(&p) else {
        return Ok(None);
    };
    if text.first() == Some(&b'=') {
        text.splice(..1, *b"return ");
    }
    if l.load(&[b"return ", &*text, b";"].concat(), CHUNK, "bt") == Status::Ok {
        source.remember(&text);
        return Ok(Some(Status::Ok));
    }
    l.pop(1);
    loop {
        let status = l.load(&text, CHUNK, "bt");
        if status == Status::Syntax && is_incomplete(l) {
            let p = prompt(l, false)?;
            if let Some(more) = source.read(&p) {
                l.pop(1);
                text.push(b'\n');
                text.extend_from_slice(&more);
                continue;
            }
        }
        source.remember(&text);
        return Ok(Some(status));
    }
}

/// Is the message on the stack about something missing at the end?
fn is_incomplete(l: Lua) -> bool {
    let v = l.arg(-1);
    // SAFETY: the tag says it is a string.
    v.is_string() && unsafe { Str::bytes(v.as_str()) }.ends_with(b"<eof>")
}

/// Prints everything on the stack through the global `print`.
fn print_results(l: Lua) -> LResult<()> {
    let n = l.top();
    if n == 0 {
        return Ok(());
    }
    l.ensure_stack(MIN_STACK as i32, "too many results to print")?;
    let print = l.get_field(Value::table(l.globals()), "print")?;
    l.push(print);
    l.insert(1);
    if l.pcall(n, 0, 0) != Status::Ok {
        let v = l.arg(-1);
        // SAFETY: the tag says it is a string.
        let why = if v.is_string() {
            unsafe { Str::bytes(v.as_str()) }
        } else {
            b"(null)"
        };
        cli::message(None, &[b"error calling 'print' (", why, b")"].concat());
    }
    Ok(())
}
