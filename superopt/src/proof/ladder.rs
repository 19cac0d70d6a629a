//! Climbing: which rung is tried when, what each may spend, and what its answer means.

use super::apart::Apart;
use super::claims::{Goal, Group, Query, bad, groups};
use super::ground::{Ground, Meaning};
use super::halves::equal_by_halves;
use super::integer::IntegerForms;
use super::minimise::minimise;
use super::rebuild::Rewriter;
use super::signs::equal_by_cases;
use super::simulate::{Assignment, Block, LANES, Rng, Tape};
use super::stored::{self, Kept};
use super::{Limits, ProofResult, Rung, Step};
use crate::report::verdict::{Verdict, VerdictKind};
use crate::smt::NotPrintable;
use crate::solver::{Budget, SolverError, SolverPool, Undecided};
use std::time::{Duration, Instant};
use trinity_codegen::isa::{Domain, TermId, TermPool};

/// First try with everything bit-blasted.
pub(super) const QUICK: Budget = Budget {
    rlimit: 1_500_000,
    time: Some(Duration::from_millis(400)),
};
/// Fuel of the integer forms of one proof.
pub(super) const FORM_FUEL: u64 = 3_000_000;
/// Fuel of each case of a case split.
const CASE_FUEL: u64 = 300_000;

/// Proves or refutes a query within limits. The pool grows by what the proof needs.
///
/// Never panics on what a caller may ask; a failing solver gives [`Verdict::Error`].
pub fn prove(
    pool: &mut TermPool,
    q: &Query,
    limits: &Limits<'_>,
    solvers: &SolverPool,
) -> ProofResult {
    let Some(store) = solvers.store() else {
        return make(pool, q, limits, solvers, Kept::Nothing);
    };
    let question = stored::question(pool, q);
    let kept = stored::look(store, &question, limits);
    if matches!(kept, Kept::Tried) {
        return stored::tried();
    }
    let start = Instant::now();
    let mut result = make(pool, q, limits, solvers, kept);
    if !result.is_stored() {
        let (time, all) = (start.elapsed(), &result);
        if let Some(why) = stored::keep(store, question, limits, all, time, solvers) {
            let step = stored::step("to be kept", VerdictKind::Error, &why);
            result.steps.push(step);
        }
    }
    result
}

/// Makes the proof. Of one that is kept only the precondition's witness is found; a kept input is tried first.
fn make(
    pool: &mut TermPool,
    q: &Query,
    limits: &Limits<'_>,
    solvers: &SolverPool,
    kept: Kept,
) -> ProofResult {
    let (known, hint) = match kept {
        Kept::Proven(smt) => (Some(smt), None),
        Kept::Refuted(input) => (None, Some(input)),
        Kept::Tried | Kept::Nothing => (None, None),
    };
    let hinted = hint.is_some();
    let groups = if known.is_some() {
        Vec::new()
    } else {
        groups(pool, q)
    };
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
        hint,
        disagreement: None,
        second_name: None,
    };
    let mut found = Found::default();
    let mut verdict = match p.climb(&q.precondition, groups, &mut found) {
        Ok(v) => v,
        Err(e) => Verdict::Error { why: e.to_string() },
    };
    if let Some(smt) = known {
        match stored::written(&smt, limits) {
            Ok(steps) => p.steps.extend(steps),
            Err(e) => verdict = Verdict::Error { why: e.to_string() },
        }
        p.steps.push(stored::step("all", VerdictKind::Proven, ""));
    }
    if hinted && verdict.kind() == VerdictKind::Refuted && p.hint.is_none() {
        let why = "the input is the store's";
        p.steps.push(stored::step("all", VerdictKind::Refuted, why));
    }
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
pub(super) enum End {
    Proven,
    Refuted(Assignment),
    Open(Undecided),
}

/// A group of goals in ground terms, under assumptions (the precondition among them).
#[derive(Clone)]
pub(super) struct Posed {
    pub assume: Vec<TermId>,
    pub goals: Vec<Goal>,
}

