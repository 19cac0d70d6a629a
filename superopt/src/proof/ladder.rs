//! Climbing: which rung is tried when, what each may spend, and what its answer means.

use super::claims::{Goal, Group, Query, bad, groups};
use super::expand::expand;
use super::ground::{Ground, Meaning};
use super::integer::IntegerForms;
use super::minimise::minimise;
use super::rebuild::Rewriter;
use super::signs::equal_by_cases;
use super::simulate::{Assignment, Block, LANES, Rng, Tape};
use super::sweep::sweep;
use super::{Limits, ProofResult, Rung, Second, Step, abstraction};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::smt::{LOGIC, NotPrintable, one_shot, symbol};
use crate::solver::dump::{script, text_hash};
use crate::solver::{Budget, Dump, Outcome, SolverError, SolverPool, Undecided};
use std::time::{Duration, Instant};
use trinity_codegen::isa::{Domain, Node, TermId, TermPool};

/// First try with everything bit-blasted.
const QUICK: Budget = Budget {
    rlimit: 1_500_000,
    time: Some(Duration::from_millis(400)),
};
/// Each abstraction.
const ABSTRACT: Budget = Budget {
    rlimit: 40_000_000,
    time: Some(Duration::from_secs(8)),
};
/// A group of output bits before the whole gets what is left.
const BIT_GROUP: Budget = Budget {
    rlimit: 60_000_000,
    time: Some(Duration::from_secs(10)),
};
/// Output bits denied together.
const GROUP_BITS: u32 = 8;
/// Fuel of the integer forms of one proof.
const FORM_FUEL: u64 = 3_000_000;
/// Fuel of each case of a case split.
const CASE_FUEL: u64 = 300_000;
/// Inputs for sweeping.
const SWEEP_BLOCKS: usize = 24;

