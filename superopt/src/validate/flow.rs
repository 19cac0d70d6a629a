//! Which places hold which values where blocks begin, and what that means for each region.

mod compare;
mod unify;

use super::domain::{CodeData, Terms};
use super::machine::{self, Duty, Refusal, Runner, Unknown, registers};
use super::samples::Samples;
use super::ssa::{Effects, Exit, State, Variables, Way};
use super::values::{Values, reverse_postorder};
use super::{Budget, Code, Judge, Region, Validation};
use crate::report::verdict::Verdict;
use crate::solver::SolverPool;
use compare::Compare;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use trinity_codegen::ir::{Block, Function, Term, Value};
use trinity_codegen::isa::{CmpOp, Domain, TermId};
use trinity_codegen::{CompiledFunction, Kept};
use unify::unify;

/// A word of a value.
type Item = (Value, u8);
/// A place that holds a word: general registers, words of vector registers, spill slots.
type Place = u32;
const VECTORS: Place = 16;
const SLOTS: Place = 80;

/// What places hold.
type Facts = BTreeSet<(Place, Item)>;

/// What executing a region once showed.
struct Outcome {
    /// By block that it leads to: what its places hold then.
    edges: Vec<(Block, Facts)>,
    duties: Vec<Duty>,
    /// Other terms that places hold of words.
    placed: Vec<Duty>,
    instructions: Vec<u32>,
    /// What cannot be so, whatever the registers hold.
    wrong: Vec<String>,
    refusal: Option<Refusal>,
    /// Holds where the region begins, since words that are one there have different terms: bits.
    given: Vec<TermId>,
}

/// A function that is being validated.
pub struct Flow<'a> {
    f: &'a Function,
    function: &'a CompiledFunction,
    budget: &'a Budget,
    slots: Vec<u32>,
    order: Vec<Block>,
    values: Values,
    /// By block: nothing is executed for it.
    passed: Vec<bool>,
    facts: Vec<Option<Facts>>,
    terms: Terms<'a>,
    vars: Variables,
    unknown: Unknown,
    samples: Samples,
    /// Terms that a place might have held, and did not.
    denied: HashSet<(TermId, TermId)>,
    judge: Judge<'a>,
    code: Code<'a>,
}

fn offset(f: &CompiledFunction, b: Block) -> u32 {
    f.block_offsets.get(b.index()).copied().unwrap_or(u32::MAX)
}

