//! Calls and methods.

use super::code::ConstKey;
use super::exp::{Exp, Kind};
use super::{Emitter, Result};
use crate::ast::Span;
use crate::bytecode::op::Op;
use crate::intern::Sym;

impl Emitter<'_> {
    /// Calls the function in the register of `func`. `line` is the call's line, `end_line` that of its last token.
    pub(super) fn call(
        &mut self,
        func: &mut Exp,
        args: Span,
        line: u32,
        end_line: u32,
    ) -> Result<()> {
        let Kind::Fixed(base) = func.kind else {
            unreachable!("a function to call is in a register")
        };
        let last = self.expr_list(args)?;
        if self.source.get(self.near as usize) == Some(&b')') {
            self.near += 1; // the last argument is stored once the parenthesis was read
        }
        let mut open = false;
        if let Some(mut e) = last {
            if e.is_open() {
                self.set_results(&e, None)?;
                self.line = end_line;
                open = true;
            } else {
                self.line = end_line;
                self.put_next(&mut e)?;
            }
        }
        self.line = end_line;
        let count = if open { 0 } else { self.fs.free_reg - base };
        let pc = self.emit_cached(Op::Call, base, count, 2);
        self.fix_line(line);
        self.fs.free_reg = base + 1;
        *func = Kind::Call(pc).into();
        Ok(())
    }

    /// `object:name`: the method and the object in two new registers.
    pub(super) fn self_call(&mut self, object: &mut Exp, name: Sym) -> Result<()> {
        let source = self.put_any(object)?;
        self.free_exp(object);
        let base = self.fs.free_reg;
        self.reserve(2)?;
        let k = self.constant(ConstKey::Str(name));
        if k <= u32::from(u16::MAX) {
            self.emit_cached(Op::SelfGet, base, source, k);
        } else {
            if source != base + 1 {
                self.emit_abcd(Op::Move, base + 1, source, 0, 0);
            }
            self.emit_abd(Op::LoadK, base, 0, k);
            self.emit_cached(Op::GetTable, base, base + 1, base);
        }
        *object = Kind::Fixed(base).into();
        Ok(())
    }
}