/// Proves or refutes a query within limits. The pool grows by what the proof needs.
///
/// Never panics on what a caller may ask; a failing solver gives [`Verdict::Error`].
pub fn prove(
    pool: &mut TermPool,
    q: &Query,
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> ProofResult {
    let groups = groups(pool, q);
    let mut p = Prover {
        pool,
        limits,
        solvers,
        ground: Ground::new(),
        expander: Rewriter::default(),
        forms: IntegerForms::new(FORM_FUEL),
        rng: Rng(limits.seed),
        deadline: limits.time.map(|t| Instant::now() + t),
        work_left: (limits.rlimit > 0).then_some(limits.rlimit),
        steps: Vec::new(),
        tests: 0,
        disagreement: None,
        second_name: None,
    };
    let mut found = Found::default();
    let verdict = match p.climb(&q.precondition, groups, &mut found) {
        Ok(v) => v,
        Err(e) => Verdict::Error { why: e.to_string() },
    };
    let verdict = match p.disagreement.take() {
        Some(why) => Verdict::Error { why },
        None => verdict,
    };
    if verdict.kind() != VerdictKind::Refuted {
        found.counterexample = None;
        found.original = None;
        found.failing.clear();
    }
    ProofResult {
        verdict,
        counterexample: found.counterexample,
        original: found.original,
        failing: found.failing,
        witness: found.witness,
        steps: p.steps,
        tests: p.tests,
    }
}

#[derive(Default)]
struct Found {
    witness: Option<Assignment>,
    counterexample: Option<Assignment>,
    original: Option<Assignment>,
    failing: Vec<String>,
}

/// How one group of goals ended.
enum End {
    Proven,
    Refuted(Assignment),
    Open(Undecided),
}

/// The state of one proof.
pub(super) struct Prover<'a, 'l> {
    pub pool: &'a mut TermPool,
    pub limits: &'a Limits<'l>,
    pub solvers: &'a SolverPool,
    ground: Ground,
    expander: Rewriter,
    forms: IntegerForms,
    pub rng: Rng,
    deadline: Option<Instant>,
    /// Z3 work that may still be done; absent without a limit.
    work_left: Option<u64>,
    pub steps: Vec<Step>,
    tests: u64,
    /// Two solvers contradict each other.
    disagreement: Option<String>,
    second_name: Option<String>,
}

impl Prover<'_, '_> {
    /// A node that reached the printer unlowered is our own mistake; it ends the proof as an error.
    pub(super) fn unprintable(e: NotPrintable) -> SolverError {
        SolverError::Rejected { why: e.to_string() }
    }

    /// Whether the limits are used up.
    pub(super) fn stopped(&self) -> bool {
        self.limits.cancel.is_cancelled()
            || self.work_left == Some(0)
            || self.deadline.is_some_and(|d| Instant::now() >= d)
    }

    /// Why there is no answer when the limits are used up.
    fn why_stopped(&self) -> Undecided {
        if self.limits.cancel.is_cancelled() {
            Undecided::Cancelled
        } else if self.work_left == Some(0) {
            Undecided::Work
        } else {
            Undecided::Time
        }
    }

    /// A budget cut to what is left; without clocks in deterministic runs.
    pub(super) fn cap(&self, b: Budget) -> Budget {
        let time = self.deadline.map(|d| {
            let left = d.saturating_duration_since(Instant::now());
            b.time.map_or(left, |t| t.min(left))
        });
        let rlimit = match (self.work_left, b.rlimit) {
            (None, r) => r,
            (Some(left), 0) => left.clamp(1, u32::MAX.into()) as u32,
            (Some(left), r) => u64::from(r).min(left.max(1)) as u32,
        };
        Budget { rlimit, time }
    }

    /// Accounts for Z3's work.
    pub(super) fn spend(&mut self, rlimit: u64) {
        if let Some(left) = &mut self.work_left {
            *left = left.saturating_sub(rlimit);
        }
    }

    fn climb(
        &mut self,
        precondition: &[TermId],
        groups: Vec<Group>,
        found: &mut Found,
    ) -> Result<Verdict, SolverError> {
        self.ground.run(self.pool, precondition);
        let precondition: Vec<TermId> = precondition.iter().map(|t| self.ground.get(*t)).collect();
        let restricted = precondition
            .iter()
            .any(|t| self.pool.as_constant(t) != Some(1));
        if restricted {
            match self.witness(&precondition)? {
                End::Refuted(witness) => found.witness = Some(witness),
                End::Proven => return Ok(Verdict::Vacuous),
                End::Open(why) => return Ok(undecided(why)),
            }
        }
        for group in groups {
            // Programs that cannot fault need no step that says so.
            if group
                .goals
                .iter()
                .all(|g| g.left == g.right && self.pool.as_constant(&g.left).is_some())
            {
                continue;
            }
            let mut roots: Vec<TermId> = group.assume.clone();
            roots.extend(group.goals.iter().flat_map(|g| [g.left, g.right]));
            self.ground.run(self.pool, &roots);
            let mut assume = precondition.clone();
            assume.extend(group.assume.iter().map(|t| self.ground.get(*t)));
            let goals: Vec<Goal> = group
                .goals
                .iter()
                .map(|g| Goal {
                    name: g.name.clone(),
                    left: self.ground.get(g.left),
                    right: self.ground.get(g.right),
                })
                .collect();
            match self.group(&assume, goals.clone(), found.witness.as_ref())? {
                End::Proven => {}
                End::Open(why) => return Ok(undecided(why)),
                End::Refuted(input) => {
                    self.report(&assume, &goals, input, found);
                    return Ok(Verdict::Refuted);
                }
            }
        }
        Ok(if restricted {
            Verdict::ProvenUnderPrecondition
        } else {
            Verdict::Proven
        })
    }

    /// Minimises a counterexample and names the goals that fail on it.
    fn report(&mut self, assume: &[TermId], goals: &[Goal], input: Assignment, found: &mut Found) {
        let bad_bit = bad(self.pool, assume, goals);
        let tape = Tape::new(self.pool, &[bad_bit], self.ground.variables());
        let small = minimise(self.pool, &tape, bad_bit, &input);
        let roots: Vec<TermId> = goals.iter().flat_map(|g| [g.left, g.right]).collect();
        let tape = Tape::new(self.pool, &roots, self.ground.variables());
        let values = tape.run(self.pool, &Block::of(std::slice::from_ref(&small)));
        let differs =
            |g: &&Goal| tape.values(&values, g.left)[0] != tape.values(&values, g.right)[0];
        found.failing = goals
            .iter()
            .filter(differs)
            .map(|g| g.name.clone())
            .collect();
        found.original = Some(input);
        found.counterexample = Some(small);
    }

    /// An input that meets the precondition (`Refuted`), or that there is none (`Proven`).
    fn witness(&mut self, precondition: &[TermId]) -> Result<End, SolverError> {
        let start = Instant::now();
        let all = precondition
            .iter()
            .fold(self.pool.bit(true), |a, b| self.pool.and(&a, b));
        if let Some(input) = self.search(all, None) {
            self.note("precondition", Rung::Tests, VerdictKind::Refuted, start);
            return Ok(End::Refuted(input));
        }
        // With a model of an abstraction nothing is known; its evaluation decides.
        self.ask(
            "precondition",
            Rung::BitBlast,
            all,
            &[all],
            Budget::default(),
        )
    }

    /// Looks for an input on which the bit `goal` (ground) is one.
    fn search(&mut self, goal: TermId, near: Option<&Assignment>) -> Option<Assignment> {
        let tape = Tape::new(self.pool, &[goal], self.ground.variables());
        let blocks = self.limits.tests.div_ceil(LANES as u32);
        for i in 0..blocks {
            let block = match near {
                // Where few inputs are allowed, half of the tests stay near one that is.
                Some(near) if i % 2 == 1 => self.near(&tape, near),
                _ => self.random(&tape),
            };
            let values = tape.run(self.pool, &block);
            self.tests += LANES as u64;
            if let Some(lane) = tape.values(&values, goal).iter().position(|b| *b == 1) {
                return Some(tape.assignment(self.pool, &block, &values, lane));
            }
        }
        None
    }

    fn random(&mut self, tape: &Tape) -> Block {
        let (inputs, constants) = (tape.inputs(self.pool), tape.constants(self.pool));
        Block::random(&mut self.rng, self.pool, &inputs, &constants)
    }

    /// Inputs a few bits away from `near`.
    fn near(&mut self, tape: &Tape, near: &Assignment) -> Block {
        let inputs = tape.inputs(self.pool);
        let lanes: Vec<Assignment> = (0..LANES)
            .map(|_| {
                let mut a = near.clone();
                for _ in 0..1 + self.rng.next() % 3 {
                    if inputs.is_empty() {
                        break;
                    }
                    let v = inputs[self.rng.next() as usize % inputs.len()];
                    let bit = self.rng.next() as u32 % self.pool.term_width(v);
                    *a.variables.entry(v).or_insert(0) ^= 1 << bit;
                }
                a
            })
            .collect();
        Block::of(&lanes)
    }

    fn note(&mut self, goal: &str, rung: Rung, verdict: VerdictKind, start: Instant) {
        self.steps.push(Step {
            goal: goal.into(),
            rung,
            verdict,
            why: String::new(),
            rlimit: 0,
            memory: 0,
            time: start.elapsed(),
            text_hash: String::new(),
            file: None,
            second: None,
        });
    }

    /// Drops the goals that `decided` settles, with one step for them.
    fn settle(
        &mut self,
        goals: Vec<Goal>,
        rung: Rung,
        decided: &mut dyn FnMut(&mut Self, &Goal) -> bool,
    ) -> Vec<Goal> {
        let start = Instant::now();
        let (mut done, mut open) = (Vec::new(), Vec::new());
        for g in goals {
            if decided(self, &g) {
                done.push(g.name);
            } else {
                open.push(g);
            }
        }
        if !done.is_empty() {
            self.note(&done.join(", "), rung, VerdictKind::Proven, start);
        }
        open
    }

    /// Climbs with goals (ground) under an assumption (ground bits).
    fn group(
        &mut self,
        assume: &[TermId],
        goals: Vec<Goal>,
        near: Option<&Assignment>,
    ) -> Result<End, SolverError> {
        let goals = self.settle(goals, Rung::Structural, &mut |_, g| g.left == g.right);
        if goals.is_empty() {
            return Ok(End::Proven);
        }
        let start = Instant::now();
        let bad_bit = bad(self.pool, assume, &goals);
        if let Some(input) = self.search(bad_bit, near) {
            self.note(&names(&goals), Rung::Tests, VerdictKind::Refuted, start);
            return Ok(End::Refuted(input));
        }
        let goals = self.settle(goals, Rung::IntegerForm, &mut |p, g| {
            p.forms.equal(p.pool, g.left, g.right)
                || equal_by_cases(p.pool, CASE_FUEL, g.left, g.right)
        });
        if goals.is_empty() {
            return Ok(End::Proven);
        }
        let bad_bit = bad(self.pool, assume, &goals);
        match self.ask(&names(&goals), Rung::BitBlast, bad_bit, &[bad_bit], QUICK)? {
            End::Open(_) if !self.stopped() => {}
            End::Open(_) => return Ok(End::Open(self.why_stopped())),
            decided => return Ok(decided),
        }
        self.hard(assume, goals, near)
    }

    /// The expensive rungs.
    fn hard(
        &mut self,
        assume: &[TermId],
        goals: Vec<Goal>,
        near: Option<&Assignment>,
    ) -> Result<End, SolverError> {
        let mut sliced = IntegerForms::sliced(FORM_FUEL);
        let goals = self.settle(goals, Rung::IntegerForm, &mut |p, g| {
            sliced.equal_bits(p.pool, g.left, g.right)
        });
        if goals.is_empty() {
            return Ok(End::Proven);
        }
        // The same question in operations that solvers have, with the constraints of what was replaced.
        let mut words: Vec<TermId> = goals.iter().flat_map(|g| [g.left, g.right]).collect();
        let count = words.len();
        words.extend(assume);
        let mut expanded = self.expanded(&words)?;
        let mut assume_words = expanded.split_off(count);
        assume_words.extend(self.constraints(&words)?);
        let blocks = self.sweep_blocks(assume, &goals, near);
        let mut swept = sweep(self, &names(&goals), &assume_words, &expanded, &blocks)?;
        let mut open: Vec<Goal> = Vec::new();
        for (g, pair) in goals.iter().zip(swept.chunks_exact(2)) {
            open.push(Goal {
                name: g.name.clone(),
                left: pair[0],
                right: pair[1],
            });
        }
        let originals = goals;
        let open_ground = |open: &[Goal]| -> Vec<Goal> {
            originals
                .iter()
                .filter(|g| open.iter().any(|o| o.name == g.name))
                .cloned()
                .collect()
        };
        let mut open = self.settle(open, Rung::CutPoints, &mut |p, g| {
            g.left == g.right || p.forms.equal(p.pool, g.left, g.right)
        });
        swept.clear();
        // Products and quotients as functions: whole, then by halves.
        let roots: Vec<TermId> = open.iter().flat_map(|g| [g.left, g.right]).collect();
        if !open.is_empty() && abstraction::applies(self.pool, &roots) {
            let half = abstraction::widest_product(self.pool, &roots)
                .map(|w| w.next_power_of_two().max(8) / 2);
            for half in [None, half] {
                if half.is_none() && roots.is_empty() || self.stopped() {
                    continue;
                }
                let bit = bad(self.pool, &assume_words, &open);
                let a = abstraction::abstracted(self.pool, &[bit], half);
                let mut holds = a.roots;
                holds.extend(a.constraints);
                let real = bad(self.pool, assume, &open_ground(&open));
                match self.ask_expanded(&names(&open), Rung::Abstraction, real, &holds, ABSTRACT)? {
                    End::Open(_) => {}
                    decided => return Ok(decided),
                }
            }
        }
        // One group of output bits at a time.
        for g in std::mem::take(&mut open) {
            let real = bad(self.pool, assume, &open_ground(std::slice::from_ref(&g)));
            let width = self.pool.term_width(g.left);
            for lo in (0..width).step_by(GROUP_BITS as usize) {
                if self.stopped() {
                    return Ok(End::Open(self.why_stopped()));
                }
                let n = GROUP_BITS.min(width - lo);
                let left = self.pool.extract(&g.left, lo, n);
                let right = self.pool.extract(&g.right, lo, n);
                let name = if n == width {
                    g.name.clone()
                } else {
                    format!("{}[{lo}..{}]", g.name, lo + n)
                };
                let part = Goal {
                    name: name.clone(),
                    left,
                    right,
                };
                let bit = bad(self.pool, &assume_words, &[part]);
                for budget in [BIT_GROUP, Budget::default()] {
                    match self.ask_expanded(&name, Rung::BitBlast, real, &[bit], budget)? {
                        End::Proven => break,
                        End::Refuted(input) => return Ok(End::Refuted(input)),
                        End::Open(_) if budget != Budget::default() && !self.stopped() => {}
                        End::Open(why) => match self.other_solver(&name, &[bit])? {
                            true => break,
                            false => return Ok(End::Open(why)),
                        },
                    }
                }
            }
        }
        Ok(End::Proven)
    }

    /// Inputs for sweeping, with the values of the variables that have a meaning.
    fn sweep_blocks(
        &mut self,
        assume: &[TermId],
        goals: &[Goal],
        near: Option<&Assignment>,
    ) -> Vec<Block> {
        let mut roots: Vec<TermId> = assume.to_vec();
        roots.extend(goals.iter().flat_map(|g| [g.left, g.right]));
        let tape = Tape::new(self.pool, &roots, self.ground.variables());
        (0..SWEEP_BLOCKS)
            .map(|i| {
                let block = match near {
                    Some(near) if i % 2 == 1 => self.near(&tape, near),
                    _ => self.random(&tape),
                };
                let values = tape.run(self.pool, &block);
                tape.leaves(self.pool, &values)
            })
            .collect()
    }

    /// Ground words in the solver's operations.
    fn expanded(&mut self, words: &[TermId]) -> Result<Vec<TermId>, SolverError> {
        expand(self.pool, &mut self.expander, words);
        Ok(words.iter().map(|t| self.expander.get(*t)).collect())
    }

    /// Constraints (expanded) of the replaced variables below ground words.
    fn constraints(&mut self, words: &[TermId]) -> Result<Vec<TermId>, SolverError> {
        let tape = Tape::new(self.pool, words, self.ground.variables());
        let used = |t: TermId| tape.order().binary_search(&t).is_ok();
        let constraints = self.ground.constraints(self.pool, &used);
        self.expanded(&constraints)
    }

    /// Asks whether ground bits can hold together; a model counts when the ground bit `real` evaluates to one on it.
    fn ask(
        &mut self,
        goal: &str,
        rung: Rung,
        real: TermId,
        bits: &[TermId],
        budget: Budget,
    ) -> Result<End, SolverError> {
        let mut holds = self.expanded(bits)?;
        holds.extend(self.constraints(bits)?);
        self.ask_expanded(goal, rung, real, &holds, budget)
    }

    /// As `ask`, with bits that are expanded and complete.
    fn ask_expanded(
        &mut self,
        goal: &str,
        rung: Rung,
        real: TermId,
        holds: &[TermId],
        budget: Budget,
    ) -> Result<End, SolverError> {
        let start = Instant::now();
        if holds.iter().any(|t| self.pool.as_constant(t) == Some(0)) {
            self.note(goal, Rung::Structural, VerdictKind::Proven, start);
            return Ok(End::Proven);
        }
        let text = one_shot(self.pool, holds).map_err(Self::unprintable)?;
        let file = self.dump(goal, &text)?;
        let variable = |t: &TermId| matches!(self.pool.node(*t), Node::Var(_));
        let variables: Vec<TermId> = self
            .pool
            .reachable(holds)
            .into_iter()
            .filter(variable)
            .collect();
        let names: Vec<String> = variables.iter().map(|t| symbol(&self.name(*t))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let budget = self.cap(budget);
        let mut session = self.solvers.session(LOGIC)?;
        session.assert(&text);
        let answer = session.check(&budget, &names, &self.limits.cancel)?;
        drop(session);
        self.spend(answer.rlimit);
        let (end, why) = match &answer.outcome {
            Outcome::Unsat => (End::Proven, String::new()),
            Outcome::Unknown(why) => (End::Open(why.clone()), why.to_string()),
            Outcome::Sat(values) => {
                let model: Vec<(TermId, u128)> = variables
                    .iter()
                    .zip(values)
                    .map(|(t, (_, v))| (*t, *v))
                    .collect();
                match self.replay(real, &model) {
                    Some(input) => (End::Refuted(input), String::new()),
                    None => {
                        let why =
                            "a model of an abstraction that does not hold of the real operations";
                        (End::Open(Undecided::GaveUp(why.into())), why.into())
                    }
                }
            }
        };
        let verdict = match &end {
            End::Proven => VerdictKind::Proven,
            End::Refuted(_) => VerdictKind::Refuted,
            End::Open(why) => undecided(why.clone()).kind(),
        };
        let second = match &answer.outcome {
            Outcome::Unknown(_) => None,
            outcome => self.second_opinion(goal, &text, outcome)?,
        };
        self.steps.push(Step {
            goal: goal.into(),
            rung,
            verdict,
            why,
            rlimit: answer.rlimit,
            memory: answer.memory,
            time: start.elapsed(),
            text_hash: text_hash(&text),
            file,
            second,
        });
        Ok(end)
    }

    fn name(&self, t: TermId) -> String {
        match self.pool.node(t) {
            Node::Var(v) => self.pool.variables()[v as usize].name.clone(),
            _ => String::new(),
        }
    }

    fn dump(&self, goal: &str, text: &str) -> Result<Option<std::path::PathBuf>, SolverError> {
        self.limits
            .dump
            .map(|d| d.write(goal, &script(LOGIC, text)))
            .transpose()
    }

    /// Evaluates a model exactly; the input if the bit `real` is one on it.
    fn replay(&mut self, real: TermId, model: &[(TermId, u128)]) -> Option<Assignment> {
        let tape = Tape::new(self.pool, &[real], self.ground.variables());
        let mut input = Assignment {
            variables: model.iter().copied().collect(),
            ..Assignment::default()
        };
        // Addresses can depend on bytes: settle them level by level.
        for _ in 0..8 {
            let values = tape.run(self.pool, &Block::of(std::slice::from_ref(&input)));
            let mut memory = input.memory.clone();
            for (v, meaning) in self.ground.variables() {
                if let Meaning::Byte { memory: m, address } = meaning
                    && tape.order().binary_search(address).is_ok()
                    && let Some(byte) = input.variables.get(v)
                {
                    let at = tape.values(&values, *address)[0] as u64;
                    memory.insert((*m, at), *byte as u8);
                }
            }
            if memory == input.memory {
                break;
            }
            input.memory = memory;
        }
        let block = Block::of(std::slice::from_ref(&input));
        let values = tape.run(self.pool, &block);
        (tape.values(&values, real)[0] == 1).then(|| tape.assignment(self.pool, &block, &values, 0))
    }

    /// Puts a query to the second solver, if there is one.
    fn run_second(
        &mut self,
        goal: &str,
        text: &str,
    ) -> Result<Option<(Outcome, Second)>, SolverError> {
        let Some(second) = self.limits.second else {
            return Ok(None);
        };
        let start = Instant::now();
        // Without `--dump-smt` the file lives as long as the question.
        let (dir, scratch) = match self.limits.dump {
            Some(_) => (None, None),
            None => {
                let dir = std::env::temp_dir().join(format!(
                    "trinity-second-{}-{}",
                    std::process::id(),
                    text_hash(text)
                ));
                (Some(dir.clone()), Some(Dump::new(&dir)?))
            }
        };
        let dump = self.limits.dump.or(scratch.as_ref());
        let Some(dump) = dump else { return Ok(None) };
        let file = dump.write(&format!("{goal}-second"), &script(LOGIC, text))?;
        let left = self.deadline.map_or(Duration::from_secs(60), |d| {
            d.saturating_duration_since(Instant::now())
        });
        let outcome = second.check(&file, left.max(Duration::from_secs(1)));
        if let Some(dir) = dir {
            // A leftover in the temporary folder harms nobody.
            let _ = std::fs::remove_dir_all(dir);
        }
        let outcome = outcome?;
        let name = self
            .second_name
            .get_or_insert_with(|| second.name())
            .clone();
        let verdict = match &outcome {
            Outcome::Sat(_) => VerdictKind::Refuted,
            Outcome::Unsat => VerdictKind::Proven,
            Outcome::Unknown(why) => undecided(why.clone()).kind(),
        };
        Ok(Some((
            outcome,
            Second {
                solver: name,
                verdict,
                time: start.elapsed(),
            },
        )))
    }

    /// Lets the second solver check an answer; a contradiction ends the proof as an error.
    fn second_opinion(
        &mut self,
        goal: &str,
        text: &str,
        first: &Outcome,
    ) -> Result<Option<Second>, SolverError> {
        let Some((outcome, second)) = self.run_second(goal, text)? else {
            return Ok(None);
        };
        let contradiction = matches!(
            (first, &outcome),
            (Outcome::Sat(_), Outcome::Unsat) | (Outcome::Unsat, Outcome::Sat(_))
        );
        if contradiction {
            self.disagreement = Some(format!("{} contradicts Z3 on {goal}", second.solver));
        }
        Ok(Some(second))
    }

    /// The last rung: what Z3 leaves open, another solver may prove.
    fn other_solver(&mut self, goal: &str, holds: &[TermId]) -> Result<bool, SolverError> {
        let text = one_shot(self.pool, holds).map_err(Self::unprintable)?;
        let Some((outcome, second)) = self.run_second(goal, &text)? else {
            return Ok(false);
        };
        let proven = outcome == Outcome::Unsat;
        self.steps.push(Step {
            goal: goal.into(),
            rung: Rung::OtherSolver,
            verdict: if proven {
                VerdictKind::Proven
            } else {
                VerdictKind::Unknown
            },
            why: String::new(),
            rlimit: 0,
            memory: 0,
            time: second.time,
            text_hash: text_hash(&text),
            file: None,
            second: Some(second),
        });
        Ok(proven)
    }
}

fn names(goals: &[Goal]) -> String {
    goals
        .iter()
        .map(|g| g.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The verdict of a question that was not decided.
fn undecided(why: Undecided) -> Verdict {
    match why {
        Undecided::Time | Undecided::Work => Verdict::Timeout,
        Undecided::Memory => Verdict::Unknown {
            why: "the solver's memory limit".into(),
        },
        Undecided::Cancelled => Verdict::Unknown {
            why: "cancelled".into(),
        },
        Undecided::GaveUp(why) => Verdict::Unknown { why },
    }
}
