//! Enumeration of vectors: for targets that write whole rows of memory, all expressions over loaded rows, spread words
//! and spread constants, smallest first, told apart by their values on the tests.
//!
//! The goal is one expression for every 16 bytes that the target writes. What an operation computes comes from the
//! model, by the tape of its instruction; what is found is lowered ([`super::lower`]), run on all tests through the
//! same tapes, and put to the proof like any other candidate.

use super::cells::Cells;
use super::lower::lower;
use crate::search::lanes::{self, Block, LANES, Level, Step};
use crate::search::loc::{self, CELL0, Loc};
use crate::search::opset::March;
use crate::search::target::Target;
use crate::search::tests::{Group, TestBank};
use crate::search::variant::{GARBAGE, Hole, Start, Variant, link};
use iced_x86::{Code, Instruction, Register};
use std::collections::HashSet;
use trinity_codegen::isa::{BinOp, Node, UnOp};

/// Bytes of a vector.
pub const BYTES: u32 = 16;
/// 64-bit words of a vector.
const WORDS: usize = 2;
/// Vectors kept at most.
const MOST: usize = 100_000;

/// An operation on vectors: both encodings, and from which level on the older one exists.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The level that has the SSE form; the VEX form is of [`March::V3`].
    pub march: March,
    /// Width of its elements in bits; 0 when there are none.
    pub bits: u32,
    /// What its second operand is.
    pub second: Second,
    /// Three operands.
    pub vex: Code,
    /// Two operands, the first overwritten.
    pub sse: Code,
}

/// The second operand of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Second {
    /// A vector; the operands commute.
    Commutes,
    /// A vector.
    Vector,
    /// A shift count.
    Count,
}

macro_rules! rows {
    ($($march:ident $bits:literal $second:ident: $($vex:ident $sse:ident),*;)*) => {
        &[$($(Row { march: March::$march, bits: $bits, second: Second::$second, vex: Code::$vex, sse: Code::$sse }),*),*]
    };
}

