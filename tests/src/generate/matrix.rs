//! Operations on operands of every kind: the prelude's `ROW` calls a small function with a value and one of every kind, both ways round.
//!
//! So each site sees many kinds one after another (feedback and inline caches change their minds), and every pair of kinds is met.

use super::{Generator, Kind, emit};
use rand::Rng;

/// Bodies of functions of `a` and `b`; `K` stands for a constant.
const BODIES: &[&str] = &[
    "return a + b",
    "return a - b",
    "return a * b",
    "return a / b",
    "return a % b",
    "return a // b",
    "return a ^ b",
    "return a & b",
    "return a | b",
    "return a ~ b",
    "return a << b",
    "return a >> b",
    "return a .. b",
    "return a .. b .. a",
    "return a .. 'k' .. b",
    "return -a, ~b",
    "return not a, not b",
    "return #a",
    "return a == b, a ~= b",
    "return a < b",
    "return a <= b, b >= a",
    "return a > b",
    "if a < b then return 1 end return 2",
    "if not (a < b) then return 1 end return 2",
    "if a <= b then return 1 end return 2",
    "if not (a <= b) then return 1 end return 2",
    "if a == b then return 1 end return 2",
    "while a ~= b do return 1 end return 2",
    "local n = 0 repeat n = n + 1 until n > 2 or a < b return n",
    "local n = 0 repeat n = n + 1 until n > 2 or not (a > b) return n",
    "if a < NI then return 1 elseif a > NI then return 2 end return 3",
    "if a <= NI then return 1 end return 3",
    "if a >= NI then return 1 end return 3",
    "if not (a < NI) then return 1 end return 3",
    "if not (a <= NI) then return 1 end return 3",
    "if not (a > NI) then return 1 end return 3",
    "if not (a >= NI) then return 1 end return 3",
    "if NI < a then return 1 elseif NI <= a then return 2 end return 3",
    "if a == NI then return 1 end return a ~= NI",
    "while not (a == NI) do return 1 end return 2",
    "if a == K then return 1 end return a ~= K",
    "if a == K or b == K then return 1 end return 2",
    "if a == nil then return 1 elseif a == false then return 2 elseif a == true then return 3 end return b ~= nil, b ~= true",
    "if a == 2.5 or b == 'abc' or a == '10' then return 1 end return a ~= 2.5, b ~= 'abc'",
    "if a ~= 'abc' and b ~= 3.0 and a ~= 1 << 40 then return 1 end return 2",
    "return a + KN, KN + b",
    "return a - KN, KN - b",
    "return a * KN, KN * b",
    "return a / KN, KN / b",
    "return a % KN, KN % b",
    "return a // KN, KN // b",
    "return a ^ KN, KN ^ b",
    "return a & KI, KI & b",
    "return a | KI, KI | b",
    "return a ~ KI, KI ~ b",
    "return a << KI, KI << b",
    "return a >> KI, KI >> b",
    "return a + NI, NI + b",
    "return a - NI, NI - b",
    "return a[b]",
    "return a.x, b.y",
    "return a[1], b[2]",
    "return a['10']",
    "return a[2.0], b[1 << 40]",
    "return a['a string that is longer than the forty bytes of short ones']",
    "a[b] = 1 return a[b]",
    "a[b] = b return #a",
    "a.x = b return a.x",
    "a.y = 1 return rawget(a, 'y')",
    "a['10'] = b return a['10']",
    "a[1] = b return a[1]",
    "a[4] = b return a[4]",
    "a[K] = b return a[K]",
    "a.x = nil a.z = 2.5 return a.x, a.z",
    "a[b] = nil return a[b]",
    "return a:m(b)",
    "return a:upper(b)",
    "return (a:get(b))",
    "return a(b)",
    "return (a(b))",
    "local x, y = a(b, 1) return x, y",
    "return a(a, b)",
    "for i = a, b do return i end return 'none'",
    "for i = a, 3, b do return i end return 'none'",
    "for i = 1, a, b do return i end return 'none'",
    "for i = a, NI do return i end return 'none'",
    "for k, v in a, b do return k, v end return 'none'",
    // Integers that are no keys: COMPATIBILITY.md.
    "local from = not (math.type(b) == 'integer' and type(a) == 'table' and rawget(a, b) == nil) and b or nil for k, v in next, a, from do return type(k) end return 'none'",
    "local x <close> = a return b",
    "for k in burn, nil, nil, a do return k end",
    "local c = a local function f() return c.x end return f()",
    "local c = a local function f() c.x = b end f() return c.x",
    "local c = a local function f() c = b end f() return c",
    "local c = a local function f() return c end c = b return f()",
    "local c = a local function f() return c + b, c .. 'x' end return f()",
    "local c = a local function f() return c[b] end return f()",
    "local c = a local function f() return c(b) end return f()",
    "local c = a local function f() c = K end f() return c",
    "local _ENV = a return x",
    "local _ENV = a x = b return x",
    "local _ENV = a local function f() x = b return x, y end return f()",
    "local _ENV = a local function f() x = 1 y = nil z = 'z' end f() return x",
    "local c = a local function f() return c['10'], c.y end return f()",
    "local c = a local function f() c['10'] = b return c['10'] end return f()",
    "local c = b local function f() return c.x end return f()",
    "local function f() a = b return a end return f()",
    "local c = 1 local function f() return c end c = a c = b return f()",
    "local c = a local function f() c = b c = a return c end return f()",
    "return ~a",
    "return -a",
    "return ~b, -a",
    "local x <close> = b return a",
    "for k in math.abs, a, b do return k end",
    "for k in nil, nil, nil, a do return k end",
    "for k in next, {}, nil, a do return k end return a",
    "return a and b, a or b",
    "return a and 1 or 2, b and 'x'",
    "local r = a if b then r = 1 end return r or 2",
    "return a == b and a or b",
    "return (a or 1) == (b and 2)",
    "local x = a < b return x",
    "local x = a == b return x, not x",
    "return {a, b, a}",
    "return #{a, b, 1}",
    "return select('#', a, b), ...",
    "return rawequal(a, b), rawlen(a)",
    "return math.type(a), tonumber(b)",
    "return tonumber(a, 16)",
    "return math.max(a, b), math.min(b, a)",
    "return math.floor(a), math.ult(a, b)",
    "return math.fmod(a, b)",
    "return string.rep(a, 2, b)",
    "return ('x'):rep(tonumber(a) and a % 64 or a)",
    "return string.sub(a, b)",
    "return string.format('%s|%s', clean(a), clean(b))",
    "return string.format('%d', a), string.format('%g', b)",
    "return string.format('%q', a)",
    "return string.format('%5.1f|%x', a, b)",
    "return table.concat({a, b}, ',')",
    "return table.unpack(a, 1, 2)",
    "return setmetatable(a, b) == a",
    "return getmetatable(a) == getmetatable(b)",
    // As above.
    "local from = not (math.type(b) == 'integer' and type(a) == 'table' and rawget(a, b) == nil) and b or nil local k = next(a, from) return k ~= nil",
    "return type(a), type(b)",
    "return string.byte(a, b)",
    "return string.find(a, b)",
    "return string.gsub('abc10', a, b)",
    "return utf8.char(a), utf8.codepoint(b)",
    "return coroutine.status(a)",
    "return pcall(a, b)",
    "return pcall(error, a, b)",
    "return select(a, b, 1)",
    "return ipairs(a)",
    "return rawset(a, b, 1) == a",
    "return table.insert(a, b)",
    "return table.insert(a, b, 1)",
    "return table.remove(a, b)",
    "local t = {} t[1] = a t[2] = b t[3] = a return t[2], t[3]",
    "local t = {1, 2, 3} t[2] = a t[4] = b return t[2], t[4]",
    "local t = {1.5, 2.5} t[1] = a t[3] = b return t[1], t[3]",
    "local t = {x = a} t.y = b t.x = b return t.x, t.y",
    "goto l1 ::l1:: do local c = a if c then goto l2 end end ::l2:: return b",
    "error(a)",
    "error(a, b)",
    "assert(a, b)",
    "return math.abs(a), -b",
    "return math.tointeger(a), math.ceil(b)",
    "return string.len(a), #b",
    "return a:rep(2), b:byte()",
    "return ('%s'):format(clean(a)), ('%5s'):format(clean(b))",
];

