//! Control flow that reaches across constructs: closures made in loops, gotos, variables to be closed in loops, varargs, multiple
//! assignment, coroutines that yield from inside protected calls, metamethods and iterators.

use super::{Generator, Kind, emit};
use rand::Rng;

impl Generator {
    /// A statement of this module.
    pub(super) fn flow(&mut self) {
        // Expressions end up in functions of all sorts.
        let vararg = std::mem::replace(&mut self.vararg, false);
        match self.rng.random_range(0..11) {
            0 => self.closures_in_loop(),
            1 => self.gotos(),
            2 => self.close_in_loop(),
            3 => self.varargs(),
            4 => self.multiple_assignment(),
            5..=6 => self.yields(),
            7 => self.error_objects(),
            8 => self.edge_loop(),
            9 => self.loaded(),
            _ => self.recursion(),
        }
        self.vararg = vararg;
    }

    fn closures_in_loop(&mut self) {
        let (fs, i, x) = (self.fresh("fs"), self.fresh("i"), self.fresh("x"));
        let e = self.expr(Kind::Num);
        emit!(self, "local {fs} = {{}}");
        let head = match self.rng.random_range(0..3) {
            0 => format!("for {i} = 1, 4 do"),
            1 => format!("for {i}, _ in ipairs({{5, 6, 7}}) do"),
            _ => format!("local {i} = 0 while {i} < 4 do {i} = {i} + 1"),
        };
        self.line(&head);
        emit!(self, "  local {x} = {e}");
        let skip = self.expr(Kind::Bool);
        emit!(self, "  if {skip} then goto next end");
        emit!(
            self,
            "  {fs}[#{fs} + 1] = function(d) burn() {x} = {x} + (d or 1) return {x}, {i} end"
        );
        emit!(
            self,
            "  {fs}[#{fs} + 1] = function() return function() {x} = {i} return {x} end end"
        );
        if self.chance(30) {
            emit!(self, "  if {i} == 3 then break end");
        }
        self.line("  ::next::");
        self.line("end");
        emit!(
            self,
            "for k, f in ipairs({fs}) do E(pcall(f, k)) E(pcall(f)) end"
        );
    }

    fn gotos(&mut self) {
        let n = self.fresh("n");
        let (a, b) = (self.fresh("L"), self.fresh("L"));
        let (c, e) = (self.expr(Kind::Bool), self.expr(Kind::Any));
        self.line("do");
        emit!(self, "  local {n} = 0");
        emit!(self, "  ::{a}::");
        emit!(self, "  {n} = {n} + 1");
        emit!(self, "  local x{n} <const> = {n} * 2");
        emit!(self, "  local up = function() return x{n} + {n} end");
        emit!(self, "  if {n} < 3 then P(up()) goto {a} end");
        emit!(
            self,
            "  for k = 1, 3 do for j = 1, 3 do if j == 2 and {c} then goto {b} end P(k, j) end end"
        );
        emit!(self, "  P({e})");
        emit!(self, "  ::{b}::");
        self.line("end");
    }

    fn close_in_loop(&mut self) {
        let i = self.fresh("i");
        let (e, k) = (self.expr(Kind::Any), self.rng.random_range(1..4));
        let out = self
            .pick(&[
                "break",
                "goto out",
                "return 'r', ...",
                "error('in loop')",
                "Y('y')",
            ])
            .to_string();
        let closer = match self.rng.random_range(0..4) {
            0 => format!("new({e})"),
            1 => "setmetatable({}, {__close = function(o, err) P('c1', err) Y('closing') end})"
                .into(),
            2 => format!(
                "setmetatable({{}}, {{__close = function(o, err) P('c2', err) error({e}) end}})"
            ),
            _ => self.pick(&["nil", "false"]).to_string(),
        };
        let run = if self.chance(40) {
            "DRAIN(coroutine.create(function(...)"
        } else {
            "E(pcall(function(...)"
        };
        self.line(run);
        emit!(self, "  for {i} = 1, 3 do");
        emit!(self, "    local a <close> = {closer}");
        emit!(self, "    local b <close> = new({i})");
        emit!(self, "    if {i} == {k} then {out} end");
        self.line("    P('end of body')");
        self.line("  end");
        self.line("  ::out::");
        self.line("  P('out')");
        self.line(if run.starts_with("DRAIN") {
            "end), 9, 'v')"
        } else {
            "end, 'v', 2))"
        });
    }

