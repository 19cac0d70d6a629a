//! A line of assembly text taken apart: its labels, its one statement, its comments.
//!
//! What the assembler means by a line is asked of the assembler. This is about which characters may go when the
//! instruction on a line is replaced: labels and comments stay where they are. A line that is not understood has no
//! parts, and nothing on it is replaced.

/// The parts of a line; together they are the line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts<'a> {
    /// Its labels with their colons and what is before and between them; empty when there are none.
    pub labels: &'a str,
    /// Its statement (an instruction or a directive), trimmed; empty when there is none.
    pub statement: &'a str,
    /// The comment at its end, with its sign; empty when there is none.
    pub comment: &'a str,
}

impl<'a> Parts<'a> {
    /// Takes a line apart. Nothing when it has several statements, a comment that is not at its end or that goes on
    /// beyond it, or a quoted name where a label might be.
    pub fn of(line: &'a str) -> Option<Parts<'a>> {
        let (code, comment) = split_comment(line)?;
        let mut rest = code;
        while let Some(after) = skip_label(rest) {
            rest = after;
        }
        let labels = &code[..code.len() - rest.len()];
        let statement = rest.trim();
        // A quoted name with a colon behind it is a label too; directives have quoted texts.
        let directive = statement.starts_with('.');
        if !directive && (statement.contains(';') || statement.contains('"')) {
            return None;
        }
        Some(Parts {
            labels,
            statement,
            comment,
        })
    }

    /// What of the line stays when its statement goes; nothing when that is all of it, with the comment on it.
    pub fn without_statement(&self) -> Option<String> {
        if self.labels.is_empty() {
            return None;
        }
        let mut kept = self.labels.trim_end().to_owned();
        if !self.comment.is_empty() {
            kept.push('\t');
            kept.push_str(self.comment);
        }
        Some(kept)
    }
}

/// Code and comment of a line: from `#` to its end, or from `/*` to a `*/` at its end. At the beginning of a line a `/`
/// begins a comment, too.
fn split_comment(line: &str) -> Option<(&str, &str)> {
    if line.trim_start().starts_with('/') && !line.trim_start().starts_with("/*") {
        return Some(line.split_at(line.len() - line.trim_start().len()));
    }
    let hash = line.find('#').unwrap_or(line.len());
    let at = line[..hash].find("/*").unwrap_or(hash);
    let (code, comment) = line.split_at(at);
    if let Some(inside) = comment.strip_prefix("/*") {
        let (_, after) = inside.split_once("*/")?;
        let after = after.trim();
        if !after.is_empty() && !after.starts_with('#') {
            return None;
        }
    }
    // The end of a comment that began on a line before.
    (!code.contains("*/")).then_some((code, comment))
}

/// What follows the label that a text begins with.
fn skip_label(text: &str) -> Option<&str> {
    let word = text.trim_start();
    let name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$') || !c.is_ascii();
    let length = word.find(|c| !name(c)).unwrap_or(word.len());
    let after = word[length..].trim_start().strip_prefix(':')?;
    (length > 0).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Option<(&str, &str, &str)> {
        Parts::of(line).map(|p| (p.labels, p.statement, p.comment))
    }

    #[test]
    fn labels_statement_and_comment_are_told_apart() {
        for (line, expected) in [
            ("\taddl %eax, %ebx", ("", "addl %eax, %ebx", "")),
            (
                ".L3: addl %eax, %ebx # sum: 1",
                (".L3:", "addl %eax, %ebx", "# sum: 1"),
            ),
            (
                "a: .Lb:\t1 : mov eax, 5 /* x; y */",
                ("a: .Lb:\t1 :", "mov eax, 5", "/* x; y */"),
            ),
            ("x:", ("x:", "", "")),
            ("# x: y; z", ("", "", "# x: y; z")),
            ("/ x: nop", ("", "", "/ x: nop")),
            ("\tmov eax, fs:[0]", ("", "mov eax, fs:[0]", "")),
            ("\tmovl %fs:8, %eax", ("", "movl %fs:8, %eax", "")),
            ("\t.ascii \"a;b\"", ("", ".ascii \"a;b\"", "")),
            ("", ("", "", "")),
        ] {
            assert_eq!(parts(line), Some(expected), "{line:?}");
        }
        for line in [
            "nop; nop",
            "x: nop; ret",
            "\"a b\": nop",
            "nop /* on",
            "off */ nop",
            "/* a */ nop",
        ] {
            assert_eq!(parts(line), None, "{line:?}");
        }
        let kept = |l| Parts::of(l).unwrap().without_statement();
        assert_eq!(kept("a: b: nop # c").unwrap(), "a: b:\t# c");
        assert_eq!(kept("\tnop # c"), None);
    }
}
