//! What a rule file says: tokens with places, expressions, rules.
//!
//! ```text
//! family multiply
//! mul-pow2:  x * K => x << {log2(K)}  if pow2(K)
//! sext-trunc: sext[w](trunc[n](x)) <=> (x << {w - n}) >>s {w - n}
//! udiv-magic: x /u D => mulhu(x, M) >>u S
//!     with M = umagic(D), S = umagic_shift(D)
//!     if D >u 1 && valid_umagic(D, M, S)  at 16, 32, 64
//! ```
//! Names that start with a capital letter are constants, others any word. `=>` rewrites left to right, `<=>` both
//! ways. `with` names constants that the engine computes by code nobody need trust: what the rule's truth rests on
//! stands after `if`, and is checked at every use. `w` is the rule's width, `n` ranges over the narrower widths.
//! `#` starts a comment; a line that is indented goes on with the rule above.

use std::fmt;
use trinity_codegen::isa::{BinOp, CmpOp, FpOp, UnOp};

/// A place in a rule file, both parts from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// What is wrong with a rule file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleError {
    /// The file's name as given.
    pub file: String,
    /// Where.
    pub place: Place,
    /// What.
    pub kind: RuleErrorKind,
}

/// The kinds of errors in rule files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RuleErrorKind {
    /// A character no token starts with.
    Character(char),
    /// A number that does not fit 128 bits or a malformed double.
    Number(String),
    /// Something else was expected.
    Expected {
        /// What.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// No function of this name.
    Function(String),
    /// Wrong number of operands.
    Operands {
        /// The function.
        name: String,
        /// How many it takes.
        takes: usize,
        /// How many stand there.
        given: usize,
    },
    /// A family name or rule name used twice.
    Twice(String),
    /// A rule stands before the first `family`.
    NoFamily,
    /// The right side uses a word the left side does not bind.
    Unbound(String),
    /// Braces or `with` around something that is no constant.
    NotConstant(String),
    /// `<=>` with computed constants, which cannot be read backwards.
    OneWay,
    /// The left side is a lone variable or constant and would match everything.
    MatchesAll,
    /// Two widths that must agree do not.
    Widths {
        /// One.
        a: u32,
        /// The other.
        b: u32,
    },
    /// A width outside 1 to 128.
    WidthRange(i64),
    /// No width at which the rule makes sense.
    NoWidth,
    /// The file cannot be read.
    Unreadable(String),
}

impl fmt::Display for RuleErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use RuleErrorKind::*;
        match self {
            Character(c) => write!(f, "unexpected character '{c}'"),
            Number(t) => write!(f, "malformed number '{t}'"),
            Expected { what, found } => write!(f, "expected {what}, found {found}"),
            Function(n) => write!(f, "no function '{n}'"),
            Operands { name, takes, given } => {
                write!(f, "'{name}' takes {takes} operands, {given} given")
            }
            Twice(n) => write!(f, "'{n}' is defined twice"),
            NoFamily => f.write_str("a rule before the first 'family'"),
            Unbound(n) => write!(f, "'{n}' is not bound by the left side"),
            NotConstant(n) => write!(
                f,
                "'{n}' is no constant (constants start with a capital letter)"
            ),
            OneWay => {
                f.write_str("a rule with computed constants or 'with' goes one way: use '=>'")
            }
            MatchesAll => f.write_str("a left side without an operation matches everything"),
            Widths { a, b } => write!(f, "a width of {a} bits meets one of {b}"),
            WidthRange(n) => write!(f, "a width of {n} bits: widths are 1 to 128"),
            NoWidth => f.write_str("the rule makes sense at no width"),
            Unreadable(why) => write!(f, "cannot read: {why}"),
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(f, "{}:{line}:{column}: {}", self.file, self.kind)
    }
}
impl std::error::Error for RuleError {}

