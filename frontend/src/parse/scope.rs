//! Scopes: which variables are visible, and where a name leads.

use super::{MAX_LOCALS, MAX_UPVALUES, Parser, Result};
use crate::ast::{ExprKind, FuncId, Function, Local, LocalId, Upval, UpvalFrom, VarRef};
use crate::bytecode::proto::VarKind;
use crate::error::SyntaxError;
use crate::intern::Sym;

/// A declared variable.
#[derive(Clone, Copy)]
pub(super) struct ActiveVar {
    pub name: Sym,
    pub local: LocalId,
}

/// A block being parsed.
pub(super) struct BlockScope {
    /// Active variables outside the block.
    pub active: u32,
    pub first_label: usize,
    pub first_goto: usize,
    pub is_loop: bool,
}

/// A function being parsed.
pub(super) struct FuncScope {
    pub id: FuncId,
    pub func: Function,
    /// Its variables start here in the stack of all variables; those declared but not yet in scope come last.
    pub first_var: usize,
    pub first_label: usize,
    /// Variables in scope.
    pub active: u32,
    pub blocks: Vec<BlockScope>,
}

impl Parser<'_> {
    #[inline]
    pub(super) fn scope(&mut self) -> &mut FuncScope {
        match self.scopes.last_mut() {
            Some(scope) => scope,
            None => unreachable!("the main function is open while parsing"),
        }
    }

    pub(super) fn func(&mut self) -> &mut Function {
        &mut self.scope().func
    }

    pub(super) fn block(&mut self) -> &mut BlockScope {
        match self.scope().blocks.last_mut() {
            Some(block) => block,
            None => unreachable!("a function has a block while it is open"),
        }
    }

    pub(super) fn enter_block(&mut self, is_loop: bool) {
        let (first_label, first_goto) = (self.labels.len(), self.gotos.len());
        let scope = self.scope();
        let active = scope.active;
        scope.blocks.push(BlockScope {
            active,
            first_label,
            first_goto,
            is_loop,
        });
    }

    /// Ends the innermost block: its `break`s are solved when it is a loop, other gotos move out, its variables go.
    pub(super) fn leave_block(&mut self) -> Result<()> {
        if self.block().is_loop {
            self.solve_breaks();
        }
        let scope = self.scope();
        let Some(block) = scope.blocks.pop() else {
            unreachable!("blocks nest")
        };
        let inner = !scope.blocks.is_empty();
        scope.active = block.active;
        let keep = scope.first_var + block.active as usize;
        self.vars.truncate(keep);
        self.labels.truncate(block.first_label);
        if inner {
            self.move_gotos_out(&block);
            Ok(())
        } else {
            self.check_unsolved(&block)
        }
    }

    /// Error for a limit of the function at index `scope`.
    #[cold]
    fn limit_error(&self, scope: usize, limit: usize, what: &str) -> SyntaxError {
        let place = match self.scopes[scope].func.line {
            0 => "main function".to_string(),
            line => format!("function at line {line}"),
        };
        self.error(&format!("too many {what} (limit is {limit}) in {place}"))
    }

    /// Declares a variable; it comes into scope with [`Self::activate`].
    pub(super) fn declare(&mut self, name: Sym) -> Result<LocalId> {
        let scope = self.scopes.len() - 1;
        if self.vars.len() + 1 - self.scopes[scope].first_var > MAX_LOCALS {
            return Err(self.limit_error(scope, MAX_LOCALS, "local variables"));
        }
        let func = self.func();
        let local = LocalId(func.locals.len() as u32);
        func.locals.push(Local {
            name,
            kind: VarKind::Regular,
            captured: false,
            value: None,
        });
        self.vars.push(ActiveVar { name, local });
        Ok(local)
    }

    pub(super) fn local(&mut self, id: LocalId) -> &mut Local {
        &mut self.func().locals[id.0 as usize]
    }

    /// Brings the next `count` declared variables into scope.
    pub(super) fn activate(&mut self, count: u32) {
        self.scope().active += count;
    }

    pub(super) fn add_env_upvalue(&mut self) {
        let name = self.env;
        self.func().upvals.push(Upval {
            name,
            from: UpvalFrom::Host,
            kind: VarKind::Regular,
        });
    }

    /// Resolves `name`; `None` means a global.
    fn resolve(&mut self, name: Sym) -> Result<Option<VarRef>> {
        let innermost = self.scopes.len() - 1;
        // Outwards, up to the function that has the name.
        let mut found = None;
        for level in (0..=innermost).rev() {
            let scope = &self.scopes[level];
            let vars = &self.vars[scope.first_var..scope.first_var + scope.active as usize];
            if let Some(var) = vars.iter().rev().find(|v| v.name == name) {
                let id = var.local;
                let local = &mut self.scopes[level].func.locals[id.0 as usize];
                if let Some(value) = local.value {
                    return Ok(Some(VarRef::Const(value)));
                }
                if level == innermost {
                    return Ok(Some(VarRef::Local(id)));
                }
                local.captured = true;
                found = Some((level, UpvalFrom::Local(id), local.kind));
                break;
            }
            if let Some(i) = scope.func.upvals.iter().position(|u| u.name == name) {
                if level == innermost {
                    return Ok(Some(VarRef::Upval(i as u8)));
                }
                found = Some((level, UpvalFrom::Upval(i as u8), scope.func.upvals[i].kind));
                break;
            }
        }
        let Some((level, mut from, kind)) = found else {
            return Ok(None);
        };
        // Inwards again, an upvalue in each function between.
        let mut index = 0;
        for inner in level + 1..=innermost {
            if self.scopes[inner].func.upvals.len() >= MAX_UPVALUES {
                return Err(self.limit_error(inner, MAX_UPVALUES, "upvalues"));
            }
            let upvals = &mut self.scopes[inner].func.upvals;
            index = upvals.len() as u8;
            upvals.push(Upval { name, from, kind });
            from = UpvalFrom::Upval(index);
        }
        Ok(Some(VarRef::Upval(index)))
    }

    /// A name as an expression, already consumed.
    pub(super) fn variable(&mut self, name: Sym) -> Result<ExprKind> {
        if let Some(place) = self.resolve(name)? {
            return Ok(ExprKind::Var { name, place });
        }
        match self.resolve(self.env)? {
            Some(env) => Ok(ExprKind::Global { name, env }),
            None => unreachable!("_ENV is an upvalue of the main function"),
        }
    }

    /// Refuses an assignment to a constant.
    pub(super) fn check_writable(&mut self, kind: ExprKind) -> Result<()> {
        let ExprKind::Var { name, place } = kind else {
            return Ok(());
        };
        let writable = match place {
            VarRef::Const(_) => false,
            VarRef::Local(id) => self.local(id).kind == VarKind::Regular,
            VarRef::Upval(i) => self.func().upvals[i as usize].kind == VarKind::Regular,
        };
        if writable {
            Ok(())
        } else {
            Err(self.semantic("attempt to assign to const variable '{}'", name))
        }
    }
}
