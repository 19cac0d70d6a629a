//! The printers.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write};
use trinity_codegen::isa::{BinOp, CmpOp, Node, TermId, TermPool, UnOp};

/// The logic of everything printed here.
pub const LOGIC: &str = "QF_BV";

/// Longest text of a node that is written where it is used instead of being bound.
const INLINE: usize = 160;

/// A node that has no SMT-LIB text here: it has to be lowered first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotPrintable(pub Node);

impl fmt::Display for NotPrintable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a node that was not lowered: {:?}", self.0)
    }
}

impl std::error::Error for NotPrintable {}

/// Words that cannot name a constant.
const RESERVED: [&str; 24] = [
    "and", "or", "not", "xor", "let", "ite", "distinct", "true", "false", "par", "forall",
    "exists", "as", "assert", "push", "pop", "exit", "concat", "extract", "repeat", "Bool", "Int",
    "Real", "Array",
];

/// A variable's name as a symbol: itself, unless SMT-LIB gives the word a meaning.
pub fn symbol(name: &str) -> String {
    let plain = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("bv")
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if plain && !RESERVED.contains(&name) {
        return name.to_string();
    }
    let mut out = String::from("v!");
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '_' => out.push(c),
            c => {
                let _ = write!(out, "!{:x}", u32::from(c));
            }
        }
    }
    out
}

fn sort(width: u32) -> String {
    if width == 1 {
        "Bool".into()
    } else {
        format!("(_ BitVec {width})")
    }
}

fn constant(width: u32, v: u128) -> String {
    match width {
        1 => if v == 1 { "true" } else { "false" }.into(),
        w if w % 4 == 0 => format!("#x{v:0n$x}", n = w as usize / 4),
        w => format!("#b{v:0n$b}", n = w as usize),
    }
}

fn bin_name(op: BinOp) -> Option<&'static str> {
    use BinOp::*;
    Some(match op {
        Add => "bvadd",
        Sub => "bvsub",
        Mul => "bvmul",
        Udiv => "bvudiv",
        Urem => "bvurem",
        Sdiv => "bvsdiv",
        Srem => "bvsrem",
        And => "bvand",
        Or => "bvor",
        Xor => "bvxor",
        Shl => "bvshl",
        Lshr => "bvlshr",
        Ashr => "bvashr",
        MulHiU | MulHiS | Rotl | Rotr | Pext | Pdep => return None,
    })
}

/// The text of one node whose operands have texts already.
fn node_text(
    pool: &TermPool,
    t: TermId,
    text: &dyn Fn(TermId) -> String,
) -> Result<String, NotPrintable> {
    let (node, width) = (pool.node(t), pool.term_width(t));
    // An operand as a bit-vector, also when it is one bit.
    let vector = |a: TermId| match pool.term_width(a) {
        1 => format!("(ite {} #b1 #b0)", text(a)),
        _ => text(a),
    };
    let boolean = |bits: String| format!("(= {bits} #b1)");
    Ok(match node {
        Node::Const(v) => constant(width, v),
        Node::Var(v) => symbol(&pool.variables()[v as usize].name),
        Node::Un(UnOp::Not, a) if width == 1 => format!("(not {})", text(a)),
        Node::Un(UnOp::Not, a) => format!("(bvnot {})", text(a)),
        Node::Un(UnOp::Neg, a) if width == 1 => text(a),
        Node::Un(UnOp::Neg, a) => format!("(bvneg {})", text(a)),
        Node::Bin(op, a, b) if width == 1 => {
            let (x, y) = (text(a), text(b));
            match op {
                BinOp::Add | BinOp::Sub | BinOp::Xor => format!("(xor {x} {y})"),
                BinOp::And | BinOp::Mul => format!("(and {x} {y})"),
                BinOp::Or => format!("(or {x} {y})"),
                _ => match bin_name(op) {
                    Some(name) => boolean(format!("({name} {} {})", vector(a), vector(b))),
                    None => return Err(NotPrintable(node)),
                },
            }
        }
        Node::Bin(op, a, b) => match bin_name(op) {
            Some(name) => format!("({name} {} {})", text(a), text(b)),
            None => return Err(NotPrintable(node)),
        },
        Node::Cmp(op, a, b) => {
            let (x, y) = (text(a), text(b));
            match (op, pool.term_width(a)) {
                (CmpOp::Eq, _) => format!("(= {x} {y})"),
                (CmpOp::Ult, 1) => format!("(and (not {x}) {y})"),
                (CmpOp::Slt, 1) => format!("(and {x} (not {y}))"),
                (CmpOp::Ult, _) => format!("(bvult {x} {y})"),
                (CmpOp::Slt, _) => format!("(bvslt {x} {y})"),
            }
        }
        Node::Ite(c, a, b) if width > 0 => format!("(ite {} {} {})", text(c), text(a), text(b)),
        Node::Extract(a, lo) => {
            let bits = format!("((_ extract {} {lo}) {})", lo + width - 1, vector(a));
            if width == 1 { boolean(bits) } else { bits }
        }
        Node::Concat(a, b) => format!("(concat {} {})", vector(a), vector(b)),
        Node::Zext(a) => format!(
            "((_ zero_extend {}) {})",
            width - pool.term_width(a),
            vector(a)
        ),
        Node::Sext(a) => format!(
            "((_ sign_extend {}) {})",
            width - pool.term_width(a),
            vector(a)
        ),
        Node::Un(..)
        | Node::Fp(..)
        | Node::Ite(..)
        | Node::Memory(_)
        | Node::Load(..)
        | Node::Store(..) => {
            return Err(NotPrintable(node));
        }
    })
}

