//! Tables and the library.

use super::{Generator, Kind, emit};
use rand::Rng;

impl Generator {
    pub(super) fn table_ops(&mut self) {
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

    pub(super) fn library(&mut self) {
        // Expressions end up in functions of all sorts.
        let vararg = std::mem::replace(&mut self.vararg, false);
        let text = self.library_text();
        self.vararg = vararg;
        self.line(&text);
    }

    fn library_text(&mut self) -> String {
        let (s, i, n) = (
            self.expr(Kind::Str),
            self.expr(Kind::Int),
            self.expr(Kind::Num),
        );
        let k = self.rng.random_range(0..30);
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
                format!("E(load([==[return {e}]==]))")
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
            15 => format!("P(tostring({n}), clean({i}), #clean({s}))"),
            16 => format!(
                "E(pcall(table.unpack, {{1, 2, 3}}, {}, {}))",
                self.rng.random_range(-1..3),
                self.rng.random_range(0..5)
            ),
            17 => format!("math.randomseed(42) E(pcall(math.randomseed, {i})) P(math.random(100), math.random(-5, 5), math.random(0) ~= nil, math.random())"),
            18 => format!("math.randomseed(7) E(pcall(math.random, {i}, {n}))"),
            19 => {
                let f = self.pick(&["floor", "ceil", "abs", "sqrt", "exp", "log", "tointeger", "type", "deg", "cos"]);
                format!("E(pcall(math.{f}, {n}))")
            }
            20 => {
                let f = self.pick(&["fmod", "max", "min", "ult", "log"]);
                format!("E(pcall(math.{f}, {n}, {i}))")
            }
            21 => {
                let t = self.expr(Kind::Seq);
                let (f, e, o) = (
                    self.rng.random_range(-1..4),
                    self.rng.random_range(0..5),
                    self.rng.random_range(-1..6),
                );
                format!("E(pcall(table.move, {t}, {f}, {e}, {o}, {{7, 8, 9}}))")
            }
            22 => {
                let t = self.expr(Kind::Seq);
                let c = self.pick(&[
                    "", ", function(a, b) return a > b end", ", function(a, b) return tostring(a) < tostring(b) end",
                    ", function(a, b) return true end", ", function() error('cmp') end", ", P", ", rawequal",
                ]);
                let t2 = self.fresh("t");
                format!("local {t2} = {t} E(pcall(table.sort, {t2}{c})) P({t2})")
            }
            23 => "local t = setmetatable({}, {__index = function(t, i) if i <= 3 then return i * 10 end end, __len = function() return 3 end}) P(table.unpack(t)) P(table.concat(t, '-')) for i, v in ipairs(t) do P(i, v) end".to_string(),
            24 => format!("P(os.date('!%Y-%m-%d %H:%M:%S', {i} & 0xffffffff), os.time({{year = 2020, month = {}, day = 1, hour = 12}}))", self.rng.random_range(-3..20)),
            25 => format!("local f = io.tmpfile() f:write({s}, {i}, '\\n', {n}) P(f:seek('set', {})) P(f:read('n', 'l', 'a')) P(f:close()) P(pcall(f.read, f)) P(io.type(f))", self.rng.random_range(0..4)),
            26 => {
                let e = self.expr(Kind::Any);
                format!("local t = {{[{i}] = {e}, [{n} or 1] = 2, x = {e}, [{s}] = 4}} D(t) t[{i}] = nil t.x = nil D(t)")
            }
            27 => format!("io.write({s}, {i}, ' ', {n}, '\\n')"),
            28 => {
                let e = self.expr(Kind::Any);
                format!("local t = {{}} for k = 1, 12 do t[k] = k t['k' .. k] = {e} end for k = 1, 12, 2 do t[k] = nil t['k' .. k] = nil end D(t) P(rawlen({{1, 2, 3}}), next({{}}), pcall(next, t, 'absent'))")
            }
            _ => format!("E(pcall(function(...) return ... end, {s}, {i}))"),
        };
        if text.starts_with("local") || text.starts_with("io.") || text.starts_with("P(os") {
            format!("E(pcall(function() {text} end))")
        } else {
            text
        }
    }
}