impl<'a> Flow<'a> {
    /// For a function.
    pub fn new(
        kept: &'a Kept,
        function: &'a CompiledFunction,
        budget: &'a Budget,
        solvers: &'a SolverPool,
    ) -> Flow<'a> {
        let f = &kept.func;
        let order = reverse_postorder(f);
        let values = Values::new(f, &order);
        let mut slots = Vec::new();
        let mut at = 0;
        for bytes in &f.stack_slots {
            slots.push(at);
            at += bytes.next_multiple_of(8);
        }
        let mut passed = vec![false; f.blocks.len()];
        for &b in &order {
            let data = &f.blocks[b.index()];
            let here = offset(function, b);
            let mut targets = data.term.iter().flat_map(Term::targets).peekable();
            passed[b.index()] = b != f.entry()
                && targets.peek().is_some()
                && targets.all(|t| t.block != b && offset(function, t.block) == here);
        }
        // An endless loop of blocks without code has none that could be passed.
        for &b in &order {
            let mut at = b;
            for _ in 0..f.blocks.len() {
                if !passed[at.index()] {
                    break;
                }
                let next = f.blocks[at.index()]
                    .term
                    .iter()
                    .flat_map(Term::targets)
                    .next();
                at = next.map_or(b, |t| t.block);
                if at == b {
                    passed[b.index()] = false;
                }
            }
        }
        let regions = order
            .iter()
            .filter(|b| !passed[b.index()] && **b != f.entry());
        let starts: Vec<u32> = regions.map(|b| offset(function, *b)).collect();
        let tables: Vec<(u32, u32)> = function
            .jump_tables
            .iter()
            .map(|t| (t.offset, t.targets.len() as u32))
            .collect();
        let terms = Terms::new(CodeData {
            bytes: &function.code,
            text_len: function.text_len,
            tables,
            spill_bytes: kept.spill_bytes.into(),
            frame_size: function.frame_size.into(),
        });
        Flow {
            f,
            function,
            budget,
            slots,
            values,
            passed,
            facts: vec![None; f.blocks.len()],
            terms,
            vars: Variables::default(),
            unknown: Unknown::default(),
            samples: Samples::default(),
            denied: HashSet::new(),
            judge: Judge::new(budget, solvers),
            code: Code::new(function, &starts),
            order,
        }
    }

    /// Finds what places hold, then decides each region; again without what turned out to be in no place.
    pub fn run(mut self) -> Validation {
        loop {
            let denied = self.denied.len();
            let regions = self.regions();
            if self.denied.len() == denied {
                return Validation { regions };
            }
            self.facts.fill(None);
        }
    }

    fn regions(&mut self) -> Vec<Region> {
        let mut start = Facts::new();
        let params = &self.f.blocks[0].params;
        for (&v, r) in params.iter().zip(&self.f.param_regs) {
            let place = match r.is_xmm() {
                true => VECTORS + 4 * Place::from(r.hw()),
                false => r.hw().into(),
            };
            start.insert((place, (v, 0)));
        }
        self.facts[0] = Some(start);
        let rank: HashMap<Block, usize> = self.order.iter().copied().zip(0..).collect();
        let mut work = BTreeSet::from([0]);
        let mut last: HashMap<Block, Outcome> = HashMap::new();
        let mut rounds = self.budget.rounds as usize * self.order.len();
        let mut ended = true;
        while let Some(n) = work.pop_first() {
            if rounds == 0 {
                ended = false;
                break;
            }
            rounds -= 1;
            let b = self.order[n];
            let outcome = self.execute(b);
            for (to, facts) in &outcome.edges {
                let there = &mut self.facts[to.index()];
                let changed = match there {
                    None => {
                        *there = Some(facts.clone());
                        true
                    }
                    Some(old) => {
                        let n = old.len();
                        old.retain(|x| facts.contains(x));
                        old.len() != n
                    }
                };
                if changed && let Some(&n) = rank.get(to) {
                    work.insert(n);
                }
            }
            last.insert(b, outcome);
        }
        let lost = self.behind(&last);
        let mut regions = Vec::new();
        for b in self.order.clone() {
            if self.passed[b.index()] {
                continue;
            }
            regions.push(match last.remove(&b) {
                _ if !ended => self.region(
                    b,
                    Verdict::Timeout,
                    "what places hold was not found in time",
                ),
                Some(outcome) => self.verdict(b, outcome),
                None if !lost.contains(&b) => self.region(b, Verdict::Proven, "nothing goes there"),
                None => {
                    let verdict = Verdict::Unsupported {
                        instruction: String::new(),
                        address: offset(self.function, b).into(),
                        why: "all ways to the block are unsupported".into(),
                    };
                    self.region(b, verdict, "")
                }
            });
        }
        regions.sort_by_key(|r| r.offset);
        regions
    }

    /// Blocks that ways lead to which were not followed.
    fn behind(&self, last: &HashMap<Block, Outcome>) -> BTreeSet<Block> {
        let refused = last.iter().filter(|x| x.1.refusal.is_some());
        let mut work: Vec<Block> = refused.map(|x| *x.0).collect();
        let mut seen = BTreeSet::new();
        while let Some(b) = work.pop() {
            let term = self.f.blocks[b.index()].term.as_ref();
            for to in term.into_iter().flat_map(Term::targets) {
                if seen.insert(to.block) {
                    work.push(to.block);
                }
            }
        }
        seen
    }

    fn region(&self, b: Block, verdict: Verdict, what: &str) -> Region {
        let from = match b == self.f.entry() {
            true => 0,
            false => offset(self.function, b),
        };
        // Without an execution: what stands there in a row.
        let mut instructions = Vec::new();
        let mut at = from;
        while let Some(&n) = self.code.index.get(&at) {
            if at != from && self.code.blocks_at.contains_key(&at) {
                break;
            }
            instructions.push(at);
            at += self.code.instructions[n].len() as u32;
        }
        Region {
            block: b.0,
            offset: from,
            instructions,
            verdict,
            what: what.into(),
            asked: 0,
        }
    }

    /// Decides a region by what its last execution showed.
    fn verdict(&mut self, b: Block, outcome: Outcome) -> Region {
        if let Some(r) = outcome.refusal {
            let verdict = Verdict::Unsupported {
                instruction: r.instruction,
                address: r.offset.into(),
                why: r.why,
            };
            return self.region(b, verdict, "");
        }
        let mut region = self.region(b, Verdict::Proven, "");
        region.instructions = outcome.instructions;
        region.instructions.sort_unstable();
        region.instructions.dedup();
        region.asked = (outcome.duties.len() + outcome.placed.len()) as u32;
        if let Some(wrong) = outcome.wrong.into_iter().next() {
            region.verdict = Verdict::Refuted;
            region.what = wrong;
            return region;
        }
        let duties = outcome.placed.iter().map(|d| (d, true));
        for (duty, placed) in duties.chain(outcome.duties.iter().map(|d| (d, false))) {
            let (verdict, what) = self.judge.decide(&mut self.terms, duty, &outcome.given);
            match verdict {
                Verdict::Refuted if placed => {
                    self.denied.insert((duty.ssa, duty.machine));
                }
                Verdict::Proven => {}
                Verdict::Refuted => {
                    region.verdict = verdict;
                    region.what = what;
                    break;
                }
                _ if region.verdict == Verdict::Proven => {
                    region.verdict = verdict;
                    region.what = what;
                }
                _ => {}
            }
        }
        region
    }

    /// Executes a region on both sides.
    fn execute(&mut self, b: Block) -> Outcome {
        let facts = self.facts[b.index()].take().unwrap_or_default();
        let outcome = self.execute_from(b, &facts);
        self.facts[b.index()] = Some(facts);
        outcome
    }

    fn execute_from(&mut self, b: Block, facts: &Facts) -> Outcome {
        let Flow {
            f,
            function,
            slots,
            values,
            passed,
            terms: d,
            vars,
            unknown,
            samples,
            denied,
            code,
            ..
        } = self;
        let mut ssa = State::new(d, vars, f, values, slots);
        let given = unify(d, vars, &mut ssa, values, facts);
        let (memory, pinned) = vars.start(d);
        let mut m = machine::unknown(d, memory, unknown);
        let frame = Arc::make_mut(&mut m.mem.frame);
        for &(place, (v, lane)) in facts {
            let t = ssa.value(d, vars, v)[lane as usize];
            match place {
                SLOTS.. => {
                    frame.insert(8 * i64::from(place - SLOTS), t);
                }
                VECTORS.. => {
                    let n = (place - VECTORS) as usize;
                    m.vec[n / 4][n % 4] = t;
                }
                _ => m.gpr[place as usize] = t,
            }
        }
        let entry = b == f.entry();
        let above = match entry {
            true => i64::from(function.frame_size),
            false => 0,
        };
        for (r, t) in [(4, 0), (14, 1), (3, 2)] {
            m.gpr[r] = registers(d, &m, pinned, above)[t].1;
        }
        // The SSA form.
        let mut effects = Effects::default();
        let data = &f.blocks[b.index()];
        for &id in &data.insts {
            ssa.step(d, vars, id, &mut effects);
        }
        let Some(term) = &data.term else {
            return refused(b, "a block without an end");
        };
        let exits = ssa.end(d, vars, term, &mut effects);
        let mut ways = Vec::new();
        for e in exits {
            pass(d, vars, f, passed, e, &mut effects, &mut ways, 0);
        }
        if let Some(why) = d.trouble.take() {
            return refused(b, &why);
        }
        // The machine.
        let from = if entry { 0 } else { offset(function, b) };
        let runner = Runner::new(code, d, vars, &effects.events);
        let run = match runner.run(from, m, entry) {
            Ok(run) => run,
            Err(refusal) => {
                return Outcome {
                    edges: Vec::new(),
                    duties: Vec::new(),
                    placed: Vec::new(),
                    instructions: Vec::new(),
                    wrong: Vec::new(),
                    refusal: Some(refusal),
                    given,
                };
            }
        };
        let mut out = Outcome {
            edges: Vec::new(),
            duties: run.duties,
            placed: Vec::new(),
            instructions: run.instructions,
            wrong: run.wrong,
            refusal: None,
            given,
        };
        faults(d, &effects, &run.faults, &mut out);
        accesses(d, &effects, &run.accesses, &mut out);
        let made = data.insts.iter();
        let made = made.flat_map(|id| f.insts[id.index()].results());
        let made: HashSet<Value> = made.collect();
        for e in run.exits {
            let mut compare = Compare {
                made: &made,
                samples,
                denied,
                f,
                function,
                values,
                d,
                vars,
                out: &mut out,
            };
            compare.exit(e, &mut ways);
        }
        if let Some(why) = d.trouble.take() {
            return refused(b, &why);
        }
        out
    }
}

