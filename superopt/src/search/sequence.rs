//! Exhaustive enumeration of short instruction sequences, which can say that nothing shorter exists.
//!
//! Level by level, states (what the allowed registers and the flags hold on the first tests) are told apart by a
//! fingerprint; of two sequences that reach one state, one is kept. A sequence that gives the outputs on all tests is
//! put to the judge; a refutation adds a test and the enumeration begins anew (test refinement).
//!
//! Why an empty level is a proof: a correct program reaches the outputs on every test, whatever the tests are. If its
//! prefix was dropped for another with the same state on the tests, that other one followed by the same rest reaches
//! the outputs as well and would have been seen. The claim ranges over the instructions, registers and constants of the
//! [`Window`], which it names.

use super::chain::Judgement;
use super::lanes::{self, Block};
use super::loc::{self, Loc};
use super::opset::OpSet;
use super::program::{Evaluator, Liveness, Program, Slot, width_mask};
use super::target::Target;
use super::tests::TestBank;
use super::values::Identity;
use super::variant::{GARBAGE, link};
use crate::run::Deadline;
use std::collections::HashSet;

/// What programs may be made of.
pub struct Window<'a> {
    /// The instructions with their immediates.
    pub ops: &'a OpSet,
    /// The general registers.
    pub registers: Vec<u8>,
    /// The longest program.
    pub longest: u32,
    /// States kept at a level at most; more of them end the search undecided.
    pub states: usize,
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Answer {
    /// A program of the least length, proven by the judge.
    pub program: Option<Program>,
    /// No program of this length or less computes the target, among those of the window.
    pub none_up_to: u32,
    /// Sequences evaluated.
    pub evaluated: u64,
    /// Whether a limit ended it before it was through.
    pub cut_off: bool,
}

/// Slots of the window that write nothing they must not.
fn slots(t: &Target, w: &Window<'_>) -> Vec<Slot> {
    let mut out = Vec::new();
    for (v, var) in w.ops.variants.iter().enumerate() {
        if var.holes.iter().any(|h| h.is_vec()) {
            continue;
        }
        let n = w.registers.len();
        for mut c in 0..n.pow(var.holes.len() as u32) {
            let mut r = [0; 4];
            for x in r.iter_mut().take(var.holes.len()) {
                *x = w.registers[c % n];
                c /= n;
            }
            let written = var.written(&r) & !loc::bit(loc::FAULT);
            let allowed = t.scratch
                & !(0xffff & !w.registers.iter().fold(0, |s, r| s | loc::bit((*r).into())));
            if written & !allowed == 0 {
                out.push(Slot { v: v as u32, r });
            }
        }
    }
    out
}

struct Level {
    /// `places` blocks per state.
    blocks: Vec<Block>,
    /// How each state was reached: index in the level before, slot.
    from: Vec<(u32, u32)>,
}

/// Enumerates all programs of the window, shortest first.
pub fn enumerate(
    t: &Target,
    w: &Window<'_>,
    bank: &mut TestBank,
    deadline: &Deadline,
    judge: &mut dyn FnMut(&Program, &mut TestBank) -> Judgement,
) -> Answer {
    let slots = slots(t, w);
    let mut answer = Answer::default();
    loop {
        match one_pass(t, w, &slots, bank, deadline, judge, &mut answer) {
            Pass::Refined => {}
            Pass::Ended => return answer,
        }
    }
}

enum Pass {
    Refined,
    Ended,
}

fn one_pass(
    t: &Target,
    w: &Window<'_>,
    slots: &[Slot],
    bank: &mut TestBank,
    deadline: &Deadline,
    judge: &mut dyn FnMut(&Program, &mut TestBank) -> Judgement,
    answer: &mut Answer,
) -> Pass {
    let level = lanes::level();
    let mut places: Vec<Loc> = w.registers.iter().map(|r| (*r).into()).collect();
    places.extend(loc::FLAG0..loc::VEC0);
    places.push(loc::FAULT);
    let tapes: Vec<Vec<lanes::Step>> = slots
        .iter()
        .map(|s| {
            let mut steps = Vec::new();
            if let Some(tape) = w.ops.variants[s.v as usize].tape(u32::MAX) {
                link(&mut steps, &tape, &s.r);
            }
            steps
        })
        .collect();
    let mut e = Evaluator::new(t);
    e.load(&Program::default(), w.ops, &Liveness::default());
    let all = places
        .iter()
        .filter(|p| **p != loc::FAULT)
        .fold(0, |s, p| s | loc::bit(*p));
    e.run(&bank.groups[0], all);
    let mut arena = vec![Block::ZERO; loc::BLOCKS as usize];
    arena[GARBAGE as usize] = *e.block(GARBAGE);
    let start: Vec<Block> = places.iter().map(|p| *e.block(*p)).collect();
    let mut seen: HashSet<u64, Identity> = HashSet::default();
    let key = |b: &[Block]| {
        let mix = |h: u64, x: &Block| {
            (h ^ lanes::fingerprint(level, x, u64::MAX))
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .rotate_left(23)
        };
        b.iter().fold(0u64, mix)
    };
    seen.insert(key(&start));
    let mut levels = vec![Level {
        blocks: start,
        from: vec![(0, 0)],
    }];
    answer.none_up_to = 0;
    for length in 1..=w.longest {
        let last = length == w.longest;
        let mut next = Level {
            blocks: Vec::new(),
            from: Vec::new(),
        };
        // The level before is the last pushed.
        let n = levels.len() - 1;
        let k = places.len();
        for i in 0..levels[n].from.len() {
            if deadline.over().is_some() {
                answer.cut_off = true;
                return Pass::Ended;
            }
            for (s, steps) in tapes.iter().enumerate() {
                for (j, p) in places.iter().enumerate() {
                    arena[*p as usize] = levels[n].blocks[i * k + j];
                }
                lanes::run(level, steps, &mut arena);
                answer.evaluated += 1;
                let g = &bank.groups[0];
                let right = t.outputs.iter().zip(&g.expected).all(|(o, x)| {
                    lanes::distance(level, &arena[o.at as usize], x, width_mask(o.width)) == 0
                }) && arena[loc::FAULT as usize] == Block::ZERO;
                if right {
                    let p = program(&levels, i, s, slots);
                    match settle(t, w.ops, &p, bank, judge) {
                        Judgement::Proven => {
                            answer.program = Some(p);
                            return Pass::Ended;
                        }
                        Judgement::Refuted => return Pass::Refined,
                        // It may be correct: nothing can be said about this length.
                        Judgement::Undecided => {
                            answer.cut_off = true;
                            return Pass::Ended;
                        }
                    }
                }
                if !last {
                    let state: Vec<Block> = places.iter().map(|p| arena[*p as usize]).collect();
                    if seen.insert(key(&state)) {
                        if next.from.len() >= w.states {
                            answer.cut_off = true;
                            return Pass::Ended;
                        }
                        next.blocks.extend(state);
                        next.from.push((i as u32, s as u32));
                    }
                }
            }
        }
        answer.none_up_to = length;
        levels.push(next);
    }
    Pass::Ended
}

