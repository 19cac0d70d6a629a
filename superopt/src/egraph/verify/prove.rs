//! One instance of a rule, proven or refuted.
//!
//! Tried first on values: a difference refutes, and where all values were tried the proof is done. Then the sides as
//! terms go up the proof ladder ([`crate::proof`]) under a small budget; a rule whose constant can only take few
//! values (powers of two, counts below the width) is proven case by case, after it is proven that these are all; what
//! is left gets the whole budget.

use super::ieee::Ieee;
use super::lemma;
use super::sample::{self, Tried};
use crate::egraph::rule::{Equality, Meaning, Widths};
use crate::proof::{self, Claim, Pair, Query, Rung};
use crate::report::verdict::Verdict;
use crate::solver::SolverPool;
use std::fmt;
use std::time::{Duration, Instant};
use trinity_codegen::isa::concrete::{Bits, mask};
use trinity_codegen::isa::{Domain, TermId, TermPool};

/// How an instance was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// All values of all names were tried.
    Exhausted {
        /// How many met the premise.
        held: u64,
    },
    /// A counterexample was found by trying.
    Tried,
    /// A rung of the proof ladder.
    Rung(Rung),
    /// Case by case on a constant's values.
    Cases {
        /// The constant.
        name: String,
        /// Its values.
        count: u32,
        /// The last rung any case needed.
        rung: Rung,
    },
    /// A lemma about integers, whose steps Z3 checked.
    Lemma {
        /// Its name.
        name: &'static str,
        /// Its steps.
        steps: u32,
    },
    /// Nothing decided it.
    Undecided,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Exhausted { held } => write!(f, "exhausted ({held})"),
            Method::Tried => f.write_str("tried on values"),
            Method::Rung(r) => write!(f, "{r}"),
            Method::Cases { name, count, rung } => write!(f, "{count} cases of {name}, {rung}"),
            Method::Lemma { name, steps } => write!(f, "integer lemma '{name}' ({steps} steps)"),
            Method::Undecided => f.write_str("undecided"),
        }
    }
}

impl Method {
    /// The kind, for tables.
    pub fn kind(&self) -> &'static str {
        match self {
            Method::Exhausted { .. } => "exhausted",
            Method::Tried => "tried",
            Method::Rung(Rung::Structural) => "structural",
            Method::Rung(Rung::IntegerForm) => "integer form",
            Method::Rung(Rung::Abstraction) => "abstraction",
            Method::Rung(Rung::Store) => "store",
            Method::Rung(_) => "bit-blast",
            Method::Cases { .. } => "cases",
            Method::Lemma { .. } => "lemma",
            Method::Undecided => "undecided",
        }
    }
}

/// The end of one instance.
#[derive(Clone, Debug)]
pub struct InstanceResult {
    /// Its widths.
    pub at: Widths,
    /// `Proven` also for rules with premises: they are checked wherever the rule is used.
    pub verdict: Verdict,
    /// How.
    pub method: Method,
    /// Names and values that meet the premise.
    pub witness: Option<Vec<(String, Bits)>>,
    /// Names and values that tell the sides apart.
    pub counterexample: Option<Counterexample>,
    /// Values tried that met the premise.
    pub tried: u64,
    /// Z3's count of work.
    pub rlimit: u64,
    /// Wall-clock time.
    pub time: Duration,
}

/// An assignment on which a rule is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    /// Names and values.
    pub names: Vec<(String, Bits)>,
    /// The left side's value.
    pub left: Bits,
    /// The right side's.
    pub right: Bits,
}

/// Budgets of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Assignments to try.
    pub tries: u32,
    /// Z3 work of the first attempt.
    pub first: u64,
    /// Z3 work of the last attempt and of all cases together.
    pub last: u64,
    /// Time of the last attempt; `None` in deterministic runs.
    pub time: Option<Duration>,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget {
            tries: 400,
            first: 8_000_000,
            last: 200_000_000,
            time: Some(Duration::from_secs(60)),
        }
    }
}

fn named(meaning: &Meaning, values: &[Bits]) -> Vec<(String, Bits)> {
    let names = meaning.rule.names.iter().map(|n| n.text.clone());
    names.zip(values.iter().copied()).collect()
}

/// The counterexample of values on which the rule was seen to be wrong, made smaller.
fn counterexample(meaning: &Meaning, values: Vec<Bits>) -> Counterexample {
    let values = sample::minimise(meaning, values);
    let d = &mut trinity_codegen::isa::Concrete;
    Counterexample {
        left: meaning.eval(d, meaning.rule.lhs, &values),
        right: meaning.eval(d, meaning.rule.rhs, &values),
        names: named(meaning, &values),
    }
}

