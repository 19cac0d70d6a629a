//! What is to be proven, as goals over terms.

use super::expand::differ;
use trinity_codegen::isa::{Access, BinOp, CmpOp, Domain, Fault, Node, TermId, TermPool};

/// Which claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// The right program may replace the left one.
    Refinement,
    /// Each may replace the other, and they fault together.
    Equivalence,
}

/// Two words that must agree.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The live-out's name.
    pub name: String,
    /// After the left program.
    pub left: TermId,
    /// After the right program.
    pub right: TermId,
}

impl Pair {
    /// A pair.
    pub fn new(name: &str, left: TermId, right: TermId) -> Pair {
        Pair {
            name: name.into(),
            left,
            right,
        }
    }
}

/// What a program does besides its outputs: as [`Machine`](trinity_codegen::isa::Machine) records it.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// Its faults.
    pub faults: Vec<Fault<TermId>>,
    /// Its memory accesses.
    pub accesses: Vec<Access<TermId>>,
    /// Final memories, compared in order.
    pub memories: Vec<TermId>,
}

/// A claim about two programs over shared variables of one pool.
#[derive(Clone, Debug)]
pub struct Query {
    /// What is claimed.
    pub claim: Claim,
    /// One-bit terms that hold of the inputs.
    pub precondition: Vec<TermId>,
    /// The live-outs.
    pub outputs: Vec<Pair>,
    /// Of the left program.
    pub left: Effects,
    /// Of the right program.
    pub right: Effects,
}

impl Query {
    /// Outputs alone: no faults, no memory.
    pub fn words(outputs: Vec<Pair>) -> Query {
        Query {
            claim: Claim::Equivalence,
            precondition: Vec::new(),
            outputs,
            left: Effects::default(),
            right: Effects::default(),
        }
    }
}

/// Two words that must agree wherever `when` holds.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    pub name: String,
    pub left: TermId,
    pub right: TermId,
}

/// Goals that share an assumption beyond the precondition.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// One-bit terms.
    pub assume: Vec<TermId>,
    pub goals: Vec<Goal>,
}

fn any(pool: &mut TermPool, bits: impl Iterator<Item = TermId>) -> TermId {
    let none = pool.bit(false);
    bits.fold(none, |a, b| pool.bin(BinOp::Or, &a, &b))
}

/// One bit: the byte `at + offset` lies in an access.
fn inside(pool: &mut TermPool, at: TermId, offset: u32, access: &Access<TermId>) -> TermId {
    let k = pool.constant(64, offset.into());
    let byte = pool.add(&at, &k);
    let distance = difference(pool, byte, access.addr);
    let n = pool.constant(64, access.bytes.into());
    pool.cmp(CmpOp::Ult, &distance, &n)
}

/// `a - b`, a constant when both are the same base plus constants.
fn difference(pool: &mut TermPool, a: TermId, b: TermId) -> TermId {
    let split = |pool: &TermPool, t| match pool.node(t) {
        Node::Bin(BinOp::Add, base, k) => pool.as_constant(&k).map(|k| (base, k)).unwrap_or((t, 0)),
        _ => (t, 0),
    };
    let ((base_a, ka), (base_b, kb)) = (split(pool, a), split(pool, b));
    if base_a == base_b {
        return pool.constant(64, ka.wrapping_sub(kb));
    }
    pool.sub(&a, &b)
}

/// Every access of `new` lies within accesses of `old` of the same kind (reads also within writes), and every store of
/// `old` lies within one store of `new`.
fn access_goals(
    pool: &mut TermPool,
    old: &Effects,
    new: &Effects,
    side: &str,
    goals: &mut Vec<Goal>,
) {
    let yes = pool.bit(true);
    for (i, a) in new.accesses.iter().enumerate() {
        let mut all = yes;
        for k in 0..a.bytes {
            let allowed: Vec<TermId> = old
                .accesses
                .iter()
                .filter(|o| o.write || !a.write)
                .map(|o| inside(pool, a.addr, k, o))
                .collect();
            let one = any(pool, allowed.into_iter());
            all = pool.and(&all, &one);
        }
        goals.push(Goal {
            name: format!("{side} access {i}"),
            left: all,
            right: yes,
        });
    }
    for (i, o) in old.accesses.iter().enumerate().filter(|(_, o)| o.write) {
        let covers: Vec<TermId> = new
            .accesses
            .iter()
            .filter(|a| a.write && a.bytes >= o.bytes)
            .map(|a| {
                let distance = difference(pool, o.addr, a.addr);
                let n = pool.constant(64, (a.bytes - o.bytes + 1).into());
                pool.cmp(CmpOp::Ult, &distance, &n)
            })
            .collect();
        let whole = any(pool, covers.into_iter());
        goals.push(Goal {
            name: format!("{side} store {i} whole"),
            left: whole,
            right: yes,
        });
    }
}

