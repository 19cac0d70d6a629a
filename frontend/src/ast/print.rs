//! The tree as text, for `--emit=ast`: one statement or block per line, expressions as S-expressions.
//!
//! ```text
//! (main ...
//!   (local x <const> y) = 1 (+ a b)
//! ```
//! Resolved names tell where they lead: `x` a local, `x^` an upvalue, `x!` a compile-time constant, `_ENV.x` a global. A `*`
//! behind a declared variable says that it is captured. Left spines may be arbitrarily long, so they are printed in a loop.

use std::fmt::Write;

use super::{
    Ast, Block, ConstValue, ExprId, ExprKind, Field, FieldKey, FuncId, Function, LocalId, Span,
    Stmt, VarRef,
};
use crate::bytecode::proto::VarKind;
use crate::intern::Sym;
use crate::number::Num;

/// Prints a whole chunk.
pub fn print(ast: &Ast) -> String {
    let mut p = Printer {
        ast,
        out: String::new(),
        depth: 0,
    };
    p.function(FuncId(0), "main");
    p.out.push('\n');
    p.out
}

struct Printer<'a> {
    ast: &'a Ast,
    out: String,
    depth: usize,
}

impl<'a> Printer<'a> {
    fn text(&mut self, s: &str) {
        self.out.push_str(s);
    }

    fn line(&mut self) {
        self.out.push('\n');
        for _ in 0..self.depth {
            self.out.push_str("  ");
        }
    }

    fn name(&mut self, sym: Sym) {
        let name = String::from_utf8_lossy(self.ast.name(sym));
        self.out.push_str(&name);
    }

    fn number(&mut self, n: impl std::fmt::Debug) {
        let written = write!(self.out, "{n:?}");
        debug_assert!(written.is_ok());
    }

    fn function(&mut self, id: FuncId, head: &str) {
        let func = &self.ast.funcs[id.0 as usize];
        self.text("(");
        self.text(head);
        for i in 0..func.num_params {
            self.text(" ");
            self.declared(func, LocalId(i));
        }
        if func.vararg_line.is_some() {
            self.text(" ...");
        }
        self.block(func, &func.body);
        self.text(")");
    }

    fn declared(&mut self, func: &Function, id: LocalId) {
        let local = &func.locals[id.0 as usize];
        self.name(local.name);
        if local.captured {
            self.text("*");
        }
        match local.kind {
            VarKind::Regular => {}
            VarKind::Const => self.text(" <const>"),
            VarKind::Close => self.text(" <close>"),
        }
    }

    fn block(&mut self, func: &Function, block: &Block) {
        self.depth += 1;
        for stmt in &block.stmts {
            self.line();
            self.stmt(func, stmt);
        }
        self.depth -= 1;
    }

    fn values(&mut self, values: Span) {
        for item in self.ast.list(values) {
            self.text(" ");
            self.expr(item.expr);
        }
    }

    fn stmt(&mut self, func: &Function, stmt: &Stmt) {
        match stmt {
            Stmt::Call(e) => self.expr(*e),
            Stmt::Assign { targets, values } => {
                self.text("(set");
                for target in targets {
                    self.text(" ");
                    self.expr(*target);
                }
                self.text(" =");
                self.values(*values);
                self.text(")");
            }
            Stmt::Local {
                first,
                count,
                values,
                ..
            } => {
                self.text("(local");
                for i in 0..*count {
                    self.text(" ");
                    self.declared(func, LocalId(first.0 + i));
                }
                if values.len > 0 {
                    self.text(" =");
                    self.values(*values);
                }
                self.text(")");
            }
            Stmt::LocalFunction {
                local, func: body, ..
            } => {
                self.text("(local-function ");
                self.declared(func, *local);
                self.text(" ");
                self.expr(*body);
                self.text(")");
            }
            Stmt::Function {
                target, func: body, ..
            } => {
                self.text("(set ");
                self.expr(*target);
                self.text(" = ");
                self.expr(*body);
                self.text(")");
            }
            Stmt::Do(body) => {
                self.text("(do");
                self.block(func, body);
                self.text(")");
            }
            Stmt::While { cond, body, .. } => {
                self.text("(while ");
                self.expr(*cond);
                self.block(func, body);
                self.text(")");
            }
            Stmt::Repeat { body, cond } => {
                self.text("(repeat");
                self.block(func, body);
                self.depth += 1;
                self.line();
                self.depth -= 1;
                self.text("until ");
                self.expr(*cond);
                self.text(")");
            }
            Stmt::If { clauses, otherwise } => {
                for (i, clause) in clauses.iter().enumerate() {
                    if i > 0 {
                        self.line();
                    }
                    self.text(if i == 0 { "(if " } else { " elseif " });
                    self.expr(clause.cond);
                    self.block(func, &clause.body);
                }
                if let Some(block) = otherwise {
                    self.line();
                    self.text(" else");
                    self.block(func, block);
                }
                self.text(")");
            }
            Stmt::NumericFor(f) => {
                self.text("(for ");
                self.declared(func, LocalId(f.first.0 + 3));
                self.text(" =");
                self.values(f.values);
                self.block(func, &f.body);
                self.text(")");
            }
            Stmt::GenericFor(f) => {
                self.text("(for");
                for i in 0..f.count {
                    self.text(" ");
                    self.declared(func, LocalId(f.first.0 + 4 + i));
                }
                self.text(" in");
                self.values(f.values);
                self.block(func, &f.body);
                self.text(")");
            }
            Stmt::Return { values, .. } => {
                self.text("(return");
                self.values(*values);
                self.text(")");
            }
            Stmt::Break { .. } => self.text("(break)"),
            Stmt::Goto { index, .. } => {
                self.text("(goto ");
                let label = func.gotos[*index as usize];
                self.name(func.labels[label.0 as usize].name);
                self.text(")");
            }
            Stmt::Label(id) => {
                self.text("(label ");
                self.name(func.labels[id.0 as usize].name);
                self.text(")");
            }
        }
    }

