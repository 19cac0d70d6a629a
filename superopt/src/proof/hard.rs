//! The expensive rungs: floating point in the solver's theory, cut points, abstractions, and bits group by group.

use super::claims::{Goal, bad};
use super::integer::IntegerForms;
use super::ladder::{End, FORM_FUEL, Posed, Prover, Rest, names};
use super::simulate::{Assignment, Block, Tape};
use super::sweep::sweep;
use super::{Rung, abstraction};
use crate::solver::{Budget, SolverError};
use std::time::Duration;
use trinity_codegen::isa::{Domain, TermId};

/// Each abstraction.
const ABSTRACT: Budget = Budget {
    rlimit: 40_000_000,
    time: Some(Duration::from_secs(8)),
};
/// Floating point in the solver's theory.
const THEORY: Budget = Budget {
    rlimit: 400_000_000,
    time: Some(Duration::from_secs(60)),
};
/// A group of output bits before the whole gets what is left.
const BIT_GROUP: Budget = Budget {
    rlimit: 60_000_000,
    time: Some(Duration::from_secs(10)),
};
/// Output bits denied together.
const GROUP_BITS: u32 = 8;
/// Inputs for sweeping.
const SWEEP_BLOCKS: usize = 24;

impl Prover<'_, '_> {
    /// The expensive rungs.
    pub(super) fn hard(
        &mut self,
        p: Posed,
        near: Option<&Assignment>,
    ) -> Result<Rest, SolverError> {
        Ok(match self.expensive(&p.assume, p.goals.clone(), near)? {
            End::Proven => Rest::Proven,
            End::Refuted(input) => Rest::Refuted(p, input),
            End::Open(why) => Rest::Open(why),
        })
    }

    fn expensive(
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
        let bit = bad(self.pool, assume, &goals);
        if !self.has_floats(&[bit]) {
            return self.exact(assume, goals, near);
        }
        match self.ask_theory(&names(&goals), bit, &[bit], THEORY)? {
            End::Open(why) if self.stopped() => Ok(End::Open(why)),
            // With results of floating point as functions the other rungs can prove. That a model of functions does
            // not hold is no reason; the theory's is.
            End::Open(why) => Ok(match self.exact(assume, goals, near)? {
                End::Open(_) => End::Open(why),
                decided => decided,
            }),
            decided => Ok(decided),
        }
    }

    /// Cut points, abstractions, and bits group by group.
    fn exact(
        &mut self,
        assume: &[TermId],
        goals: Vec<Goal>,
        near: Option<&Assignment>,
    ) -> Result<End, SolverError> {
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
}