/// The stores that made a memory, latest first, and the memory before them; none where paths join.
fn stores(pool: &TermPool, mut memory: TermId) -> Option<(Vec<(TermId, u32)>, TermId)> {
    let mut all = Vec::new();
    loop {
        match pool.node(memory) {
            Node::Store(before, at, value) => {
                all.push((at, pool.term_width(value) / 8));
                memory = before;
            }
            Node::Memory(_) => return Some((all, memory)),
            _ => return None,
        }
    }
}

/// Where two memories can differ: what either side stored, left out what a piece of the other holds already. Everywhere
/// else both are what they were. None where that is not known.
fn stored(pool: &mut TermPool, left: TermId, right: TermId) -> Option<Vec<(TermId, u32)>> {
    let ((mut pieces, a), (more, b)) = (stores(pool, left)?, stores(pool, right)?);
    if a != b {
        return None;
    }
    pieces.reverse();
    for (at, bytes) in more.into_iter().rev() {
        let mut held = vec![false; bytes as usize];
        for (piece, n) in &pieces {
            // How far into this store the piece begins.
            let distance = difference(pool, *piece, at);
            if let Some(d) = pool.as_constant(&distance) {
                for k in 0..*n {
                    let byte = (d as u64).wrapping_add(k.into());
                    if let Some(h) = held.get_mut(usize::try_from(byte).unwrap_or(usize::MAX)) {
                        *h = true;
                    }
                }
            }
        }
        if held.contains(&false) {
            pieces.push((at, bytes));
        }
    }
    let mut seen = std::collections::HashSet::new();
    pieces.retain(|p| seen.insert(*p));
    Some(pieces)
}

/// The goals of a query, in the order they are proven.
pub(super) fn groups(pool: &mut TermPool, q: &Query) -> Vec<Group> {
    let faults = |pool: &mut TermPool, e: &Effects| any(pool, e.faults.iter().map(|f| f.when));
    let (left, right) = (faults(pool, &q.left), faults(pool, &q.right));
    let no = pool.bit(false);
    let runs = pool.not(&left);
    let guard = if pool.as_constant(&runs) == Some(1) {
        Vec::new()
    } else {
        vec![runs]
    };
    let mut groups = Vec::new();
    match q.claim {
        Claim::Equivalence => groups.push(Group {
            assume: Vec::new(),
            goals: vec![Goal {
                name: "faults".into(),
                left,
                right,
            }],
        }),
        Claim::Refinement => groups.push(Group {
            assume: guard.clone(),
            goals: vec![Goal {
                name: "no new fault".into(),
                left: no,
                right,
            }],
        }),
    }
    let mut goals: Vec<Goal> = q
        .outputs
        .iter()
        .map(|p| Goal {
            name: p.name.clone(),
            left: p.left,
            right: p.right,
        })
        .collect();
    for (i, (l, r)) in q.left.memories.iter().zip(&q.right.memories).enumerate() {
        if l == r {
            continue;
        }
        if let Some(pieces) = stored(pool, *l, *r) {
            for (k, (at, bytes)) in pieces.into_iter().enumerate() {
                let (left, right) = (pool.load(l, &at, bytes), pool.load(r, &at, bytes));
                goals.push(Goal {
                    name: format!("memory {i} piece {k}"),
                    left,
                    right,
                });
            }
        } else {
            // Equal memories agree in any byte.
            let probe = pool.var(&format!("any_address_{}", pool.len()), 64);
            let (left, right) = (pool.load(l, &probe, 1), pool.load(r, &probe, 1));
            goals.push(Goal {
                name: format!("memory {i}"),
                left,
                right,
            });
        }
    }
    access_goals(pool, &q.left, &q.right, "right", &mut goals);
    if q.claim == Claim::Equivalence {
        access_goals(pool, &q.right, &q.left, "left", &mut goals);
    }
    groups.push(Group {
        assume: guard,
        goals,
    });
    groups
}

/// One bit: everything assumed holds and some goal fails.
pub(super) fn bad(pool: &mut TermPool, assume: &[TermId], goals: &[Goal]) -> TermId {
    let mut fails = pool.bit(false);
    for g in goals {
        let d = differ(pool, g.left, g.right);
        fails = pool.bin(BinOp::Or, &fails, &d);
    }
    assume.iter().fold(fails, |a, b| pool.and(&a, b))
}
