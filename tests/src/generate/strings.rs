//! The string and utf8 libraries: patterns, packing, formatting and conversions with generated arguments.

use super::{Generator, Kind, emit};
use rand::Rng;

const ITEMS: &[&str] = &[
    ".", "%a", "%d", "%s", "%w", "%x", "%p", "%l", "%u", "%c", "%g", "%S", "%W", "a", "o", "l",
    "1", "%.", "[a-z]", "[^a-z]", "[%d%s]", "[%w_]", "[]]", "[^]]", "[a-]", "\\0", "e", "x", "=",
    ",",
];
const TEXTS: &[&str] = &[
    "'hello world from Lua'",
    "'key = value, other=  thing'",
    "'2024-01-02T03:04:05'",
    "'((a)(b(c))d)'",
    "'  trim me  '",
    "'aaaa'",
    "'a\\0b\\0c'",
    "'x1y22z333'",
    "'THE (quick) fox'",
    "'äöü €'",
    "('ab'):rep(30)",
];
const PACKS: &[&str] = &[
    "b", "B", "h", "H", "i", "I", "l", "L", "j", "J", "T", "i1", "i3", "i7", "i8", "I2", "I5",
    "I16", "i16", "n", "f", "d", "s", "s1", "s2", "z", "x", "c5", "c0", "<i4", ">i4", "=I3",
    "!4i8", "!2h", "!i2", "Xi4", "<", ">", " ", "i17", "i0", "c", "!3i4", "r", "X", "Xz",
];
const NUMERALS: &[&str] = &[
    "'0x'",
    "'1e'",
    "'1e+'",
    "'0x.8p1'",
    "' 0x1 '",
    "'1_000'",
    "'inf'",
    "'nan'",
    "'1e400'",
    "'-0'",
    "'-0.0'",
    "'9223372036854775807'",
    "'9223372036854775808'",
    "'-9223372036854775808'",
    "'-9223372036854775809'",
    "'0x8000000000000000'",
    "'0xffffffffffffffffff'",
    "'1e1'",
    "'.5'",
    "'5.'",
    "'.'",
    "'0x.p1'",
    "'0x1p-2'",
    "'1 2'",
    "'\\t7\\n'",
    "'7\\0'",
    "''",
    "' '",
    "'+7'",
    "'- 7'",
    "'--7'",
    "'0b1'",
    "'1e-400'",
    "'123456789012345678901234567890'",
    "'0x1.8'",
    "'1E5'",
    "'0X1P+3'",
    "'1e5.5'",
];

impl Generator {
    fn pattern(&mut self) -> String {
        let mut p = String::new();
        if self.chance(15) {
            p.push('^');
        }
        let mut open = 0;
        for _ in 0..self.rng.random_range(1..5) {
            match self.rng.random_range(0..14) {
                0 => {
                    p.push('(');
                    open += 1;
                    continue;
                }
                1 if open > 0 => {
                    p.push(')');
                    open -= 1;
                    continue;
                }
                2 => p.push_str("()"),
                3 => p.push_str("%b()"),
                4 => p.push_str("%f[%w]"),
                5 if self.chance(20) => p.push_str("%1"),
                6 if self.chance(5) => p.push('%'),
                7 if self.chance(5) => p.push_str("[a"),
                _ => {
                    let item = self.pick(ITEMS);
                    p.push_str(item);
                    p.push_str(self.pick(&["", "", "", "*", "+", "-", "?"]));
                }
            }
        }
        if !self.chance(3) {
            for _ in 0..open {
                p.push_str(".)");
            }
        }
        if self.chance(15) {
            p.push('$');
        }
        format!("'{p}'")
    }

    fn text(&mut self) -> String {
        if self.chance(60) {
            self.pick(TEXTS).to_string()
        } else {
            self.expr(Kind::Str)
        }
    }

    fn replacement(&mut self) -> String {
        match self.rng.random_range(0..8) {
            0 => "'<%0>'".into(),
            1 => "'%1%1'".into(),
            2 => "'%2'".into(),
            3 => "'%%'".into(),
            4 => "function(a, b) burn() return b or a end".into(),
            5 => {
                let e = self.expr(Kind::Any);
                format!("function(...) burn() P(...) return {e} end")
            }
            6 => "{hello = 'bye', a = false, o = 0, ['1'] = 1.5}".into(),
            _ => "setmetatable({}, {__index = function(_, k) return k == 'a' and 'A' or nil end})"
                .into(),
        }
    }

    fn pack_format(&mut self, n: u32) -> String {
        let mut f = String::new();
        for _ in 0..n {
            f.push_str(self.pick(PACKS));
        }
        f
    }

