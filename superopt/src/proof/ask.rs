//! Questions put to the solvers, and what their answers are worth.

use super::expand::expand;
use super::ground::Meaning;
use super::ladder::{End, Prover, QUICK, undecided};
use super::simulate::{Assignment, Block, Tape};
use super::{Rung, Second, Step};
use crate::report::verdict::VerdictKind;
use crate::smt::{LOGIC, SessionPrinter, float, one_shot, symbol};
use crate::solver::dump::{script, text_hash};
use crate::solver::{Budget, Dump, Outcome, SolverError, Undecided};
use std::time::{Duration, Instant};
use trinity_codegen::isa::{Domain, FpOp, Node, TermId};

impl Prover<'_, '_> {
    /// Ground words in the solver's operations.
    pub(super) fn expanded(&mut self, words: &[TermId]) -> Result<Vec<TermId>, SolverError> {
        expand(self.pool, &mut self.expander, words);
        Ok(words.iter().map(|t| self.expander.get(*t)).collect())
    }

    /// Constraints (expanded) of the replaced variables below ground words.
    pub(super) fn constraints(&mut self, words: &[TermId]) -> Result<Vec<TermId>, SolverError> {
        let tape = Tape::new(self.pool, words, self.ground.variables());
        let used = |t: TermId| tape.order().binary_search(&t).is_ok();
        let constraints = self.ground.constraints(self.pool, &used);
        self.expanded(&constraints)
    }

    /// Asks whether ground bits can hold together; a model counts when the ground bit `real` evaluates to one on it.
    pub(super) fn ask(
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
    pub(super) fn ask_expanded(
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
        self.ask_text(goal, (rung, LOGIC), real, (&text, holds), budget)
    }

    /// Asks with floating point exact: as `ask`, with every result below the bits defined in the solver's theory, so
    /// that models are of the real operations.
    pub(super) fn ask_theory(
        &mut self,
        goal: &str,
        real: TermId,
        bits: &[TermId],
        budget: Budget,
    ) -> Result<End, SolverError> {
        let tape = Tape::new(self.pool, bits, self.ground.variables());
        let meanings = self.ground.variables().iter().copied();
        let floats: Vec<(TermId, FpOp, Vec<TermId>)> = meanings
            .filter(|(v, _)| tape.order().binary_search(v).is_ok())
            .filter_map(|(v, m)| match m {
                Meaning::Fp { op, count, args } => Some((v, op, args[..count as usize].to_vec())),
                Meaning::Byte { .. } => None,
            })
            .collect();
        let mut holds = self.expanded(bits)?;
        holds.extend(self.constraints(bits)?);
        let mut all = holds.clone();
        let mut defined = Vec::new();
        for (v, op, args) in floats {
            let args = self.expanded(&args)?;
            all.push(v);
            all.extend(&args);
            defined.push((v, op, args));
        }
        let mut printer = SessionPrinter::new();
        let mut text = printer.define(self.pool, &all).map_err(Self::unprintable)?;
        for t in &holds {
            text.push_str(&format!("(assert {})\n", printer.name(self.pool, *t)));
        }
        for (v, op, args) in defined {
            let width = self.pool.term_width(args[0]);
            let names: Vec<String> = args.iter().map(|a| printer.name(self.pool, *a)).collect();
            // What has no definition stays free: then a proof still holds, and a model is evaluated anyway.
            text.extend(float::definition(
                op,
                width,
                &names,
                &printer.name(self.pool, v),
            ));
        }
        let rung = (Rung::FloatTheory, float::FLOAT_LOGIC);
        self.ask_text(goal, rung, real, (&text, &all), budget)
    }

    /// Puts a text to the solver; the variables of its words are asked for.
    fn ask_text(
        &mut self,
        goal: &str,
        (rung, logic): (Rung, &str),
        real: TermId,
        (text, words): (&str, &[TermId]),
        budget: Budget,
    ) -> Result<End, SolverError> {
        let start = Instant::now();
        let file = self.dump(goal, logic, text)?;
        let variable = |t: &TermId| matches!(self.pool.node(*t), Node::Var(_));
        let variables: Vec<TermId> = self
            .pool
            .reachable(words)
            .into_iter()
            .filter(variable)
            .collect();
        let names: Vec<String> = variables.iter().map(|t| symbol(&self.name(*t))).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let small = budget == QUICK;
        let budget = self.cap(budget);
        let mut session = self.solvers.session(logic)?;
        if small {
            // In a scope Z3 takes its incremental solver, which is quicker to start on small questions.
            session.push();
        }
        session.assert(text);
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
            // Not every second solver knows floating point.
            _ if logic != LOGIC => None,
            outcome => self.second_opinion(goal, text, outcome)?,
        };
        self.steps.push(Step {
            goal: goal.into(),
            rung,
            verdict,
            why,
            rlimit: answer.rlimit,
            memory: answer.memory,
            time: start.elapsed(),
            text_hash: text_hash(text),
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

    fn dump(
        &self,
        goal: &str,
        logic: &str,
        text: &str,
    ) -> Result<Option<std::path::PathBuf>, SolverError> {
        self.limits
            .dump
            .map(|d| d.write(goal, &script(logic, text)))
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
    pub(super) fn other_solver(
        &mut self,
        goal: &str,
        holds: &[TermId],
    ) -> Result<bool, SolverError> {
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