/// Proves or refutes one instance.
pub fn instance(meaning: &Meaning, budget: &Budget, solvers: &SolverPool) -> InstanceResult {
    let start = Instant::now();
    let tried = sample::try_rule(meaning, budget.tries);
    let mut result = InstanceResult {
        at: meaning.at,
        verdict: Verdict::Unknown { why: String::new() },
        method: Method::Undecided,
        witness: tried.witness.as_ref().map(|w| named(meaning, w)),
        counterexample: None,
        tried: tried.held,
        rlimit: 0,
        time: Duration::ZERO,
    };
    decide(meaning, budget, solvers, tried, &mut result);
    result.time = start.elapsed();
    result
}

fn decide(
    meaning: &Meaning,
    budget: &Budget,
    solvers: &SolverPool,
    tried: Tried,
    result: &mut InstanceResult,
) {
    if let Some(values) = tried.counterexample {
        result.counterexample = Some(counterexample(meaning, values));
        result.verdict = Verdict::Refuted;
        result.method = Method::Tried;
        return;
    }
    if tried.exhausted {
        result.method = Method::Exhausted { held: tried.held };
        result.verdict = if tried.held > 0 {
            Verdict::Proven
        } else {
            Verdict::Vacuous
        };
        return;
    }
    if let Some(lemma) = lemma::of(meaning)
        && result.witness.is_some()
    {
        match lemma
            .check(solvers)
            .and_then(|steps| divisors(meaning, lemma.dividend(), budget, solvers, steps))
        {
            Ok(steps) => {
                result.verdict = Verdict::Proven;
                result.method = Method::Lemma {
                    name: lemma.name,
                    steps,
                };
            }
            Err(why) => result.verdict = Verdict::Unknown { why },
        }
        return;
    }
    let spend = |work: u64| proof::Limits {
        time: budget.time,
        rlimit: work,
        tests: 128,
        ..proof::Limits::default()
    };
    if result.witness.is_some()
        && let Some(cases) = Cases::of(meaning)
        && cases.prove(meaning, &spend(budget.last), solvers, result)
    {
        return;
    }
    for work in [budget.first, budget.last] {
        let mut pool = TermPool::new();
        let (query, terms) = query(meaning, &mut pool, &[], None);
        let proof = proof::prove(&mut pool, &query, &spend(work), solvers);
        result.rlimit += proof.steps.iter().map(|s| s.rlimit).sum::<u64>();
        let values = |a: &proof::Assignment| -> Vec<Bits> {
            let find = |n: usize| a.variables.get(&terms[n]).copied().unwrap_or(0);
            (0..meaning.rule.names.len())
                .map(|n| Bits::new(meaning.name_width(n), find(n)))
                .collect()
        };
        if let Some(w) = &proof.witness {
            // Names that the premise defines have no variable of their own; then the witness stays the prover's.
            let found = values(w);
            if meaning.holds(&found) {
                result.witness.get_or_insert_with(|| named(meaning, &found));
            }
        }
        match proof.verdict {
            Verdict::Proven | Verdict::ProvenUnderPrecondition => {
                result.verdict = Verdict::Proven;
                result.method = Method::Rung(last_rung(&proof));
                return;
            }
            Verdict::Refuted => {
                // The prover's functions stand for floating point: what it found counts once it is seen on values.
                let found = proof.counterexample.as_ref().map(values);
                let wrong = found
                    .filter(|v| sample::Runner::new(meaning).test(&mut v.clone()) == Some(false));
                match wrong {
                    Some(v) => {
                        result.counterexample = Some(counterexample(meaning, v));
                        result.verdict = Verdict::Refuted;
                        result.method = Method::Rung(last_rung(&proof));
                    }
                    None => {
                        let why = "refuted only with computed constants or functions left free"
                            .to_owned();
                        result.verdict = Verdict::Unknown { why };
                    }
                }
                return;
            }
            Verdict::Timeout => result.verdict = Verdict::Timeout,
            other => {
                result.verdict = other;
                if !matches!(result.verdict, Verdict::Unknown { .. }) {
                    return;
                }
            }
        }
    }
}

/// Time for one divisor.
const DIVISOR_TIME: Duration = Duration::from_secs(60);

