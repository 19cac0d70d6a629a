//! Metatables with some events, whose handlers do anything: return other kinds, raise, yield; chains of `__index`, `__newindex`, `__call`.

use super::{Generator, Kind, emit};
use rand::Rng;

const BINARY: &[&str] = &[
    "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr",
    "concat", "eq", "lt", "le",
];
const UNARY: &[&str] = &["unm", "bnot", "len", "tostring", "close"];

impl Generator {
    /// A handler's body: its result, now and then behind a yield or an error.
    fn handler(&mut self) -> String {
        let k = self.any_kind();
        let e = self.expr(k);
        match self.rng.random_range(0..10) {
            0 => format!("return Y({e})"),
            1 => format!("error({e})"),
            2 => format!("P('handler', a, b) return {e}"),
            3 => format!("local x = Y(1) return {e}, x"),
            4 => "return rawequal(a, b)".to_string(),
            5 => format!("return E(pcall(function() return {e} end))"),
            6 => "return a".to_string(),
            _ => format!("return {e}"),
        }
    }

    fn handler_function(&mut self) -> String {
        let mark = self.vars.len();
        let (vararg, level) = (self.vararg, self.level);
        self.vararg = false;
        self.level += 1;
        self.declare("b", Kind::Any, true);
        let body = self.handler();
        self.vars.truncate(mark);
        (self.vararg, self.level) = (vararg, level);
        format!("function(a, b) burn() {body} end")
    }

    fn index_target(&mut self) -> String {
        match self.rng.random_range(0..7) {
            0..=1 => self.handler_function(),
            2 => {
                let (x, y) = (self.expr(Kind::Any), self.expr(Kind::Num));
                format!("{{x = {x}, y = {y}, [1] = 'one', m = function(s, ...) return ... end}}")
            }
            3 => {
                let x = self.expr(Kind::Any);
                let f = self.handler_function();
                format!("setmetatable({{x = {x}}}, {{__index = {f}}})")
            }
            4 => {
                let x = self.expr(Kind::Num);
                format!(
                    "setmetatable({{}}, {{__index = setmetatable({{y = {x}}}, {{__index = {{z = 3, x = 1}}}})}})"
                )
            }
            5 => self.leaf(Kind::Obj),
            _ => self
                .pick(&["'text'", "7", "math", "string", "nil"])
                .to_string(),
        }
    }

    /// A metatable, an object or two, and operations on them.
    pub(super) fn metaclass(&mut self) {
        let m = self.fresh("M");
        emit!(self, "local {m} = {{}}");
        let n = self.rng.random_range(1..6);
        for _ in 0..n {
            match self.rng.random_range(0..10) {
                0..=3 => {
                    let ev = self.pick(BINARY);
                    let f = self.handler_function();
                    emit!(self, "{m}.__{ev} = {f}");
                }
                4 => {
                    let ev = self.pick(UNARY);
                    let f = self.handler_function();
                    emit!(self, "{m}.__{ev} = {f}");
                }
                5..=6 => {
                    let t = self.index_target();
                    emit!(self, "{m}.__index = {t}");
                }
                7 => {
                    let t = match self.rng.random_range(0..4) {
                        0 => "rawset".to_string(),
                        1 => "{}".to_string(),
                        2 => "setmetatable({}, {__newindex = function(t, k, v) rawset(t, k, 'set') end})"
                            .to_string(),
                        _ => self.handler_function(),
                    };
                    emit!(self, "{m}.__newindex = {t}");
                }
                8 => {
                    let t = match self.rng.random_range(0..4) {
                        0 => "select".to_string(),
                        1 => "setmetatable({}, {__call = function(s, ...) return 'chain', select('#', ...) end})"
                            .to_string(),
                        _ => self.handler_function(),
                    };
                    emit!(self, "{m}.__call = {t}");
                }
                _ => {
                    let (k, v) = (
                        self.pick(&["__name", "__metatable", "__mode", "__pairs", "__gc"]),
                        self.pick(&["'Named'", "false", "7", "'k'", "rawlen"]),
                    );
                    if k != "__gc" && !(k == "__mode" && v.starts_with('\'')) {
                        emit!(self, "{m}.{k} = {v}");
                    }
                }
            }
        }
        let (o, p) = (self.fresh("o"), self.fresh("o"));
        let (x, y) = (self.expr(Kind::Any), self.expr(Kind::Any));
        let isobj = if self.chance(50) {
            "isobj = true, "
        } else {
            ""
        };
        emit!(
            self,
            "local {o} = setmetatable({{{isobj}v = {x}, x = {y}}}, {m})"
        );
        emit!(self, "local {p} = setmetatable({{{isobj}v = 2}}, {m})");
        for _ in 0..self.rng.random_range(2..7) {
            let e = self.meta_operation(&o, &p);
            if self.chance(25) {
                emit!(self, "DRAIN(coroutine.create(function(...) {e} end), 4, 1)");
            } else {
                emit!(self, "E(pcall(function(...) {e} end, 2, 3))");
            }
        }
        if self.chance(30) {
            let f = self.pick(&[
                "a + b", "a < b", "a .. b", "a == b", "a[b]", "#a", "a(b)", "-a", "a.x",
            ]);
            emit!(self, "ROW(function(a, b) return {f} end, {o})");
        }
        self.declare(&o, Kind::Any, true);
        self.declare(&p, Kind::Any, true);
    }

    fn meta_operation(&mut self, o: &str, p: &str) -> String {
        let (a, b) = match self.rng.random_range(0..5) {
            0 => (o.to_string(), p.to_string()),
            1 => (p.to_string(), o.to_string()),
            2 => (o.to_string(), self.leaf(Kind::Any)),
            3 => (self.leaf(Kind::Num), o.to_string()),
            _ => (o.to_string(), self.leaf(Kind::Str)),
        };
        let (a, b) = (format!("({a})"), format!("({b})"));
        match self.rng.random_range(0..16) {
            0..=3 => {
                let op = self.pick(&[
                    "+", "-", "*", "/", "%", "^", "//", "&", "|", "~", "<<", ">>", "..",
                ]);
                format!("return {a} {op} {b}")
            }
            4..=5 => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                format!("return {a} {op} {b}")
            }
            6 => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                format!("if {a} {op} {b} then return 'yes' end return 'no'")
            }
            7 => format!("return -{o}, ~{o}, #{o}, not {o}"),
            8 => {
                let k = self.pick(&["x", "y", "z", "m", "v", "none"]);
                format!("return {o}.{k}, {o}['{k}'], {o}[1]")
            }
            9 => {
                let e = self.expr(Kind::Any);
                let k = self.pick(&["x", "new", "[1]", "[2.5]"]);
                let dot = if k.starts_with('[') { "" } else { "." };
                format!("{o}{dot}{k} = {e} D({o}) return {o}{dot}{k}")
            }
            10 => format!("return {o}(..., {b})"),
            11 => format!("return {o}:m(..., {b})"),
            12 => format!("local c <close> = {o} return {b}"),
            13 => format!("return clean({o}), #TS(tostring, {o})"),
            14 => format!("for k in pairs({o}) do if k == 'v' then return k end end return {p}(1)"),
            _ => {
                let e = self.expr(Kind::Str);
                format!("return {e} .. {a} .. {b} .. 'tail'")
            }
        }
    }
}
