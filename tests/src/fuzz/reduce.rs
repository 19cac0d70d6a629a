//! Makes a program that shows a difference smaller.
//!
//! The text is a list of lines, one statement or block delimiter each. Three moves, tried until none helps: drop a run of lines (long runs
//! first); drop the two lines that delimit a block; replace a bracketed part of a line by something simple. A move is kept when the
//! caller still finds the result interesting; broken syntax never is.

use std::time::Instant;

/// The smallest text found before `deadline` for which `interesting` holds; it holds for `text`.
pub fn reduce(text: &str, deadline: Instant, interesting: &mut dyn FnMut(&str) -> bool) -> String {
    let mut r = Reducer {
        lines: text.lines().map(str::to_owned).collect(),
        deadline,
        interesting,
    };
    loop {
        let before = r.lines.clone();
        r.drop_runs();
        r.drop_delimiters();
        r.simplify_lines();
        if r.lines == before || r.late() {
            return r.lines.join("\n") + "\n";
        }
    }
}

struct Reducer<'a> {
    lines: Vec<String>,
    deadline: Instant,
    interesting: &'a mut dyn FnMut(&str) -> bool,
}

impl Reducer<'_> {
    fn late(&self) -> bool {
        Instant::now() > self.deadline
    }

    /// Keeps `lines` when they are still interesting.
    fn offer(&mut self, lines: Vec<String>) -> bool {
        let good = !self.late() && (self.interesting)(&(lines.join("\n") + "\n"));
        if good {
            self.lines = lines;
        }
        good
    }

    fn drop_runs(&mut self) {
        let mut size = self.lines.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < self.lines.len() {
                let mut rest = self.lines.clone();
                rest.drain(at..(at + size).min(self.lines.len()));
                if !self.offer(rest) {
                    at += size;
                }
            }
            size /= 2;
        }
    }

    fn drop_delimiters(&mut self) {
        let indent = |l: &str| l.len() - l.trim_start().len();
        let mut at = 0;
        while at < self.lines.len() {
            let depth = indent(&self.lines[at]);
            let end = (at + 1..self.lines.len()).find(|&i| indent(&self.lines[i]) <= depth);
            let mut dropped = false;
            if let Some(end) = end
                && end > at + 1
            {
                // With the block, and without its delimiters only.
                let mut rest = self.lines.clone();
                rest.drain(at..=end);
                dropped = self.offer(rest);
                if !dropped {
                    let mut rest = self.lines.clone();
                    rest.remove(end);
                    rest.remove(at);
                    dropped = self.offer(rest);
                }
            }
            if !dropped {
                at += 1;
            }
        }
    }

    fn simplify_lines(&mut self) {
        const SIMPLE: &[&str] = &["1", "nil", "''"];
        for n in 0..self.lines.len() {
            let mut at = 0;
            while at < self.lines[n].len() {
                let line = self.lines[n].clone();
                let Some(end) = closing(&line, at) else {
                    at += 1;
                    continue;
                };
                let mut candidates: Vec<String> = Vec::new();
                if line.as_bytes()[at] == b'(' {
                    let inner = &line[at + 1..end];
                    candidates.extend(SIMPLE.iter().map(|s| s.to_string()));
                    candidates.push("()".into());
                    candidates.push("(1)".into());
                    for part in inner.split(' ') {
                        candidates.push(part.to_owned());
                        candidates.push(format!("({part})"));
                    }
                    candidates.push(inner.to_owned());
                } else {
                    candidates.push("{}".into());
                }
                let shorter = candidates.into_iter().find(|c| {
                    if c.len() > end - at {
                        return false;
                    }
                    let mut lines = self.lines.clone();
                    lines[n] = format!("{}{c}{}", &line[..at], &line[end + 1..]);
                    self.offer(lines)
                });
                if shorter.is_none() {
                    at += 1;
                }
            }
        }
    }
}

/// Where the bracket that opens at `at` closes.
fn closing(line: &str, at: usize) -> Option<usize> {
    let b = line.as_bytes();
    let (open, close) = match b[at] {
        b'(' => (b'(', b')'),
        b'{' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0;
    for (i, &c) in b.iter().enumerate().skip(at) {
        if c == open {
            depth += 1;
        } else if c == close {
            depth -= 1;
            if depth == 0 {
                return (i > at + 1).then_some(i);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::reduce;
    use std::time::{Duration, Instant};

    #[test]
    fn keeps_only_what_matters() {
        let text =
            "local a = 1\nif a then\n  P(f(1 + (2 * x)))\n  b = 2\nend\nlocal z = {1, 2, 3}\n";
        let small = reduce(text, Instant::now() + Duration::from_secs(10), &mut |t| {
            t.contains("P(") && t.contains('x') && t.matches('(').count() == t.matches(')').count()
        });
        assert!(small.len() < 20, "{small}");
        assert!(small.contains("P("), "{small}");
    }
}