/// A division rule with its multipliers computed, bit by bit for some divisors and all dividends (`short`: of so many bits); adds to the number of steps.
fn divisors(
    meaning: &Meaning,
    short: Option<u32>,
    budget: &Budget,
    solvers: &SolverPool,
    steps: u32,
) -> Result<u32, String> {
    let rule = meaning.rule;
    let Some(d) = rule
        .names
        .iter()
        .position(|n| n.constant && n.computed.is_none())
    else {
        return Ok(steps);
    };
    let mut done = steps;
    for k in lemma::DIVISORS
        .into_iter()
        .filter(|k| *k <= mask(meaning.at.w))
    {
        let mut values: Vec<Bits> = (0..rule.names.len())
            .map(|n| Bits::new(meaning.name_width(n), 0))
            .collect();
        values[d].value = k;
        if meaning.complete(&mut values).is_none() || !meaning.holds(&values) {
            continue;
        }
        let given: Vec<(usize, u128)> = (0..values.len())
            .filter(|n| rule.names[*n].constant)
            .map(|n| (n, values[n].value))
            .collect();
        let mut pool = TermPool::new();
        let (q, _) = query(meaning, &mut pool, &given, short);
        let limits = proof::Limits {
            time: Some(DIVISOR_TIME),
            rlimit: budget.first,
            tests: 128,
            ..proof::Limits::default()
        };
        let verdict = proof::prove(&mut pool, &q, &limits, solvers).verdict;
        if !matches!(verdict, Verdict::Proven | Verdict::ProvenUnderPrecondition) {
            return Err(format!("for the divisor {k}: {verdict:?}"));
        }
        done += 1;
    }
    Ok(done)
}

fn last_rung(proof: &proof::ProofResult) -> Rung {
    let decisive = proof.steps.iter().rev().find(|s| s.goal != "precondition");
    decisive.map_or(Rung::Structural, |s| s.rung)
}

/// The rule as a question, some names being given values.
/// `short`: what is no constant has so many bits.
fn query(
    meaning: &Meaning,
    pool: &mut TermPool,
    given: &[(usize, u128)],
    short: Option<u32>,
) -> (Query, Vec<TermId>) {
    let rule = meaning.rule;
    let mut names: Vec<TermId> = (0..rule.names.len())
        .map(|n| {
            let width = meaning.name_width(n);
            match given.iter().find(|g| g.0 == n) {
                Some((_, v)) => pool.constant(width, *v),
                None => match short.filter(|bits| *bits < width) {
                    Some(bits) => {
                        let low = pool.var(&format!("n{n}"), bits);
                        pool.zext(&low, width)
                    }
                    None => pool.var(&format!("n{n}"), width),
                },
            }
        })
        .collect();
    let nan_class = rule.equality == Equality::NanClass;
    // A premise that says what a name is replaces it.
    for _ in 0..rule.names.len() {
        let mut d = Ieee {
            pool: &mut *pool,
            nan_class,
        };
        let conditions: Vec<TermId> = rule
            .conditions
            .iter()
            .map(|c| meaning.eval(&mut d, *c, &names))
            .collect();
        let Some((n, term)) = definition(pool, &names, &conditions) else {
            break;
        };
        names[n] = term;
    }
    let mut d = Ieee { pool, nan_class };
    let left = meaning.eval(&mut d, rule.lhs, &names);
    let right = meaning.eval(&mut d, rule.rhs, &names);
    let conditions = rule.conditions.iter();
    let precondition = conditions
        .map(|c| meaning.eval(&mut d, *c, &names))
        .collect();
    let query = Query {
        claim: Claim::Equivalence,
        precondition,
        ..Query::words(vec![Pair::new("value", left, right)])
    };
    (query, names)
}

/// A name that a condition equates with a term it does not occur in.
fn definition(pool: &TermPool, names: &[TermId], conditions: &[TermId]) -> Option<(usize, TermId)> {
    use trinity_codegen::isa::{CmpOp, Node};
    for c in conditions {
        let Node::Cmp(CmpOp::Eq, a, b) = pool.node(*c) else {
            continue;
        };
        for (name, term) in [(a, b), (b, a)] {
            let n = names.iter().position(|t| *t == name);
            if let Some(n) = n
                && matches!(pool.node(name), Node::Var(_))
                && !pool.reachable(&[term]).contains(&name)
            {
                return Some((n, term));
            }
        }
    }
    None
}

/// Names and the few values the premise leaves each.
struct Cases {
    names: Vec<(usize, Vec<u128>)>,
}

/// Most combinations of values that are proven one by one.
const MOST_CASES: usize = 4_200;