/// Every operation. Those that the model lacks are left out when they are made ready.
#[rustfmt::skip]
pub const ROWS: &[Row] = rows! {
    V1 0 Commutes: VEX_Vpand_xmm_xmm_xmmm128 Pand_xmm_xmmm128, VEX_Vpor_xmm_xmm_xmmm128 Por_xmm_xmmm128, VEX_Vpxor_xmm_xmm_xmmm128 Pxor_xmm_xmmm128;
    V1 0 Vector: VEX_Vpandn_xmm_xmm_xmmm128 Pandn_xmm_xmmm128;
    V1 8 Commutes: VEX_Vpaddb_xmm_xmm_xmmm128 Paddb_xmm_xmmm128, VEX_Vpminub_xmm_xmm_xmmm128 Pminub_xmm_xmmm128, VEX_Vpmaxub_xmm_xmm_xmmm128 Pmaxub_xmm_xmmm128, VEX_Vpcmpeqb_xmm_xmm_xmmm128 Pcmpeqb_xmm_xmmm128, VEX_Vpavgb_xmm_xmm_xmmm128 Pavgb_xmm_xmmm128;
    V1 8 Vector: VEX_Vpsubb_xmm_xmm_xmmm128 Psubb_xmm_xmmm128, VEX_Vpcmpgtb_xmm_xmm_xmmm128 Pcmpgtb_xmm_xmmm128;
    V2 8 Commutes: VEX_Vpminsb_xmm_xmm_xmmm128 Pminsb_xmm_xmmm128, VEX_Vpmaxsb_xmm_xmm_xmmm128 Pmaxsb_xmm_xmmm128;
    V1 16 Commutes: VEX_Vpaddw_xmm_xmm_xmmm128 Paddw_xmm_xmmm128, VEX_Vpmullw_xmm_xmm_xmmm128 Pmullw_xmm_xmmm128, VEX_Vpminsw_xmm_xmm_xmmm128 Pminsw_xmm_xmmm128, VEX_Vpmaxsw_xmm_xmm_xmmm128 Pmaxsw_xmm_xmmm128, VEX_Vpcmpeqw_xmm_xmm_xmmm128 Pcmpeqw_xmm_xmmm128, VEX_Vpavgw_xmm_xmm_xmmm128 Pavgw_xmm_xmmm128;
    V1 16 Vector: VEX_Vpsubw_xmm_xmm_xmmm128 Psubw_xmm_xmmm128, VEX_Vpcmpgtw_xmm_xmm_xmmm128 Pcmpgtw_xmm_xmmm128;
    V2 16 Commutes: VEX_Vpminuw_xmm_xmm_xmmm128 Pminuw_xmm_xmmm128, VEX_Vpmaxuw_xmm_xmm_xmmm128 Pmaxuw_xmm_xmmm128;
    V1 16 Count: VEX_Vpsllw_xmm_xmm_imm8 Psllw_xmm_imm8, VEX_Vpsrlw_xmm_xmm_imm8 Psrlw_xmm_imm8, VEX_Vpsraw_xmm_xmm_imm8 Psraw_xmm_imm8;
    V1 32 Commutes: VEX_Vpaddd_xmm_xmm_xmmm128 Paddd_xmm_xmmm128, VEX_Vpcmpeqd_xmm_xmm_xmmm128 Pcmpeqd_xmm_xmmm128;
    V1 32 Vector: VEX_Vpsubd_xmm_xmm_xmmm128 Psubd_xmm_xmmm128, VEX_Vpcmpgtd_xmm_xmm_xmmm128 Pcmpgtd_xmm_xmmm128;
    V2 32 Commutes: VEX_Vpmulld_xmm_xmm_xmmm128 Pmulld_xmm_xmmm128, VEX_Vpminsd_xmm_xmm_xmmm128 Pminsd_xmm_xmmm128, VEX_Vpmaxsd_xmm_xmm_xmmm128 Pmaxsd_xmm_xmmm128, VEX_Vpminud_xmm_xmm_xmmm128 Pminud_xmm_xmmm128, VEX_Vpmaxud_xmm_xmm_xmmm128 Pmaxud_xmm_xmmm128;
    V1 32 Count: VEX_Vpslld_xmm_xmm_imm8 Pslld_xmm_imm8, VEX_Vpsrld_xmm_xmm_imm8 Psrld_xmm_imm8, VEX_Vpsrad_xmm_xmm_imm8 Psrad_xmm_imm8;
    V1 64 Commutes: VEX_Vpaddq_xmm_xmm_xmmm128 Paddq_xmm_xmmm128, VEX_Vpmuludq_xmm_xmm_xmmm128 Pmuludq_xmm_xmmm128;
    V1 64 Vector: VEX_Vpsubq_xmm_xmm_xmmm128 Psubq_xmm_xmmm128;
    V2 64 Commutes: VEX_Vpcmpeqq_xmm_xmm_xmmm128 Pcmpeqq_xmm_xmmm128;
    V2 64 Vector: VEX_Vpcmpgtq_xmm_xmm_xmmm128 Pcmpgtq_xmm_xmmm128;
    V1 64 Count: VEX_Vpsllq_xmm_xmm_imm8 Psllq_xmm_imm8, VEX_Vpsrlq_xmm_xmm_imm8 Psrlq_xmm_imm8;
};

/// An expression; operands are indices into the list it stands in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expr {
    /// 16 bytes of memory: base, offset.
    Load(usize, i64),
    /// The low bits of a general register, in every element.
    Spread(Loc, u32),
    /// A cell of memory in every element: base, offset, bits.
    SpreadCell(usize, i64, u32),
    /// A constant in every element, as 64 bits.
    Constant(u64),
    /// An operation on two vectors.
    Binary(Row, u32, u32),
    /// A shift by a constant.
    Shift(Row, u32, u8),
}

impl PartialEq for Row {
    fn eq(&self, o: &Row) -> bool {
        self.vex == o.vex
    }
}

impl Eq for Row {}

/// 16 bytes that the target writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
    /// Index of the base.
    pub base: usize,
    /// Where.
    pub offset: i64,
}

/// The target's writes as vectors; none when some are no whole vectors, or there are other outputs.
pub fn slots(t: &Target, cells: &Cells) -> Option<Vec<Slot>> {
    if t.outputs.iter().any(|p| p.at < CELL0) {
        return None;
    }
    let mut out = Vec::new();
    let mut written = cells.cells.iter().filter(|c| c.written);
    while let Some(first) = written.next() {
        let row = cells.row(first.base, first.offset, BYTES)?;
        if !cells.cells[row.clone()].iter().all(|c| c.written) {
            return None;
        }
        out.push(Slot {
            base: first.base,
            offset: first.offset,
        });
        for _ in 1..row.len() {
            written.next();
        }
    }
    (!out.is_empty()).then_some(out)
}

