//! Exhaustive enumeration of short instruction sequences, which can say that nothing shorter exists.
//!
//! Level by level, states (what the allowed registers and the flags hold on the first tests) are told apart exactly; of
//! two sequences that reach one state, the cheaper of the shortest is kept. Sequences that give the outputs on all tests
//! are put to the judge, the cheapest first; a refutation adds a test and the enumeration begins anew (test refinement).
//!
//! Why an empty level is a proof: a correct program reaches the outputs on every test, whatever the tests are. If its
//! prefix was dropped for another with the same state on the tests, that other one followed by the same rest reaches
//! the outputs as well and would have been seen, at this length or before. A state that has faulted is dropped: no
//! correct program faults where the target does not, and on tests it does not. The claim ranges over the instructions,
//! registers and constants of the [`Window`], which it names. Of the programs of the least length the one with the
//! smallest sum of latencies is the result, by the same argument: they add up, and the cheapest way to each state is kept.

use super::chain::Judgement;
use super::lanes::{self, Block, LANES};
use super::loc::{self, Loc};
use super::opset::OpSet;
use super::program::{Evaluator, Liveness, Program, Slot, width_mask};
use super::target::Target;
use super::tests::TestBank;
use super::values::Identity;
use super::variant::{GARBAGE, link};
use crate::run::Deadline;
use std::collections::HashMap;

/// What programs may be made of.
pub struct Window<'a> {
    /// The instructions with their immediates.
    pub ops: &'a OpSet,
    /// The general registers.
    pub registers: Vec<u8>,
    /// The longest program.
    pub longest: u32,
    /// States kept at all levels together at most; more of them end the search undecided.
    pub states: usize,
}

/// What was found out.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Answer {
    /// A program of the least length, of these the cheapest, proven by the judge.
    pub program: Option<Program>,
    /// No program of this length or less computes the target, among those of the window.
    pub none_up_to: u32,
    /// Sequences evaluated, in all passes.
    pub evaluated: u64,
    /// States told apart in the last pass.
    pub states: u64,
    /// Whether a limit ended it before it was through.
    pub cut_off: bool,
}

/// How often the tests may be refined: a lane of counterexamples for each.
const REFINEMENTS: u32 = (LANES / 2) as u32;
/// Sequences between looks at the clock.
const LOOK: u64 = 4096;

/// An instruction of the window made ready.
struct Ready {
    slot: Slot,
    cost: u64,
    /// All its effects.
    steps: Vec<lanes::Step>,
    /// Its effects on the outputs alone, for the last instruction of a program; none when it has none.
    last: Option<Vec<lanes::Step>>,
    /// Bit `i`: register `i` of the window is written.
    registers: u32,
    /// Bit `i`: flag `i` is written, bit 6: it may fault.
    flags: u8,
}

/// The instructions of the window that write nothing they must not, and read no register outside of it.
fn ready(t: &Target, w: &Window<'_>) -> Vec<Ready> {
    let mut out = Vec::new();
    let inside = w.registers.iter().fold(0, |s, r| s | loc::bit((*r).into()));
    let allowed = t.scratch & (!0xffff | inside);
    let n = w.registers.len();
    for (v, var) in w.ops.variants.iter().enumerate() {
        if var.holes.iter().any(|h| h.is_vec()) {
            continue;
        }
        let Some(whole) = var.tape(u32::MAX) else {
            continue;
        };
        if whole.reads & 0xffff & !inside != 0 {
            continue;
        }
        for mut c in 0..n.pow(var.holes.len() as u32) {
            let mut r = [0; 4];
            for x in r.iter_mut().take(var.holes.len()) {
                *x = w.registers[c % n];
                c /= n;
            }
            let written = var.written(&r);
            if written & !loc::bit(loc::FAULT) & !allowed != 0 {
                continue;
            }
            let mut steps = Vec::new();
            link(&mut steps, &whole, &r);
            let wanted = var.wanted(&r, t.output_set() | loc::bit(loc::FAULT));
            let last = (written & t.output_set() != 0)
                .then(|| var.tape(wanted))
                .flatten()
                .map(|tape| {
                    let mut steps = Vec::new();
                    link(&mut steps, &tape, &r);
                    steps
                });
            let place = |(i, r): (usize, &u8)| u32::from(written & loc::bit((*r).into()) != 0) << i;
            out.push(Ready {
                slot: Slot { v: v as u32, r },
                cost: w.ops.costs[v],
                steps,
                last,
                registers: w.registers.iter().enumerate().map(place).sum(),
                flags: (written >> loc::FLAG0 & 0x3f) as u8
                    | u8::from(written & loc::bit(loc::FAULT) != 0) << 6,
            });
        }
    }
    out
}

