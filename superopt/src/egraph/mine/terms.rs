//! The terms that mining compares: all small ones over some operations, told apart by their values.

use super::super::lang::{self, Op};
use super::super::rule::WIDTHS;
use super::super::verify::sample;
use super::{MineConfig, OPERATIONS, operation};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::collections::{BTreeSet, HashMap};
use trinity_codegen::isa::concrete::{Bits, mask};
use trinity_codegen::isa::{CmpOp, Concrete};

/// Values every term is compared on, for each width.
const VALUES: usize = 24;

/// A term over variables and small constants.
#[derive(Clone, Debug)]
pub(super) enum Term {
    Var(u32),
    Const(i8),
    /// A truth value, as comparisons are.
    Bit(bool),
    Op(usize, Vec<usize>),
}

pub(super) struct Terms {
    pub(super) all: Vec<Term>,
    /// Operations in each.
    pub(super) sizes: Vec<u32>,
    /// Values, [`VALUES`] for each width.
    values: Vec<Vec<u64>>,
}

impl Terms {
    fn text(&self, t: usize, names: &mut Vec<u32>) -> String {
        match &self.all[t] {
            Term::Var(v) => {
                let n = names.iter().position(|n| n == v).unwrap_or_else(|| {
                    names.push(*v);
                    names.len() - 1
                });
                ["x", "y", "z"][n].to_owned()
            }
            Term::Const(c) => c.to_string(),
            Term::Bit(b) => u8::from(*b).to_string(),
            Term::Op(op, args) => {
                let (_, kind, sign) = OPERATIONS[*op];
                let args: Vec<String> = args.iter().map(|a| self.text(*a, names)).collect();
                let inner = |i: usize| -> String {
                    let a = &args[i];
                    if a.contains(' ') || a.starts_with('-') {
                        format!("({a})")
                    } else {
                        a.clone()
                    }
                };
                match (kind, sign.starts_with(|c: char| c.is_ascii_alphabetic())) {
                    (_, true) => format!("{sign}({})", args.join(", ")),
                    (Op::Un(_), _) => format!("{sign}{}", inner(0)),
                    _ => format!("{} {sign} {}", inner(0), inner(1)),
                }
            }
        }
    }
    fn vars(&self, t: usize, out: &mut BTreeSet<u32>) {
        match &self.all[t] {
            Term::Var(v) => drop(out.insert(*v)),
            Term::Const(_) | Term::Bit(_) => {}
            Term::Op(_, args) => args.iter().for_each(|a| self.vars(*a, out)),
        }
    }
    pub(super) fn constants(&self, t: usize) -> u32 {
        match &self.all[t] {
            Term::Var(_) => 0,
            Term::Const(_) | Term::Bit(_) => 1,
            Term::Op(_, args) => args.iter().map(|a| self.constants(*a)).sum(),
        }
    }
}

/// A candidate as a rule's text: the larger side first; both ways when neither is larger.
pub(super) fn orient(terms: &Terms, a: usize, b: usize) -> Option<String> {
    let (mut va, mut vb) = (BTreeSet::new(), BTreeSet::new());
    terms.vars(a, &mut va);
    terms.vars(b, &mut vb);
    let weight = |t: usize| (terms.sizes[t], terms.constants(t));
    let (from, to, vf, vt) = if weight(a) >= weight(b) {
        (a, b, va, vb)
    } else {
        (b, a, vb, va)
    };
    if !vt.is_subset(&vf) {
        return None;
    }
    let mut names = Vec::new();
    let (left, right) = (terms.text(from, &mut names), terms.text(to, &mut names));
    let both = terms.sizes[from] == terms.sizes[to] && vf == vt && terms.sizes[to] > 0;
    (left != right).then(|| format!("{left} {} {right}", if both { "<=>" } else { "=>" }))
}