type Value = [Block; WORDS];

/// An operation made ready: its tape, with its operands in vector registers 1 and 2 and its result in 0.
#[derive(Clone)]
struct Op {
    row: Row,
    count: u8,
    steps: Vec<Step>,
}

struct Search<'a> {
    cells: &'a Cells,
    level: Level,
    blocks: Vec<Block>,
    exprs: Vec<Expr>,
    values: Vec<Value>,
    seen: HashSet<u128>,
    evaluated: u64,
}

/// Looks for vector code for the target. `go_on` is told the operations evaluated so far and says whether to continue;
/// `judge` proves a program. Whether one was proven.
pub fn search(
    t: &Target,
    bank: &TestBank,
    go_on: &mut dyn FnMut(u64) -> bool,
    judge: &mut dyn FnMut(&[Instruction], u64) -> bool,
) -> bool {
    let Some(memory) = &t.memory else {
        return false;
    };
    let cells = &memory.cells;
    let (Some(slots), Some(group)) = (slots(t, cells), bank.groups.first()) else {
        return false;
    };
    let widths: Vec<u32> = {
        let written = cells.cells.iter().filter(|c| c.written);
        let mut w: Vec<u32> = written.map(|c| 8 * c.bytes).collect();
        w.sort_unstable();
        w.dedup();
        w
    };
    let goals: Vec<Value> = slots
        .iter()
        .filter_map(|s| {
            let block = |at: Loc| {
                let n = t.outputs.iter().position(|p| p.at == at)?;
                Some(group.expected[n])
            };
            joined(cells, s.base, s.offset, &block)
        })
        .collect();
    if goals.len() != slots.len() {
        return false;
    }
    let all = operations(t, &widths);
    let few = related(t, &all);
    let mut evaluated = 0;
    // First the operations that the target itself uses.
    [&few, &all].into_iter().any(|ops| {
        let mut s = Search {
            cells,
            level: lanes::level(),
            blocks: vec![Block::ZERO; loc::BLOCKS as usize],
            exprs: Vec::new(),
            values: Vec::new(),
            seen: HashSet::new(),
            evaluated,
        };
        s.blocks[GARBAGE as usize] = Block([1; LANES]);
        s.leaves(t, group, &widths);
        let found = s.round(ops, &goals, go_on);
        evaluated = s.evaluated;
        found.is_some_and(|roots| {
            let programs = lower(t, &s.exprs, &roots, &slots);
            programs.into_iter().any(|code| judge(&code, evaluated))
        })
    })
}

/// The operations of the kinds that occur in the target.
fn related(t: &Target, all: &[Op]) -> Vec<Op> {
    let mut kinds: Vec<&str> = Vec::new();
    for n in t.pool.reachable(&t.output_terms) {
        kinds.extend(match t.pool.node(n) {
            Node::Bin(BinOp::Add | BinOp::Sub, ..) | Node::Un(UnOp::Neg, _) => {
                &["Vpadd", "Vpsub"][..]
            }
            Node::Bin(BinOp::Mul, ..) => &["Vpmul"],
            Node::Bin(BinOp::And, ..) => &["Vpand"],
            Node::Bin(BinOp::Or, ..) => &["Vpor"],
            Node::Bin(BinOp::Xor, ..) | Node::Un(UnOp::Not, _) => &["Vpxor"],
            Node::Bin(BinOp::Shl, ..) => &["Vpsll"],
            Node::Bin(BinOp::Lshr, ..) => &["Vpsrl"],
            Node::Bin(BinOp::Ashr, ..) => &["Vpsra"],
            Node::Cmp(..) | Node::Ite(..) => &["Vpmin", "Vpmax", "Vpcmp"],
            _ => &[],
        });
    }
    let named = |op: &&Op| {
        let name = format!("{:?}", op.row.vex.mnemonic());
        kinds.iter().any(|k| name.starts_with(k))
    };
    all.iter().filter(named).cloned().collect()
}