/// A token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Token {
    /// A name; inner dashes belong to it only in rule names (see [`Token::Label`]).
    Name(String),
    /// A name directly followed by a colon at the start of a line: the colon is eaten.
    Label(String),
    /// A number.
    Int(u128),
    /// A double, by its bits.
    Double(u64),
    /// An operator or a bracket.
    Sign(&'static str),
    /// The end of the file.
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Name(n) => write!(f, "'{n}'"),
            Token::Label(n) => write!(f, "the start of rule '{n}'"),
            Token::Int(v) => write!(f, "{v}"),
            Token::Double(b) => write!(f, "{:?}", f64::from_bits(*b)),
            Token::Sign(s) => write!(f, "'{s}'"),
            Token::End => f.write_str("the end of the file"),
        }
    }
}

/// Longest first.
const SIGNS: &[&str] = &[
    "<=>", ">>u", ">>s", "<=u", "<=s", ">=u", ">=s", "=>", "==", "!=", "<<", "<u", "<s", ">u",
    ">s", "&&", "/u", "/s", "%u", "%s", "+", "-", "*", "&", "|", "^", "~", "!", "?", ":", "(", ")",
    "[", "]", "{", "}", ",", "=", "/",
];

/// Cuts a rule file into tokens. A comment runs to the end of its line.
pub fn tokens(file: &str, text: &str) -> Result<Vec<(Token, Place)>, RuleError> {
    let mut out = Vec::new();
    let mut end = Place { line: 1, column: 1 };
    for (n, line) in text.lines().enumerate() {
        let line_no = n as u32 + 1;
        let code = line.split('#').next().unwrap_or("");
        let mut rest = code;
        end = Place {
            line: line_no + 1,
            column: 1,
        };
        while let Some(c) = rest.chars().next() {
            let column = code[..code.len() - rest.len()].chars().count() as u32 + 1;
            let place = Place {
                line: line_no,
                column,
            };
            let fail = |kind| RuleError {
                file: file.to_owned(),
                place,
                kind,
            };
            if c.is_whitespace() {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            let (token, len) = if c.is_ascii_digit() {
                number(rest).map_err(|t| fail(RuleErrorKind::Number(t)))?
            } else if c.is_ascii_alphabetic() || c == '_' {
                name(rest, column == 1)
            } else {
                let sign = SIGNS.iter().find(|s| rest.starts_with(**s));
                let sign = sign.ok_or_else(|| fail(RuleErrorKind::Character(c)))?;
                (Token::Sign(sign), sign.len())
            };
            out.push((token, place));
            rest = &rest[len..];
        }
    }
    out.push((Token::End, end));
    Ok(out)
}

fn name(rest: &str, at_start: bool) -> (Token, usize) {
    if at_start {
        let len = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        if let Some(len) = len
            && rest[len..].starts_with(':')
        {
            return (Token::Label(rest[..len].to_owned()), len + 1);
        }
    }
    let len = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    (Token::Name(rest[..len].to_owned()), len)
}

fn number(rest: &str) -> Result<(Token, usize), String> {
    let hex = rest.strip_prefix("0x");
    let body = hex.unwrap_or(rest);
    let len = body
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || (c == '.' && hex.is_none())))
        .unwrap_or(body.len());
    let digits = body[..len].replace('_', "");
    let whole = len + rest.len() - body.len();
    let bad = || rest[..whole].to_owned();
    let token = if hex.is_some() {
        Token::Int(u128::from_str_radix(&digits, 16).map_err(|_| bad())?)
    } else if digits.contains('.') {
        Token::Double(digits.parse::<f64>().map_err(|_| bad())?.to_bits())
    } else {
        Token::Int(digits.parse().map_err(|_| bad())?)
    };
    Ok((token, whole))
}

/// A width as a rule writes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WidthExpr {
    /// A number of bits.
    Bits(u32),
    /// The rule's width.
    W,
    /// The narrower width.
    N,
    /// Sum.
    Add(Box<WidthExpr>, Box<WidthExpr>),
    /// Difference.
    Sub(Box<WidthExpr>, Box<WidthExpr>),
    /// Product.
    Mul(Box<WidthExpr>, Box<WidthExpr>),
    /// Quotient, rounded down.
    Div(Box<WidthExpr>, Box<WidthExpr>),
}

