//! The function being emitted: instructions, registers, constants and jump lists.
//!
//! While a jump's target is not known its `D` links it to the next jump of its list (absolute pc, [`NO_JUMP`] at the end);
//! patching replaces the link by the distance. Registers form a stack: variables at the bottom, temporaries on top.

use super::{Emitter, Result};
use crate::ast::{FuncId, LabelId, LocalId};
use crate::bytecode::Instr;
use crate::bytecode::instr::NO_CACHE;
use crate::bytecode::op::{Mode, Op};
use crate::bytecode::proto::{Const, Proto};
use crate::hash::hash_word;
use crate::index::Index;
use crate::intern::Sym;

/// End of a jump list.
pub(super) const NO_JUMP: u32 = u32::MAX;
/// Destination of a test that produces no value (yet).
pub(super) const NO_REG: u32 = 255;
/// Registers of a function.
const MAX_REGS: u32 = 255;
/// Register of a variable that has none: a compile-time constant.
pub(super) const NO_LOCAL_REG: u8 = 255;

/// Identity of a constant in the pool.
#[derive(Clone, Copy)]
pub(super) enum ConstKey {
    Nil,
    Bool(bool),
    Int(i64),
    /// By bits, so that `0.0` and `-0.0` differ.
    Float(u64),
    Str(Sym),
}

impl ConstKey {
    fn hash(self) -> u32 {
        match self {
            ConstKey::Nil => hash_word(0, 0),
            ConstKey::Bool(b) => hash_word(1, b.into()),
            ConstKey::Int(i) => hash_word(2, i as u64),
            ConstKey::Float(bits) => hash_word(3, bits),
            ConstKey::Str(sym) => hash_word(4, sym.0.into()),
        }
    }
}

/// A loop around the code at hand.
pub(super) struct Loop {
    /// First register of the loop; a `break` closes what is at or above it.
    pub level: u32,
    pub breaks: u32,
    /// `CLOSE` instructions of breaks; they count as standing behind the loop.
    pub closes: Vec<u32>,
}

/// What is known of a label.
#[derive(Clone)]
pub(super) struct LabelState {
    pub pc: Option<u32>,
    pub pending: u32,
    pub closes: Vec<u32>,
}

/// State of one function.
pub(super) struct FuncState {
    pub id: FuncId,
    pub proto: Proto,
    /// Index of `proto.consts`.
    pool: Index,
    /// Last pc that is known to be a jump target.
    last_target: u32,
    pub free_reg: u32,
    /// Variables in scope.
    pub active: Vec<LocalId>,
    /// Registers in use by variables in scope.
    pub var_regs: u32,
    /// Register of each local.
    pub regs: Vec<u8>,
    /// Debug record of each local.
    pub records: Vec<u32>,
    /// Registers of to-be-closed variables in scope.
    pub tbc: Vec<u32>,
    pub loops: Vec<Loop>,
    pub labels: Vec<LabelState>,
    /// Instructions that take over the line of the one behind them.
    pub follow: Vec<u32>,
}

impl FuncState {
    pub fn new(id: FuncId, proto: Proto, locals: usize, labels: usize) -> Self {
        FuncState {
            id,
            proto,
            pool: Index::default(),
            last_target: 0,
            free_reg: 0,
            active: Vec::new(),
            var_regs: 0,
            regs: vec![NO_LOCAL_REG; locals],
            records: vec![u32::MAX; locals],
            tbc: Vec::new(),
            loops: Vec::new(),
            labels: vec![
                LabelState {
                    pc: None,
                    pending: NO_JUMP,
                    closes: Vec::new()
                };
                labels
            ],
            follow: Vec::new(),
        }
    }

    pub fn label(&mut self, id: LabelId) -> &mut LabelState {
        &mut self.labels[id.0 as usize]
    }

    /// True when a to-be-closed variable lives at or above `level`.
    pub fn needs_close(&self, level: u32) -> bool {
        self.tbc.last().is_some_and(|&r| r >= level)
    }
}

