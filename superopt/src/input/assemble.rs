//! Assembly text made into an object by the system's assembler, so that the text means exactly what it means to gcc.
//!
//! The text goes to `cc -c` on standard input, so that line numbers in messages and in the line table (`-g`) are the
//! lines of the file. The file's own line directives and debug sections are blanked for that; they have no code.

use super::error::{InputError, InputProblem};
use object::{Object, ObjectSection};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// The two notations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// `movl %esi, %edi`
    Att,
    /// `mov edi, esi`
    Intel,
}

/// Assembly text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its lines, without their ends.
    pub lines: Vec<String>,
    /// Per line, the notation in force.
    pub syntax: Vec<Syntax>,
    /// Per line, whether it lies in an inline assembly statement.
    pub inline_assembly: Vec<bool>,
}

/// The directive's name, when the line is one.
fn directive(line: &str) -> Option<&str> {
    let word = line.split_whitespace().next()?;
    word.starts_with('.')
        .then_some(word)
        .filter(|w| !w.ends_with(':'))
}

impl Source {
    /// Takes a text apart.
    pub fn new(text: &str) -> Source {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (mut now, mut inline) = (Syntax::Att, false);
        let mut syntax = Vec::new();
        let mut inline_assembly = Vec::new();
        for l in &lines {
            match directive(l) {
                Some(".intel_syntax") => now = Syntax::Intel,
                Some(".att_syntax") => now = Syntax::Att,
                _ => {}
            }
            let t = l.trim().trim_start_matches('#');
            if l.trim().starts_with('#') && t == "APP" {
                inline = true;
            }
            if l.trim().starts_with('#') && t == "NO_APP" {
                inline = false;
            }
            syntax.push(now);
            inline_assembly.push(inline);
        }
        Source {
            lines,
            syntax,
            inline_assembly,
        }
    }

    /// The text for the assembler: as many lines, without line directives, debug sections and directives that only
    /// clang's own assembler knows.
    fn assembled_text(&self) -> String {
        let mut out = String::new();
        let mut debug_section = false;
        for l in &self.lines {
            let d = directive(l);
            match d {
                Some(".section") => debug_section = l.contains(".debug_"),
                Some(".text" | ".data" | ".bss" | ".previous" | ".popsection" | ".pushsection") => {
                    debug_section = false
                }
                _ => {}
            }
            // `# 5 "file.c"` would renumber the lines.
            let marker = l
                .trim_start()
                .strip_prefix("# ")
                .is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
            let blank = matches!(d, Some(".loc" | ".file" | ".ident"))
                || is_foreign(l)
                || debug_section
                || marker;
            if !blank {
                out.push_str(l);
            }
            out.push('\n');
        }
        out
    }
}

/// Whether a line is a directive that clang prints and the GNU assembler does not know.
pub fn is_foreign(line: &str) -> bool {
    matches!(
        directive(line),
        Some(".addrsig" | ".addrsig_sym" | ".cg_profile" | ".llvm_addrsig")
    )
}

/// Assembles a text. `file` is what messages call it.
///
/// # Errors
/// When the assembler cannot be run or refuses the text.
pub fn assemble(file: &Path, source: &Source) -> Result<Vec<u8>, InputError> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let n = COUNT.fetch_add(1, Ordering::Relaxed);
    let out = std::env::temp_dir().join(format!("trinity-as-{}-{n}.o", std::process::id()));
    let r = run(file, &source.assembled_text(), &out);
    let bytes = r.and_then(|()| {
        std::fs::read(&out)
            .map_err(|e| InputError::new(file, None, InputProblem::NoAssembler(e.to_string())))
    });
    // It may not be there.
    let _ = std::fs::remove_file(&out);
    bytes
}

/// The machine code of instructions without labels, in one notation. `file` is what messages call the text.
///
/// # Errors
/// When the assembler cannot be run or refuses the text.
pub fn machine_code(file: &Path, syntax: Syntax, text: &str) -> Result<Vec<u8>, InputError> {
    let notation = match syntax {
        Syntax::Att => "",
        Syntax::Intel => ".intel_syntax noprefix\n",
    };
    let bytes = assemble(file, &Source::new(&format!("{notation}\t{text}\n")))?;
    let no_code = || {
        let why = "its object has no .text".to_owned();
        InputError::new(file, None, InputProblem::NoAssembler(why))
    };
    let object = object::File::parse(bytes.as_slice()).map_err(|_| no_code())?;
    let code = object.section_by_name(".text").ok_or_else(no_code)?;
    Ok(code.data().map_err(|_| no_code())?.to_vec())
}

fn run(file: &Path, text: &str, out: &Path) -> Result<(), InputError> {
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(&cc);
    command.args(["-x", "assembler", "-c", "-g", "-o"]);
    let output = feed(command.arg(out).arg("-"), text).map_err(|e| {
        let why = format!("{}: {e}", cc.to_string_lossy());
        InputError::new(file, None, InputProblem::NoAssembler(why))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let messages = String::from_utf8_lossy(&output.stderr).into_owned();
    let (line, message) = first_error(&messages);
    Err(InputError::new(
        file,
        line,
        InputProblem::Assembler(message),
    ))
}

/// Runs a compiler or assembler with a text on its standard input; its messages are in English.
///
/// # Errors
/// When it cannot be run, or succeeds without having taken the whole text.
pub(crate) fn feed(command: &mut Command, text: &str) -> std::io::Result<Output> {
    let mut child = command
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    std::thread::scope(|s| {
        // A thread, so that neither pipe can fill up and block both sides. A refused text may close it early.
        let writer = s.spawn(move || stdin.map_or(Ok(()), |mut i| i.write_all(text.as_bytes())));
        let output = child.wait_with_output()?;
        // The writer cannot panic.
        let written = writer.join().unwrap_or(Ok(()));
        if output.status.success() {
            written?;
        }
        Ok(output)
    })
}

/// The first error in the assembler's output, with its line.
fn first_error(messages: &str) -> (Option<u32>, String) {
    for l in messages.lines() {
        let Some((place, text)) = l.split_once("Error: ").or_else(|| l.split_once("error: "))
        else {
            continue;
        };
        let line = place.split(':').nth(1).and_then(|n| n.trim().parse().ok());
        return (line, text.replace('`', "'").trim().to_owned());
    }
    (
        None,
        messages
            .lines()
            .next()
            .unwrap_or("the assembler failed")
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_keep_their_line() {
        let s = Source::new("\t.text\n# 7 \"x.c\" 1\n\t.loc 1 2 3\nf:\n\tfrobnicate %eax\n\tret\n");
        let e = assemble(Path::new("x.s"), &s).unwrap_err();
        assert_eq!(
            e.to_string(),
            "x.s:5: no such instruction: 'frobnicate %eax'"
        );
    }

    #[test]
    fn notation_and_inline_assembly_are_seen() {
        let s = Source::new("\t.intel_syntax noprefix\n#APP\n nop\n#NO_APP\n.att_syntax\n");
        assert_eq!(
            s.syntax,
            [
                Syntax::Intel,
                Syntax::Intel,
                Syntax::Intel,
                Syntax::Intel,
                Syntax::Att
            ]
        );
        assert_eq!(s.inline_assembly, [false, true, true, false, false]);
    }
}
