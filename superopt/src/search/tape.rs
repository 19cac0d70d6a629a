//! Terms compiled to tapes of lane operations.
//!
//! Every block holds words with the bits above their width zero. The exception is an operand of an operation whose low
//! result bits depend on low operand bits only: it may be a wider word, which saves a masking step per operand.

use super::lanes::{Kernel, Step};
use std::collections::HashMap;
use trinity_codegen::isa::{BinOp, CmpOp, Node, TermId, TermPool, UnOp};

/// Why a term cannot become a tape.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TapeError {
    /// A memory access that no cell stands for.
    Memory,
    /// An operation on words of more than 64 bits that lanes do not have.
    Wide,
    /// More temporaries than there are blocks.
    Temporaries,
}

/// Where leaves are, and where temporaries may go.
pub struct Leaves<'a> {
    /// The block of a variable or of a load.
    pub of: &'a dyn Fn(TermId) -> Option<u16>,
    /// The first temporary.
    pub first: u16,
    /// One past the last.
    pub end: u16,
}

/// Compiles `outputs` (a term and the block it goes to). Results are written after everything has been read, so
/// that a destination may also be a leaf.
///
/// # Errors
/// See [`TapeError`].
pub fn compile(
    pool: &TermPool,
    outputs: &[(TermId, u16)],
    leaves: &Leaves<'_>,
) -> Result<Vec<Step>, TapeError> {
    let roots: Vec<TermId> = outputs.iter().map(|o| o.0).collect();
    let mut c = Compiler {
        pool,
        leaves,
        at: HashMap::new(),
        steps: Vec::new(),
        next: leaves.first,
    };
    for t in c.needed(&roots) {
        c.emit(t)?;
    }
    let mut moves: Vec<(u16, u16)> = Vec::new();
    for &(t, dst) in outputs {
        moves.push((c.clean(t)?, dst));
    }
    c.finish(moves)
}

struct Compiler<'a> {
    pool: &'a TermPool,
    leaves: &'a Leaves<'a>,
    /// Block of each compiled term.
    at: HashMap<TermId, u16>,
    steps: Vec<Step>,
    next: u16,
}

fn mask(w: u32) -> u64 {
    if w >= 64 { u64::MAX } else { (1 << w) - 1 }
}

