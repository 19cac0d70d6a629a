//! What a search of one target ended in: ranked by measured time, as a row of the report, as an entry of the store.

use super::config::RunConfig;
use super::finds::{Finds, from_hex};
use super::goal::{Goal, port_name};
use super::listing::{intel, program};
use crate::measure::{
    self, Budget, Candidate, Harness, Input, Job, Order, Quantity, Timing, Value,
};
use crate::proof::{ProofResult, Step};
use crate::report::equivalence::{self, Equivalence};
use crate::report::parts::{self, Binding, Measured, Move};
use crate::report::search::{self, Curve, EngineWork, Met};
use crate::report::verdict::Verdict;
use crate::run::Deadline;
use crate::run::finds::encode;
use crate::search::cost;
use crate::search::engine::{Found, Outcome};
use crate::search::equal::Telemetry;
use crate::search::loc;
use crate::search::shortest::Claim;
use crate::search::tests::stratified;
use crate::solver::SolverPool;
use crate::store::{self, Entry, Spent};
use iced_x86::Instruction;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use std::path::Path;
use std::time::Duration;

/// Time that must be left for a measurement to begin: it takes about a second and cannot be cut short.
const MEASURING: Duration = Duration::from_secs(4);
/// Programs measured at most.
const MEASURED: usize = 6;
/// Values of each input while timing.
const VALUES: usize = 8;

/// Measured times of the code to be improved and of the best program.
#[derive(Debug, Default)]
pub struct Timings {
    before: Option<Measured>,
    after: Option<Measured>,
    /// Why nothing was measured, or what the measurement changed.
    pub note: String,
}

/// Measures the programs within `share` of the best cost and puts the fastest first, if it is distinguishably faster.
pub fn rerank(goal: &Goal, found: &mut Outcome, share: f64, deadline: &Deadline) -> Timings {
    let mut timings = Timings::default();
    let Some(best) = found.found.first().map(|f| f.cost) else {
        return timings;
    };
    if deadline.left().is_some_and(|left| left < MEASURING) {
        timings.note = "not measured: too little time was left".into();
        return timings;
    }
    let Some((latency, throughput)) = harnesses(goal) else {
        timings.note = "not measured: inputs or outputs outside the general registers".into();
        return timings;
    };
    let near = |f: &&Found| f.cost as f64 <= best as f64 * (1.0 + share);
    let mut candidates: Vec<Candidate> = found
        .found
        .iter()
        .filter(near)
        .take(MEASURED)
        .map(|f| candidate("found", &f.code))
        .collect();
    let programs = candidates.len();
    candidates.extend(goal.timed.as_deref().map(|code| candidate("before", code)));
    let jobs: Vec<Job> = candidates
        .iter()
        .flat_map(|candidate| [&latency, &throughput].map(|harness| Job { candidate, harness }))
        .collect();
    let times = match measure::measure(&jobs, Budget::quick()) {
        Ok(t) => t,
        Err(e) => {
            timings.note = format!("not measured: {e}");
            return timings;
        }
    };
    let mut fastest = 0;
    for n in 1..programs {
        if times[2 * n].against(&times[2 * fastest]) == measure::Verdict::Faster {
            fastest = n;
        }
    }
    if fastest > 0 {
        timings.note = "the fastest by measured latency, not the cheapest by the model".into();
        let f = found.found.remove(fastest);
        found.found.insert(0, f);
    }
    let of = |n: usize| Some(measured(&times[2 * n], &times[2 * n + 1]));
    timings.after = of(fastest);
    timings.before = goal.timed.as_ref().and_then(|_| of(programs));
    timings
}

fn candidate(name: &str, code: &[Instruction]) -> Candidate {
    Candidate {
        name: name.into(),
        code: encode(code),
    }
}

/// Latency and throughput with inputs that the target is meant for; none when a place is no general register.
fn harnesses(goal: &Goal) -> Option<(Harness, Harness)> {
    let t = &goal.target;
    if t.inputs.iter().chain(&t.outputs).any(|p| p.at >= 16) || t.inputs.is_empty() {
        return None;
    }
    let mut rng = SmallRng::seed_from_u64(1);
    let mut rows: Vec<Vec<u64>> = Vec::new();
    for _ in 0..20_000 {
        let mut row = Vec::new();
        for p in &t.inputs {
            let v = stratified(&mut rng, p.width, &row);
            row.push(v);
        }
        if t.evaluate(&row).is_some() {
            rows.push(row);
            if rows.len() == VALUES {
                break;
            }
        }
    }
    if rows.is_empty() {
        return None;
    }
    let outputs: Vec<_> = t
        .outputs
        .iter()
        .map(|p| loc::gpr_register(p.at, 8))
        .collect();
    let harness = |quantity| Harness {
        quantity,
        inputs: t
            .inputs
            .iter()
            .enumerate()
            .map(|(n, p)| Input {
                register: loc::gpr_register(p.at, 8),
                values: rows.iter().map(|r| Value::Integer(r[n])).collect(),
                waits_for: if quantity == Quantity::Latency {
                    outputs.clone()
                } else {
                    Vec::new()
                },
            })
            .collect(),
        order: Order::InTurn,
        regions: Vec::new(),
        memory: Vec::new(),
    };
    Some((harness(Quantity::Latency), harness(Quantity::Throughput)))
}