impl Emitter<'_> {
    #[inline]
    pub(super) fn pc(&self) -> u32 {
        self.fs.proto.code.len() as u32
    }

    /// Appends an instruction on the current line.
    #[inline]
    pub(super) fn emit(&mut self, i: Instr) -> u32 {
        let pc = self.pc();
        self.fs.proto.code.push(i);
        self.fs.proto.lines.push(self.line);
        pc
    }

    #[inline]
    pub(super) fn emit_abcd(&mut self, op: Op, a: u32, b: u32, c: u32, d: u32) -> u32 {
        self.emit(Instr::abcd(op, a as u8, b as u16, c as u16, d as u16))
    }

    /// An instruction whose `d` is an inline cache.
    pub(super) fn emit_cached(&mut self, op: Op, a: u32, b: u32, c: u32) -> u32 {
        let n = self.fs.proto.num_caches;
        let cache = if n < u32::from(NO_CACHE) {
            self.fs.proto.num_caches += 1;
            n
        } else {
            u32::from(NO_CACHE)
        };
        self.emit_abcd(op, a, b, c, cache)
    }

    pub(super) fn emit_abd(&mut self, op: Op, a: u32, b: u32, d: u32) -> u32 {
        self.emit(Instr::ab_d(op, a as u8, b as u16, d))
    }

    /// Moves the last instruction to another line.
    pub(super) fn fix_line(&mut self, line: u32) {
        if let Some(last) = self.fs.proto.lines.last_mut() {
            *last = line;
        }
    }

    pub(super) fn instr(&self, pc: u32) -> Instr {
        self.fs.proto.code[pc as usize]
    }

    pub(super) fn set_instr(&mut self, pc: u32, i: Instr) {
        self.fs.proto.code[pc as usize] = i;
    }

    pub(super) fn set_a(&mut self, pc: u32, a: u32) {
        let i = self.instr(pc);
        self.set_instr(pc, Instr(i.0 & !0xff00 | u64::from(a as u8) << 8));
    }

    pub(super) fn set_c(&mut self, pc: u32, c: u32) {
        let i = self.instr(pc);
        self.set_instr(pc, Instr(i.0 & !(0xffff << 32) | u64::from(c as u16) << 32));
    }

    pub(super) fn set_d(&mut self, pc: u32, d: u32) {
        let i = self.instr(pc);
        self.set_instr(pc, Instr(i.0 & 0xffff_ffff | u64::from(d) << 32));
    }

    pub(super) fn set_op(&mut self, pc: u32, op: Op) {
        let i = self.instr(pc);
        self.set_instr(pc, Instr(i.0 & !0xff | op as u64));
    }

    /// The last instruction, unless a jump may lead between it and the next one.
    pub(super) fn previous(&self) -> Option<(u32, Instr)> {
        let pc = self.pc();
        (pc > self.fs.last_target).then(|| (pc - 1, self.instr(pc - 1)))
    }

    pub(super) fn remove_last(&mut self) {
        self.fs.proto.code.pop();
        self.fs.proto.lines.pop();
    }

    // --- registers

    /// Makes sure that `n` more registers exist.
    pub(super) fn check_stack(&mut self, n: u32) -> Result<()> {
        let top = self.fs.free_reg + n;
        if top > u32::from(self.fs.proto.max_stack) {
            if top >= MAX_REGS {
                return Err(self.too_many_registers());
            }
            self.fs.proto.max_stack = top as u8;
        }
        Ok(())
    }

    pub(super) fn reserve(&mut self, n: u32) -> Result<()> {
        self.check_stack(n)?;
        self.fs.free_reg += n;
        Ok(())
    }

    /// Gives back the topmost register if it is `reg` and a temporary.
    pub(super) fn free(&mut self, reg: u32) {
        if reg >= self.fs.var_regs {
            self.fs.free_reg -= 1;
            debug_assert_eq!(
                reg, self.fs.free_reg,
                "temporaries are freed last in, first out"
            );
        }
    }

    pub(super) fn free_two(&mut self, a: u32, b: u32) {
        self.free(a.max(b));
        self.free(a.min(b));
    }

    // --- constants

    pub(super) fn constant(&mut self, key: ConstKey) -> u32 {
        let ast = self.ast;
        let consts = &mut self.fs.proto.consts;
        let (n, new) = self
            .fs
            .pool
            .find_or_add(key.hash(), |n| match (key, &consts[n as usize]) {
                (ConstKey::Nil, Const::Nil) => true,
                (ConstKey::Bool(b), Const::Bool(c)) => b == *c,
                (ConstKey::Int(i), Const::Int(j)) => i == *j,
                (ConstKey::Float(bits), Const::Float(f)) => bits == f.to_bits(),
                (ConstKey::Str(sym), Const::Str(s)) => ast.name(sym) == &**s,
                _ => false,
            });
        if new {
            consts.push(match key {
                ConstKey::Nil => Const::Nil,
                ConstKey::Bool(b) => Const::Bool(b),
                ConstKey::Int(i) => Const::Int(i),
                ConstKey::Float(bits) => Const::Float(f64::from_bits(bits)),
                ConstKey::Str(sym) => Const::Str(ast.name(sym).into()),
            });
        }
        n
    }

    pub(super) fn load_nil(&mut self, from: u32, n: u32) {
        let last = from + n - 1;
        if let Some((pc, i)) = self.previous()
            && i.op() == Op::LoadNil
        {
            let first = i.a() as u32;
            let end = first + i.b() as u32;
            if (first <= from && from <= end + 1) || (from <= first && first <= last + 1) {
                let (from, last) = (first.min(from), end.max(last));
                self.set_instr(
                    pc,
                    Instr::abcd(Op::LoadNil, from as u8, (last - from) as u16, 0, 0),
                );
                return;
            }
        }
        let line = self.merged_nil_line(from);
        self.emit_abcd(Op::LoadNil, from, n - 1, 0, 0);
        if let Some(line) = line {
            self.fix_line(line);
        }
    }

    /// Where `LOADNIL`s would be one but for the cells made between them, the second counts as part of the first.
    fn merged_nil_line(&self, from: u32) -> Option<u32> {
        let mut pc = self.pc();
        while pc > self.fs.last_target {
            pc -= 1;
            let i = self.instr(pc);
            match i.op() {
                Op::NewCell => {}
                Op::LoadNil if (i.a() + i.b() + 1) as u32 == from => {
                    return Some(self.fs.proto.lines[pc as usize]);
                }
                _ => return None,
            }
        }
        None
    }

    /// Moves the value in a variable's register to a cell, as part of the instruction before.
    pub(super) fn new_cell(&mut self, reg: u32) {
        let line = self.fs.proto.lines.last().copied();
        self.emit_abcd(Op::NewCell, reg, 0, 0, 0);
        if let Some(line) = line {
            self.fix_line(line);
        }
    }

    pub(super) fn load_int(&mut self, reg: u32, i: i64) {
        if let Ok(small) = i32::try_from(i) {
            self.emit_abd(Op::LoadI, reg, 0, small as u32);
        } else {
            let k = self.constant(ConstKey::Int(i));
            self.emit_abd(Op::LoadK, reg, 0, k);
        }
    }

    pub(super) fn load_float(&mut self, reg: u32, f: f64) {
        let small = f as i32;
        if f64::from(small).to_bits() == f.to_bits() {
            self.emit_abd(Op::LoadF, reg, 0, small as u32);
        } else {
            let k = self.constant(ConstKey::Float(f.to_bits()));
            self.emit_abd(Op::LoadK, reg, 0, k);
        }
    }

    // --- jumps

    /// An unconditional jump, alone in its list.
    pub(super) fn jump(&mut self) -> u32 {
        self.emit_abd(Op::Jmp, 0, 0, NO_JUMP)
    }

    /// The pc at hand, marked as a jump target.
    pub(super) fn here(&mut self) -> u32 {
        self.fs.last_target = self.pc();
        self.fs.last_target
    }

    fn next_in_list(&self, pc: u32) -> u32 {
        self.instr(pc).dd()
    }

    /// Joins two lists; takes time in the length of `a`.
    #[must_use]
    pub(super) fn concat(&mut self, a: u32, b: u32) -> u32 {
        if a == NO_JUMP {
            return b;
        }
        if b != NO_JUMP {
            let mut last = a;
            while self.next_in_list(last) != NO_JUMP {
                last = self.next_in_list(last);
            }
            self.set_d(last, b);
        }
        a
    }

    pub(super) fn jump_to(&mut self, pc: u32, target: u32) {
        self.set_d(pc, target.wrapping_sub(pc + 1));
    }

    /// Gives a value-producing test its destination (`NO_REG`: none wanted). False when `pc` is no such test.
    fn patch_test(&mut self, pc: u32, reg: u32) -> bool {
        let i = self.instr(pc);
        let plain = match i.op() {
            Op::JmpTSet => Op::JmpT,
            Op::JmpFSet => Op::JmpF,
            _ => return false,
        };
        if reg != NO_REG && reg != i.b() as u32 {
            self.set_a(pc, reg);
        } else {
            self.set_instr(pc, Instr::ab_d(plain, i.b() as u8, 0, i.dd()));
        }
        true
    }

    /// The tests of a list no longer have to produce values.
    pub(super) fn remove_values(&mut self, mut list: u32) {
        while list != NO_JUMP {
            self.patch_test(list, NO_REG);
            list = self.next_in_list(list);
        }
    }

    /// True when some jump of the list does not bring its own value.
    pub(super) fn needs_value(&self, mut list: u32) -> bool {
        while list != NO_JUMP {
            if !matches!(self.instr(list).op(), Op::JmpTSet | Op::JmpFSet) {
                return true;
            }
            list = self.next_in_list(list);
        }
        false
    }

    /// Value-producing tests of the list put their value in `reg` and jump to `value_target`, others jump to `plain_target`.
    pub(super) fn patch_with_values(
        &mut self,
        mut list: u32,
        value_target: u32,
        reg: u32,
        plain_target: u32,
    ) {
        while list != NO_JUMP {
            let next = self.next_in_list(list);
            let target = if self.patch_test(list, reg) {
                value_target
            } else {
                plain_target
            };
            self.jump_to(list, target);
            list = next;
        }
    }

    pub(super) fn patch(&mut self, list: u32, target: u32) {
        self.patch_with_values(list, target, NO_REG, target);
    }

    pub(super) fn patch_here(&mut self, list: u32) {
        let here = self.here();
        self.patch(list, here);
    }

    /// Final pass: jumps to jumps go to the end of the chain, and instructions without a line of their own get one.
    pub(super) fn finish_code(&mut self) {
        let proto = &mut self.fs.proto;
        for pc in 0..proto.code.len() {
            let i = proto.code[pc];
            let op = i.op();
            if op.info().modes[2] != Mode::Jump
                || matches!(op, Op::ForPrep | Op::ForLoop | Op::TForPrep | Op::TForLoop)
            {
                continue;
            }
            let mut target = pc as i64 + 1 + i64::from(i.sd());
            for _ in 0..100 {
                let t = proto.code[target as usize];
                if t.op() != Op::Jmp {
                    break;
                }
                target += 1 + i64::from(t.sd());
            }
            let distance = (target - pc as i64 - 1) as i32;
            proto.code[pc] = Instr(i.0 & 0xffff_ffff | u64::from(distance as u32) << 32);
        }
        for &pc in self.fs.follow.iter().rev() {
            if let Some(&line) = proto.lines.get(pc as usize + 1) {
                proto.lines[pc as usize] = line;
            }
        }
    }
}
