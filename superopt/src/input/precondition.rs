//! The language of preconditions: C-like conditions over registers at entry.
//!
//! `edi != 0 && esi <u 100`, `popcount(rdi) == 1 || (edi & 3) == 0`. Comparisons and right shifts name their sign: `<u`,
//! `<s`, `>>u`, `>>s`. Operators bind as in C, except that `&`, `^` and `|` bind tighter than comparisons. A word is as
//! wide as its register; numbers take the width of what they meet, and two registers of different width do not mix
//! (`zext(dil, 32)` and `sext(dil, 32)` widen). `disjoint(rdi, 16, rsi, 8)` says that the 16 bytes at rdi and the 8
//! at rsi have none in common: what `restrict` promises in C.

use super::place::PlaceSet;
use super::terms::State;
use iced_x86::Register;
use std::fmt;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, Flag, TermId, TermPool, UnOp};

/// What is wrong with a condition, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConditionError {
    /// Column, from 1.
    pub column: usize,
    /// What.
    pub problem: Problem,
}

/// Kinds of [`ConditionError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// A character that begins nothing.
    Character(char),
    /// Something else was expected.
    Expected(&'static str),
    /// A name that is no register, flag or function.
    Name(String),
    /// A comparison or shift without its sign.
    Sign(String),
    /// Words of two widths.
    Widths(u32, u32),
    /// A number that does not fit.
    Number,
    /// Only numbers: the width is not known.
    NoWidth,
}

impl fmt::Display for ConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: ", self.column)?;
        match &self.problem {
            Problem::Character(c) => write!(f, "unexpected character {c:?}"),
            Problem::Expected(what) => write!(f, "expected {what}"),
            Problem::Name(n) => write!(f, "{n} is no register, flag or function"),
            Problem::Sign(op) => write!(f, "{op} needs a sign: {op}u (unsigned) or {op}s (signed)"),
            Problem::Widths(a, b) => write!(
                f,
                "words of {a} and {b} bits do not mix; widen one with zext or sext"
            ),
            Problem::Number => f.write_str("the number does not fit"),
            Problem::NoWidth => f.write_str("two numbers: their width is not known"),
        }
    }
}

impl std::error::Error for ConditionError {}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Name(String),
    Number(u128),
    Op(&'static str),
    End,
}

const OPS: [&str; 32] = [
    "<=u", "<=s", ">=u", ">=s", ">>u", ">>s", "<u", "<s", ">u", ">s", "&&", "||", "==", "!=", "<<",
    ">>", "<=", ">=", "<", ">", "+", "-", "*", "&", "|", "^", "~", "!", "(", ")", ",", "%",
];

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, ConditionError> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let column = text[..at].chars().count() + 1;
        let Some(c) = rest.chars().next() else { break };
        if c.is_whitespace() {
            at += c.len_utf8();
        } else if c.is_ascii_alphanumeric() || c == '_' {
            let n = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let word = &rest[..n];
            let number = match word.strip_prefix("0x") {
                Some(h) => Some(u128::from_str_radix(h, 16)),
                None if c.is_ascii_digit() => Some(word.parse()),
                None => None,
            };
            out.push(match number {
                Some(Ok(v)) => (column, Token::Number(v)),
                Some(Err(_)) => {
                    return Err(ConditionError {
                        column,
                        problem: Problem::Number,
                    });
                }
                None => (column, Token::Name(word.to_ascii_lowercase())),
            });
            at += n;
        } else {
            let op = OPS.iter().find(|o| rest.starts_with(**o));
            let Some(op) = op else {
                return Err(ConditionError {
                    column,
                    problem: Problem::Character(c),
                });
            };
            // `<used` is `<` and a name; the sign must stand alone.
            let next = rest[op.len()..].chars().next();
            let glued = op.ends_with(['u', 's'])
                && next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let op = if glued {
                OPS.iter()
                    .find(|o| **o == &op[..op.len() - 1])
                    .unwrap_or(op)
            } else {
                op
            };
            out.push((column, Token::Op(op)));
            at += op.len();
        }
    }
    out.push((text.chars().count() + 1, Token::End));
    Ok(out)
}