fn refused(b: Block, why: &str) -> Outcome {
    Outcome {
        edges: Vec::new(),
        duties: Vec::new(),
        placed: Vec::new(),
        instructions: Vec::new(),
        wrong: Vec::new(),
        refusal: Some(Refusal {
            instruction: format!("block {b}"),
            offset: 0,
            why: why.into(),
        }),
        given: Vec::new(),
    }
}

/// Goes through blocks that have no code.
#[allow(clippy::too_many_arguments)]
fn pass<'f>(
    d: &mut Terms<'_>,
    vars: &mut Variables,
    f: &'f Function,
    passed: &[bool],
    e: Exit<'f>,
    effects: &mut Effects,
    ways: &mut Vec<Exit<'f>>,
    depth: u32,
) {
    let (b, args) = match &e.way {
        Way::Block(b, args) if passed[b.index()] => (*b, args.clone()),
        _ => return ways.push(e),
    };
    let Some(term) = f.blocks[b.index()].term.as_ref().filter(|_| depth < 64) else {
        return d.refuse("too many blocks without code in a row");
    };
    let mut state = e.state;
    for (&p, w) in f.blocks[b.index()].params.iter().zip(args) {
        state.set(p, w);
    }
    for &id in &f.blocks[b.index()].insts {
        state.step(d, vars, id, effects);
    }
    for mut next in state.end(d, vars, term, effects) {
        next.cond = d.and(&e.cond, &next.cond);
        pass(d, vars, f, passed, next, effects, ways, depth + 1);
    }
}

