//! Terms over cells: loads and stores at known cells are words, others are trouble.

use super::cells::Cells;
use trinity_codegen::isa::{BinOp, CmpOp, Domain, FpOp, TermId, TermPool, UnOp};

/// Terms of a pool with memory as one word per cell.
pub struct CellDomain<'p> {
    /// Holds the terms.
    pub pool: &'p mut TermPool,
    /// The cells.
    pub cells: &'p Cells,
    /// From [`Cells::keys`].
    pub keys: &'p [Vec<TermId>],
    /// Whether an access was met that is no row of cells; results mean nothing then.
    pub trouble: bool,
}

impl Domain for CellDomain<'_> {
    type W = TermId;
    type M = Vec<TermId>;

    fn constant(&mut self, width: u32, value: u128) -> TermId {
        self.pool.constant(width, value)
    }
    fn width(&self, w: &TermId) -> u32 {
        self.pool.term_width(*w)
    }
    fn as_constant(&self, w: &TermId) -> Option<u128> {
        self.pool.as_constant(w)
    }
    fn un(&mut self, op: UnOp, a: &TermId) -> TermId {
        self.pool.un(op, a)
    }
    fn bin(&mut self, op: BinOp, a: &TermId, b: &TermId) -> TermId {
        self.pool.bin(op, a, b)
    }
    fn cmp(&mut self, op: CmpOp, a: &TermId, b: &TermId) -> TermId {
        self.pool.cmp(op, a, b)
    }
    fn ite(&mut self, c: &TermId, a: &TermId, b: &TermId) -> TermId {
        self.pool.ite(c, a, b)
    }
    fn extract(&mut self, a: &TermId, lo: u32, width: u32) -> TermId {
        self.pool.extract(a, lo, width)
    }
    fn concat(&mut self, hi: &TermId, lo: &TermId) -> TermId {
        self.pool.concat(hi, lo)
    }
    fn zext(&mut self, a: &TermId, width: u32) -> TermId {
        self.pool.zext(a, width)
    }
    fn sext(&mut self, a: &TermId, width: u32) -> TermId {
        self.pool.sext(a, width)
    }
    fn fp(&mut self, op: FpOp, args: &[TermId]) -> TermId {
        self.pool.fp(op, args)
    }
    fn undefined(&mut self, width: u32) -> TermId {
        self.pool.undefined(width)
    }
    fn mapped(&mut self, _: &Vec<TermId>, _: &TermId, _: u32, _: bool) -> TermId {
        self.pool.bit(true)
    }
    fn load(&mut self, m: &Vec<TermId>, addr: &TermId, bytes: u32) -> TermId {
        let row = self.cells.find(self.pool, self.keys, *addr, bytes);
        let words = row.and_then(|r| m.get(r)).unwrap_or_default();
        let mut value = None;
        for w in words {
            value = Some(match value {
                None => *w,
                Some(low) => self.pool.concat(w, &low),
            });
        }
        value.unwrap_or_else(|| {
            self.trouble = true;
            self.pool.undefined(8 * bytes)
        })
    }
    fn store(&mut self, m: &mut Vec<TermId>, addr: &TermId, value: &TermId) {
        let bytes = self.pool.term_width(*value) / 8;
        let Some(row) = self.cells.find(self.pool, self.keys, *addr, bytes) else {
            self.trouble = true;
            return;
        };
        let mut lo = 0;
        for n in row {
            let width = 8 * self.cells.cells[n].bytes;
            m[n] = self.pool.extract(value, lo, width);
            lo += width;
        }
    }
    fn ite_memory(&mut self, c: &TermId, a: &Vec<TermId>, b: &Vec<TermId>) -> Vec<TermId> {
        a.iter()
            .zip(b)
            .map(|(x, y)| self.pool.ite(c, x, y))
            .collect()
    }
}