    fn constant(&mut self, value: ConstValue) {
        match value {
            ConstValue::Nil => self.text("nil"),
            ConstValue::Bool(b) => self.number(b),
            ConstValue::Num(Num::Int(i)) => self.number(i),
            ConstValue::Num(Num::Float(f)) => self.number(f),
            ConstValue::Str(s) => {
                let text = self.ast.name(s).escape_ascii().to_string();
                self.text("\"");
                self.text(&text);
                self.text("\"");
            }
        }
    }

    fn place(&mut self, name: Sym, place: VarRef) {
        self.name(name);
        match place {
            VarRef::Local(_) => {}
            VarRef::Upval(_) => self.text("^"),
            VarRef::Const(_) => self.text("!"),
        }
    }

    /// What a node of a left spine prints before its first operand, and that operand.
    fn open(&mut self, id: ExprId) -> Option<ExprId> {
        let (head, below) = match self.ast.expr(id).kind {
            ExprKind::Binary { op, left, .. } => (op.symbol(), left),
            ExprKind::Field { obj, .. } => (".", obj),
            ExprKind::Index { obj, .. } => ("index", obj),
            ExprKind::Call { func, .. } => ("call", func),
            ExprKind::Method { obj, .. } => ("method", obj),
            ExprKind::MethodName { obj, .. } => return Some(obj),
            // The value is shown by what was written; folding is the compiler's affair.
            ExprKind::Folded { of, .. } => return Some(of),
            _ => return None,
        };
        self.text("(");
        self.text(head);
        self.text(" ");
        Some(below)
    }

    /// What it prints behind its first operand.
    fn close(&mut self, id: ExprId) {
        match self.ast.expr(id).kind {
            ExprKind::Binary { right, .. } => {
                self.text(" ");
                self.expr(right);
            }
            ExprKind::Index { key, .. } => {
                self.text(" ");
                self.expr(key);
            }
            ExprKind::Field { name, .. } => {
                self.text(" ");
                self.name(name);
            }
            ExprKind::MethodName { name, .. } => {
                self.text(" :");
                self.name(name);
                return;
            }
            ExprKind::Call { args, .. } | ExprKind::Method { args, .. } => self.values(args),
            _ => return,
        }
        self.text(")");
    }

    fn expr(&mut self, id: ExprId) {
        let mut spine = Vec::new();
        let mut id = id;
        while let Some(below) = self.open(id) {
            spine.push(id);
            id = below;
        }
        self.leaf(id);
        while let Some(id) = spine.pop() {
            self.close(id);
        }
    }

    fn leaf(&mut self, id: ExprId) {
        match self.ast.expr(id).kind {
            ExprKind::Const(value) => self.constant(value),
            ExprKind::Vararg { .. } => self.text("..."),
            ExprKind::Function(func) => self.function(func, "function"),
            ExprKind::Var { name, place } => self.place(name, place),
            ExprKind::Global { name, env } => {
                let env_name = self.ast.env;
                self.place(env_name, env);
                self.text(".");
                self.name(name);
            }
            ExprKind::Paren(inner) => {
                self.text("(paren ");
                self.expr(inner);
                self.text(")");
            }
            ExprKind::Unary { op, operand, .. } => {
                self.text("(");
                self.text(op.symbol());
                self.text(" ");
                self.expr(operand);
                self.text(")");
            }
            ExprKind::Table { fields, .. } => {
                self.text("{");
                for (i, field) in self.ast.fields[fields.range()].iter().enumerate() {
                    self.text(if i == 0 { "" } else { ", " });
                    self.field(field);
                }
                self.text("}");
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &Field) {
        match field.key {
            FieldKey::Next => {}
            FieldKey::Name(name) => {
                self.name(name);
                self.text(" = ");
            }
            FieldKey::Expr { key, .. } => {
                self.text("[");
                self.expr(key);
                self.text("] = ");
            }
        }
        self.expr(field.value);
    }
}