/// Divisions fault where the SSA form's do.
fn faults(
    d: &mut Terms<'_>,
    effects: &Effects,
    found: &[(TermId, Vec<TermId>)],
    out: &mut Outcome,
) {
    let no = d.bit(false);
    let any = effects.faults.iter().fold(no, |a, b| d.or(&a, b));
    for (when, path) in found {
        if effects.faults.contains(when) {
            continue;
        }
        let none = d.not(&any);
        let more = d.and(when, &none);
        out.duties.push(Duty {
            what: "a division that faults".into(),
            ssa: no,
            machine: more,
            path: path.clone(),
        });
    }
}

/// Memory that is accessed is memory that the SSA form accesses.
fn accesses(
    d: &mut Terms<'_>,
    effects: &Effects,
    found: &[(TermId, u32, bool)],
    out: &mut Outcome,
) {
    let mut by_base: HashMap<TermId, Vec<(u64, u32, bool)>> = HashMap::new();
    for &(at, bytes, write) in &effects.accesses {
        let (base, k) = d.split(at);
        by_base.entry(base).or_default().push((k, bytes, write));
    }
    for &(at, bytes, write) in found {
        let (base, k) = d.split(at);
        let own = by_base.get(&base).map_or(&[][..], Vec::as_slice);
        let inside = own.iter().any(|&(from, n, w)| {
            let into = k.wrapping_sub(from);
            (w || !write) && into <= u64::from(n) && into + u64::from(bytes) <= u64::from(n)
        });
        if inside {
            continue;
        }
        // Perhaps the same address in another form.
        let mut far = d.bit(true);
        for &(from, n, w) in &effects.accesses {
            if n < bytes || write && !w {
                continue;
            }
            let into = d.sub(&at, &from);
            let room = d.constant(64, (n - bytes).into());
            let beyond = d.cmp(CmpOp::Ult, &room, &into);
            far = d.and(&far, &beyond);
        }
        let no = d.bit(false);
        let what = if write { "a store" } else { "a load" };
        out.duties.push(Duty {
            what: format!("{what} of memory that the block does not access"),
            ssa: no,
            machine: far,
            path: Vec::new(),
        });
    }
}
