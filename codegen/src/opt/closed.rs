//! Loops that only count and add: what they leave behind is computed at once, and they are gone.
//!
//! In iteration `t` a value of such a loop is `c0 + c1*C(t,1) + c2*C(t,2) + c3*C(t,3)` with coefficients that the loop does not change: a chain of
//! recurrences (Bachmann, Wang and Zima, "Chains of recurrences: a method to expedite the evaluation of closed-form functions", 1994). Binomial coefficients are
//! integers, so all of it holds modulo 2^64, where the loop computes.
//!
//! A loop is one way round without effects, with one way out that is taken when two such values are equal: when a difference `d` that moves on by `-s` is 0.
//! That solves to a number of iterations, the least `t` with `s*t = d` modulo 2^64. If there is none, the loop does not end, and neither does what
//! takes its place.

use super::hash::FastMap;
use super::loops::{Loop, Loops};
use super::{OptStats, Replace};
use crate::ir::{
    BinOp, Block, BlockCall, Cfg, Cond, Function, Inst, IntCc, Opnd, SrcLoc, Term, Type, Value,
    Width,
};

/// Coefficients of a chain.
const COEFFICIENTS: usize = 4;
/// Steps of the analysis of one loop.
const FUEL: u32 = 400;
/// Blocks of a loop.
const BLOCKS: usize = 8;
/// Loops of a function that go in one run.
const LOOPS: usize = 64;
/// Loops in loops that go, at most.
pub(super) const DEPTH: usize = 4;

/// Computes the results of loops directly where that is possible. Whether there were any.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) -> bool {
    let mut any = false;
    for _ in 0..LOOPS {
        let cfg = Cfg::new(f);
        let loops = Loops::new(&cfg, f.blocks.len());
        let done = (0..loops.loops.len() as u32).any(|n| solve(f, &cfg, &loops, n).is_some());
        if !done {
            break;
        }
        stats.closed += 1;
        any = true;
    }
    any
}

/// The loop's only way round, and the block on it that asks whether it ends: the condition of that, and the way out.
struct Ring {
    asks: Block,
    ends: (Value, Opnd),
    out: BlockCall,
}

/// If the loop is of the kind.
fn ring(f: &Function, loops: &Loops, n: u32) -> Option<Ring> {
    let l = &loops.loops[n as usize];
    if l.has_inner
        || l.blocks.len() > BLOCKS
        || l.latches.len() != 1
        || loops.is_irreducible(l.header)
        || l.header == f.entry()
        || f.blocks[l.header.index()].cold
    {
        return None;
    }
    let mut found = None;
    for &b in &l.blocks {
        let data = &f.blocks[b.index()];
        if b != l.header && !data.params.is_empty() {
            return None;
        }
        let effect = |id: &crate::ir::InstId| f.insts[id.index()].inst.has_effect();
        if data.insts.iter().any(effect) {
            return None;
        }
        match data.term.as_ref()? {
            Term::Jump(to) if loops.contains(n, to.block) => {}
            Term::BrIf { cond, then, els } if found.is_none() => {
                let &Cond::Icmp {
                    cc,
                    w: Width::W64,
                    a,
                    b: other,
                } = cond
                else {
                    return None;
                };
                let (on, out) = match cc {
                    IntCc::Eq => (els, then),
                    IntCc::Ne => (then, els),
                    _ => return None,
                };
                if !loops.contains(n, on.block) || loops.contains(n, out.block) {
                    return None;
                }
                found = Some(Ring {
                    asks: b,
                    ends: (a, other),
                    out: out.clone(),
                });
            }
            _ => return None,
        }
    }
    found
}