    fn varargs(&mut self) {
        let f = self.fresh("f");
        let (p, body) = match self.rng.random_range(0..7) {
            0 => ("...", "local a, b = ... return b, a, select('#', ...)"),
            1 => ("...", "local t = {...} return #t, ..."),
            2 => ("a, ...", "return ..., a, (...)"),
            3 => (
                "a, b, ...",
                "local t = table.pack(...) return t.n, a, b, select(-1, a, ...)",
            ),
            4 => (
                "...",
                "if select('#', ...) > 0 then return ... end return 'none', nil",
            ),
            5 => (
                "a, ...",
                "local function g(...) return select('#', ...), ... end return g(..., a)",
            ),
            _ => (
                "...",
                "local n = 0 for i, v in ipairs({...}) do n = n + i end return n, ...",
            ),
        };
        emit!(self, "local {f} = function({p}) burn() {body} end");
        for _ in 0..2 {
            let a = self.args();
            emit!(
                self,
                "E(pcall(function(...) return {f}({a}) end, 1, nil, 3))"
            );
        }
        let a = self.args();
        emit!(self, "P({f}({f}({a})))");
        self.declare(&f, Kind::Func, true);
    }

    fn multiple_assignment(&mut self) {
        let (a, b, t) = (self.fresh("a"), self.fresh("b"), self.fresh("t"));
        let (x, y, z) = (
            self.expr(Kind::Any),
            self.expr(Kind::Num),
            self.expr(Kind::Int),
        );
        emit!(self, "local {a}, {b}, {t} = {x}, {y}, {{1, 2, 3}}");
        let text = match self.rng.random_range(0..6) {
            0 => format!("{a}, {b} = {b}, {a}"),
            1 => format!("local i = 1 i, {t}[i] = i + 1, {z} P(i)"),
            2 => format!("{t}[1], {t}[2], {t}[3] = {t}[3], {t}[1], {t}[2]"),
            3 => format!("{t}, {t}.x = {{9}}, {z}"),
            4 => format!("{a}, {b}, G1 = (function() return 1, 2 end)(), {z}"),
            _ => format!("{a}, {b} = {z}; {t}.a, {t}.b, {t}.c = table.unpack({{{z}, 2}})"),
        };
        self.line(&text);
        emit!(self, "P({a}, {b}, {t})");
        self.declare(&a, Kind::Any, true);
        self.declare(&b, Kind::Any, true);
    }

    /// A coroutine that yields where the reference must carry it over a native call.
    fn yields(&mut self) {
        let (e, f) = (self.expr(Kind::Any), self.expr(Kind::Num));
        let n = self.rng.random_range(3..9);
        let inner = match self.rng.random_range(0..14) {
            0 => format!("P(pcall(function(x) Y(x) error({e}) end, {f}))"),
            1 => format!("P(pcall(pcall, pcall, Y, {e}))"),
            2 => format!("P(xpcall(function() Y(1) error({e}, 0) end, function(m) return {{m}} end)) P(xpcall(Y, P, {f}))"),
            3 => format!("for a, b in Y, {e}, 2 do P(a, b) if b == nil then break end Y('in loop') break end"),
            4 => format!("local o = setmetatable({{}}, {{__index = function(t, k) return Y(k) end, __add = function(a, b) return Y({e}) end, __lt = function() return Y(false) end, __concat = function(a, b) return Y('cat') end, __eq = function() return Y(1) end, __len = function() return Y(3) end, __call = function(s, ...) return Y(...) end}}) P(o.x, o + 1, 1 + o, o < o, o .. 'a' .. 'b', 'a' .. 'b' .. o, o == setmetatable({{}}, getmetatable(o)), #o, o(1, 2), not (o < 1))"),
            5 => "P(pcall(table.sort, {3, 1, 2}, function(a, b) Y(a) return a < b end))".into(),
            6 => "P(pcall(string.gsub, 'abc', '.', function(c) Y(c) return c end))".into(),
            7 => format!("local co = coroutine.wrap(function(...) Y(...) Y({e}) return 'inner' end) P(co(1), Y(2), co(3), co())"),
            8 => "P(coroutine.running()) P(coroutine.isyieldable(), coroutine.status(coroutine.running())) P(pcall(coroutine.resume, coroutine.running()))".into(),
            9 => format!("do local c <close> = setmetatable({{}}, {{__close = function(_, m) Y('close', m) end}}) Y({e}) error('after') end"),
            10 => format!("P(pcall(load, function() Y('reader') return nil end)) P({e})"),
            11 => format!("local function r(k) if k == 0 then return Y({e}) end return (r(k - 1)) end P(r(20), pcall(r, 5))"),
            12 => format!("do return Y(pcall(error, {e})) end"),
            _ => format!("P(select('#', Y()), Y(nil, nil), (Y({e}, 2)))"),
        };
        let a = self.args();
        let a = if a.is_empty() { a } else { format!(", {a}") };
        emit!(
            self,
            "DRAIN(coroutine.create(function(...) burn() P(...) {inner} return 'end', ... end), {n}{a})"
        );
    }

