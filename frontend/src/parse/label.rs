//! Labels, `goto` and `break`. A `break` is a `goto` to a label behind its loop that has no name.

use super::scope::BlockScope;
use super::{Parser, Result};
use crate::ast::{Label, LabelId, Stmt};
use crate::intern::Sym;

/// A `goto` whose label has not been seen.
pub(super) struct PendingGoto {
    /// `None`: a `break`.
    name: Option<Sym>,
    line: u32,
    /// Active variables at the jump, later at the end of each block it leaves.
    active: u32,
    /// Its place in [`crate::ast::Function::gotos`].
    index: u32,
}

/// A label that can be jumped back to.
pub(super) struct ActiveLabel {
    name: Sym,
    line: u32,
    id: LabelId,
}

impl Parser<'_> {
    fn find_label(&self, name: Sym) -> Option<&ActiveLabel> {
        let first = self.scopes.last().map_or(0, |s| s.first_label);
        self.labels[first..].iter().find(|l| l.name == name)
    }

    /// `break`
    pub(super) fn break_stmt(&mut self) -> Result<Stmt> {
        let line = self.lex.line;
        self.next()?;
        let active = self.scope().active;
        self.gotos.push(PendingGoto {
            name: None,
            line,
            active,
            index: 0,
        });
        Ok(Stmt::Break {
            line: self.last_line,
        })
    }

    /// What follows `goto`.
    pub(super) fn goto_stmt(&mut self) -> Result<Stmt> {
        let line = self.lex.line;
        let name = self.name()?;
        let known = self.find_label(name).map(|l| l.id);
        let scope = self.scope();
        let active = scope.active;
        let index = scope.func.gotos.len() as u32;
        scope.func.gotos.push(known.unwrap_or(LabelId(u32::MAX)));
        if known.is_none() {
            self.gotos.push(PendingGoto {
                name: Some(name),
                line,
                active,
                index,
            });
        }
        Ok(Stmt::Goto {
            index,
            line: self.last_line,
        })
    }

    /// What follows the name in `::name::`. Empty statements and labels behind it come first, as they are part of it.
    pub(super) fn label_stmt(&mut self, name: Sym, line: u32, out: &mut Vec<Stmt>) -> Result<()> {
        use crate::lex::Tok;
        self.expect(Tok::DbColon)?;
        while matches!(self.t.tok, Tok::Char(b';') | Tok::DbColon) {
            self.statement(out)?;
        }
        if let Some(old) = self.find_label(name) {
            let msg = format!("label '{{}}' already defined on line {}", old.line);
            return Err(self.semantic(&msg, name));
        }
        let at_end = self.block_follows(false);
        let level = if at_end {
            self.block().active
        } else {
            self.scope().active
        };
        let func = self.func();
        let id = LabelId(func.labels.len() as u32);
        func.labels.push(Label {
            name,
            level,
            at_end,
        });
        self.labels.push(ActiveLabel { name, line, id });
        self.solve_gotos(name, id, level)?;
        out.push(Stmt::Label(id));
        Ok(())
    }

    fn solve_gotos(&mut self, name: Sym, id: LabelId, level: u32) -> Result<()> {
        let mut i = self.block().first_goto;
        while i < self.gotos.len() {
            if self.gotos[i].name != Some(name) {
                i += 1;
                continue;
            }
            let goto = self.gotos.remove(i);
            if goto.active < level {
                let var = self.scope().first_var + goto.active as usize;
                let local = self.vars[var].name;
                let local = String::from_utf8_lossy(self.lex.names.get(local)).into_owned();
                let msg = format!(
                    "<goto {{}}> at line {} jumps into the scope of local '{local}'",
                    goto.line
                );
                return Err(self.semantic(&msg, name));
            }
            self.func().gotos[goto.index as usize] = id;
        }
        Ok(())
    }

    /// At the end of a loop: its `break`s have found their target.
    pub(super) fn solve_breaks(&mut self) {
        let first = self.block().first_goto;
        let mut i = 0;
        self.gotos.retain(|g| {
            i += 1;
            i <= first || g.name.is_some()
        });
    }

    /// Pending gotos of a block that ends now belong to the one around it.
    pub(super) fn move_gotos_out(&mut self, block: &BlockScope) {
        for goto in &mut self.gotos[block.first_goto..] {
            goto.active = block.active;
        }
    }

    /// At the end of a function no goto may be left.
    pub(super) fn check_unsolved(&self, block: &BlockScope) -> Result<()> {
        match self.gotos.get(block.first_goto) {
            None => Ok(()),
            Some(PendingGoto {
                name: None, line, ..
            }) => Err(self
                .lex
                .error(&format!("break outside loop at line {line}"), None)),
            Some(PendingGoto {
                name: Some(name),
                line,
                ..
            }) => Err(self.semantic(
                &format!("no visible label '{{}}' for <goto> at line {line}"),
                *name,
            )),
        }
    }
}
