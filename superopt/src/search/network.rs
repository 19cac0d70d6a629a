//! Sorting in registers with `mov`, `cmp`, `cmovl`, `cmovg`: exhaustive search by levels, and beam search.
//!
//! These instructions move values and never make new ones, so on a test every register holds one of the inputs. With
//! distinct inputs in every order as tests, a state is what each register holds on each test, and the last comparison.
//! Two programs with one state are one. A state that has lost a value on some test is dropped, and so is one that
//! needs more writes than there are instructions left: a register that is wrong on some test needs one.
//!
//! What comes out has passed distinct inputs only; equal ones are the business of the proof. That nothing was found at a
//! length is a proof for these instructions, these registers and no constants: a program that sorts would have passed.

use iced_x86::{Code, Instruction};
use std::collections::HashSet;

use super::loc::gpr_register;
use super::values::Identity;
use crate::run::Deadline;

/// One instruction over register numbers `0..=n` (`n` is the scratch register).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Op {
    /// `a = b`
    Mov(u8, u8),
    /// Compares `a` with `b`.
    Cmp(u8, u8),
    /// `a = b` if the comparison said less.
    CmovL(u8, u8),
    /// `a = b` if the comparison said greater.
    CmovG(u8, u8),
}

/// The set of instructions for `n` values and one scratch register.
pub fn instruction_set(n: u8) -> Vec<Op> {
    let mut v = Vec::new();
    for a in 0..=n {
        for b in 0..=n {
            if a == b {
                continue;
            }
            v.push(Op::Mov(a, b));
            v.push(Op::CmovL(a, b));
            v.push(Op::CmovG(a, b));
            // The other order of operands exchanges less and greater.
            if a < b {
                v.push(Op::Cmp(a, b));
            }
        }
    }
    v
}

/// What the registers hold on every test. Contents are ranks, `n` for the unknown content of the scratch register.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct State {
    /// Per test: three bits per register, the comparison (1 less, 2 greater) above them.
    tests: Vec<u32>,
}

const BITS: u32 = 3;

fn content(t: u32, r: u8) -> u32 {
    t >> (BITS * u32::from(r)) & 7
}

fn with(t: u32, r: u8, v: u32) -> u32 {
    let s = BITS * u32::from(r);
    t & !(7 << s) | v << s
}

/// All orders of the numbers below `n`.
pub fn permutations(n: u8) -> Vec<Vec<u32>> {
    let mut out = vec![vec![]];
    for _ in 0..n {
        out = out
            .into_iter()
            .flat_map(|p: Vec<u32>| {
                (0..u32::from(n))
                    .filter(|v| !p.contains(v))
                    .map(|v| [p.clone(), vec![v]].concat())
                    .collect::<Vec<_>>()
            })
            .collect();
    }
    out
}

fn step(t: u32, op: Op, n: u8) -> u32 {
    let flags = BITS * (u32::from(n) + 1);
    match op {
        Op::Mov(a, b) => with(t, a, content(t, b)),
        Op::Cmp(a, b) => {
            let (x, y) = (content(t, a), content(t, b));
            let f = if x < y {
                1
            } else if x > y {
                2
            } else {
                0
            };
            t & !(3 << flags) | f << flags
        }
        Op::CmovL(a, b) if t >> flags & 3 == 1 => with(t, a, content(t, b)),
        Op::CmovG(a, b) if t >> flags & 3 == 2 => with(t, a, content(t, b)),
        _ => t,
    }
}

impl State {
    fn start(n: u8) -> State {
        let tests = permutations(n)
            .into_iter()
            .map(|p| {
                let mut t = u32::from(n) << (BITS * u32::from(n));
                for (r, v) in p.iter().enumerate() {
                    t = with(t, r as u8, *v);
                }
                t
            })
            .collect();
        State { tests }
    }

    fn apply(&self, op: Op, n: u8) -> State {
        State {
            tests: self.tests.iter().map(|t| step(*t, op, n)).collect(),
        }
    }

    /// Whether every test still has every value somewhere, and no comparison or move read the unknown content.
    fn whole(&self, n: u8) -> bool {
        self.tests.iter().all(|t| {
            let have = (0..=n).fold(0u32, |s, r| s | 1 << content(*t, r));
            have & ((1 << n) - 1) == (1 << n) - 1
        })
    }

    fn sorted(&self, n: u8) -> bool {
        self.wrong(n) == 0
    }

    /// Registers that are wrong on some test: each needs an instruction that writes it.
    fn wrong(&self, n: u8) -> u32 {
        (0..n)
            .filter(|r| self.tests.iter().any(|t| content(*t, *r) != u32::from(*r)))
            .count() as u32
    }

    /// Different contents over all tests: 1 when sorted.
    fn spread(&self, n: u8) -> usize {
        let registers = (1 << (BITS * u32::from(n))) - 1;
        let mut all: Vec<u32> = self.tests.iter().map(|t| t & registers).collect();
        all.sort_unstable();
        all.dedup();
        all.len()
    }

    /// A key that tells states apart (64 bits; exact up to three values).
    fn key(&self, n: u8) -> u64 {
        if n <= 3 {
            // Two bits per register suffice, and two for the comparison: ten per test, sixty in all.
            let mut k = 0u64;
            for t in &self.tests {
                for r in 0..=n {
                    k = k << 2 | u64::from(content(*t, r) & 3);
                }
                k = k << 2 | u64::from(*t >> (BITS * (u32::from(n) + 1)) & 3);
            }
            return k;
        }
        self.tests.iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, t| {
            (h ^ u64::from(*t))
                .wrapping_mul(0x100_0000_01b3)
                .rotate_left(17)
        })
    }
}