/// Puts the results of a loop in its place.
fn solve(f: &mut Function, cfg: &Cfg, loops: &Loops, n: u32) -> Option<()> {
    let ring = ring(f, loops, n)?;
    let l = &loops.loops[n as usize];
    let within = inside(f, loops, n);
    let wanted = leaves(f, cfg, loops, n, &ring, &within);
    let loc = f.blocks[ring.asks.index()].term_loc;
    // What is computed here belongs to no way through the function unless all goes well.
    let at = f.add_block();
    let params = f.blocks[l.header.index()].params.clone();
    let firsts: Vec<Value> = params.iter().map(|&p| f.add_param(at, f.ty(p))).collect();
    let mut chains = Chains {
        within,
        nexts: nexts(f, l),
        sums: Sums { f, at, loc },
        known: FastMap::default(),
        params: &params,
        firsts: &firsts,
        fuel: FUEL,
    };
    let trips = chains.trips(&ring)?;
    let solved: Vec<(Value, Chain)> = wanted
        .into_iter()
        .map(|v| Some((v, chains.of(v)?)))
        .collect::<Option<_>>()?;
    let degree = solved.iter().map(|s| s.1.degree()).max();
    let mut sums = chains.sums;
    let binomials = sums.binomials(trips.times, degree.unwrap_or(0));
    let mut replace = Replace::new(sums.f);
    let results: Vec<(Value, Value)> = solved
        .into_iter()
        .map(|(v, chain)| {
            let mut sum = chain.0[0];
            for (c, b) in chain.0[1..].iter().zip(binomials) {
                let part = sums.product(*c, b);
                sum = sums.sum(sum, part);
            }
            (v, sums.value(sum))
        })
        .collect();
    let f = sums.f;
    enter(f, cfg, l, at);
    f.blocks[at.index()].term = Some(match trips.never {
        None => Term::Jump(ring.out),
        Some(never) => {
            let spin = f.add_block();
            f.blocks[spin.index()].cold = true;
            f.blocks[spin.index()].term = Some(Term::Jump(BlockCall::new(spin, &[])));
            Term::BrIf {
                cond: never,
                then: BlockCall::new(spin, &[]),
                els: ring.out,
            }
        }
    });
    f.blocks[at.index()].term_loc = loc;
    replace.grow(f);
    for (v, new) in results {
        replace.set(v, new);
    }
    replace.apply(f);
    Some(())
}

/// Values of the loop that code behind it uses, in the order of their numbers.
fn leaves(
    f: &Function,
    cfg: &Cfg,
    loops: &Loops,
    n: u32,
    ring: &Ring,
    within: &[bool],
) -> Vec<Value> {
    let mut wanted: Vec<Value> = ring.out.args.clone();
    for &b in cfg.rpo.iter().filter(|&&b| !loops.contains(n, b)) {
        let data = &f.blocks[b.index()];
        for id in &data.insts {
            f.insts[id.index()].inst.for_each_use(|v| wanted.push(v));
        }
        if let Some(t) = &data.term {
            t.for_each_use(|v| wanted.push(v));
        }
    }
    wanted.retain(|v| within[v.index()]);
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

/// By value: made in the loop.
fn inside(f: &Function, loops: &Loops, n: u32) -> Vec<bool> {
    let mut within = vec![false; f.values.len()];
    for b in &loops.loops[n as usize].blocks {
        let data = &f.blocks[b.index()];
        data.params.iter().for_each(|p| within[p.index()] = true);
        for id in &data.insts {
            let results = f.insts[id.index()].results();
            results.for_each(|r| within[r.index()] = true);
        }
    }
    within
}

/// All ways into the loop lead to a block instead.
fn enter(f: &mut Function, cfg: &Cfg, l: &Loop, at: Block) {
    for &p in cfg.preds(l.header) {
        if l.latches.contains(&p) {
            continue;
        }
        if let Some(term) = &mut f.blocks[p.index()].term {
            for call in term.targets_mut().filter(|t| t.block == l.header) {
                call.block = at;
            }
        }
    }
}

/// What the only way round gives the header's parameters.
fn nexts(f: &Function, l: &Loop) -> Vec<Value> {
    let mut back = f.targets(l.latches[0]).filter(|t| t.block == l.header);
    back.next().map(|t| t.args.clone()).unwrap_or_default()
}

/// A number that the loop does not change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Coef {
    Imm(i64),
    Value(Value),
}

const ZERO: Coef = Coef::Imm(0);

/// Coefficients of the binomials of the iteration, from 1 on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Chain([Coef; COEFFICIENTS]);

impl Chain {
    fn steady(c: Coef) -> Chain {
        Chain([c, ZERO, ZERO, ZERO])
    }

    fn degree(&self) -> usize {
        self.0.iter().rposition(|&c| c != ZERO).unwrap_or(0)
    }
}

/// How often the loop goes round, and when that is for ever.
struct Trips {
    times: Coef,
    never: Option<Cond>,
}

/// The chains of a loop's values.
struct Chains<'a> {
    sums: Sums<'a>,
    /// By value: made in the loop.
    within: Vec<bool>,
    /// The header's parameters, what they are at first, and what the way round gives them.
    params: &'a [Value],
    firsts: &'a [Value],
    nexts: Vec<Value>,
    /// Those found so far; `None`: under way.
    known: FastMap<Value, Option<Chain>>,
    fuel: u32,
}

