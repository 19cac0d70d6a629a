//! Memory as cells: which bytes code touches, from which registers, cut where any access begins or ends.
//!
//! An address is a sum of registers (as they are at entry) and a constant. Accesses with one sum of registers share a
//! [`Base`]; the bytes they touch are cut into cells of at most 8 bytes such that every access is a row of whole cells.
//! Cells of different bases are different places: that bases do not overlap is an assumption of the search, never of
//! a proof (see the module's head).

use crate::search::loc::{CELL0, FAULT};
use iced_x86::{MemoryOperand, Register};
use std::collections::BTreeSet;
use trinity_codegen::isa::{Access, BinOp, Domain, Node, TermId, TermPool};

/// Cells at most: what fits between the last vector word and the fault bit.
pub const MAX_CELLS: usize = (FAULT - CELL0) as usize;

/// Registers whose sum addresses are built from, as they are at entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Base {
    /// The base register, or none.
    pub base: Register,
    /// The index register, or none.
    pub index: Register,
    /// What the index is multiplied by: 1, 2, 4 or 8.
    pub scale: u32,
}

/// Bytes that are always accessed together.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cell {
    /// Index of its base.
    pub base: usize,
    /// Distance from the base's sum.
    pub offset: i64,
    /// How many bytes: 1 to 8.
    pub bytes: u32,
    /// Whether the original reads it.
    pub read: bool,
    /// Whether the original writes it.
    pub written: bool,
}

/// All cells of a piece of code, by base and offset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cells {
    /// The bases.
    pub bases: Vec<Base>,
    /// The cells, sorted by base and offset.
    pub cells: Vec<Cell>,
}

/// Why accesses cannot become cells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MemoryError {
    /// The address of this access (in order) is not the sum of a register, a scaled register and a constant, all as
    /// they are at entry.
    Address(usize),
    /// More cells than there are places.
    Many(usize),
    /// An access is made on some paths only.
    Conditional,
}

impl std::fmt::Display for MemoryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            MemoryError::Address(n) => write!(
                f,
                "the address of memory access {} is not a sum of registers at entry and a constant",
                n + 1
            ),
            MemoryError::Many(n) => {
                write!(
                    f,
                    "it touches {n} pieces of memory; {MAX_CELLS} are searched at most"
                )
            }
            MemoryError::Conditional => f.write_str("it accesses memory on some paths only"),
        }
    }
}

/// The parts of a sum that are no constants, sorted, and the constant.
fn sum(pool: &TermPool, t: TermId) -> (Vec<TermId>, i64) {
    let (mut parts, mut constant) = (Vec::new(), 0i64);
    let mut todo = vec![t];
    while let Some(t) = todo.pop() {
        match pool.node(t) {
            Node::Bin(BinOp::Add, a, b) => todo.extend([a, b]),
            Node::Const(k) => constant = constant.wrapping_add(k as i64),
            _ => parts.push(t),
        }
    }
    parts.sort_unstable();
    (parts, constant)
}

/// The registers whose sum `parts` is.
fn formed(pool: &TermPool, gpr: &[TermId; 16], parts: &[TermId]) -> Option<Base> {
    let register = |t: TermId| {
        let n = gpr.iter().position(|g| *g == t)?;
        Some(crate::search::loc::gpr_register(n as u16, 8))
    };
    let scaled = |t: TermId| match pool.node(t) {
        Node::Bin(BinOp::Shl, x, k) => {
            let k = pool.as_constant(&k).filter(|k| *k <= 3)?;
            Some((register(x)?, 1 << k))
        }
        _ => Some((register(t)?, 1)),
    };
    let (base, index, scale) = match *parts {
        [a] => match register(a) {
            Some(r) => (r, Register::None, 1),
            None => {
                let (x, scale) = scaled(a)?;
                (Register::None, x, scale)
            }
        },
        [a, b] => {
            let (a, b) = if register(a).is_some() {
                (a, b)
            } else {
                (b, a)
            };
            let (x, scale) = scaled(b)?;
            let a = register(a)?;
            // The stack pointer cannot be an index.
            match (x, scale) {
                (Register::RSP, 1) => (x, a, 1),
                _ => (a, x, scale),
            }
        }
        _ => return None,
    };
    (index != Register::RSP).then_some(Base { base, index, scale })
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = |r: Register| format!("{r:?}").to_lowercase();
        match (self.base, self.index) {
            (b, Register::None) => write!(f, "[{}]", name(b)),
            (Register::None, x) => write!(f, "[{}*{}]", name(x), self.scale),
            (b, x) => write!(f, "[{} + {}*{}]", name(b), name(x), self.scale),
        }
    }
}

impl Base {
    /// Its registers.
    pub fn registers(&self) -> impl Iterator<Item = Register> {
        [self.base, self.index]
            .into_iter()
            .filter(|r| *r != Register::None)
    }