/// The end of an exhaustive search.
#[derive(Clone, Debug, PartialEq)]
pub struct Exhausted {
    /// The first program found, which sorts distinct values.
    pub program: Option<Vec<Op>>,
    /// Lengths up to this one were searched in full without a find: nothing that short sorts.
    pub none_up_to: u32,
    /// States kept.
    pub states: u64,
}

/// Searches all programs for `n <= 3` values up to a length, shortest first.
pub fn exhaustive(n: u8, longest: u32, deadline: &Deadline) -> Exhausted {
    let ops = instruction_set(n);
    let start = State::start(n);
    let mut seen: HashSet<u64, Identity> = HashSet::default();
    seen.insert(start.key(n));
    // A level holds its states and how each was reached: parent and instruction.
    let mut levels: Vec<Vec<(u32, u8)>> = vec![vec![(0, 0)]];
    let mut states = vec![start];
    let mut out = Exhausted {
        program: None,
        none_up_to: 0,
        states: 1,
    };
    for length in 1..=longest {
        let left = longest - length;
        let mut next = Vec::new();
        let mut how = Vec::new();
        for (i, s) in states.iter().enumerate() {
            if i % 4096 == 0 && deadline.over().is_some() {
                return out;
            }
            for (o, op) in ops.iter().enumerate() {
                let t = s.apply(*op, n);
                if t.sorted(n) {
                    let mut program = vec![*op];
                    let mut at = i;
                    for l in (1..levels.len()).rev() {
                        let (parent, o) = levels[l][at];
                        program.push(ops[o as usize]);
                        at = parent as usize;
                    }
                    program.reverse();
                    out.program = Some(program);
                    return out;
                }
                if t.wrong(n) <= left && t.whole(n) && seen.insert(t.key(n)) {
                    next.push(t);
                    how.push((i as u32, o as u8));
                }
            }
        }
        out.none_up_to = length;
        out.states += next.len() as u64;
        states = next;
        levels.push(how);
    }
    out
}

/// Beam search for `n` values: of each length the `width` states with the fewest different contents are kept.
pub fn beam(n: u8, longest: u32, width: usize, deadline: &Deadline) -> Option<Vec<Op>> {
    let ops = instruction_set(n);
    let mut states = vec![(State::start(n), Vec::<Op>::new())];
    let mut seen: HashSet<u64, Identity> = HashSet::default();
    for _ in 0..longest {
        let mut next: Vec<(usize, u32, usize, Op, State)> = Vec::new();
        for (i, (s, _)) in states.iter().enumerate() {
            if deadline.over().is_some() {
                return None;
            }
            for op in &ops {
                let t = s.apply(*op, n);
                if t.sorted(n) {
                    let mut p = states[i].1.clone();
                    p.push(*op);
                    return Some(p);
                }
                if t.whole(n) && seen.insert(t.key(n)) {
                    next.push((t.spread(n), t.wrong(n), i, *op, t));
                }
            }
        }
        next.sort_by_key(|x| (x.0, x.1, x.2));
        next.truncate(width);
        states = next
            .into_iter()
            .map(|(_, _, i, op, t)| {
                let mut p = states[i].1.clone();
                p.push(op);
                (t, p)
            })
            .collect();
    }
    None
}

/// The program as instructions; register number `i` is general register `registers[i]`, `bytes` wide.
pub fn instructions(program: &[Op], registers: &[u8], bytes: usize) -> Vec<Instruction> {
    let wide = bytes == 8;
    program
        .iter()
        .filter_map(|op| {
            let (code, a, b) = match *op {
                Op::Mov(a, b) => (
                    if wide {
                        Code::Mov_r64_rm64
                    } else {
                        Code::Mov_r32_rm32
                    },
                    a,
                    b,
                ),
                Op::Cmp(a, b) => (
                    if wide {
                        Code::Cmp_r64_rm64
                    } else {
                        Code::Cmp_r32_rm32
                    },
                    a,
                    b,
                ),
                Op::CmovL(a, b) => (
                    if wide {
                        Code::Cmovl_r64_rm64
                    } else {
                        Code::Cmovl_r32_rm32
                    },
                    a,
                    b,
                ),
                Op::CmovG(a, b) => (
                    if wide {
                        Code::Cmovg_r64_rm64
                    } else {
                        Code::Cmovg_r32_rm32
                    },
                    a,
                    b,
                ),
            };
            let r = |x: u8| gpr_register(registers[x as usize].into(), bytes);
            // Two registers of one width always encode.
            Instruction::with2(code, r(a), r(b)).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_values_need_four_instructions() {
        let e = exhaustive(2, 4, &Deadline::never());
        let p = e.program.expect("mov, cmp, cmov, cmov");
        assert_eq!((p.len(), e.none_up_to), (4, 3), "{p:?}");
    }

    #[test]
    fn beam_sorts_three() {
        let p = beam(3, 14, 500, &Deadline::never()).expect("a sorting program");
        let s = p.iter().fold(State::start(3), |s, op| s.apply(*op, 3));
        assert!(s.sorted(3));
    }
}