/// What a rung leaves of a group.
pub(super) enum Rest {
    Proven,
    /// These goals, for the next rung.
    Goals(Posed),
    /// An input on which one of these goals fails.
    Refuted(Posed, Assignment),
    Open(Undecided),
}

/// The state of one proof.
pub(super) struct Prover<'a, 'l> {
    pub pool: &'a mut TermPool,
    pub limits: &'a Limits<'l>,
    pub solvers: &'a SolverPool,
    pub ground: Ground,
    pub expander: Rewriter,
    pub forms: IntegerForms,
    pub rng: Rng,
    pub deadline: Option<Instant>,
    /// Z3 work that may still be done; absent without a limit.
    work_left: Option<u64>,
    pub steps: Vec<Step>,
    tests: u64,
    /// An input to try first; taken once it was used.
    hint: Option<Assignment>,
    /// Two solvers contradict each other.
    pub disagreement: Option<String>,
    pub second_name: Option<String>,
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
    pub(super) fn why_stopped(&self) -> Undecided {
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
        let apart = Apart::of(self.pool, &precondition);
        self.ground.assume(apart);
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
        let mut open = Vec::new();
        for group in groups {
            open.extend(self.posed(&precondition, group));
        }
        // Every group is tested, and then asked cheaply, before any is asked at length: a question that takes long does
        // not hide another's counterexample.
        for rung in [Self::tested, Self::cheap, Self::hard] {
            let mut undecided_yet = None;
            for posed in std::mem::take(&mut open) {
                match rung(self, posed, found.witness.as_ref())? {
                    Rest::Proven => {}
                    Rest::Goals(posed) => open.push(posed),
                    Rest::Refuted(posed, input) => {
                        self.report(&posed.assume, &posed.goals, input, found);
                        return Ok(Verdict::Refuted);
                    }
                    Rest::Open(why) => undecided_yet = undecided_yet.or(Some(why)),
                }
            }
            if let Some(why) = undecided_yet {
                return Ok(undecided(why));
            }
        }
        Ok(if restricted {
            Verdict::ProvenUnderPrecondition
        } else {
            Verdict::Proven
        })
    }

    /// A group in ground terms; absent where there is nothing to say.
    fn posed(&mut self, precondition: &[TermId], group: Group) -> Option<Posed> {
        // Programs that cannot fault need no step that says so.
        let settled = |g: &Goal| g.left == g.right && self.pool.as_constant(&g.left).is_some();
        if group.goals.iter().all(settled) {
            return None;
        }
        let mut roots: Vec<TermId> = group.assume.clone();
        roots.extend(group.goals.iter().flat_map(|g| [g.left, g.right]));
        self.ground.run(self.pool, &roots);
        let mut assume = precondition.to_vec();
        assume.extend(group.assume.iter().map(|t| self.ground.get(*t)));
        let ground = |g: Goal| Goal {
            left: self.ground.get(g.left),
            right: self.ground.get(g.right),
            name: g.name,
        };
        let goals = group.goals.into_iter().map(ground).collect();
        Some(Posed { assume, goals })
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
        let end = self.ask(
            "precondition",
            Rung::BitBlast,
            all,
            &[all],
            Budget::default(),
        )?;
        match end {
            End::Open(_) if self.has_floats(&[all]) && !self.stopped() => {
                self.ask_theory("precondition", all, &[all], Budget::default())
            }
            end => Ok(end),
        }
    }

    /// Whether results of floating-point arithmetic are below words.
    pub(super) fn has_floats(&self, words: &[TermId]) -> bool {
        let tape = Tape::new(self.pool, words, self.ground.variables());
        let is_float = |m: &Meaning| matches!(m, Meaning::Fp { .. });
        let mut floats = self.ground.variables().iter().filter(|(_, m)| is_float(m));
        floats.any(|(v, _)| tape.order().binary_search(v).is_ok())
    }

