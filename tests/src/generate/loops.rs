//! Loops.

use super::{Generator, Kind, emit};
use rand::Rng;

impl Generator {
    fn loop_body(&mut self) {
        self.indent += 1;
        self.line("burn()");
        self.indent -= 1;
        self.loops += 1;
        self.indent += 1;
        let mark = self.vars.len();
        self.block_body(1, 4);
        if self.chance(25) {
            let c = self.expr(Kind::Bool);
            emit!(self, "if {c} then break end");
        }
        self.vars.truncate(mark);
        self.indent -= 1;
        self.loops -= 1;
    }

    pub(super) fn numeric_for(&mut self) {
        let i = self.fresh("i");
        let header = match self.rng.random_range(0..8) {
            0..=3 => format!("1, {}", self.rng.random_range(0..9)),
            4 => format!(
                "{}, {}, {}",
                self.rng.random_range(-5..10),
                self.rng.random_range(-5..10),
                self.pick(&["1", "2", "-1", "-3"])
            ),
            5 => format!(
                "1.0, {}, {}",
                self.rng.random_range(0..5),
                self.pick(&["0.5", "1", "0.25"])
            ),
            6 => self
                .pick(&[
                    "math.maxinteger - 2, math.maxinteger",
                    "math.mininteger, math.mininteger + 2",
                    "3, 2.5",
                    "1, math.huge, 2^62",
                    "1, 0",
                    "math.maxinteger, 1, -2^61 // 1 | 0",
                ])
                .to_string(),
            _ => {
                let (a, b) = (self.expr(Kind::Num), self.expr(Kind::Num));
                format!("{a}, {b}, {}", self.pick(&["1", "-1", "2.5", "0", "'1'"]))
            }
        };
        emit!(self, "for {i} = {header} do");
        let mark = self.vars.len();
        self.declare(
            &i,
            if header.contains('.') {
                Kind::Num
            } else {
                Kind::Int
            },
            true,
        );
        self.loop_body();
        self.vars.truncate(mark);
        self.line("end");
    }

    pub(super) fn generic_for(&mut self) {
        let (k, v) = (self.fresh("k"), self.fresh("e"));
        let iter = match self.rng.random_range(0..6) {
            0..=1 => format!("ipairs({})", self.expr(Kind::Seq)),
            2 => {
                // One key only, so that the order is defined.
                let e = self.expr(Kind::Any);
                format!("pairs({{key = {e}}})")
            }
            3 => format!("string.gmatch({}, '%w')", self.expr(Kind::Str)),
            4 => format!(
                "coroutine.wrap(function() for i = 1, {} do coroutine.yield(i, i * 2) end end)",
                self.rng.random_range(0..4)
            ),
            _ => {
                let n = self.rng.random_range(0..5);
                format!("function(s, c) c = c + 1 if c <= s then return c, c * 1.5 end end, {n}, 0")
            }
        };
        emit!(self, "for {k}, {v} in {iter} do");
        let mark = self.vars.len();
        self.declare(&k, Kind::Any, true);
        self.declare(&v, Kind::Any, true);
        self.loop_body();
        self.vars.truncate(mark);
        self.line("end");
    }

    pub(super) fn while_(&mut self) {
        let c = self.expr(Kind::Bool);
        let n = self.fresh("n");
        emit!(self, "local {n} = {}", self.rng.random_range(0..6));
        emit!(self, "while {n} > 0 and {c} do");
        self.indent += 1;
        emit!(self, "{n} = {n} - 1");
        self.indent -= 1;
        self.loop_body();
        self.line("end");
        self.declare(&n, Kind::Int, true);
    }

    pub(super) fn repeat(&mut self) {
        let n = self.fresh("n");
        emit!(self, "local {n} = 0");
        self.line("repeat");
        self.indent += 1;
        let x = self.fresh("x");
        let e = self.expr(Kind::Any);
        emit!(self, "{n} = {n} + 1; local {x} = {e}");
        let f = self.fresh("f");
        emit!(self, "local {f} = function() return {x} end");
        self.indent -= 1;
        self.loop_body();
        let c = self.expr(Kind::Bool);
        emit!(
            self,
            "until {f}() == nil or {n} > {} or {c}",
            self.rng.random_range(0..5)
        );
        self.declare(&n, Kind::Int, true);
    }

    pub(super) fn goto_continue(&mut self) {
        let (i, l) = (self.fresh("i"), self.fresh("L"));
        let c = self.expr(Kind::Bool);
        emit!(self, "for {i} = 1, 4 do");
        let mark = self.vars.len();
        self.declare(&i, Kind::Int, true);
        self.indent += 1;
        emit!(self, "if {c} then goto {l} end");
        self.line("do");
        self.indent -= 1;
        self.indent += 1;
        self.loop_body();
        self.line("end");
        emit!(self, "::{l}::");
        self.indent -= 1;
        self.vars.truncate(mark);
        self.line("end");
    }
}