impl<'a> Chains<'a> {
    /// The chain of a value, if it has one.
    fn of(&mut self, v: Value) -> Option<Chain> {
        if let Some(n) = self.sums.f.as_iconst(v) {
            return Some(Chain::steady(Coef::Imm(n)));
        }
        if !self.within[v.index()] {
            return Some(Chain::steady(Coef::Value(v)));
        }
        if let Some(found) = self.known.get(&v) {
            return *found;
        }
        self.fuel = self.fuel.checked_sub(1)?;
        if self.sums.f.ty(v) != Type::I64 {
            return None;
        }
        if let Some(k) = self.params.iter().position(|&p| p == v) {
            self.known.insert(v, None);
            let step = self.more(self.nexts[k], v)?;
            let [a, b, c, ZERO] = step.0 else {
                return None;
            };
            let chain = Chain([Coef::Value(self.firsts[k]), a, b, c]);
            self.known.insert(v, Some(chain));
            return Some(chain);
        }
        let &Inst::Binary { op, a, b } = self.sums.f.def_inst(v)? else {
            return None;
        };
        let chain = match op {
            BinOp::Iadd => {
                let (a, b) = (self.of(a)?, self.operand(b)?);
                self.each(a, b, Sums::sum)
            }
            BinOp::Isub => {
                let (a, b) = (self.of(a)?, self.operand(b)?);
                self.each(a, b, Sums::difference)
            }
            BinOp::Imul => {
                let (a, b) = (self.of(a)?, self.operand(b)?);
                self.product(a, b)?
            }
            BinOp::Shl => {
                let by = self.sums.f.opnd_const(b)? & 63;
                let a = self.of(a)?;
                self.product(a, Chain::steady(Coef::Imm(1 << by)))?
            }
            _ => return None,
        };
        self.known.insert(v, Some(chain));
        Some(chain)
    }

    fn operand(&mut self, o: Opnd) -> Option<Chain> {
        match o {
            Opnd::Imm(n) => Some(Chain::steady(Coef::Imm(n.into()))),
            Opnd::Value(v) => self.of(v),
        }
    }

    /// The chain of `v - p`, where `v` is a sum that `p` is a part of.
    fn more(&mut self, v: Value, p: Value) -> Option<Chain> {
        if v == p {
            return Some(Chain::steady(ZERO));
        }
        self.fuel = self.fuel.checked_sub(1)?;
        if !self.within[v.index()] {
            return None;
        }
        let &Inst::Binary { op, a, b } = self.sums.f.def_inst(v)? else {
            return None;
        };
        match (op, b) {
            (BinOp::Iadd, _) => {
                if let Some(part) = self.more(a, p) {
                    let other = self.operand(b)?;
                    return Some(self.each(part, other, Sums::sum));
                }
                let Opnd::Value(b) = b else { return None };
                let (part, other) = (self.more(b, p)?, self.of(a)?);
                Some(self.each(part, other, Sums::sum))
            }
            (BinOp::Isub, _) => {
                let (part, other) = (self.more(a, p)?, self.operand(b)?);
                Some(self.each(part, other, Sums::difference))
            }
            _ => None,
        }
    }

    fn each(
        &mut self,
        a: Chain,
        b: Chain,
        op: impl Fn(&mut Sums<'a>, Coef, Coef) -> Coef,
    ) -> Chain {
        Chain(std::array::from_fn(|k| op(&mut self.sums, a.0[k], b.0[k])))
    }

    /// `C(t,1)^2 = C(t,1) + 2*C(t,2)`, `C(t,1)*C(t,2) = 2*C(t,2) + 3*C(t,3)`.
    fn product(&mut self, a: Chain, b: Chain) -> Option<Chain> {
        if a.degree() + b.degree() >= COEFFICIENTS {
            return None;
        }
        let mut sum = Chain::steady(ZERO);
        for (i, &x) in a.0.iter().enumerate() {
            for (j, &y) in b.0.iter().enumerate() {
                let parts: &[(usize, i64)] = match (i.min(j), i.max(j)) {
                    _ if x == ZERO || y == ZERO => &[],
                    (0, k) => &[(k, 1)],
                    (1, 1) => &[(1, 1), (2, 2)],
                    (1, 2) => &[(2, 2), (3, 3)],
                    _ => return None,
                };
                for &(k, times) in parts {
                    let product = self.sums.product(x, y);
                    let part = self.sums.product(product, Coef::Imm(times));
                    sum.0[k] = self.sums.sum(sum.0[k], part);
                }
            }
        }
        Some(sum)
    }

    /// How often the loop goes round before the two sides are equal.
    fn trips(&mut self, ring: &Ring) -> Option<Trips> {
        let (a, b) = (self.of(ring.ends.0)?, self.operand(ring.ends.1)?);
        let [away, Coef::Imm(step), ZERO, ZERO] = self.each(b, a, Sums::difference).0 else {
            return None;
        };
        let (step, sums) = (step.wrapping_neg(), &mut self.sums);
        if step == 0 {
            return None;
        }
        let twos = step.trailing_zeros();
        let odd = inverse(step >> twos);
        let of = sums.op(BinOp::Shr, away, Coef::Imm(twos.into()));
        let times = sums.product(of, Coef::Imm(odd));
        if twos == 0 {
            return Some(Trips { times, never: None });
        }
        let mask = Coef::Imm((u64::MAX >> twos) as i64);
        let times = sums.op(BinOp::And, times, mask);
        let rest = sums.op(BinOp::And, away, Coef::Imm((1 << twos) - 1));
        let rest = sums.value(rest);
        Some(Trips {
            times,
            never: Some(Cond::icmp(IntCc::Ne, rest, 0)),
        })
    }
}

/// What an odd number times is 1, modulo 2^64. Each step doubles the bits that are right (Newton); the number itself has three.
fn inverse(odd: i64) -> i64 {
    let mut x = odd;
    for _ in 0..5 {
        x = x.wrapping_mul(2i64.wrapping_sub(odd.wrapping_mul(x)));
    }
    x
}

/// Where results are computed.
struct Sums<'a> {
    f: &'a mut Function,
    at: Block,
    loc: SrcLoc,
}