/// The words of 16 bytes from the blocks of their cells.
fn joined(
    cells: &Cells,
    base: usize,
    offset: i64,
    block: &dyn Fn(Loc) -> Option<Block>,
) -> Option<Value> {
    let row = cells.row(base, offset, BYTES)?;
    let mut bytes = [[0u8; BYTES as usize]; LANES];
    for k in row {
        let c = &cells.cells[k];
        let b = block(CELL0 + k as Loc)?;
        let from = (c.offset - offset) as usize;
        for (lane, v) in b.0.iter().enumerate() {
            let n = c.bytes as usize;
            bytes[lane][from..from + n].copy_from_slice(&v.to_le_bytes()[..n]);
        }
    }
    Some(std::array::from_fn(|w| {
        Block(std::array::from_fn(|lane| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[lane][8 * w..8 * w + 8]);
            u64::from_le_bytes(word)
        }))
    }))
}

/// The low bits of a word in every element of 64 bits.
pub(super) fn spread(v: u64, bits: u32) -> u64 {
    let mut v = match bits {
        64 => v,
        _ => v & ((1 << bits) - 1),
    };
    let mut w = bits;
    while w < 64 {
        v |= v << w;
        w *= 2;
    }
    v
}

/// The operations a search on the target uses: bitwise ones, and those on elements as wide as what is written.
fn operations(t: &Target, widths: &[u32]) -> Vec<Op> {
    let start = Start::default();
    let vec = |op| Hole::Vec { op, bytes: 16 };
    let mut out = Vec::new();
    let counts = t.shift_counts();
    for row in ROWS {
        if !t.march.includes(row.march) || row.bits != 0 && !widths.contains(&row.bits) {
            continue;
        }
        let x = Register::XMM8;
        let counts: Vec<u8> = match row.second {
            Second::Count => counts
                .iter()
                .filter(|k| (1..i64::from(row.bits)).contains(*k))
                .map(|k| *k as u8)
                .collect(),
            _ => vec![0],
        };
        for count in counts {
            let (proto, holes) = match row.second {
                Second::Count => (
                    Instruction::with3(row.vex, x, x + 1, u32::from(count)),
                    vec![vec(0), vec(1)],
                ),
                _ => (
                    Instruction::with3(row.vex, x, x + 1, x + 2),
                    vec![vec(0), vec(1), vec(2)],
                ),
            };
            let Some(v) = proto.ok().and_then(|p| Variant::new(&start, p, holes)) else {
                continue;
            };
            let regs = [0, 1, 2, 0];
            let words = loc::bit(loc::vec_word(0, 0)) | loc::bit(loc::vec_word(0, 1));
            let Some(tape) = v.tape(v.wanted(&regs, words)) else {
                continue;
            };
            let mut steps = Vec::new();
            link(&mut steps, &tape, &regs);
            out.push(Op {
                row: *row,
                count,
                steps,
            });
        }
    }
    out
}