fn measured(latency: &Timing, throughput: &Timing) -> Measured {
    let interval = |i: &measure::Interval| parts::Interval {
        value: i.median,
        low: i.low,
        high: i.high,
        confidence: Budget::quick().confidence,
    };
    Measured {
        latency_ns: Some(interval(&latency.ns)),
        throughput_ns: Some(interval(&throughput.ns)),
        samples: (latency.samples + throughput.samples) as u64,
        processor: measure::costs::cpu_name(),
    }
}

/// The program that an entry of the store holds: the machine code stands behind each instruction.
pub fn stored_code(e: &Entry) -> Option<Vec<Instruction>> {
    let bytes: String = e
        .program
        .lines()
        .filter_map(|l| l.split_once("# "))
        .map(|l| l.1.trim())
        .collect();
    from_hex(&bytes).filter(|c| !c.is_empty())
}

/// What the store should keep of a search.
pub fn entry(
    goal: &Goal,
    question: store::Query,
    found: &Outcome,
    spent: Spent,
    solvers: &SolverPool,
) -> Entry {
    let best = found.found.iter().min_by_key(|f| f.cost);
    let Some(f) = best else {
        let (verdict, why) = match found.undecided {
            0 => (
                Verdict::Unknown {
                    why: "no program passed the tests".into(),
                },
                "no program passed the tests",
            ),
            _ => (
                Verdict::Timeout,
                "programs passed the tests but their proofs were not decided",
            ),
        };
        return Entry::failure(question, verdict, spent, why);
    };
    let line = |i: &Instruction| {
        format!(
            "{} # {}\n",
            intel(i),
            super::finds::to_hex(std::slice::from_ref(i))
        )
    };
    let smt = f.proof.steps.iter().filter_map(|s| {
        let text = std::fs::read_to_string(s.file.as_ref()?).ok()?;
        Some(store::Smt::new(&s.goal, text))
    });
    Entry {
        program: f.code.iter().map(line).collect(),
        cost: Some(f.cost as f64 / 100.0),
        verdict: verdict(goal, &f.proof),
        precondition: goal.precondition.clone(),
        solver: solvers.version().unwrap_or_else(|e| e.to_string()),
        smt: smt.collect(),
        shown: None,
        spent,
        failures: Vec::new(),
        tool: crate::report::tool_version(),
        proved_here: true,
        query: question,
    }
}

/// The verdict as it is published: with a precondition exactly when there is one.
fn verdict(goal: &Goal, r: &ProofResult) -> Verdict {
    match (&r.verdict, &goal.precondition) {
        (Verdict::Proven, Some(_)) => Verdict::ProvenUnderPrecondition,
        (Verdict::ProvenUnderPrecondition, None) => Verdict::Proven,
        (v, _) => v.clone(),
    }
}

/// Rules shown of a saturation.
const RULES: usize = 20;

/// What equality saturation did for a target: the rules that explain the result, then those that added most.
pub fn saturation(target: &str, s: &Telemetry) -> search::Table {
    let mut out = search::Table {
        title: format!("{target}: equality saturation"),
        columns: [
            "rule",
            "matches",
            "applied",
            "changed",
            "nodes added",
            "bans",
            "in the explanation",
        ]
        .map(String::from)
        .into(),
        rows: Vec::new(),
        note: String::new(),
    };
    let used = |name: &str| s.used.get(name).copied().unwrap_or(0);
    let (explain, others): (Vec<_>, Vec<_>) = s.rules.iter().partition(|r| used(&r.name) > 0);
    let shown = RULES.max(explain.len());
    for r in explain.into_iter().chain(others).take(shown) {
        let counts = [
            r.matches,
            r.applied,
            r.changed,
            r.nodes,
            r.bans.into(),
            used(&r.name).into(),
        ];
        let mut row = vec![r.name.clone()];
        row.extend(counts.map(|n| n.to_string()));
        out.rows.push(row);
    }
    let cycles = |c: Option<u64>| c.map_or("-".into(), |c| format!("{:.1}", c as f64 / 10.0));
    let rest = s.rules.len().saturating_sub(shown);
    out.note = format!(
        "{} after {} rounds: {} nodes in {} classes; cost of the terms {} -> {} cycles{}{}.",
        s.stop.as_str(),
        s.rounds,
        s.nodes,
        s.classes,
        cycles(s.cost.0),
        cycles(s.cost.1),
        if s.exact {
            ", the least in this e-graph"
        } else {
            ""
        },
        match rest {
            0 => String::new(),
            n => format!("; {n} more rules matched"),
        }
    );
    out
}

/// What the report of a target is made from.
pub struct Context<'a> {
    /// The target.
    pub goal: &'a Goal,
    /// The run.
    pub config: &'a RunConfig,
    /// The results directory: files are named relative to it.
    pub root: &'a Path,
    /// Who proved.
    pub solvers: &'a SolverPool,
    /// The line that does it again.
    pub command: &'a str,
    /// Time spent on the target.
    pub seconds: f64,
}