    /// The memory operand at a distance.
    pub fn operand(&self, offset: i64) -> MemoryOperand {
        let size = match (self.base, offset) {
            (Register::None, _) => 8,
            (_, 0) => 0,
            _ => 1,
        };
        MemoryOperand::new(
            self.base,
            self.index,
            self.scale,
            offset,
            size,
            false,
            Register::None,
        )
    }

    /// The parts of its sum as terms, sorted.
    fn parts(&self, pool: &mut TermPool, gpr: &[TermId; 16]) -> Vec<TermId> {
        let at = |r: Register| gpr[crate::search::loc::gpr(r) as usize];
        let mut parts = Vec::new();
        if self.base != Register::None {
            parts.push(at(self.base));
        }
        if self.index != Register::None {
            let k = pool.constant(64, self.scale.trailing_zeros().into());
            parts.push(pool.bin(BinOp::Shl, &at(self.index), &k));
        }
        parts.sort_unstable();
        parts
    }
}

impl Cells {
    /// The cells of some accesses; `gpr` are the registers at entry.
    ///
    /// # Errors
    /// See [`MemoryError`].
    pub fn of(
        pool: &TermPool,
        gpr: &[TermId; 16],
        accesses: &[Access<TermId>],
    ) -> Result<Cells, MemoryError> {
        let mut bases: Vec<Base> = Vec::new();
        let mut spans = Vec::new();
        for (n, a) in accesses.iter().enumerate() {
            let (parts, offset) = sum(pool, a.addr);
            let base = formed(pool, gpr, &parts).ok_or(MemoryError::Address(n))?;
            let b = bases.iter().position(|x| *x == base).unwrap_or_else(|| {
                bases.push(base);
                bases.len() - 1
            });
            let end = offset
                .checked_add(a.bytes.into())
                .ok_or(MemoryError::Address(n))?;
            if i32::try_from(offset).is_err() || i32::try_from(end).is_err() {
                return Err(MemoryError::Address(n));
            }
            spans.push((b, offset, end, a.write));
        }
        let mut cells = Vec::new();
        for b in 0..bases.len() {
            let of_base = || spans.iter().filter(|s| s.0 == b);
            let cuts: BTreeSet<i64> = of_base().flat_map(|s| [s.1, s.2]).collect();
            let cuts: Vec<i64> = cuts.into_iter().collect();
            for w in cuts.windows(2) {
                let (mut at, end) = (w[0], w[1]);
                let touched =
                    |write: bool| of_base().any(|s| s.3 == write && s.1 <= w[0] && w[1] <= s.2);
                let (read, written) = (touched(false), touched(true));
                while (read || written) && at < end {
                    // Sizes that instructions access.
                    let bytes = [8, 4, 2, 1]
                        .into_iter()
                        .find(|n| at + n <= end)
                        .unwrap_or(1);
                    cells.push(Cell {
                        base: b,
                        offset: at,
                        bytes: bytes as u32,
                        read,
                        written,
                    });
                    at += bytes;
                }
            }
        }
        if cells.len() > MAX_CELLS {
            return Err(MemoryError::Many(cells.len()));
        }
        Ok(Cells { bases, cells })
    }

    /// The indices of the cells that `bytes` bytes at an offset are, when they are whole ones.
    pub fn row(&self, base: usize, offset: i64, bytes: u32) -> Option<std::ops::Range<usize>> {
        let from = self
            .cells
            .iter()
            .position(|c| c.base == base && c.offset == offset)?;
        let end = offset + i64::from(bytes);
        let (mut at, mut n) = (offset, from);
        while at < end {
            let c = self.cells.get(n)?;
            if c.base != base || c.offset != at {
                return None;
            }
            at += i64::from(c.bytes);
            n += 1;
        }
        (at == end).then_some(from..n)
    }

    /// Registers that addresses are built from.
    pub fn registers(&self) -> impl Iterator<Item = Register> {
        self.bases.iter().flat_map(Base::registers)
    }

    /// A variable per cell.
    pub fn variables(&self, pool: &mut TermPool) -> Vec<TermId> {
        let name = |n: usize| format!("cell{n}");
        (0..self.cells.len())
            .map(|n| pool.var(&name(n), 8 * self.cells[n].bytes))
            .collect()
    }

    /// What finds cells by address; `gpr` are the registers at entry.
    pub fn keys(&self, pool: &mut TermPool, gpr: &[TermId; 16]) -> Vec<Vec<TermId>> {
        self.bases.iter().map(|b| b.parts(pool, gpr)).collect()
    }

    /// The cells of an access, by address.
    pub(super) fn find(
        &self,
        pool: &TermPool,
        keys: &[Vec<TermId>],
        addr: TermId,
        bytes: u32,
    ) -> Option<std::ops::Range<usize>> {
        let (parts, offset) = sum(pool, addr);
        let base = keys.iter().position(|k| *k == parts)?;
        self.row(base, offset, bytes)
    }
}