/// A query by itself: declarations of the variables, and one assertion that all of `holds` (one-bit terms) are one.
///
/// # Errors
/// When a node was not lowered.
pub fn one_shot(pool: &TermPool, holds: &[TermId]) -> Result<String, NotPrintable> {
    let order = pool.reachable(holds);
    let mut uses: HashMap<TermId, u32> = HashMap::new();
    for &t in &order {
        for o in pool.node(t).operands() {
            *uses.entry(o).or_default() += 1;
        }
    }
    for &t in holds {
        // Roots are always bound or leaves, so that the assertion stays short.
        *uses.entry(t).or_default() += 2;
    }
    let mut out = String::new();
    let mut texts: HashMap<TermId, String> = HashMap::new();
    // Bindings by level: a level refers to lower ones only.
    let mut level: HashMap<TermId, usize> = HashMap::new();
    let mut levels: Vec<Vec<(TermId, String)>> = Vec::new();
    for t in order {
        let node = pool.node(t);
        let text = node_text(pool, t, &|o| texts[&o].clone())?;
        let below = node.operands().map(|o| level[&o]).max().unwrap_or(0);
        if let Node::Var(v) = node {
            let var = &pool.variables()[v as usize];
            let _ = writeln!(out, "(declare-fun {text} () {})", sort(var.width));
        }
        let leaf = matches!(node, Node::Var(_) | Node::Const(_));
        if leaf || (uses[&t] == 1 && text.len() <= INLINE) {
            level.insert(t, below);
            texts.insert(t, text);
            continue;
        }
        if levels.len() <= below {
            levels.resize(below + 1, Vec::new());
        }
        levels[below].push((t, text));
        level.insert(t, below + 1);
        texts.insert(t, format!("?{}", t.0));
    }
    out.push_str("(assert ");
    for bindings in &levels {
        out.push_str("\n(let (");
        for (t, text) in bindings {
            let _ = write!(out, "(?{} {text})\n  ", t.0);
        }
        out.push(')');
    }
    match holds {
        [] => out.push_str("true"),
        [one] => out.push_str(&texts[one]),
        many => {
            out.push_str("(and");
            for t in many {
                out.push(' ');
                out.push_str(&texts[t]);
            }
            out.push(')');
        }
    }
    out.push_str(&")".repeat(levels.len() + 1));
    out.push('\n');
    Ok(out)
}

/// Prints into one session: every inner node gets a name, once.
///
/// Invariant: a named node's definition was printed in a scope that is still open; the caller prints definitions in the
/// outermost scope only.
#[derive(Default, Debug)]
pub struct SessionPrinter {
    named: HashSet<TermId>,
}

impl SessionPrinter {
    /// Nothing printed yet.
    pub fn new() -> SessionPrinter {
        SessionPrinter::default()
    }

    /// Those of `terms` that were printed.
    pub fn declared(&self, terms: &[TermId]) -> Vec<TermId> {
        terms
            .iter()
            .copied()
            .filter(|t| self.named.contains(t))
            .collect()
    }

    /// The name of a node that was defined, or its text when it is a leaf.
    pub fn name(&self, pool: &TermPool, t: TermId) -> String {
        match pool.node(t) {
            Node::Const(v) => constant(pool.term_width(t), v),
            Node::Var(v) => symbol(&pool.variables()[v as usize].name),
            _ => format!("n!{}", t.0),
        }
    }

    /// Declarations and definitions of what `roots` need and was not printed before.
    ///
    /// # Errors
    /// When a node was not lowered.
    pub fn define(&mut self, pool: &TermPool, roots: &[TermId]) -> Result<String, NotPrintable> {
        let mut out = String::new();
        // Depth first over what is new; an explicit stack, since graphs are deep.
        let mut stack: Vec<(TermId, bool)> = roots.iter().map(|t| (*t, false)).collect();
        while let Some((t, operands_done)) = stack.pop() {
            if self.named.contains(&t) {
                continue;
            }
            if !operands_done {
                stack.push((t, true));
                stack.extend(pool.node(t).operands().map(|o| (o, false)));
                continue;
            }
            self.named.insert(t);
            let name = self.name(pool, t);
            match pool.node(t) {
                Node::Const(_) => {}
                Node::Var(_) => {
                    let _ = writeln!(out, "(declare-fun {name} () {})", sort(pool.term_width(t)));
                }
                _ => {
                    let text = node_text(pool, t, &|o| self.name(pool, o))?;
                    let _ = writeln!(out, "(declare-fun {name} () {})", sort(pool.term_width(t)));
                    let _ = writeln!(out, "(assert (= {name} {text}))");
                }
            }
        }
        Ok(out)
    }
}
