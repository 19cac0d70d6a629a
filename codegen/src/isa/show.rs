//! Terms and the meanings of instructions as text a person can read.
//!
//! A term used more than once gets a name, so that the text grows with the graph and not with the tree.

use super::domain::{BinOp, CmpOp, UnOp};
use super::exec::{Unsupported, execute};
use super::machine::{FaultKind, Machine};
use super::term::{Node, TermId, TermPool};
use iced_x86::Instruction;
use std::collections::HashMap;
use std::fmt;

/// What an instruction does.
#[derive(Clone, Debug)]
pub struct Meaning {
    /// The pool of the terms.
    pub pool: TermPool,
    /// Registers and flags that may change: name and new value.
    pub changed: Vec<(String, TermId)>,
    /// The memory afterwards, when it changes.
    pub memory: Option<TermId>,
    /// Faults: kind and condition, without those that cannot happen. Page faults are told by the accesses.
    pub faults: Vec<(FaultKind, TermId)>,
    /// Accesses: address, bytes, whether a write.
    pub accesses: Vec<(TermId, u32, bool)>,
}

/// The meaning of one instruction on a state of variables named after registers and flags.
///
/// # Errors
/// When the model does not have it.
pub fn meaning(i: &Instruction) -> Result<Meaning, Unsupported> {
    let mut pool = TermPool::new();
    let memory = pool.memory();
    let mut names = Vec::new();
    let mut m = Machine::new(&mut pool, memory, &mut |p, name, w| {
        names.push(name.to_owned());
        p.var(name, w)
    });
    let state = |m: &Machine<TermPool>| -> Vec<TermId> {
        let vec = m.vec.iter().flatten();
        m.gpr.iter().chain(&m.flags).chain(vec).copied().collect()
    };
    let before = state(&m);
    execute(&mut pool, &mut m, i)?;
    let after = state(&m);
    let changed = names
        .into_iter()
        .zip(before.iter().zip(&after))
        .filter(|(_, (b, a))| a != b)
        .map(|(n, (_, a))| (n, *a))
        .collect();
    let faults = m
        .faults
        .iter()
        .filter(|f| pool.node(f.when) != Node::Const(0));
    Ok(Meaning {
        changed,
        memory: (m.mem != memory).then_some(m.mem),
        faults: faults.map(|f| (f.kind, f.when)).collect(),
        accesses: m
            .accesses
            .iter()
            .map(|a| (a.addr, a.bytes, a.write))
            .collect(),
        pool,
    })
}

impl fmt::Display for Meaning {
    /// One line per changed place, fault and access; shared terms first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut roots: Vec<TermId> = self.changed.iter().map(|c| c.1).collect();
        roots.extend(self.memory);
        roots.extend(self.faults.iter().map(|c| c.1));
        roots.extend(self.accesses.iter().map(|c| c.0));
        let text = Text::new(&self.pool, &roots);
        for line in &text.named {
            writeln!(f, "{line}")?;
        }
        for (name, t) in &self.changed {
            writeln!(f, "{name}' = {}", text.of(*t))?;
        }
        if let Some(t) = self.memory {
            writeln!(f, "memory' = {}", text.of(t))?;
        }
        for (kind, when) in &self.faults {
            writeln!(f, "{kind:?} fault when {}", text.of(*when))?;
        }
        for (addr, bytes, write) in &self.accesses {
            let what = if *write { "writes" } else { "reads" };
            writeln!(f, "{what} {bytes} bytes at {}", text.of(*addr))?;
        }
        Ok(())
    }
}

/// The texts of some terms.
#[derive(Clone, Debug)]
pub struct Text {
    texts: HashMap<TermId, String>,
    /// Definitions of the shared terms, in order.
    pub named: Vec<String>,
}