    /// The input to try first, when the bit `goal` (ground) is one on it.
    fn hinted(&mut self, goal: TermId) -> Option<Assignment> {
        let hint = self.hint.as_ref()?;
        let tape = Tape::new(self.pool, &[goal], self.ground.variables());
        let block = Block::of(std::slice::from_ref(hint));
        let values = tape.run(self.pool, &block);
        if tape.values(&values, goal)[0] != 1 {
            return None;
        }
        self.hint = None;
        Some(tape.assignment(self.pool, &block, &values, 0))
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

    pub(super) fn random(&mut self, tape: &Tape) -> Block {
        let (inputs, constants) = (tape.inputs(self.pool), tape.constants(self.pool));
        Block::random(&mut self.rng, self.pool, &inputs, &constants)
    }

    /// Inputs a few bits away from `near`.
    pub(super) fn near(&mut self, tape: &Tape, near: &Assignment) -> Block {
        let inputs = tape.inputs(self.pool);
        let lanes: Vec<Assignment> = (0..LANES)
            .map(|_| {
                let mut a = near.clone();
                for _ in 0..1 + self.rng.draw() % 3 {
                    if inputs.is_empty() {
                        break;
                    }
                    let v = inputs[self.rng.draw() as usize % inputs.len()];
                    let bit = self.rng.draw() as u32 % self.pool.term_width(v);
                    *a.variables.entry(v).or_insert(0) ^= 1 << bit;
                }
                a
            })
            .collect();
        Block::of(&lanes)
    }

    pub(super) fn note(&mut self, goal: &str, rung: Rung, verdict: VerdictKind, start: Instant) {
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
    pub(super) fn settle(
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

    /// Identity, and tests that refute.
    fn tested(&mut self, p: Posed, near: Option<&Assignment>) -> Result<Rest, SolverError> {
        let goals = self.settle(p.goals, Rung::Structural, &mut |_, g| g.left == g.right);
        if goals.is_empty() {
            return Ok(Rest::Proven);
        }
        let start = Instant::now();
        let bad_bit = bad(self.pool, &p.assume, &goals);
        let posed = Posed { goals, ..p };
        let input = self.hinted(bad_bit).or_else(|| self.search(bad_bit, near));
        Ok(match input {
            Some(input) => {
                self.note(
                    &names(&posed.goals),
                    Rung::Tests,
                    VerdictKind::Refuted,
                    start,
                );
                Rest::Refuted(posed, input)
            }
            None => Rest::Goals(posed),
        })
    }

    /// Integer forms, and one short question.
    fn cheap(&mut self, p: Posed, _near: Option<&Assignment>) -> Result<Rest, SolverError> {
        let goals = self.settle(p.goals, Rung::IntegerForm, &mut |p, g| {
            p.forms.equal(p.pool, g.left, g.right)
                || equal_by_cases(p.pool, CASE_FUEL, g.left, g.right)
                || equal_by_halves(p.pool, CASE_FUEL, g.left, g.right)
        });
        if goals.is_empty() {
            return Ok(Rest::Proven);
        }
        let bad_bit = bad(self.pool, &p.assume, &goals);
        let posed = Posed { goals, ..p };
        let name = names(&posed.goals);
        Ok(
            match self.ask(&name, Rung::BitBlast, bad_bit, &[bad_bit], QUICK)? {
                End::Open(_) if !self.stopped() => Rest::Goals(posed),
                End::Open(_) => Rest::Open(self.why_stopped()),
                End::Proven => Rest::Proven,
                End::Refuted(input) => Rest::Refuted(posed, input),
            },
        )
    }
}

pub(super) fn names(goals: &[Goal]) -> String {
    goals
        .iter()
        .map(|g| g.name.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The verdict of a question that was not decided.
pub(super) fn undecided(why: Undecided) -> Verdict {
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