const SMALL: &[&str] = &["0", "1", "7", "-1", "100", "-128"];
const NUMBERS: &[&str] = &[
    "0.5",
    "1e15",
    "2.0",
    "1 << 40",
    "0x7fffffffffffffff",
    "3",
    "1000000",
    "-2.5",
    "0",
    "1",
    "1e308",
    "65536",
    "math.huge",
    "-7",
];
const INTEGERS: &[&str] = &[
    "3",
    "255",
    "0x7fffffffffffffff",
    "1 << 62",
    "63",
    "64",
    "-1",
    "1000000",
    "2.0",
    "0",
];
const CONSTANTS: &[&str] = &[
    "nil", "true", "false", "7", "2.5", "'abc'", "'10'", "1000000", "3.0", "''",
];

impl Generator {
    fn matrix_function(&mut self) -> String {
        let mut body = self.pick(BODIES).to_string();
        if self.chance(10) {
            let more = self.pick(BODIES);
            body = format!("do local ok, r = pcall(function(...) {more} end) P(ok, r) end {body}");
        }
        for (name, list) in [("NI", SMALL), ("KN", NUMBERS), ("KI", INTEGERS)] {
            let value = self.pick(list).to_string();
            body = replace_word(&body, name, &value);
        }
        let value = self.pick(CONSTANTS).to_string();
        body = replace_word(&body, "K", &value);
        let dots = if body.contains("...") { ", ..." } else { "" };
        format!("function(a, b{dots}) {body} end")
    }