impl Cases {
    /// Names whose values, where the premise was met, all have one of the known shapes.
    fn of(meaning: &Meaning) -> Option<Cases> {
        let rule = meaning.rule;
        let seen = sample::witnesses(meaning, 64);
        if rule.conditions.is_empty() || seen.len() < 4 {
            return None;
        }
        let mut found: Vec<(usize, Vec<u128>)> = Vec::new();
        for name in 0..rule.names.len() {
            let fits = |s: &Vec<u128>| seen.iter().all(|v| s.contains(&v[name].value));
            if let Some(values) = shapes(meaning.name_width(name)).into_iter().find(fits) {
                found.push((name, values));
            }
        }
        found.sort_by_key(|f| f.1.len());
        let mut count = 1;
        found.retain(|f| {
            let fits = count * f.1.len() <= MOST_CASES;
            count *= if fits { f.1.len() } else { 1 };
            fits
        });
        (!found.is_empty()).then_some(Cases { names: found })
    }
    fn count(&self) -> usize {
        self.names.iter().map(|n| n.1.len()).product()
    }
    fn prove(
        &self,
        meaning: &Meaning,
        limits: &proof::Limits<'_>,
        solvers: &SolverPool,
        result: &mut InstanceResult,
    ) -> bool {
        let mut work = 0;
        let mut hold = |pool: &mut TermPool, q: &Query| {
            if q.outputs.iter().all(|p| p.left == p.right) {
                return Some(Rung::Structural);
            }
            let proof = proof::prove(pool, q, limits, solvers);
            work += proof.steps.iter().map(|s| s.rlimit).sum::<u64>();
            let ok = matches!(
                proof.verdict,
                Verdict::Proven | Verdict::ProvenUnderPrecondition | Verdict::Vacuous
            );
            ok.then(|| last_rung(&proof))
        };
        // The premise leaves no other values: with it, "one of them" is true.
        let mut pool = TermPool::new();
        let (all, terms) = query(meaning, &mut pool, &[], None);
        let mut within = pool.bit(true);
        for (name, values) in &self.names {
            let mut some = pool.bit(false);
            for v in values {
                let k = pool.constant(meaning.name_width(*name), *v);
                let is = pool.eq(&terms[*name], &k);
                some = pool.or(&some, &is);
            }
            within = pool.and(&within, &some);
        }
        let yes = pool.bit(true);
        let cover = Query {
            claim: Claim::Equivalence,
            precondition: all.precondition,
            ..Query::words(vec![Pair::new("cases", within, yes)])
        };
        let mut proven = hold(&mut pool, &cover).is_some();
        let mut rung = Rung::Structural;
        for n in 0..self.count() {
            if !proven {
                break;
            }
            let mut rest = n;
            let mut given = Vec::new();
            for (name, values) in &self.names {
                given.push((*name, values[rest % values.len()]));
                rest /= values.len();
            }
            let mut pool = TermPool::new();
            let (q, _) = query(meaning, &mut pool, &given, None);
            // A value that the premise excludes needs no proof.
            if q.precondition
                .iter()
                .any(|p| pool.as_constant(p) == Some(0))
            {
                continue;
            }
            match hold(&mut pool, &q) {
                Some(Rung::Structural) => {}
                Some(r) => rung = r,
                None => proven = false,
            }
        }
        result.rlimit += work;
        if proven {
            result.verdict = Verdict::Proven;
            let names: Vec<&str> = self
                .names
                .iter()
                .map(|n| meaning.rule.names[n.0].text.as_str())
                .collect();
            result.method = Method::Cases {
                name: names.join(", "),
                count: self.count() as u32,
                rung,
            };
        }
        proven
    }
}

/// Sets of values constants are often confined to.
fn shapes(w: u32) -> Vec<Vec<u128>> {
    let m = mask(w);
    let powers = || (0..w).map(|i| 1u128 << i);
    let shape = |f: &dyn Fn(u128) -> u128| powers().map(|p| f(p) & m).collect::<Vec<_>>();
    let mut out = vec![
        shape(&|p| p),
        (0..u128::from(w)).collect(),
        shape(&|p| p.wrapping_neg()),
        shape(&|p| p - 1).into_iter().chain([m]).collect(),
        shape(&|p| p + 1).into_iter().chain([1]).collect(),
        shape(&|p| 1u128.wrapping_sub(p))
            .into_iter()
            .chain([1])
            .collect(),
        shape(&|p| !p),
    ];
    if w == 64 {
        // Powers of two among doubles.
        out.push((1..=2045).map(|e| e << 52).collect());
    }
    out
}