impl Context<'_> {
    /// The report on a target.
    pub fn target(
        &self,
        found: &Outcome,
        timings: &Timings,
        finds: &Finds,
        engines: Vec<EngineWork>,
        curves: Vec<Curve>,
    ) -> search::Target {
        let best = found.found.first();
        let outcome = match (best, self.goal.before) {
            (None, None) => search::Outcome::NotFound,
            (None, Some(_)) => search::Outcome::NothingBetter,
            (Some(_), None) => search::Outcome::Synthesised,
            (Some(f), Some(before)) if f.cost < before => search::Outcome::Improved,
            (Some(_), Some(_)) => search::Outcome::NothingBetter,
        };
        let path: Vec<Move> = finds
            .path()
            .iter()
            .map(|m| Move {
                iteration: m.iteration,
                engine: m.engine.clone(),
                what: "cheaper and proven".into(),
                cost: m.cost as f64 / 100.0,
                program: m.code().iter().flatten().map(intel).collect(),
            })
            .collect();
        search::Target {
            name: self.goal.name.clone(),
            specification: match timings.note.is_empty() {
                true => self.goal.specification.clone(),
                false => format!("{} ({})", self.goal.specification, timings.note),
            },
            outcome,
            result: best.map(|f| self.equivalence(f, timings, &path)),
            curves,
            path,
            counterexamples: self.counterexamples(finds),
            engines,
            minimality: found.claim.as_ref().and_then(|c| self.minimality(c)),
        }
    }

    /// What was shown about short programs, when that was asked for or something was.
    fn minimality(&self, c: &Claim) -> Option<search::Minimality> {
        let asked = self.config.engines.enumerate.as_ref();
        // Who asked is told also that nothing was shown.
        let asked = asked.is_some_and(|e| e.minimal);
        (asked || c.shortest.is_some()).then(|| search::Minimality {
            instructions: c.shortest,
            cheapest: c.cheapest,
            none_up_to: c.none_up_to,
            instruction_set: c.forms.clone(),
            registers: c.registers.clone(),
            constants: c.constants.clone(),
            states: c.states,
            method: c.method.clone(),
            cut_off: c.cut_off,
        })
    }

    /// Inputs that refuted candidates, each once, with how many they refuted.
    fn counterexamples(&self, finds: &Finds) -> Vec<Met> {
        let mut rows: Vec<(Vec<u64>, Met)> = Vec::new();
        for r in finds.refutations() {
            match rows.iter_mut().find(|x| x.0 == r.row) {
                Some((_, met)) => met.killed += 1,
                None => {
                    let met = Met {
                        iteration: r.iteration,
                        inputs: self.inputs(&r.row),
                        found_by: format!("proof of a candidate of {}", r.engine),
                        killed: 1,
                    };
                    rows.push((r.row, met));
                }
            }
        }
        rows.into_iter().map(|r| r.1).collect()
    }

    fn inputs(&self, row: &[u64]) -> Vec<Binding> {
        let ports = self.goal.target.inputs.iter();
        ports
            .zip(row)
            .map(|(p, v)| {
                let mask = crate::search::program::width_mask(p.width);
                Binding::new(
                    port_name(p.at, p.width),
                    format!("0x{:0w$x}", v & mask, w = p.width as usize / 4),
                )
            })
            .collect()
    }

    fn equivalence(&self, f: &Found, timings: &Timings, path: &[Move]) -> Equivalence {
        let g = self.goal;
        let mut left = g.left.clone();
        let mut right = program(&g.name, &f.engine, &f.code, cost::model());
        for (p, m) in [(&mut left, &timings.before), (&mut right, &timings.after)] {
            if let Some(cost) = &mut p.cost {
                cost.measured.clone_from(m);
            }
        }
        let title = format!("{}: what was asked for and what was found", g.name);
        let mut e = Equivalence::new(
            &title,
            equivalence::Claim::Refinement,
            left,
            right,
            g.interface.clone(),
            verdict(g, &f.proof),
        );
        e.precondition = g.precondition.clone().map(|text| parts::Precondition {
            text,
            witness: f.proof.witness.as_ref().map(|a| {
                let value = |t| a.variables.get(t).map_or(0, |v| *v as u64);
                let row: Vec<u64> = g.target.input_terms.iter().map(value).collect();
                self.inputs(&row)
            }),
        });
        e.queries = f.proof.steps.iter().map(|s| self.query(s)).collect();
        e.tests = f.proof.tests;
        e.provenance = parts::Provenance {
            engine: f.engine.clone(),
            seed: self.config.seed,
            iteration: f.iteration,
            chain: path.to_vec(),
            tool: crate::report::tool_version(),
            command: self.command.into(),
        };
        e.seconds = Some(self.seconds);
        e
    }

    fn query(&self, s: &Step) -> parts::Query {
        // Results move with their folder.
        let shown = |f: &Path| f.strip_prefix(self.root).unwrap_or(f).display().to_string();
        parts::Query::of_step(s, self.config.seed, self.solvers, &shown)
    }
}