/// The terms up to the size asked for, one for each class of values, and the pairs that fell together.
pub(super) fn enumerate(
    config: &MineConfig,
    ops: &[usize],
    late: &dyn Fn() -> bool,
) -> (Terms, Vec<(usize, usize)>) {
    let mut rng = SmallRng::seed_from_u64(config.seed);
    let mut terms = Terms {
        all: Vec::new(),
        sizes: Vec::new(),
        values: Vec::new(),
    };
    let mut classes: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut pairs = Vec::new();
    let mut samples: Vec<Vec<u64>> = vec![Vec::new(); config.vars.min(3) as usize];
    for w in WIDTHS {
        for _ in 0..VALUES {
            let mut others = Vec::new();
            for v in &mut samples {
                let value = sample::stratified(&mut rng, w, w, &others);
                others.push(Bits::new(w, value));
                v.push(value as u64);
            }
        }
    }
    let mut leaves = Vec::new();
    for (n, values) in samples.into_iter().enumerate() {
        leaves.push((Term::Var(n as u32), values));
    }
    for &c in &config.constants {
        let values = WIDTHS
            .iter()
            .flat_map(|w| [(i128::from(c) as u128 & mask(*w)) as u64; VALUES]);
        leaves.push((Term::Const(c), values.collect()));
    }
    let mut by_size: Vec<Vec<usize>> = vec![Vec::new(); config.depth.min(3) as usize + 1];
    let mut add = |terms: &mut Terms,
                   pairs: &mut Vec<(usize, usize)>,
                   t: Term,
                   size: u32,
                   values: Vec<u64>| {
        let id = terms.all.len();
        terms.all.push(t);
        terms.sizes.push(size);
        terms.values.push(values.clone());
        let first = *classes.entry(values).or_insert(id);
        if first != id {
            pairs.push((id, first));
        }
        first == id
    };
    for (t, values) in leaves {
        let id = terms.all.len();
        if add(&mut terms, &mut pairs, t, 0, values) {
            by_size[0].push(id);
        }
    }
    for size in 1..by_size.len() {
        let mut new = Vec::new();
        let mut made = 0;
        'size: for &op in ops {
            let kind = OPERATIONS[op].1;
            if matches!(kind, Op::Cmp(_)) {
                continue;
            }
            let operands: Vec<Vec<usize>> = if kind.arity() == 1 {
                by_size[size - 1].iter().map(|a| vec![*a]).collect()
            } else {
                let mut out = Vec::new();
                for left in 0..size {
                    for a in &by_size[left] {
                        out.extend(by_size[size - 1 - left].iter().map(|b| vec![*a, *b]));
                    }
                }
                out
            };
            for args in operands {
                // Exchanged operands are one rule, found at size 1.
                let commutes = matches!(kind, Op::Bin(o) if o.commutes());
                if size > 1 && commutes && args[0] > args[1] {
                    continue;
                }
                if made >= config.terms * ops.len() || late() {
                    break 'size;
                }
                made += 1;
                let values: Vec<u64> = (0..VALUES * WIDTHS.len())
                    .map(|i| {
                        let w = WIDTHS[i / VALUES];
                        let args: Vec<Bits> = args
                            .iter()
                            .map(|a| Bits::new(w, terms.values[*a][i].into()))
                            .collect();
                        lang::apply(&mut Concrete, kind, w, &args).value as u64
                    })
                    .collect();
                let id = terms.all.len();
                if add(
                    &mut terms,
                    &mut pairs,
                    Term::Op(op, args),
                    size as u32,
                    values,
                ) && new.len() < config.terms
                {
                    new.push(id);
                }
            }
        }
        by_size[size] = new;
    }
    comparisons(config, ops, &by_size, &mut terms, &mut pairs, late);
    (terms, pairs)
}

/// Adds comparisons of the terms, and their negations: their values are bits, told apart among themselves.
fn comparisons(
    config: &MineConfig,
    ops: &[usize],
    by_size: &[Vec<usize>],
    terms: &mut Terms,
    pairs: &mut Vec<(usize, usize)>,
    late: &dyn Fn() -> bool,
) {
    let mut classes: HashMap<Vec<u64>, usize> = HashMap::new();
    let mut add = |terms: &mut Terms, t: Term, size: usize, values: Vec<u64>| {
        let id = terms.all.len();
        let first = *classes.entry(values.clone()).or_insert(id);
        if first != id {
            pairs.push((id, first));
        }
        terms.all.push(t);
        terms.sizes.push(size as u32);
        terms.values.push(values);
        first == id
    };
    let all = VALUES * WIDTHS.len();
    for b in [false, true] {
        add(terms, Term::Bit(b), 0, vec![u64::from(b); all]);
    }
    let not = operation("~");
    for size in 1..by_size.len() {
        let mut made = 0;
        'size: for &op in ops {
            let Op::Cmp(cmp) = OPERATIONS[op].1 else {
                continue;
            };
            for left in 0..size {
                for &a in &by_size[left] {
                    for &b in &by_size[size - 1 - left] {
                        // Equality is symmetric, found at size 1.
                        if size > 1 && cmp == CmpOp::Eq && a > b {
                            continue;
                        }
                        if made >= config.terms * ops.len() || late() {
                            break 'size;
                        }
                        made += 1;
                        let value = |i: usize| {
                            let w = WIDTHS[i / VALUES];
                            let word = |t: usize| Bits::new(w, terms.values[t][i].into());
                            let args = [word(a), word(b)];
                            lang::apply(&mut Concrete, Op::Cmp(cmp), 1, &args).value as u64
                        };
                        let values: Vec<u64> = (0..all).map(value).collect();
                        let id = terms.all.len();
                        let new = add(terms, Term::Op(op, vec![a, b]), size, values);
                        if let Some(not) = not.filter(|_| new && size + 1 < by_size.len()) {
                            let values = terms.values[id].iter().map(|v| v ^ 1).collect();
                            add(terms, Term::Op(not, vec![id]), size + 1, values);
                        }
                    }
                }
            }
        }
    }
}
