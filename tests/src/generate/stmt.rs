//! Statements.

use super::{Generator, Kind};
use rand::Rng;

/// Formats, then writes a line (the arguments may use the generator).
macro_rules! emit {
    ($g:expr, $($arg:tt)*) => {{
        let text = format!($($arg)*);
        $g.line(&text)
    }};
}

impl Generator {
    /// Statements of a block, between `min` and `max`, leaving the scope open (the caller truncates).
    pub(super) fn block_body(&mut self, min: u32, max: u32) {
        let n = self.rng.random_range(min..=max);
        for _ in 0..n {
            if self.budget < 0 && self.chance(70) {
                break;
            }
            self.statement();
        }
    }

    fn scoped(&mut self, min: u32, max: u32) {
        let mark = self.vars.len();
        self.indent += 1;
        self.block_body(min, max);
        self.indent -= 1;
        self.vars.truncate(mark);
    }

    fn statement(&mut self) {
        self.budget -= 1;
        if self.indent > 6 {
            return self.simple();
        }
        match self.rng.random_range(0..38) {
            0..=8 => self.local(),
            9..=13 => self.assign(),
            14..=16 => self.if_(),
            17..=18 => self.numeric_for(),
            19..=20 => self.generic_for(),
            21 => self.while_(),
            22 => self.repeat(),
            23 => self.goto_continue(),
            24..=25 => self.local_function(),
            26 => self.method(),
            27 => self.pcall(),
            28..=29 => self.coroutine(),
            30 => self.close(),
            31 => self.do_block(),
            32 => self.library(),
            33 if self.in_coroutine => {
                let (x, e) = (self.fresh("y"), self.args());
                emit!(self, "local {x} = coroutine.yield({e})");
                self.declare(&x, Kind::Any, true);
            }
            34 => self.table_ops(),
            _ => self.simple(),
        }
    }

    fn simple(&mut self) {
        match self.rng.random_range(0..4) {
            0 => self.assign(),
            1 => self.local(),
            2 => {
                let k = self.any_kind();
                let (e, f) = (self.expr(k), self.expr(Kind::Any));
                emit!(self, "P({e}, {f})");
            }
            _ => {
                let k = self.any_kind();
                let e = self.expr(k);
                emit!(self, "P({e})");
            }
        }
    }

    fn local(&mut self) {
        let kind = self.any_kind();
        if self.chance(75) {
            let e = self.expr(kind);
            let name = self.fresh("v");
            let attr = if self.chance(8) { " <const>" } else { "" };
            emit!(self, "local {name}{attr} = {e}");
            self.declare(&name, kind, attr.is_empty());
        } else {
            let n = self.rng.random_range(2..4);
            let names: Vec<String> = (0..n).map(|_| self.fresh("v")).collect();
            let m = self.rng.random_range(0..4);
            let mut v: Vec<String> = (0..m).map(|_| self.expr(kind)).collect();
            if self.chance(20) {
                v.push(if self.vararg {
                    "...".into()
                } else {
                    "table.unpack({1, 'two', 3.0})".into()
                });
            }
            let init = if v.is_empty() {
                String::new()
            } else {
                format!(" = {}", v.join(", "))
            };
            emit!(self, "local {}{init}", names.join(", "));
            for name in names {
                self.declare(&name, Kind::Any, true);
            }
        }
    }

    fn target(&mut self) -> (String, Kind) {
        let kind = self.any_kind();
        match self.rng.random_range(0..10) {
            0..=5 => match self.some_var(kind, true) {
                Some(v) => (v, kind),
                None => (format!("G{}", self.rng.random_range(0..4)), kind),
            },
            6 => (format!("G{}", self.rng.random_range(0..4)), kind),
            7 => match self.some_var(Kind::Seq, false) {
                Some(v) => (format!("{v}[{}]", self.rng.random_range(1..3)), Kind::Num),
                None => ("G1".into(), kind),
            },
            8 => match self.some_var(Kind::Obj, false) {
                Some(v) => (format!("{v}.v"), Kind::Num),
                None => ("G2".into(), kind),
            },
            _ => match self.some_var(Kind::Obj, false) {
                Some(v) => {
                    let k = self.expr(Kind::Any);
                    (format!("{v}[{k}]"), kind)
                }
                None => ("G3".into(), kind),
            },
        }
    }

    fn assign(&mut self) {
        let (t, kind) = self.target();
        if self.chance(80) {
            let e = self.expr(kind);
            emit!(self, "{t} = {e}");
        } else {
            let (t2, kind2) = self.target();
            let (a, b) = (self.expr(kind), self.expr(kind2));
            if self.chance(30) && t != t2 {
                emit!(self, "{t}, {t2} = {t2}, {t}");
            } else if t != t2 {
                emit!(self, "{t}, {t2} = {a}, {b}");
            }
        }
    }

