//! Functions, protected calls, coroutines, variables to be closed.

use super::{Generator, Kind, emit};
use rand::Rng;

impl Generator {
    fn function_body(&mut self, params: &[String], vararg: bool) {
        let mark = self.vars.len();
        let saved = (self.vararg, self.level, self.loops);
        self.vararg = vararg;
        self.level += 1;
        self.loops = 0;
        for p in params {
            self.declare(p, Kind::Any, true);
        }
        self.indent += 1;
        self.line("burn()");
        self.block_body(0, 4);
        match self.rng.random_range(0..6) {
            0 => {}
            1 => {
                let (f, a) = (self.leaf_func(), self.args());
                emit!(self, "return {f}({a})");
            }
            2 => {
                let (a, b) = (self.expr(Kind::Any), self.expr(Kind::Num));
                emit!(self, "return {a}, {b}");
            }
            3 if vararg => self.line("return select('#', ...), ..."),
            _ => {
                let e = self.expr(Kind::Any);
                emit!(self, "return {e}");
            }
        }
        self.indent -= 1;
        (self.vararg, self.level, self.loops) = saved;
        self.vars.truncate(mark);
    }

    fn leaf_func(&mut self) -> String {
        self.some_var(Kind::Func, false)
            .unwrap_or_else(|| "tostring".into())
    }

    pub(super) fn local_function(&mut self) {
        let f = self.fresh("f");
        let params: Vec<String> = (0..self.rng.random_range(0..4))
            .map(|_| self.fresh("p"))
            .collect();
        let vararg = self.chance(30);
        let mut list = params.clone();
        if vararg {
            list.push("...".into());
        }
        if self.chance(60) {
            self.declare(&f, Kind::Func, true);
            emit!(self, "local function {f}({})", list.join(", "));
            self.function_body(&params, vararg);
        } else {
            emit!(self, "local {f} = function({})", list.join(", "));
            self.function_body(&params, vararg);
            self.declare(&f, Kind::Func, true);
        }
        self.line("end");
        let a = self.args();
        emit!(
            self,
            "E(pcall({f}, {}))",
            if a.is_empty() { "nil".into() } else { a }
        );
    }

    pub(super) fn method(&mut self) {
        let o = self.fresh("o");
        let (e, m) = (self.expr(Kind::Any), self.pick(&["go", "run", "stop"]));
        emit!(self, "local {o} = new({e})");
        emit!(self, "rawset({o}, '{m}', function(self, x)");
        self.function_body(&["self".into(), "x".into()], false);
        self.line("end)");
        let a = self.args();
        emit!(self, "E(pcall(function(...) return {o}:{m}({a}) end))");
        self.declare(&o, Kind::Obj, true);
    }

    pub(super) fn pcall(&mut self) {
        let r = self.fresh("r");
        let handler = self.chance(30);
        if handler {
            emit!(self, "local {r} = E(xpcall(function(...)");
        } else {
            emit!(self, "local {r} = E(pcall(function(...)");
        }
        let mark = self.vars.len();
        let saved = (self.vararg, self.level, self.loops);
        self.vararg = true;
        self.level += 1;
        self.loops = 0;
        self.indent += 1;
        self.block_body(1, 3);
        match self.rng.random_range(0..5) {
            0 => {
                let (e, l) = (self.expr(Kind::Any), self.rng.random_range(0..3));
                emit!(self, "error({e}, {l})");
            }
            1 => {
                let (e, m) = (self.expr(Kind::Any), self.expr(Kind::Str));
                emit!(self, "assert({e}, {m})");
            }
            2 => {
                let v = self.expr(Kind::Any);
                let bad = self.pick(&[
                    "X.y.z", "X()", "X + 1", "X .. 'a'", "#X", "X < 1", "-X", "X[nil]", "X:m()",
                    "X & 1.5", "1 // X", "{} < X",
                ]);
                emit!(self, "local X = {v}; P({bad})");
            }
            _ => {
                let e = self.expr(Kind::Any);
                emit!(self, "do return {e} end");
            }
        }
        self.indent -= 1;
        (self.vararg, self.level, self.loops) = saved;
        self.vars.truncate(mark);
        let a = self.args();
        let a = if a.is_empty() { "1".into() } else { a };
        if handler {
            emit!(
                self,
                "end, function(m) return 'handled ' .. clean(m) end, {a}))"
            );
        } else {
            emit!(self, "end, {a}))");
        }
        self.declare(&r, Kind::Any, true);
    }

    pub(super) fn coroutine(&mut self) {
        let co = self.fresh("co");
        let wrap = self.chance(40);
        emit!(
            self,
            "local {co} = coroutine.{}(function(...)",
            if wrap { "wrap" } else { "create" }
        );
        let mark = self.vars.len();
        let saved = (self.vararg, self.level, self.loops, self.in_coroutine);
        (self.vararg, self.level, self.loops, self.in_coroutine) = (true, self.level + 1, 0, true);
        self.indent += 1;
        self.line("burn()");
        let e = self.expr(Kind::Any);
        emit!(self, "P(coroutine.yield({e}))");
        self.block_body(1, 4);
        let a = self.args();
        emit!(
            self,
            "P(pcall(coroutine.yield, {}))",
            if a.is_empty() { "0".into() } else { a }
        );
        self.indent -= 1;
        (self.vararg, self.level, self.loops, self.in_coroutine) = saved;
        self.vars.truncate(mark);
        self.line("end)");
        let n = self.rng.random_range(1..5);
        for _ in 0..n {
            let a = self.args();
            if wrap {
                emit!(
                    self,
                    "E(pcall({co}{}{a}))",
                    if a.is_empty() { "" } else { ", " }
                );
            } else {
                emit!(
                    self,
                    "E(coroutine.resume({co}{}{a}))",
                    if a.is_empty() { "" } else { ", " }
                );
            }
        }
        if !wrap {
            emit!(self, "P(coroutine.status({co}))");
            if self.chance(40) {
                emit!(
                    self,
                    "if coroutine.status({co}) ~= 'normal' and coroutine.status({co}) ~= 'running' then E(coroutine.close({co})) end"
                );
            }
        }
    }

    pub(super) fn close(&mut self) {
        let c = self.fresh("c");
        self.line("E(pcall(function(...)");
        let mark = self.vars.len();
        let saved = (self.vararg, self.level, self.loops);
        (self.vararg, self.level, self.loops) = (true, self.level + 1, 0);
        self.indent += 1;
        let e = self.expr(Kind::Any);
        emit!(self, "local {c} <close> = new({e})");
        self.declare(&c, Kind::Obj, false);
        self.block_body(1, 3);
        let e = self.expr(Kind::Any);
        match self.rng.random_range(0..3) {
            0 => emit!(self, "return {e}"),
            1 => emit!(self, "return S({e})"),
            _ => emit!(self, "error({e})"),
        }
        self.indent -= 1;
        (self.vararg, self.level, self.loops) = saved;
        self.vars.truncate(mark);
        self.line("end))");
    }
}