impl Compiler<'_> {
    /// What must be computed, leaves of loads not entered, in topological order.
    fn needed(&self, roots: &[TermId]) -> Vec<TermId> {
        let mut seen = std::collections::BTreeSet::new();
        let mut todo = roots.to_vec();
        while let Some(t) = todo.pop() {
            if seen.insert(t) && (self.leaves.of)(t).is_none() {
                todo.extend(self.pool.node(t).operands());
            }
        }
        seen.into_iter().collect()
    }

    fn temp(&mut self, blocks: u16) -> Result<u16, TapeError> {
        let t = self.next;
        self.next += blocks;
        if self.next > self.leaves.end {
            Err(TapeError::Temporaries)
        } else {
            Ok(t)
        }
    }

    /// The block of a term with clean upper bits.
    fn clean(&mut self, t: TermId) -> Result<u16, TapeError> {
        if let Some(&b) = self.at.get(&t) {
            return Ok(b);
        }
        let w = self.pool.term_width(t);
        let d = self.temp(1)?;
        let step = match self.pool.node(t) {
            Node::Const(v) if w <= 64 => step(Kernel::Const, w, d, [0; 3], v as u64),
            Node::Extract(x, lo) if w <= 64 && self.pool.term_width(x) <= 64 => {
                let a = self.dirty(x)?;
                if lo == 0 {
                    step(Kernel::AndK, w, d, [a, 0, 0], mask(w))
                } else {
                    step(Kernel::Extract, w, d, [a, 0, 0], lo.into())
                }
            }
            Node::Const(v) => {
                self.next -= 1;
                let d = self.temp(2)?;
                self.steps
                    .push(step(Kernel::Const, 64, d, [0; 3], v as u64));
                self.steps
                    .push(step(Kernel::Const, 64, d + 1, [0; 3], (v >> 64) as u64));
                self.at.insert(t, d);
                return Ok(d);
            }
            _ => return Err(TapeError::Memory),
        };
        self.steps.push(step);
        self.at.insert(t, d);
        Ok(d)
    }

    /// A block whose low bits are the term's.
    fn dirty(&mut self, t: TermId) -> Result<u16, TapeError> {
        if self.at.contains_key(&t) {
            return self.clean(t);
        }
        if let Node::Extract(x, 0) = self.pool.node(t)
            && self.pool.term_width(x) <= 64
        {
            return self.dirty(x);
        }
        self.clean(t)
    }

    fn konst(&self, t: TermId) -> Option<u64> {
        match self.pool.node(t) {
            Node::Const(v) => Some(v as u64),
            _ => None,
        }
    }

    fn emit(&mut self, t: TermId) -> Result<(), TapeError> {
        let w = self.pool.term_width(t);
        if let Some(b) = (self.leaves.of)(t) {
            self.at.insert(t, b);
            return Ok(());
        }
        let node = self.pool.node(t);
        // Constants and extractions are made when somebody wants them.
        match node {
            Node::Const(_) => return Ok(()),
            Node::Extract(x, _) if self.pool.term_width(x) <= 64 => return Ok(()),
            Node::Var(_) | Node::Memory(_) | Node::Load(..) | Node::Store(..) => {
                return Err(TapeError::Memory);
            }
            _ => {}
        }
        if w > 64 || node.operands().any(|o| self.pool.term_width(o) > 64) {
            return self.emit_wide(t);
        }
        if let Node::Zext(x) = node {
            let b = self.clean(x)?;
            self.at.insert(t, b);
            return Ok(());
        }
        let (op, args, k, sw) = match node {
            Node::Un(op, a) => {
                let (k, low) = match op {
                    UnOp::Not => (Kernel::Not, true),
                    UnOp::Neg => (Kernel::Neg, true),
                    UnOp::Popcnt => (Kernel::Popcnt, false),
                    UnOp::Clz => (Kernel::Clz, false),
                    UnOp::Ctz => (Kernel::Ctz, false),
                    UnOp::Bswap => (Kernel::Bswap, false),
                };
                let a = if low { self.dirty(a)? } else { self.clean(a)? };
                (k, [a, 0, 0], 0, w)
            }
            Node::Bin(op, a, b) => self.bin(op, a, b, w)?,
            Node::Cmp(op, a, b) => {
                let sw = self.pool.term_width(a);
                let kb = self.konst(b);
                let x = if op == CmpOp::Slt {
                    self.dirty(a)?
                } else {
                    self.clean(a)?
                };
                let (plain, with_k) = match op {
                    CmpOp::Eq => (Kernel::Eq, Kernel::EqK),
                    CmpOp::Ult => (Kernel::Ult, Kernel::UltK),
                    CmpOp::Slt => (Kernel::Slt, Kernel::SltK),
                };
                match kb {
                    Some(k) => (with_k, [x, 0, 0], k, sw),
                    None => {
                        let y = if op == CmpOp::Slt {
                            self.dirty(b)?
                        } else {
                            self.clean(b)?
                        };
                        (plain, [x, y, 0], 0, sw)
                    }
                }
            }
            Node::Ite(c, a, b) => (
                Kernel::Ite,
                [self.clean(c)?, self.clean(a)?, self.clean(b)?],
                0,
                w,
            ),
            Node::Concat(h, l) => {
                let lw = self.pool.term_width(l);
                (
                    Kernel::Concat,
                    [self.dirty(h)?, self.clean(l)?, 0],
                    lw.into(),
                    w,
                )
            }
            Node::Sext(a) => {
                let sw = self.pool.term_width(a);
                (Kernel::Sext, [self.dirty(a)?, 0, 0], 0, sw)
            }
            Node::Fp(op, n, a) => {
                let mut args = [0; 3];
                for (slot, x) in args.iter_mut().zip(&a[..n as usize]) {
                    *slot = self.clean(*x)?;
                }
                (Kernel::Fp(op), args, 0, self.pool.term_width(a[0]))
            }
            _ => return Err(TapeError::Wide),
        };
        let d = self.temp(1)?;
        let mut s = step(op, w, d, args, k);
        s.w = sw as u8;
        self.steps.push(s);
        self.at.insert(t, d);
        Ok(())
    }

    fn bin(
        &mut self,
        op: BinOp,
        a: TermId,
        b: TermId,
        w: u32,
    ) -> Result<(Kernel, [u16; 3], u64, u32), TapeError> {
        use Kernel as K;
        let kb = self.konst(b);
        // Kernel, kernel with a constant, whether dirty operands do.
        let (plain, with_k, low_a, low_b) = match op {
            BinOp::Add => (K::Add, Some(K::AddK), true, true),
            BinOp::Sub => (K::Sub, None, true, true),
            BinOp::Mul => (K::Mul, Some(K::MulK), true, true),
            BinOp::And => (K::And, Some(K::AndK), true, true),
            BinOp::Or => (K::Or, Some(K::OrK), true, true),
            BinOp::Xor => (K::Xor, Some(K::XorK), true, true),
            BinOp::Shl => (K::Shl, Some(K::ShlK), true, false),
            BinOp::Lshr => (K::Lshr, Some(K::LshrK), false, false),
            BinOp::Ashr => (K::Ashr, Some(K::AshrK), true, false),
            BinOp::Rotl => (K::Rotl, None, false, false),
            BinOp::Rotr => (K::Rotr, None, false, false),
            BinOp::MulHiU => (K::MulHiU, None, false, false),
            BinOp::MulHiS => (K::MulHiS, None, false, false),
            BinOp::Udiv => (K::Udiv, None, false, false),
            BinOp::Urem => (K::Urem, None, false, false),
            BinOp::Sdiv => (K::Sdiv, None, false, false),
            BinOp::Srem => (K::Srem, None, false, false),
            BinOp::Pext => (K::Pext, None, false, false),
            BinOp::Pdep => (K::Pdep, None, false, false),
        };
        let x = if low_a {
            self.dirty(a)?
        } else {
            self.clean(a)?
        };
        match (kb, with_k) {
            // A constant mask is clean, so that the result is.
            (Some(k), Some(K::AndK)) => Ok((K::AndK, [x, 0, 0], k, w)),
            (Some(k), Some(K::AshrK)) => Ok((K::AshrK, [x, 0, 0], k.min(63), w)),
            (Some(k), Some(s @ (K::ShlK | K::LshrK))) => {
                // Shifts by the width or more were folded to zero when the term was made.
                Ok((s, [x, 0, 0], k, w))
            }
            (Some(k), Some(s)) => Ok((s, [x, 0, 0], k, w)),
            _ => {
                let y = if low_b {
                    self.dirty(b)?
                } else {
                    self.clean(b)?
                };
                Ok((plain, [x, y, 0], 0, w))
            }
        }
    }

    fn emit_wide(&mut self, t: TermId) -> Result<(), TapeError> {
        use Kernel as K;
        let w = self.pool.term_width(t);
        let wide_of = |c: &Self, x: TermId| c.pool.term_width(x) > 64;
        let d = self.temp(if w > 64 { 2 } else { 1 })?;
        let s = match self.pool.node(t) {
            Node::Zext(a) if !wide_of(self, a) => {
                step(K::WideZext, 64, d, [self.clean(a)?, 0, 0], 0)
            }
            Node::Sext(a) if !wide_of(self, a) => {
                let aw = self.pool.term_width(a);
                let mut s = step(K::WideSext, aw, d, [self.clean(a)?, 0, w as u16], 0);
                s.w = aw as u8;
                s
            }
            Node::Concat(h, l) => {
                let which = u8::from(wide_of(self, h)) | u8::from(wide_of(self, l)) << 1;
                let lw = self.pool.term_width(l);
                let mut s = step(
                    K::WideConcat,
                    64,
                    d,
                    [self.clean(h)?, self.clean(l)?, 0],
                    lw.into(),
                );
                s.w = which;
                s
            }
            Node::Extract(a, lo) if w <= 64 => {
                step(K::WideExtract, w, d, [self.clean(a)?, 0, 0], lo.into())
            }
            Node::Bin(op, a, b) => {
                let k = match op {
                    BinOp::Add => K::WideAdd,
                    BinOp::Mul => K::WideMul,
                    BinOp::Udiv => K::WideUdiv,
                    BinOp::Urem => K::WideUrem,
                    BinOp::Sdiv => K::WideSdiv,
                    BinOp::Srem => K::WideSrem,
                    _ => return Err(TapeError::Wide),
                };
                step(k, w, d, [self.clean(a)?, self.clean(b)?, 0], 0)
            }
            Node::Cmp(op, a, b) => {
                let k = match op {
                    CmpOp::Eq => K::WideEq,
                    CmpOp::Ult => K::WideUlt,
                    CmpOp::Slt => K::WideSlt,
                };
                let aw = self.pool.term_width(a);
                let mut s = step(k, 1, d, [self.clean(a)?, self.clean(b)?, 0], 0);
                s.w = aw as u8;
                s
            }
            _ => return Err(TapeError::Wide),
        };
        self.steps.push(s);
        self.at.insert(t, d);
        Ok(())
    }

    /// Appends the moves to the destinations; the last step writes its destination itself where that is safe.
    fn finish(mut self, mut moves: Vec<(u16, u16)>) -> Result<Vec<Step>, TapeError> {
        moves.retain(|(from, to)| from != to);
        // Nothing is read after the last step but by the moves; if only one move wants its result, and no other move
        // reads its destination, it can go there at once.
        if let Some(last) = self.steps.last_mut()
            && let Some(i) = moves.iter().position(|m| m.0 == last.d)
            && moves.iter().filter(|m| m.0 == last.d).count() == 1
            && moves
                .iter()
                .all(|m| m.0 == last.d || m.0 >= self.leaves.first)
        {
            last.d = moves[i].1;
            moves.swap_remove(i);
        }
        // A move whose source is a leaf must come before that leaf is overwritten: go through temporaries.
        let mut late = Vec::new();
        for (from, to) in &mut moves {
            if *from < self.leaves.first {
                let d = self.next;
                self.next += 1;
                if self.next > self.leaves.end {
                    return Err(TapeError::Temporaries);
                }
                self.steps.push(step(Kernel::Mov, 64, d, [*from, 0, 0], 0));
                *from = d;
            }
            late.push(step(Kernel::Mov, 64, *to, [*from, 0, 0], 0));
        }
        self.steps.extend(late);
        Ok(self.steps)
    }
}

fn step(op: Kernel, w: u32, d: u16, [a, b, c]: [u16; 3], k: u64) -> Step {
    Step {
        op,
        w: w as u8,
        d,
        a,
        b,
        c,
        k,
        m: mask(w),
    }
}