    /// A statement with a string or utf8 function.
    pub(super) fn strings(&mut self) {
        // Expressions end up in functions of all sorts.
        let vararg = std::mem::replace(&mut self.vararg, false);
        let text = self.strings_text();
        self.vararg = vararg;
        self.line(&text);
    }

    fn strings_text(&mut self) -> String {
        match self.rng.random_range(0..20) {
            0..=2 => {
                let (t, p) = (self.text(), self.pattern());
                let f = self.pick(&["find", "match", "gmatch"]);
                if f == "gmatch" {
                    let init = self.pick(&["", ", 3", ", -4"]);
                    format!(
                        "E(pcall(function() for a, b in string.gmatch({t}, {p}{init}) do burn() P(a, b) end end))"
                    )
                } else {
                    let init = self.pick(&["", ", 2", ", -3", ", 100", ", 1, true"]);
                    let init = if f == "match" { "" } else { init };
                    format!("E(pcall(string.{f}, {t}, {p}{init}))")
                }
            }
            3..=6 => {
                let (t, p, r) = (self.text(), self.pattern(), self.replacement());
                let n = self.pick(&["", "", "", ", 1", ", 0", ", -1"]);
                format!("E(pcall(string.gsub, {t}, {p}, {r}{n}))")
            }
            7..=8 => {
                let n = self.rng.random_range(1..4);
                let f = self.pack_format(n);
                let v: Vec<String> = (0..n)
                    .map(|_| {
                        let k = if self.chance(70) {
                            Kind::Int
                        } else {
                            Kind::Str
                        };
                        self.expr(k)
                    })
                    .collect();
                let s = self.fresh("s");
                let list = v.join(", ");
                emit!(
                    self,
                    "local {s} = TS(string.pack, '{f}', {list}) P({s}, #{s})"
                );
                let at = self.rng.random_range(-3..4);
                let at = if self.chance(60) { 1 } else { at };
                format!("E(pcall(string.unpack, '{f}', {s}, {at}))")
            }
            9 => {
                let f = self.pack_format(2);
                format!("E(pcall(string.packsize, '{f}'))")
            }
            10..=11 => {
                let s = self.pick(NUMERALS);
                match self.rng.random_range(0..5) {
                    0 => format!("P(tonumber({s}), math.tointeger({s}))"),
                    1 => format!("P(tonumber({s}, {}))", self.rng.random_range(2..37)),
                    2 => format!("E(pcall(function() return {s} + 1, -({s}) end))"),
                    3 => format!("E(pcall(function() return {s} | 1 end))"),
                    _ => format!("E(pcall(function() for i = 1, {s} do return i end end))"),
                }
            }
            12..=13 => {
                let (a, b) = (self.expr(Kind::Num), self.expr(Kind::Str));
                let f = self.pick(&[
                    "%d %s",
                    "%5.2f|%-6s|",
                    "%x %q",
                    "%s %s %s",
                    "%q %.3s",
                    "%i%%%5s",
                    "%g %10.4s",
                    "%a %s",
                    "%c%s",
                    "%-10d|%10s",
                    "%.14g %s",
                    "%+05d %q",
                    "% 5.1f%s",
                    "%u%s",
                    "%e %s",
                ]);
                let (a, b) = if self.chance(10) { (b, a) } else { (a, b) };
                format!("E(pcall(string.format, '{f}', {a}, {b}))")
            }
            14 => {
                let i = self.expr(Kind::Int);
                format!(
                    "E(pcall(utf8.char, {i} & 0x7fffffff, 8364, {}))",
                    self.rng.random_range(0..3000)
                )
            }
            15 => {
                let t = self.text();
                let lax = self.pick(&["", ", true"]);
                format!(
                    "E(pcall(function() for p, c in utf8.codes({t}{lax}) do burn() P(p, c) end end))"
                )
            }
            16 => {
                let (t, i, j) = (
                    self.text(),
                    self.rng.random_range(-4..6),
                    self.rng.random_range(-4..9),
                );
                let f = self.pick(&["len", "codepoint", "offset"]);
                format!("E(pcall(utf8.{f}, {t}, {i}, {j}))")
            }
            17 => {
                let (a, b) = (self.text(), self.text());
                format!("P({a} < {b}, {a} <= {b}, {a} == {b}, {a} .. '\\0' < {a} .. '\\0a', #{b})")
            }
            18 => {
                let (t, i, j) = (self.text(), self.expr(Kind::Int), self.expr(Kind::Int));
                format!("P(string.sub({t}, {i}, {j}), string.byte({t}, {i}, ({i}) + 3))")
            }
            _ => {
                let (t, n) = (self.text(), self.rng.random_range(-1..60));
                format!("P(#TS(string.rep, {t}, {n}, ', '), ({t}):upper():lower():reverse():len())")
            }
        }
    }
}