    fn if_(&mut self) {
        let kind = if self.chance(80) {
            Kind::Bool
        } else {
            Kind::Any
        };
        let c = self.expr(kind);
        emit!(self, "if {c} then");
        self.scoped(1, 3);
        if self.chance(30) {
            let c = self.expr(Kind::Bool);
            emit!(self, "elseif {c} then");
            self.scoped(1, 2);
        }
        if self.chance(50) {
            self.line("else");
            self.scoped(1, 3);
        }
        self.line("end");
    }

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

    fn numeric_for(&mut self) {
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

    fn generic_for(&mut self) {
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

    fn while_(&mut self) {
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

    fn repeat(&mut self) {
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

    fn goto_continue(&mut self) {
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

    fn local_function(&mut self) {
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

    fn method(&mut self) {
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

    fn pcall(&mut self) {
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

    fn coroutine(&mut self) {
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

    fn close(&mut self) {
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

    fn do_block(&mut self) {
        self.line("do");
        self.scoped(1, 4);
        self.line("end");
    }

    fn table_ops(&mut self) {
        let t = self.fresh("t");
        let e = self.expr(Kind::Seq);
        emit!(self, "local {t} = {e}");
        for _ in 0..self.rng.random_range(1..5) {
            match self.rng.random_range(0..8) {
                0 => {
                    let e = self.expr(Kind::Num);
                    emit!(self, "{t}[#{t} + 1] = {e}");
                }
                1 => {
                    let e = self.expr(Kind::Str);
                    emit!(self, "table.insert({t}, {e})");
                }
                2 => {
                    let e = self.expr(Kind::Num);
                    emit!(
                        self,
                        "E(pcall(table.insert, {t}, {}, {e}))",
                        self.rng.random_range(0..4)
                    );
                }
                3 => emit!(self, "P(table.remove({t}))"),
                4 => emit!(
                    self,
                    "E(pcall(table.remove, {t}, {}))",
                    self.rng.random_range(0..4)
                ),
                5 => emit!(
                    self,
                    "E(pcall(table.sort, {t}{}))",
                    if self.chance(40) {
                        ", function(a, b) return S(a) < S(b) end"
                    } else {
                        ""
                    }
                ),
                6 => {
                    let (k, e) = (self.pick(&["x", "y", "z"]), self.expr(Kind::Any));
                    emit!(self, "{t}.{k} = {e}; P({t}.{k}, {t}.x)");
                }
                _ => emit!(
                    self,
                    "E(pcall(table.concat, {t}, ',', 1, {}))",
                    self.rng.random_range(0..4)
                ),
            }
        }
        emit!(self, "P({t}, #{t}, next({t}) == nil)");
        self.declare(&t, Kind::Seq, true);
    }

    fn library(&mut self) {
        let (s, i, n) = (
            self.expr(Kind::Str),
            self.expr(Kind::Int),
            self.expr(Kind::Num),
        );
        let k = self.rng.random_range(0..18);
        let text = match k {
            0 => format!(
                "E(pcall(string.pack, '{}', {i}))",
                self.pick(&["i4", "<i2", ">I8", "b", "z", "s1", "j", "n", "!8i3", "i17"])
            ),
            1 => format!(
                "E(pcall(string.unpack, '{}', {s}, {}))",
                self.pick(&["i1", "<I2", "z", "s1", "B", "c2"]),
                self.rng.random_range(1..4)
            ),
            2 => format!("E(pcall(utf8.char, {i}))"),
            3 => format!(
                "E(pcall(utf8.codepoint, {s}, 1, {}))",
                self.rng.random_range(-2..4)
            ),
            4 => format!("E(pcall(utf8.len, {s}, {}))", self.rng.random_range(-2..4)),
            5 => format!("P(math.type({n}), math.tointeger({n}))"),
            6 => format!("E(pcall(math.modf, {n}))"),
            7 => format!("E(pcall(string.format, '%q %s', {n}, {s}))"),
            8 => format!("E(pcall(load, {s}))"),
            9 => {
                let e = self.expr(Kind::Num);
                format!("E(pcall(load, [==[local new, S, burn = ... return {e}]==]))")
            }
            10 => format!(
                "P(select({}, {s}, {i}, {n}))",
                self.rng.random_range(-2..4).max(-1) | 1
            ),
            11 => format!("E(pcall(setmetatable, {n}, nil))"),
            12 => format!(
                "E(pcall(string.rep, {s}, {}, ','))",
                self.rng.random_range(-1..5)
            ),
            13 => "P(next({}), rawlen({1, 2}), rawget({5}, 1))".to_string(),
            14 => format!("E(pcall(ipairs, {s}))"),
            15 => format!("P(tostring({n}), tostring({i}), #tostring({s}))"),
            16 => format!(
                "E(pcall(table.unpack, {{1, 2, 3}}, {}, {}))",
                self.rng.random_range(-1..3),
                self.rng.random_range(0..5)
            ),
            _ => format!("E(pcall(function(...) return ... end, {s}, {i}))"),
        };
        self.line(&text);
    }
}