#[derive(Clone, Copy, Debug)]
enum Value {
    /// One bit that is a truth value.
    Truth(TermId),
    Word(TermId),
    /// A number without width yet; negative ones by wrapping.
    Number(u128),
}

struct Parser<'a> {
    pool: &'a mut TermPool,
    state: &'a State,
    tokens: Vec<(usize, Token)>,
    next: usize,
    used: PlaceSet,
}

/// Reads a condition over the places of `state` into a bit, and says which places it mentions.
///
/// # Errors
/// With the column.
pub fn parse(
    pool: &mut TermPool,
    state: &State,
    text: &str,
) -> Result<(TermId, PlaceSet), ConditionError> {
    let tokens = tokens(text)?;
    let mut p = Parser {
        pool,
        state,
        tokens,
        next: 0,
        used: PlaceSet::EMPTY,
    };
    let v = p.or()?;
    let bit = p.truth(v)?;
    if *p.peek() != Token::End {
        return Err(p.expected("an operator or the end"));
    }
    Ok((bit, p.used))
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next].1
    }
    fn error(&self, problem: Problem) -> ConditionError {
        ConditionError {
            column: self.tokens[self.next].0,
            problem,
        }
    }
    fn expected(&self, what: &'static str) -> ConditionError {
        self.error(Problem::Expected(what))
    }
    fn op(&mut self, ops: &[&'static str]) -> Option<&'static str> {
        match *self.peek() {
            Token::Op(o) if ops.contains(&o) => {
                self.next += 1;
                Some(o)
            }
            _ => None,
        }
    }
    fn need(&mut self, op: &'static str) -> Result<(), ConditionError> {
        self.op(&[op]).map(|_| ()).ok_or_else(|| self.expected(op))
    }
    fn truth(&mut self, v: Value) -> Result<TermId, ConditionError> {
        match v {
            Value::Truth(t) => Ok(t),
            Value::Word(t) if self.pool.term_width(t) == 1 => Ok(t),
            _ => Err(self.expected("a comparison")),
        }
    }
    fn or(&mut self) -> Result<Value, ConditionError> {
        let mut a = self.and()?;
        while self.op(&["||"]).is_some() {
            let b = self.and()?;
            let (x, y) = (self.truth(a)?, self.truth(b)?);
            a = Value::Truth(self.pool.or(&x, &y));
        }
        Ok(a)
    }
    fn and(&mut self) -> Result<Value, ConditionError> {
        let mut a = self.comparison()?;
        while self.op(&["&&"]).is_some() {
            let b = self.comparison()?;
            let (x, y) = (self.truth(a)?, self.truth(b)?);
            a = Value::Truth(self.pool.and(&x, &y));
        }
        Ok(a)
    }
    fn comparison(&mut self) -> Result<Value, ConditionError> {
        let a = self.binary(0)?;
        let at = self.next;
        let Some(op) = self.op(&[
            "==", "!=", "<u", "<s", ">u", ">s", "<=u", "<=s", ">=u", ">=s", "<", ">", "<=", ">=",
        ]) else {
            return Ok(a);
        };
        if matches!(op, "<" | ">" | "<=" | ">=") {
            self.next = at;
            return Err(self.error(Problem::Sign(op.into())));
        }
        let b = self.binary(0)?;
        let (x, y) = self.alike(a, b, at)?;
        let less = if op.ends_with('s') {
            CmpOp::Slt
        } else {
            CmpOp::Ult
        };
        let (t, negate) = match op.trim_end_matches(['u', 's']) {
            "==" => (self.pool.eq(&x, &y), false),
            "!=" => (self.pool.eq(&x, &y), true),
            "<" => (self.pool.cmp(less, &x, &y), false),
            ">" => (self.pool.cmp(less, &y, &x), false),
            "<=" => (self.pool.cmp(less, &y, &x), true),
            _ => (self.pool.cmp(less, &x, &y), true),
        };
        Ok(Value::Truth(if negate { self.pool.not(&t) } else { t }))
    }
    /// Two words of one width.
    fn alike(&mut self, a: Value, b: Value, at: usize) -> Result<(TermId, TermId), ConditionError> {
        let error = |p: &Self, problem| {
            Err(ConditionError {
                column: p.tokens[at].0,
                problem,
            })
        };
        let word = |v| match v {
            Value::Truth(t) | Value::Word(t) => Some(t),
            Value::Number(_) => None,
        };
        match (word(a), word(b)) {
            (Some(x), Some(y)) => {
                let (w, v) = (self.pool.term_width(x), self.pool.term_width(y));
                if w == v {
                    Ok((x, y))
                } else {
                    error(self, Problem::Widths(w, v))
                }
            }
            (Some(x), None) => Ok((x, self.number(b, self.pool.term_width(x), at)?)),
            (None, Some(y)) => Ok((self.number(a, self.pool.term_width(y), at)?, y)),
            (None, None) => error(self, Problem::NoWidth),
        }
    }
    fn number(&mut self, v: Value, width: u32, at: usize) -> Result<TermId, ConditionError> {
        let Value::Number(n) = v else {
            return Err(self.expected("a number"));
        };
        let negative = n >> 127 == 1;
        let fits = if negative {
            n >= (u128::MAX << (width - 1))
        } else {
            n >> width == 0
        };
        if !fits {
            return Err(ConditionError {
                column: self.tokens[at].0,
                problem: Problem::Number,
            });
        }
        Ok(self.pool.constant(width, n))
    }
    fn binary(&mut self, level: usize) -> Result<Value, ConditionError> {
        const LEVELS: [&[&str]; 6] = [
            &["|"],
            &["^"],
            &["&"],
            &["<<", ">>u", ">>s", ">>"],
            &["+", "-"],
            &["*"],
        ];
        if level == LEVELS.len() {
            return self.unary();
        }
        let mut a = self.binary(level + 1)?;
        loop {
            let at = self.next;
            let Some(op) = self.op(LEVELS[level]) else {
                return Ok(a);
            };
            if op == ">>" {
                self.next = at;
                return Err(self.error(Problem::Sign(op.into())));
            }
            let b = self.binary(level + 1)?;
            let kind = match op {
                "|" => BinOp::Or,
                "^" => BinOp::Xor,
                "&" => BinOp::And,
                "<<" => BinOp::Shl,
                ">>u" => BinOp::Lshr,
                ">>s" => BinOp::Ashr,
                "+" => BinOp::Add,
                "-" => BinOp::Sub,
                _ => BinOp::Mul,
            };
            a = match (a, b) {
                (Value::Number(x), Value::Number(y)) => {
                    Value::Number(trinity_codegen::isa::concrete::eval_bin(kind, 128, x, y))
                }
                _ => {
                    let (x, y) = self.alike(a, b, at)?;
                    Value::Word(self.pool.bin(kind, &x, &y))
                }
            };
        }
    }
    fn unary(&mut self) -> Result<Value, ConditionError> {
        match self.op(&["!", "~", "-"]) {
            Some("!") => {
                let v = self.unary()?;
                let t = self.truth(v)?;
                Ok(Value::Truth(self.pool.not(&t)))
            }
            Some(op) => Ok(match self.unary()? {
                Value::Number(n) => Value::Number(if op == "-" { n.wrapping_neg() } else { !n }),
                Value::Word(t) | Value::Truth(t) => Value::Word(
                    self.pool
                        .un(if op == "-" { UnOp::Neg } else { UnOp::Not }, &t),
                ),
            }),
            None => self.primary(),
        }
    }
    fn primary(&mut self) -> Result<Value, ConditionError> {
        if self.op(&["("]).is_some() {
            let v = self.or()?;
            self.need(")")?;
            return Ok(v);
        }
        match self.peek().clone() {
            Token::Number(n) => {
                self.next += 1;
                Ok(Value::Number(n))
            }
            Token::Name(name) => {
                let at = self.next;
                self.next += 1;
                if self.op(&["("]).is_some() {
                    return self.call(&name, at);
                }
                match self.place(&name) {
                    Some(t) => Ok(Value::Word(t)),
                    None => {
                        self.next = at;
                        Err(self.error(Problem::Name(name)))
                    }
                }
            }
            _ => Err(self.expected("a register, a number or (")),
        }
    }
    fn call(&mut self, name: &str, at: usize) -> Result<Value, ConditionError> {
        if name == "disjoint" {
            return self.disjoint();
        }
        let simple = match name {
            "popcount" => Some(UnOp::Popcnt),
            "clz" => Some(UnOp::Clz),
            "ctz" => Some(UnOp::Ctz),
            "bswap" => Some(UnOp::Bswap),
            "zext" | "sext" => None,
            _ => {
                self.next = at;
                return Err(self.error(Problem::Name(name.to_owned())));
            }
        };
        let Value::Word(x) = self.binary(0)? else {
            return Err(self.expected("a word with a width"));
        };
        let value = match simple {
            Some(op) => self.pool.un(op, &x),
            None => {
                self.need(",")?;
                let Token::Number(w) = *self.peek() else {
                    return Err(self.expected("a width"));
                };
                if w > 128 || w < self.pool.term_width(x).into() {
                    return Err(self.error(Problem::Number));
                }
                self.next += 1;
                if name == "zext" {
                    self.pool.zext(&x, w as u32)
                } else {
                    self.pool.sext(&x, w as u32)
                }
            }
        };
        self.need(")")?;
        Ok(Value::Word(value))
    }
    /// `p, n, q, m)`: no byte is among the n at p and the m at q. Addresses wrap: q is not in the n bytes from p, nor p
    /// in the m bytes from q.
    fn disjoint(&mut self) -> Result<Value, ConditionError> {
        let mut spans = Vec::new();
        for n in 0..2 {
            if n > 0 {
                self.need(",")?;
            }
            let at = self.next;
            let address = self.binary(0)?;
            let Value::Word(p) = address else {
                self.next = at;
                return Err(self.expected("a register of 64 bits"));
            };
            if self.pool.term_width(p) != 64 {
                self.next = at;
                return Err(self.expected("a register of 64 bits"));
            }
            self.need(",")?;
            let at = self.next;
            let length = self.binary(0)?;
            spans.push((p, self.number(length, 64, at)?));
        }
        self.need(")")?;
        let ((p, n), (q, m)) = (spans[0], spans[1]);
        let mut apart = |a: &TermId, b: &TermId, length: &TermId| {
            let distance = self.pool.sub(a, b);
            let inside = self.pool.cmp(CmpOp::Ult, &distance, length);
            self.pool.not(&inside)
        };
        let (x, y) = (apart(&q, &p, &n), apart(&p, &q, &m));
        Ok(Value::Truth(self.pool.and(&x, &y)))
    }
    fn place(&mut self, name: &str) -> Option<TermId> {
        if let Some(f) = Flag::ALL
            .into_iter()
            .find(|f| super::Place::Flag(*f).to_string() == name)
        {
            self.used.insert(super::Place::Flag(f));
            return Some(self.state.flags[f as usize]);
        }
        let r = register(name)?;
        self.used = self.used.or(PlaceSet::register(r));
        let whole = self.state.gpr[(r.full_register() as u32 - Register::RAX as u32) as usize & 15];
        let low = if matches!(r, Register::AH | Register::BH | Register::CH | Register::DH) {
            8
        } else {
            0
        };
        Some(self.pool.extract(&whole, low, 8 * r.size() as u32))
    }
}

/// A general register by its name.
pub fn register(name: &str) -> Option<Register> {
    let alias = name
        .strip_suffix('b')
        .filter(|n| n.starts_with('r') && n.len() > 1)
        .map(|n| format!("{n}l"));
    let name = alias.as_deref().unwrap_or(name);
    Register::values()
        .find(|r| r.is_gpr() && r.number() < 16 && format!("{r:?}").eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Setup;
    use trinity_codegen::isa::{Bits, Concrete};

    fn holds(text: &str, rdi: u64, rsi: u64) -> bool {
        let mut s = Setup::new(1);
        let state = s.initial.clone();
        let (t, _) = parse(&mut s.pool, &state, text).unwrap();
        let mut var = |_: &mut Concrete, _: u32, v: &trinity_codegen::isa::term::Variable| {
            Bits::new(
                v.width,
                match v.name.as_str() {
                    "rdi" => rdi.into(),
                    "rsi" => rsi.into(),
                    _ => 0,
                },
            )
        };
        s.pool.eval(&[t], &mut Concrete, &mut var, &mut |_, _| {
            Default::default()
        })[0]
            .value
            == 1
    }

    #[test]
    fn meaning() {
        assert!(holds("edi != 0 && esi <u 100", 1 << 40 | 5, 99));
        assert!(!holds("edi != 0 && esi <u 100", 1 << 40, 99));
        assert!(holds("rdi <s 0", u64::MAX, 0));
        assert!(!holds("rdi <u 0x10", u64::MAX, 0));
        assert!(holds("rdi & 3 == 1 || dil >=s -1", 5, 0));
        assert!(holds("popcount(rdi ^ rsi) == 2 && !(rdi == rsi)", 6, 0));
        assert!(
            holds(
                "zext(dil, 64) + rsi * 2 - 1 == 0x1ff >>u 1 << 0",
                0x101,
                0x7f + 1
            ) == (1 + 0x100 - 1 == 0xff)
        );
        assert!(holds("sext(dil, 32) == -1 && clz(esi) == 31", 0xff, 1));
        assert!(holds("zf == 0 && !zf && r8b == 0", 0, 0));
        // 16 bytes at rdi, 8 at rsi: one byte short of meeting, and meeting, on both sides and across the end.
        let apart = "disjoint(rdi, 16, rsi, 8)";
        for (rdi, rsi, expected) in [
            (100, 116, true),
            (100, 115, false),
            (100, 92, true),
            (100, 93, false),
            (100, 100, false),
            (u64::MAX - 7, 8, true),
            (u64::MAX - 7, 7, false),
        ] {
            assert_eq!(holds(apart, rdi, rsi), expected, "{rdi} {rsi}");
            let both = holds("disjoint(rsi, 8, rdi, 16) && rdi == rdi", rdi, rsi);
            assert_eq!(both, expected, "{rdi} {rsi}");
        }
    }

    #[test]
    fn errors_have_columns() {
        let error = |text: &str| {
            let mut s = Setup::new(1);
            let state = s.initial.clone();
            parse(&mut s.pool, &state, text).unwrap_err().to_string()
        };
        assert_eq!(
            error("edi < 3"),
            "column 5: < needs a sign: <u (unsigned) or <s (signed)"
        );
        assert_eq!(
            error("edi == foo"),
            "column 8: foo is no register, flag or function"
        );
        assert_eq!(
            error("edi == rsi"),
            "column 5: words of 32 and 64 bits do not mix; widen one with zext or sext"
        );
        assert_eq!(
            error("edi =="),
            "column 7: expected a register, a number or ("
        );
        assert_eq!(error("dil == 256"), "column 5: the number does not fit");
        assert_eq!(
            error("disjoint(edi, 16, rsi, 16)"),
            "column 10: expected a register of 64 bits"
        );
        assert_eq!(error("edi"), "column 4: expected a comparison");
        assert_eq!(error("(edi == 1"), "column 10: expected )");
        assert_eq!(error("edi == 1 $"), "column 10: unexpected character '$'");
        assert_eq!(
            error("1 == 1"),
            "column 3: two numbers: their width is not known"
        );
        assert_eq!(
            error("f(edi) == 1"),
            "column 1: f is no register, flag or function"
        );
    }
}