/// Words that the six flags take in a state: 32 tests each.
const FLAG_WORDS: usize = 3;

/// Memory that a state takes, in bytes: its words and its place in the table.
pub fn state_bytes(registers: usize) -> usize {
    (registers * LANES + FLAG_WORDS) * 8 + 48
}

fn pack(b: &Block) -> u32 {
    b.0.iter().rev().fold(0, |s, x| s << 1 | (x & 1) as u32)
}

fn unpack(mask: u32, b: &mut Block) {
    for (i, x) in b.0.iter_mut().enumerate() {
        *x = u64::from(mask >> i & 1);
    }
}

/// The states of a level: per state a block per register, and the flags.
#[derive(Default)]
struct Level {
    words: Vec<u64>,
    /// How each state was reached: index in the level before, instruction.
    from: Vec<(u32, u32)>,
    /// Cost of the way there.
    cost: Vec<u64>,
}

/// All states seen, by a hash; what it says is checked against the state itself.
struct Seen {
    map: HashMap<u64, (u32, u32), Identity>,
    /// Words per state.
    size: usize,
}

enum Place {
    New,
    /// Level and index.
    At(u32, u32),
}

impl Seen {
    /// Where a state is among the levels (`next` being the one at work); enters it as the next of `next` when it is new.
    fn find(&mut self, mut key: u64, state: &[u64], levels: &[Level], next: &Level) -> Place {
        loop {
            match self.map.entry(key) {
                std::collections::hash_map::Entry::Vacant(e) => {
                    e.insert((levels.len() as u32, next.from.len() as u32));
                    return Place::New;
                }
                std::collections::hash_map::Entry::Occupied(e) => {
                    let (l, i) = *e.get();
                    let of = levels.get(l as usize).unwrap_or(next);
                    if of.words[i as usize * self.size..][..self.size] == *state {
                        return Place::At(l, i);
                    }
                }
            }
            key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
        }
    }
}

/// Enumerates all programs of the window, shortest first. `judge` decides about programs that pass all tests; `more` is
/// told of sequences evaluated.
pub fn enumerate(
    t: &Target,
    w: &Window<'_>,
    bank: &mut TestBank,
    deadline: &Deadline,
    more: &mut dyn FnMut(u64),
    judge: &mut dyn FnMut(&Program, &mut TestBank) -> Judgement,
) -> Answer {
    let ready = ready(t, w);
    let mut answer = Answer::default();
    for _ in 0..=REFINEMENTS {
        let mut pass = Pass {
            t,
            w,
            ready: &ready,
            deadline,
            more,
            told: answer.evaluated,
            answer: &mut answer,
        };
        let end = pass.run(bank, judge);
        pass.tell();
        if let End::Through = end {
            return answer;
        }
    }
    answer.cut_off = true;
    answer
}

enum End {
    Refined,
    Through,
}

struct Pass<'a> {
    t: &'a Target,
    w: &'a Window<'a>,
    ready: &'a [Ready],
    deadline: &'a Deadline,
    more: &'a mut dyn FnMut(u64),
    told: u64,
    answer: &'a mut Answer,
}