    fn error_objects(&mut self) {
        let e = self.expr(Kind::Any);
        let v = match self.rng.random_range(0..6) {
            0 => format!("{{code = 7, {e}}}"),
            1 => format!("new({e})"),
            2 => format!("setmetatable({{}}, {{__tostring = function() return clean({e}) end}})"),
            3 => e,
            4 => "nil".into(),
            _ => format!("'message', {}", self.rng.random_range(0..4)),
        };
        let text = match self.rng.random_range(0..6) {
            0 => format!("P(pcall(error, {v}))"),
            1 => format!(
                "P(xpcall(function() error({v}) end, function(m) P('handler', m) return m, 1 end))"
            ),
            2 => format!("P(xpcall(error, function(m) error(m) end, {v}))"),
            3 => format!(
                "P(select(2, pcall(function() local ok, m = pcall(error, {v}) error(m) end)))"
            ),
            4 => format!("P(pcall(coroutine.wrap(function() error({v}) end)))"),
            _ => format!(
                "local co = coroutine.create(function() local x <close> = new(1) error({v}) end) P(coroutine.resume(co)) P(coroutine.close(co)) P(coroutine.status(co))"
            ),
        };
        emit!(self, "do {text} end");
    }

    fn edge_loop(&mut self) {
        const EDGES: &[&str] = &[
            "math.maxinteger",
            "math.mininteger",
            "math.maxinteger - 1",
            "math.mininteger + 1",
            "0",
            "1",
            "-1",
            "3",
            "-3",
            "2.5",
            "-0.5",
            "math.huge",
            "-math.huge",
            "0/0",
            "1e308",
            "2^53",
            "2^63",
            "-2^63",
            "'3'",
            "10",
            "0.1",
            "1 << 62",
            "-(1 << 62)",
            "0.0",
            "-0.0",
            "1e-300",
        ];
        let (a, b, c) = (
            self.pick(EDGES).to_string(),
            self.pick(EDGES).to_string(),
            self.pick(EDGES).to_string(),
        );
        let i = self.fresh("i");
        let head = if self.chance(30) {
            format!("for {i} = {a}, {b} do")
        } else {
            format!("for {i} = {a}, {b}, {c} do")
        };
        self.line("E(pcall(function() local n, t = 0, {}");
        emit!(self, "  {head}");
        emit!(self, "    n = n + 1 t[n] = {i}");
        if self.chance(40) {
            emit!(self, "    {i} = 'changed'");
        }
        self.line("    if n >= 4 then break end");
        self.line("  end");
        self.line("  return n, t[1], t[2], t[3], t[4] end))");
    }

    /// Text that is compiled at run time.
    fn loaded(&mut self) {
        let e = self.expr(Kind::Num);
        // Level 3 long brackets: expressions hold level 2 ones at most.
        let names = "local new, S, burn, TS, TN, P, E, D, Y, ROW, V, DRAIN, clean = ...";
        let values = "new, S, burn, TS, TN, P, E, D, Y, ROW, V, DRAIN, clean";
        let mark = std::mem::take(&mut self.vars);
        let vararg = std::mem::replace(&mut self.vararg, false);
        let k = self.any_kind();
        let (x, y) = (self.expr(k), self.expr(Kind::Any));
        self.vars = mark;
        self.vararg = vararg;
        let mode = self.pick(&["", ", 'chunk'", ", '=name'", ", '@file.lua', 't'"]);
        emit!(
            self,
            "E(pcall(function() return assert(load([===[{names} local a, b = {x}, {y} P(a) return b, (function() return a end)()]===]{mode}))({values}) end))"
        );
        emit!(self, "P({e})");
    }

    fn recursion(&mut self) {
        let f = self.fresh("f");
        let (n, e) = (self.rng.random_range(3..60), self.expr(Kind::Num));
        let body = match self.rng.random_range(0..5) {
            0 => "if n <= 0 then return acc end return FN(n - 1, acc + n)",
            1 => "if n <= 0 then return acc end return 1 + FN(n - 1, acc)",
            2 => "if n <= 0 then return acc end local a, b = FN(n - 1, acc) return b, n, a",
            3 => "if n <= 0 then error('deep') end local x <close> = n % 9 == 0 and new(n) or nil return (FN(n - 1, acc))",
            _ => "if n <= 0 then return acc, n end return select(2, n, FN(n - 1, acc))",
        }
        .replace("FN", &f);
        emit!(self, "local function {f}(n, acc) {body} end");
        emit!(self, "E(pcall({f}, {n}, {e}))");
        if self.chance(40) {
            emit!(self, "E(pcall(coroutine.wrap({f}), {n}, {e}))");
        }
    }
}