/// The widths of one instance of a rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct Widths {
    /// `w`.
    pub w: u32,
    /// `n`, below `w`; 0 in rules that do not mention it.
    pub n: u32,
}

impl WidthExpr {
    /// The number; negative or senseless ones come out as they are.
    pub fn value(&self, at: Widths) -> i64 {
        match self {
            WidthExpr::Bits(b) => i64::from(*b),
            WidthExpr::W => i64::from(at.w),
            WidthExpr::N => i64::from(at.n),
            WidthExpr::Add(a, b) => a.value(at) + b.value(at),
            WidthExpr::Sub(a, b) => a.value(at) - b.value(at),
            WidthExpr::Mul(a, b) => a.value(at).saturating_mul(b.value(at)),
            WidthExpr::Div(a, b) => a.value(at).checked_div(b.value(at)).unwrap_or(0),
        }
    }
    /// Whether `n` occurs.
    pub fn mentions_n(&self) -> bool {
        use WidthExpr::*;
        match self {
            Bits(_) | W => false,
            N => true,
            Add(a, b) | Sub(a, b) | Mul(a, b) | Div(a, b) => a.mentions_n() || b.mentions_n(),
        }
    }
}

/// An expression by its number in the rule's [`Exprs`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// An operation of the core language, with widths yet symbolic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CoreOp {
    /// One operand.
    Un(UnOp),
    /// Two operands.
    Bin(BinOp),
    /// Comparison.
    Cmp(CmpOp),
    /// Selection.
    Ite,
    /// Position and width.
    Extract(WidthExpr, WidthExpr),
    /// High part, low part.
    Concat,
    /// Zero extension.
    Zext(WidthExpr),
    /// Sign extension.
    Sext(WidthExpr),
    /// Floating point on doubles.
    Fp(FpOp),
}

/// A node of an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExprKind {
    /// A word or a constant, by its number among the rule's names.
    Name(u32),
    /// A number; its width comes from its surroundings.
    Int(u128),
    /// A double.
    Double(u64),
    /// A width as a number.
    Width(WidthExpr),
    /// An operation.
    Op(CoreOp, Vec<ExprId>),
    /// Braces: the engine computes this constant.
    Computed(ExprId),
}

/// All expressions of a rule; operands come before their users.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Exprs {
    nodes: Vec<(ExprKind, Place, Option<WidthExpr>)>,
}

impl Exprs {
    /// Adds a node, with the width it was given in the text, if any.
    pub fn add(&mut self, kind: ExprKind, place: Place, width: Option<WidthExpr>) -> ExprId {
        self.nodes.push((kind, place, width));
        ExprId(self.nodes.len() as u32 - 1)
    }
    /// The node.
    pub fn kind(&self, e: ExprId) -> &ExprKind {
        &self.nodes[e.0 as usize].0
    }
    /// Where it stands.
    pub fn place(&self, e: ExprId) -> Place {
        self.nodes[e.0 as usize].1
    }
    /// The width given in the text.
    pub fn given_width(&self, e: ExprId) -> Option<&WidthExpr> {
        self.nodes[e.0 as usize].2.as_ref()
    }
    /// Number of nodes; ids are below it.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
    /// The operands.
    pub fn operands(&self, e: ExprId) -> &[ExprId] {
        match self.kind(e) {
            ExprKind::Op(_, args) => args,
            ExprKind::Computed(a) => std::slice::from_ref(a),
            _ => &[],
        }
    }
    /// Calls `f` on `e` and everything under it, operands first; shared parts once for each use.
    pub fn walk(&self, e: ExprId, f: &mut dyn FnMut(ExprId)) {
        for a in self.operands(e) {
            self.walk(*a, f);
        }
        f(e);
    }
}