impl Pass<'_> {
    fn tell(&mut self) {
        (self.more)(self.answer.evaluated - self.told);
        self.told = self.answer.evaluated;
    }

    fn cut_off(&mut self) -> End {
        self.answer.cut_off = true;
        End::Through
    }

    fn run(
        &mut self,
        bank: &mut TestBank,
        judge: &mut dyn FnMut(&Program, &mut TestBank) -> Judgement,
    ) -> End {
        let lane_level = lanes::level();
        let (t, registers) = (self.t, &self.w.registers);
        let k = registers.len();
        let size = k * LANES + FLAG_WORDS;
        let mut e = Evaluator::new(t);
        e.load(&Program::default(), self.w.ops, &Liveness::default());
        let places = registers.iter().map(|r| Loc::from(*r));
        e.run(
            &bank.groups[0],
            places
                .chain(loc::FLAG0..loc::VEC0)
                .fold(0, |s, p| s | loc::bit(p)),
        );
        let mut arena = vec![Block::ZERO; loc::BLOCKS as usize];
        arena[GARBAGE as usize] = *e.block(GARBAGE);
        for l in 0..loc::VEC0 {
            arena[l as usize] = *e.block(l);
        }
        let hash = |a: &Block, i: usize| {
            lanes::fingerprint(lane_level, a, u64::MAX)
                .wrapping_mul((2 * i as u64 + 1).wrapping_mul(0xd6e8_feb8_6659_fd93))
        };
        let flag_hash = |words: &[u64]| {
            words.iter().fold(0u64, |h, x| {
                (h ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
            })
        };
        // The state in the arena as words.
        let store = |arena: &[Block], state: &mut Vec<u64>| {
            state.clear();
            for r in registers {
                state.extend(arena[*r as usize].0);
            }
            for f in 0..FLAG_WORDS {
                let at = loc::FLAG0 as usize + 2 * f;
                state.push(u64::from(pack(&arena[at])) | u64::from(pack(&arena[at + 1])) << 32);
            }
        };
        let load = |arena: &mut [Block], state: &[u64], which: u32, flags: u8| {
            for (i, r) in registers.iter().enumerate() {
                if which >> i & 1 == 1 {
                    arena[*r as usize]
                        .0
                        .copy_from_slice(&state[i * LANES..][..LANES]);
                }
            }
            for f in 0..6 {
                if flags >> f & 1 == 1 {
                    let word = state[k * LANES + f / 2] >> (32 * (f % 2));
                    unpack(word as u32, &mut arena[loc::FLAG0 as usize + f]);
                }
            }
            if flags >> 6 & 1 == 1 {
                arena[loc::FAULT as usize] = Block::ZERO;
            }
        };
        let mut state = Vec::with_capacity(size);
        store(&arena, &mut state);
        let mut first = Level::default();
        let mut seen = Seen {
            map: HashMap::default(),
            size,
        };
        let key = |state: &[u64], arena: &[Block]| {
            let words = registers.iter().enumerate();
            words.fold(flag_hash(&state[k * LANES..]), |h, (i, r)| {
                h.wrapping_add(hash(&arena[*r as usize], i))
            })
        };
        seen.find(key(&state, &arena), &state, &[], &first);
        first.words.extend(&state);
        first.from.push((0, 0));
        first.cost.push(0);
        let mut levels = vec![first];
        self.answer.none_up_to = 0;
        self.answer.states = 1;
        let mut hashes = vec![0; k];
        for length in 1..=self.w.longest {
            let n = levels.len() - 1;
            // First whether one more instruction gives the outputs, which takes no memory.
            let mut right: Vec<(u64, u32, u32)> = Vec::new();
            for i in 0..levels[n].from.len() {
                let old = &levels[n].words[i * size..][..size];
                load(&mut arena, old, u32::MAX, 0x7f);
                for (s, x) in self.ready.iter().enumerate() {
                    let Some(steps) = &x.last else { continue };
                    if self.counted() {
                        return self.cut_off();
                    }
                    lanes::run(lane_level, steps, &mut arena);
                    if arena[loc::FAULT as usize] == Block::ZERO
                        && reached(t, lane_level, bank, &arena)
                    {
                        right.push((levels[n].cost[i] + x.cost, i as u32, s as u32));
                    }
                    load(&mut arena, old, x.registers, x.flags);
                }
            }
            // The cheapest is judged; where it is refuted, all begins anew with one more test.
            if let Some((_, i, s)) = right.into_iter().min() {
                if self.deadline.over().is_some() {
                    return self.cut_off();
                }
                let p = self.program(&levels, i as usize, s as usize);
                match settle(t, self.w.ops, &p, bank, judge) {
                    Judgement::Proven => {
                        self.answer.program = Some(p);
                        return End::Through;
                    }
                    Judgement::Refuted => return End::Refined,
                    // It may be correct: nothing can be said about this length.
                    Judgement::Undecided => return self.cut_off(),
                }
            }
            self.answer.none_up_to = length;
            if length == self.w.longest {
                break;
            }
            // Then the states that it leads to.
            let mut next = Level::default();
            for i in 0..levels[n].from.len() {
                let old = &levels[n].words[i * size..][..size];
                load(&mut arena, old, u32::MAX, 0x7f);
                for (j, r) in registers.iter().enumerate() {
                    hashes[j] = hash(&arena[*r as usize], j);
                }
                let cost = levels[n].cost[i];
                for (s, x) in self.ready.iter().enumerate() {
                    if self.counted() {
                        return self.cut_off();
                    }
                    lanes::run(lane_level, &x.steps, &mut arena);
                    if arena[loc::FAULT as usize] == Block::ZERO {
                        store(&arena, &mut state);
                        let mut h = flag_hash(&state[k * LANES..]);
                        for (j, r) in registers.iter().enumerate() {
                            h = h.wrapping_add(match x.registers >> j & 1 {
                                1 => hash(&arena[*r as usize], j),
                                _ => hashes[j],
                            });
                        }
                        match seen.find(h, &state, &levels, &next) {
                            Place::New => {
                                self.answer.states += 1;
                                if self.answer.states > self.w.states as u64 {
                                    return self.cut_off();
                                }
                                next.words.extend(&state);
                                next.from.push((i as u32, s as u32));
                                next.cost.push(cost + x.cost);
                            }
                            Place::At(l, at) if l as usize == levels.len() => {
                                let at = at as usize;
                                if next.cost[at] > cost + x.cost {
                                    next.cost[at] = cost + x.cost;
                                    next.from[at] = (i as u32, s as u32);
                                }
                            }
                            Place::At(..) => {}
                        }
                    }
                    load(&mut arena, old, x.registers, x.flags);
                }
            }
            levels.push(next);
        }
        End::Through
    }

    /// Counts a sequence; whether the time is over.
    fn counted(&mut self) -> bool {
        self.answer.evaluated += 1;
        if self.answer.evaluated.is_multiple_of(LOOK) {
            self.tell();
            return self.deadline.over().is_some();
        }
        false
    }

    fn program(&self, levels: &[Level], state: usize, last: usize) -> Program {
        let mut p = vec![self.ready[last].slot];
        let mut at = state;
        for l in levels[1..].iter().rev() {
            let (parent, s) = l.from[at];
            p.push(self.ready[s as usize].slot);
            at = parent as usize;
        }
        p.reverse();
        Program { slots: p }
    }
}

/// Whether the outputs are there on all tests of the first group.
fn reached(t: &Target, level: lanes::Level, bank: &TestBank, arena: &[Block]) -> bool {
    let mut pairs = t.outputs.iter().zip(&bank.groups[0].expected);
    pairs.all(|(o, x)| lanes::distance(level, &arena[o.at as usize], x, width_mask(o.width)) == 0)
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
        let a = enumerate(
            &t,
            &w,
            &mut bank,
            &Deadline::never(),
            &mut |_| (),
            &mut accept,
        );
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