impl Search<'_> {
    /// Keeps a vector that is new.
    fn keep(&mut self, e: Expr, v: Value) {
        if self.values.len() < MOST && self.seen.insert(hash(&v)) {
            self.exprs.push(e);
            self.values.push(v);
        }
    }

    /// Rows of memory, spread registers, spread cells, constants.
    fn leaves(&mut self, t: &Target, group: &Group, widths: &[u32]) {
        let input = |at: Loc| {
            let n = t.inputs.iter().position(|p| p.at == at)?;
            Some(group.inputs[n])
        };
        // Cells of a row are loaded with it; only others are spread.
        let mut in_row = HashSet::new();
        for c in &self.cells.cells {
            if let Some(v) = joined(self.cells, c.base, c.offset, &input) {
                self.keep(Expr::Load(c.base, c.offset), v);
                in_row.extend(
                    self.cells
                        .row(c.base, c.offset, BYTES)
                        .into_iter()
                        .flatten(),
                );
            }
        }
        let address = |at: Loc| self.cells.registers().any(|r| loc::gpr(r) == at);
        let registers: Vec<Loc> = t.inputs.iter().map(|p| p.at).collect();
        let registers: Vec<Loc> = registers
            .into_iter()
            .filter(|at| *at < loc::FLAG0 && !address(*at))
            .collect();
        let block = |b: &Block, bits| Block(b.0.map(|v| spread(v, bits)));
        for &bits in widths {
            for &at in &registers {
                if let Some(b) = input(at) {
                    self.keep(Expr::Spread(at, bits), [block(&b, bits); WORDS]);
                }
            }
            for (k, c) in self.cells.cells.iter().enumerate() {
                let wanted = 8 * c.bytes == bits && !in_row.contains(&k);
                if let Some(b) = input(CELL0 + k as Loc).filter(|_| wanted) {
                    let e = Expr::SpreadCell(c.base, c.offset, bits);
                    self.keep(e, [block(&b, bits); WORDS]);
                }
            }
            let mut constants = vec![0, -1, 1];
            constants.extend(t.constants());
            constants.extend(t.constants().iter().map(|k| k.wrapping_neg()));
            for k in constants {
                let v = spread(k as u64, bits);
                self.keep(Expr::Constant(v), [Block([v; LANES]); WORDS]);
            }
        }
    }

    /// An expression for every goal, when a search from the leaves finds all.
    fn round(
        &mut self,
        ops: &[Op],
        goals: &[Value],
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> Option<Vec<u32>> {
        let mut found: Vec<Option<u32>> = vec![None; goals.len()];
        let mut looked = 0;
        // Expressions of n operations end at ends[n].
        let mut ends = vec![self.exprs.len()];
        let mut through = true;
        loop {
            for n in looked..self.values.len() {
                for (g, f) in goals.iter().zip(&mut found) {
                    if f.is_none() && self.values[n] == *g {
                        *f = Some(n as u32);
                    }
                }
            }
            looked = self.values.len();
            let all: Option<Vec<u32>> = found.iter().copied().collect();
            if all.is_some() {
                return all;
            }
            let none_new = ends.len() > 1 && ends[ends.len() - 1] == ends[ends.len() - 2];
            if !through || none_new {
                return None;
            }
            through = self.next_level(ops, &ends, goals, go_on);
            ends.push(self.exprs.len());
        }
    }

    fn apply(&mut self, op: &Op, a: u32, b: u32) -> Value {
        for w in 0..WORDS {
            let j = w as u16;
            self.blocks[loc::vec_word(1, j) as usize] = self.values[a as usize][w];
            self.blocks[loc::vec_word(2, j) as usize] = self.values[b as usize][w];
        }
        lanes::run(self.level, &op.steps, &mut self.blocks);
        self.evaluated += 1;
        std::array::from_fn(|w| self.blocks[loc::vec_word(0, w as u16) as usize])
    }

    /// All expressions with one operation more; false when a limit ended it or every goal is there.
    fn next_level(
        &mut self,
        ops: &[Op],
        ends: &[usize],
        goals: &[Value],
        go_on: &mut dyn FnMut(u64) -> bool,
    ) -> bool {
        let level = |n: usize| {
            let from = if n == 0 { 0 } else { ends[n - 1] };
            from as u32..ends[n] as u32
        };
        let last = ends.len() - 1;
        let first = self.values.len();
        for left in 0..=last {
            for a in level(left) {
                if !go_on(self.evaluated) || self.values.len() >= MOST {
                    return false;
                }
                if goals.len() == 1 && self.values[first..].contains(&goals[0]) {
                    return false;
                }
                for op in ops {
                    if op.row.second == Second::Count {
                        if left == last {
                            let v = self.apply(op, a, a);
                            self.keep(Expr::Shift(op.row, a, op.count), v);
                        }
                        continue;
                    }
                    for b in level(last - left) {
                        if op.row.second == Second::Commutes && b < a {
                            continue;
                        }
                        let v = self.apply(op, a, b);
                        self.keep(Expr::Binary(op.row, a, b), v);
                    }
                }
            }
        }
        true
    }
}

/// Told apart by 128 bits; two that collide lose one of them, nothing else.
fn hash(v: &Value) -> u128 {
    let (mut a, mut b) = (0x9e37_79b9_7f4a_7c15u64, 0xc2b2_ae3d_27d4_eb4fu64);
    for x in v.iter().flat_map(|b| &b.0) {
        a = (a ^ x).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
        b = (b.rotate_left(31) ^ x).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    }
    u128::from(a) << 64 | u128::from(b ^ (a >> 32))
}