impl Sums<'_> {
    fn sum(&mut self, a: Coef, b: Coef) -> Coef {
        match (a, b) {
            (ZERO, x) | (x, ZERO) => x,
            _ => self.op(BinOp::Iadd, a, b),
        }
    }

    fn difference(&mut self, a: Coef, b: Coef) -> Coef {
        match (a, b) {
            (x, ZERO) => x,
            (a, b) if a == b => ZERO,
            _ => self.op(BinOp::Isub, a, b),
        }
    }

    fn product(&mut self, a: Coef, b: Coef) -> Coef {
        match (a, b) {
            (ZERO, _) | (_, ZERO) => ZERO,
            (Coef::Imm(1), x) | (x, Coef::Imm(1)) => x,
            (Coef::Imm(-1), x) | (x, Coef::Imm(-1)) => self.difference(ZERO, x),
            _ => self.op(BinOp::Imul, a, b),
        }
    }

    fn op(&mut self, op: BinOp, a: Coef, b: Coef) -> Coef {
        if let (Coef::Imm(a), Coef::Imm(b)) = (a, b)
            && let Some(n) = super::eval::binary(op, a as u64, b as u64)
        {
            return Coef::Imm(n as i64);
        }
        let neutral = matches!(op, BinOp::Shr) && b == ZERO;
        if neutral {
            return a;
        }
        let (a, b) = match (a, b) {
            (Coef::Imm(_), Coef::Value(_)) if matches!(op, BinOp::Iadd | BinOp::Imul) => (b, a),
            _ => (a, b),
        };
        let a = self.value(a);
        let b = match b {
            Coef::Imm(n) if i32::try_from(n).is_ok() => Opnd::Imm(n as i32),
            b => Opnd::Value(self.value(b)),
        };
        Coef::Value(self.inst(Inst::Binary { op, a, b }))
    }

    fn value(&mut self, c: Coef) -> Value {
        match c {
            Coef::Imm(n) => self.inst(Inst::Iconst(n)),
            Coef::Value(v) => v,
        }
    }

    fn inst(&mut self, inst: Inst) -> Value {
        let id = self.f.add_inst(self.at, inst, &[Type::I64], self.loc);
        self.f.insts[id.index()].first_result
    }

    /// `C(t,1)`, `C(t,2)` and `C(t,3)`, up to a degree. Of two neighbours one is even: `t*(t-1)/2` is `t >> 1` times `t` or `t - 1`, whichever is odd;
    /// 3 divides three times the third one, and has an inverse.
    fn binomials(&mut self, t: Coef, degree: usize) -> [Coef; COEFFICIENTS - 1] {
        let mut all = [t, ZERO, ZERO];
        if degree >= 2 {
            let half = self.op(BinOp::Shr, t, Coef::Imm(1));
            let below = self.op(BinOp::Isub, t, Coef::Imm(1));
            let odd = self.op(BinOp::Or, below, Coef::Imm(1));
            all[1] = self.product(half, odd);
        }
        if degree >= 3 {
            let below = self.op(BinOp::Isub, t, Coef::Imm(2));
            let thrice = self.product(all[1], below);
            all[2] = self.product(thrice, Coef::Imm(inverse(3)));
        }
        all
    }
}