    /// One operation with a value and one of every kind.
    pub(super) fn matrix(&mut self) {
        let f = self.matrix_function();
        let x = if self.chance(60) {
            format!("V({})", self.rng.random_range(1..=16))
        } else {
            self.expr(Kind::Any)
        };
        if self.chance(25) {
            // The same site from loaded text, so interpreted inside a compiled program.
            let text = f.replace("clean", "tostring").replace("burn", "type");
            emit!(
                self,
                "ROW(assert(load([==[local P = ... return {text}]==]))(P), {x})"
            );
        } else {
            emit!(self, "ROW({f}, {x})");
        }
    }

    /// The same function with few kinds, often: what was learnt about a site must hold, and be given up.
    pub(super) fn monomorphic(&mut self) {
        let f = self.fresh("f");
        let body = self.matrix_function();
        emit!(self, "local {f} = {body}");
        let (a, b) = (self.rng.random_range(1..=16), self.rng.random_range(1..=16));
        let i = self.fresh("i");
        emit!(
            self,
            "for {i} = 1, {} do pcall({f}, V({a}), V({b})) end",
            self.rng.random_range(2..20)
        );
        for _ in 0..3 {
            let k = self.any_kind();
            let (x, y) = (self.expr(k), self.expr(Kind::Any));
            emit!(self, "E(pcall({f}, {x}, {y}))");
        }
        self.declare(&f, Kind::Func, true);
    }
}

/// Replaces `name` where it is a word of its own.
fn replace_word(text: &str, name: &str, value: &str) -> String {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        out.push_str(before);
        let alone = !word(before.chars().next_back().or(out.chars().next_back()))
            && !word(after.chars().next());
        if alone {
            out.push_str(&format!("({value})"));
        } else {
            out.push_str(name);
        }
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::replace_word;

    #[test]
    fn only_words() {
        assert_eq!(replace_word("a + KN, K, KN", "KN", "1"), "a + (1), K, (1)");
        assert_eq!(replace_word("AK K", "K", "x"), "AK (x)");
    }
}