impl Text {
    /// The texts of these terms and all they need.
    pub fn new(pool: &TermPool, roots: &[TermId]) -> Text {
        let order = pool.reachable(roots);
        let mut uses: HashMap<TermId, u32> = HashMap::new();
        for t in &order {
            for o in pool.node(*t).operands() {
                *uses.entry(o).or_default() += 1;
            }
        }
        for r in roots {
            *uses.entry(*r).or_default() += 1;
        }
        let mut text = Text {
            texts: HashMap::new(),
            named: Vec::new(),
        };
        for t in order {
            let s = text.node(pool, t);
            let shared = uses.get(&t).is_some_and(|n| *n > 1);
            let s = if shared && s.contains(['(', ' ', '[']) {
                let name = format!("t{}", text.named.len() + 1);
                let width = match pool.term_width(t) {
                    0 => String::new(),
                    w => format!(":{w}"),
                };
                text.named.push(format!("{name}{width} = {}", strip(&s)));
                name
            } else {
                s
            };
            text.texts.insert(t, s);
        }
        text
    }

    /// The text of a term that was asked for, without outer parentheses.
    pub fn of(&self, t: TermId) -> &str {
        self.texts.get(&t).map_or("?", |s| strip(s))
    }

    fn node(&self, pool: &TermPool, t: TermId) -> String {
        let w = pool.term_width(t);
        let x = |t: TermId| self.texts.get(&t).map_or("?", String::as_str);
        match pool.node(t) {
            Node::Const(v) if v < 10 => v.to_string(),
            Node::Const(v) => format!("{v:#x}"),
            Node::Var(v) => {
                let v = &pool.variables()[v as usize];
                if v.undefined {
                    format!("undefined{}", v.width)
                } else {
                    v.name.clone()
                }
            }
            Node::Un(op, a) => match op {
                UnOp::Not => format!("~{}", x(a)),
                UnOp::Neg => format!("-{}", x(a)),
                op => format!("{}({})", format!("{op:?}").to_lowercase(), strip(x(a))),
            },
            Node::Bin(op, a, b) => match infix(op) {
                Some(sign) => format!("({} {sign} {})", x(a), x(b)),
                None => {
                    let name = format!("{op:?}").to_lowercase();
                    format!("{name}({}, {})", strip(x(a)), strip(x(b)))
                }
            },
            Node::Cmp(op, a, b) => {
                let sign = match op {
                    CmpOp::Eq => "==",
                    CmpOp::Ult => "<u",
                    CmpOp::Slt => "<s",
                };
                format!("({} {sign} {})", x(a), x(b))
            }
            Node::Ite(c, a, b) => format!("({} ? {} : {})", x(c), x(a), x(b)),
            Node::Extract(a, lo) if w == 1 => format!("{}[{lo}]", x(a)),
            Node::Extract(a, lo) => format!("{}[{}:{lo}]", x(a), lo + w - 1),
            Node::Concat(a, b) => format!("({} . {})", x(a), x(b)),
            Node::Zext(a) => format!("zext{w}({})", strip(x(a))),
            Node::Sext(a) => format!("sext{w}({})", strip(x(a))),
            Node::Fp(op, n, a) => {
                let args: Vec<&str> = a[..n as usize].iter().map(|t| strip(x(*t))).collect();
                let (name, of) = (format!("{op:?}").to_lowercase(), pool.term_width(a[0]));
                format!("f{of}.{name}({})", args.join(", "))
            }
            Node::Memory(_) => "memory".into(),
            Node::Load(m, a) => format!("load{w}({}, {})", x(m), strip(x(a))),
            Node::Store(m, a, v) => {
                format!("store({}, {}, {})", x(m), strip(x(a)), strip(x(v)))
            }
        }
    }
}

fn infix(op: BinOp) -> Option<&'static str> {
    Some(match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::And => "&",
        BinOp::Or => "|",
        BinOp::Xor => "^",
        BinOp::Shl => "<<",
        BinOp::Lshr => ">>u",
        BinOp::Ashr => ">>s",
        BinOp::Udiv => "/u",
        BinOp::Urem => "%u",
        BinOp::Sdiv => "/s",
        BinOp::Srem => "%s",
        _ => return None,
    })
}

/// Without parentheses around the whole.
fn strip(s: &str) -> &str {
    let Some(inner) = s.strip_prefix('(').and_then(|s| s.strip_suffix(')')) else {
        return s;
    };
    let mut depth = 0i32;
    for c in inner.chars() {
        depth += match c {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth < 0 {
            return s;
        }
    }
    inner
}