fn program(levels: &[Level], state: usize, slot: usize, slots: &[Slot]) -> Program {
    let mut p = vec![slots[slot]];
    let mut at = state;
    for l in levels[1..].iter().rev() {
        let (parent, s) = l.from[at];
        p.push(slots[s as usize]);
        at = parent as usize;
    }
    p.reverse();
    Program { slots: p }
}

/// Looks at all tests, then asks the judge.
fn settle(
    t: &Target,
    ops: &OpSet,
    p: &Program,
    bank: &mut TestBank,
    judge: &mut dyn FnMut(&Program, &mut TestBank) -> Judgement,
) -> Judgement {
    let l = Liveness::of(p, ops, t.output_set());
    let mut e = Evaluator::new(t);
    e.load(p, ops, &l);
    for g in 1..bank.groups.len() {
        e.run(&bank.groups[g], l.entry);
        for lane in 0..lanes::LANES {
            let wrong = t
                .outputs
                .iter()
                .zip(&bank.groups[g].expected)
                .any(|(o, x)| (e.block(o.at).0[lane] ^ x.0[lane]) & width_mask(o.width) != 0);
            if wrong {
                let row = bank.row(g, lane);
                bank.add(&row);
                return Judgement::Refuted;
            }
        }
    }
    judge(p, bank)
}

#[cfg(test)]
mod tests {
    use super::super::opset::{March, Request};
    use super::*;
    use crate::kernels;
    use iced_x86::Code;
    use rand::SeedableRng;

    fn window(name: &str, only: &[Code], longest: u32) -> (Answer, OpSet) {
        let t = kernels::find(name).expect("a kernel").target(32, March::V3);
        let ops = OpSet::new(&Request {
            march: March::V3,
            widths: vec![32],
            immediates: vec![-1, 1],
            fixed: false,
            only: only.to_vec(),
        });
        let mut bank =
            TestBank::new(&t, 8, &mut rand::rngs::SmallRng::seed_from_u64(1)).expect("tests");
        let w = Window {
            ops: &ops,
            registers: vec![0, 7],
            longest,
            states: 100_000,
        };
        let mut accept = |_: &Program, _: &mut TestBank| Judgement::Proven;
        let a = enumerate(&t, &w, &mut bank, &Deadline::never(), &mut accept);
        (a, ops)
    }

    #[test]
    fn lowest_bit_takes_three_without_bmi() {
        let only = [
            Code::Mov_r32_rm32,
            Code::Neg_rm32,
            Code::And_r32_rm32,
            Code::Not_rm32,
            Code::Add_r32_rm32,
        ];
        let (a, _) = window("p03", &only, 3);
        assert_eq!(
            (a.program.map(|p| p.slots.len()), a.none_up_to),
            (Some(3), 2)
        );
    }

    #[test]
    fn one_instruction_with_bmi() {
        let (a, ops) = window("p03", &[Code::VEX_Blsi_r32_rm32, Code::Mov_r32_rm32], 2);
        let p = a.program.expect("blsi");
        assert_eq!(p.instructions(&ops)[0].to_string(), "blsi eax,edi");
    }

    #[test]
    fn nothing_where_nothing_can_be() {
        // Without a way to combine two values there is no lowest bit.
        let (a, _) = window(
            "p03",
            &[Code::Mov_r32_rm32, Code::Neg_rm32, Code::Not_rm32],
            4,
        );
        assert_eq!((a.program, a.none_up_to, a.cut_off), (None, 4, false));
    }
}
