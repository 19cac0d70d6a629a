//! Expressions.

use super::{Generator, Kind};
use rand::Rng;

const INTS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "7",
    "10",
    "100",
    "255",
    "256",
    "-128",
    "65535",
    "65536",
    "0x7fffffff",
    "0x80000000",
    "4294967296",
    "math.maxinteger",
    "math.mininteger",
    "0xffffffffffffffff",
    "9007199254740993",
    "-2",
];
const FLOATS: &[&str] = &[
    "0.0",
    "-0.0",
    "0.5",
    "1.0",
    "1.5",
    "-2.75",
    "1e10",
    "1e15",
    "1e16",
    "2^53",
    "2^63",
    "-2^63",
    "1e100",
    "1e308",
    "5e-324",
    "math.huge",
    "-math.huge",
    "(0/0)",
    "3.0",
    "math.pi",
    "0x1p-3",
    "123456.789",
];
const STRINGS: &[&str] = &[
    "''",
    "'a'",
    "'abc'",
    "'hello world'",
    "'10'",
    "'0x10'",
    "' 5 '",
    "'1e2'",
    "'x=1, y=2'",
    "'\\0\\1\\255'",
    "'%d+'",
    "'a.b'",
    "'\\n'",
    "'ÄÖ'",
    "'-7'",
    "'2.5'",
    "'[[]]'",
    "'the quick brown fox jumps over the lazy dog'",
    "'inf'",
    "'nan'",
];
const PATTERNS: &[&str] = &[
    "'%a+'",
    "'%d'",
    "'.'",
    "'(%w)(%w)'",
    "'()'",
    "'[a-c]'",
    "'[^%s]+'",
    "'^%s*(.-)%s*$'",
    "'%f[%w]%w+'",
    "'l*'",
    "'o-'",
    "'%b()'",
    "'(a)(b)?'",
    "'x?'",
    "'%x%x'",
    "'[%'",
    "'(%'",
    "'%1'",
    "'(.)%1'",
    "''",
];
const FORMATS: &[&str] = &[
    "%d", "%5d", "%-5d|", "%05d", "%+d", "%x", "%X", "%#x", "%o", "%c", "%s", "%10s", "%-10s|",
    "%.3s", "%q", "%g", "%.3f", "%10.2f", "%e", "%a", "%i", "%%", "%5.1f", "%.14g", "%.0f", "% d",
    "%u", "%y", "%20.10f", "%-+8d|", "%#o", "%+.3e", "%.0a", "%G", "%E", "%A", "%.20s", "%5c",
    "%10q", "%i|", "%5%", "%099d", "%100d", "%.99f", "%.100f", "%#.3x", "% 5d", "%-05d", "%",
];

impl Generator {
    /// An expression that usually has the given kind.
    pub(super) fn expr(&mut self, kind: Kind) -> String {
        self.budget -= 1;
        // Wrong kinds on purpose, rarely.
        let kind = if self.chance(1) {
            self.any_kind()
        } else {
            kind
        };
        if self.depth > 4 || self.budget < 0 {
            return self.leaf(kind);
        }
        self.depth += 1;
        let e = self.compound(kind);
        self.depth -= 1;
        e
    }

    pub(super) fn leaf(&mut self, kind: Kind) -> String {
        if self.chance(60)
            && let Some(v) = self.some_var(kind, false)
        {
            return v;
        }
        match kind {
            Kind::Int => {
                if self.chance(50) {
                    self.rng.random_range(-20..200).to_string()
                } else {
                    self.pick(INTS).to_string()
                }
            }
            Kind::Num => {
                if self.chance(50) {
                    self.leaf(Kind::Int)
                } else if self.chance(50) {
                    format!("{:?}", self.rng.random_range(-100..100) as f64 / 8.0)
                } else {
                    self.pick(FLOATS).to_string()
                }
            }
            Kind::Str => self.pick(STRINGS).to_string(),
            Kind::Bool => self.pick(&["true", "false"]).to_string(),
            Kind::Seq => "{1, 2, 3}".to_string(),
            Kind::Obj => {
                let v = self.rng.random_range(0..50);
                format!("new({v})")
            }
            Kind::Func => self
                .pick(&[
                    "clean",
                    "math.abs",
                    "select",
                    "type",
                    "string.len",
                    "new",
                    "math.max",
                ])
                .to_string(),
            Kind::Any => {
                let k = self.rng.random_range(0..8);
                match k {
                    0 => "nil".to_string(),
                    1 => self.leaf(Kind::Bool),
                    2 => self.leaf(Kind::Num),
                    3 => self.leaf(Kind::Str),
                    4 if self.vararg => "(...)".to_string(),
                    _ => self.leaf(Kind::Int),
                }
            }
        }
    }

    fn compound(&mut self, kind: Kind) -> String {
        match kind {
            Kind::Int => self.int_expr(),
            Kind::Num => self.num_expr(),
            Kind::Str => self.str_expr(),
            Kind::Bool => self.bool_expr(),
            Kind::Seq => self.seq_expr(),
            Kind::Obj => self.obj_expr(),
            Kind::Func => self.func_expr(),
            Kind::Any => {
                if self.chance(15) {
                    let (c, a, b) = (
                        self.expr(Kind::Bool),
                        self.expr(Kind::Any),
                        self.expr(Kind::Any),
                    );
                    return match self.rng.random_range(0..3) {
                        0 => format!("({c} and {a} or {b})"),
                        1 => format!("({a} and {b})"),
                        _ => format!("({a} or {b})"),
                    };
                }
                if self.chance(15) {
                    let f = self.expr(Kind::Func);
                    let args = self.args();
                    return format!("(burn() and ({f})({args}))");
                }
                let k = self.any_kind();
                if k == Kind::Any {
                    self.leaf(k)
                } else {
                    self.expr(k)
                }
            }
        }
    }

    pub(super) fn args(&mut self) -> String {
        let n = self.rng.random_range(0..4);
        let mut v: Vec<String> = (0..n).map(|_| self.expr(Kind::Any)).collect();
        if self.vararg && self.chance(15) {
            v.push("...".to_string());
        }
        v.join(", ")
    }

    fn int_expr(&mut self) -> String {
        let n = self.rng.random_range(0..16);
        match n {
            0..=4 => {
                let op = self.pick(&["+", "-", "*", "//", "%"]);
                let (a, b) = (self.expr(Kind::Int), self.expr(Kind::Int));
                if matches!(op, "//" | "%") && self.chance(95) {
                    return format!("({a} {op} ({b} | 1))");
                }
                format!("({a} {op} {b})")
            }
            5..=7 => {
                let op = self.pick(&["&", "|", "~", "<<", ">>"]);
                let (a, b) = (self.expr(Kind::Int), self.expr(Kind::Int));
                if self.chance(3) {
                    return format!("({a} {op} {})", self.expr(Kind::Num));
                }
                format!("({a} {op} {b})")
            }
            8 => format!("(- {})", self.expr(Kind::Int)),
            9 => format!("(~{})", self.expr(Kind::Int)),
            10 => format!("#{}", self.paren(Kind::Str)),
            11 => format!("#{}", self.paren(Kind::Seq)),
            12 => format!("(math.tointeger({}) or 3)", self.expr(Kind::Num)),
            13 => {
                let (s, i) = (self.expr(Kind::Str), self.expr(Kind::Int));
                format!("(string.byte({s}, {i}) or -5)")
            }
            14 => format!("select('#', 1, {})", self.expr(Kind::Any)),
            _ => self.leaf(Kind::Int),
        }
    }

    pub(super) fn paren(&mut self, k: Kind) -> String {
        format!("({})", self.expr(k))
    }

    fn num_expr(&mut self) -> String {
        let n = self.rng.random_range(0..14);
        match n {
            0..=5 => {
                let op = self.pick(&["+", "-", "*", "/", "//", "%", "^"]);
                let (a, b) = (self.expr(Kind::Num), self.expr(Kind::Num));
                format!("({a} {op} {b})")
            }
            6 => format!("(- {})", self.expr(Kind::Num)),
            7 => {
                let f = self.pick(&["floor", "ceil", "abs", "sqrt", "exp", "sin", "tointeger"]);
                format!("TN(math.{f}, {})", self.expr(Kind::Num))
            }
            8 => {
                let f = self.pick(&["max", "min", "fmod", "ult"]);
                let (a, b) = (self.expr(Kind::Num), self.expr(Kind::Num));
                if f == "ult" {
                    format!(
                        "(math.ult({}, {}) and 1 or 0.5)",
                        self.expr(Kind::Int),
                        self.expr(Kind::Int)
                    )
                } else {
                    format!("TN(math.{f}, {a}, {b})")
                }
            }
            9 => {
                let s = self.expr(Kind::Str);
                if self.chance(50) {
                    format!("(tonumber({s}) or 1)")
                } else {
                    let base = self.rng.random_range(2..37);
                    format!("(tonumber({s}, {base}) or 1.5)")
                }
            }
            10 => {
                // String coercion in arithmetic.
                let op = self.pick(&["+", "-", "*"]);
                format!(
                    "('{}' {op} {})",
                    self.rng.random_range(0..99),
                    self.expr(Kind::Num)
                )
            }
            11..=12 => self.int_expr(),
            _ => self.leaf(Kind::Num),
        }
    }

    fn str_expr(&mut self) -> String {
        let n = self.rng.random_range(0..18);
        match n {
            0..=2 => {
                let parts = self.rng.random_range(2..5);
                let v: Vec<String> = (0..parts)
                    .map(|_| {
                        if self.chance(70) {
                            self.expr(Kind::Str)
                        } else {
                            self.paren(Kind::Int)
                        }
                    })
                    .collect();
                format!("({})", v.join(" .. "))
            }
            3 => {
                let (s, a, b) = (
                    self.expr(Kind::Str),
                    self.expr(Kind::Int),
                    self.expr(Kind::Int),
                );
                format!("string.sub({s}, {a}, {b})")
            }
            4 => format!("({}):upper()", self.expr(Kind::Str)),
            5 => format!("({}):reverse()", self.expr(Kind::Str)),
            6 => {
                let k = self.rng.random_range(0..6);
                format!(
                    "TS(string.rep, {}, {k}, {})",
                    self.expr(Kind::Str),
                    self.expr(Kind::Str)
                )
            }
            7..=8 => {
                let (s, p) = (self.expr(Kind::Str), self.pick(PATTERNS));
                let r = match self.rng.random_range(0..4) {
                    0 => "'<%0>'".to_string(),
                    1 => "'%1'".to_string(),
                    2 => "function(a, b) burn() return b or a end".to_string(),
                    _ => "{a = 'A', l = false}".to_string(),
                };
                format!("TS(string.gsub, {s}, {p}, {r})")
            }
            9 => {
                let (s, p, i) = (
                    self.expr(Kind::Str),
                    self.pick(PATTERNS),
                    self.rng.random_range(-3..6),
                );
                format!("TS(string.match, {s}, {p}, {i})")
            }
            10 => {
                let (s, p) = (self.expr(Kind::Str), self.pick(PATTERNS));
                let plain = self.pick(&["", ", 1, true", ", 2", ", -2"]);
                format!("TS(string.find, {s}, {p}{plain})")
            }
            11..=12 => {
                let f = self.pick(FORMATS);
                let a = if "dixXocu".contains(f.chars().last().unwrap_or('d')) {
                    self.expr(Kind::Int)
                } else if "gfea".contains(f.chars().last().unwrap_or('d')) {
                    self.expr(Kind::Num)
                } else {
                    self.expr(Kind::Str)
                };
                format!("TS(string.format, '{f}', {a})")
            }
            13 => format!("clean({})", self.expr(Kind::Num)),
            14 => format!("S({})", self.expr(Kind::Any)),
            15 => {
                let sep = self.expr(Kind::Str);
                format!("TS(table.concat, {}, {sep})", self.expr(Kind::Seq))
            }
            16 => {
                let k = self.rng.random_range(0..256);
                format!("string.char({k}, {})", self.rng.random_range(32..127))
            }
            _ => self.leaf(Kind::Str),
        }
    }

    fn bool_expr(&mut self) -> String {
        let n = self.rng.random_range(0..12);
        match n {
            0..=2 => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                let (a, b) = (self.expr(Kind::Num), self.expr(Kind::Num));
                format!("({a} {op} {b})")
            }
            3 => {
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                let (a, b) = (self.expr(Kind::Str), self.expr(Kind::Str));
                format!("({a} {op} {b})")
            }
            4 => {
                let op = self.pick(&["==", "~="]);
                let (a, b) = (self.expr(Kind::Any), self.expr(Kind::Any));
                format!("({a} {op} {b})")
            }
            5 => format!("(not {})", self.expr(Kind::Any)),
            6..=7 => {
                let op = self.pick(&["and", "or"]);
                let (a, b) = (self.expr(Kind::Bool), self.expr(Kind::Bool));
                format!("({a} {op} {b})")
            }
            8 => {
                let op = self.pick(&["<", "<=", "==", ">", ">="]);
                let (a, b) = (self.expr(Kind::Obj), self.expr(Kind::Obj));
                format!("({a} {op} {b})")
            }
            9 => {
                let (a, k) = (self.expr(Kind::Num), self.rng.random_range(-10..300));
                let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
                format!("({a} {op} {k})")
            }
            10 => format!(
                "rawequal({}, {})",
                self.expr(Kind::Any),
                self.expr(Kind::Any)
            ),
            _ => self.leaf(Kind::Bool),
        }
    }

    fn seq_expr(&mut self) -> String {
        let n = self.rng.random_range(0..9);
        match n {
            0..=3 => {
                let k = self.rng.random_range(0..6);
                let kind = *self.pick(&[&Kind::Int, &Kind::Num, &Kind::Str]);
                let v: Vec<String> = (0..k).map(|_| self.expr(kind)).collect();
                format!("{{{}}}", v.join(", "))
            }
            4 => format!("table.pack({})", self.expr(Kind::Int)),
            5 => format!("{{{}, n = {}}}", self.expr(Kind::Int), self.expr(Kind::Any)),
            6 => {
                let s = self.expr(Kind::Seq);
                format!("table.move({s}, 1, 3, 2, {{0}})")
            }
            7 => format!("{{table.unpack({})}}", self.expr(Kind::Seq)),
            _ => self.leaf(Kind::Seq),
        }
    }

    fn obj_expr(&mut self) -> String {
        let n = self.rng.random_range(0..10);
        match n {
            0..=2 => {
                let op = self.pick(&[
                    "+", "-", "*", "/", "%", "^", "//", "&", "|", "~", "<<", ">>", "..",
                ]);
                let (a, b) = if self.chance(50) {
                    (self.leaf(Kind::Obj), self.expr(Kind::Num))
                } else {
                    (self.paren(Kind::Num), self.leaf(Kind::Obj))
                };
                format!("({a} {op} {b})")
            }
            3 => format!("(- {})", self.expr(Kind::Obj)),
            4 => format!("(~{})", self.expr(Kind::Obj)),
            5 => format!("({}):add({})", self.expr(Kind::Obj), self.expr(Kind::Any)),
            6 => format!("({}):set({})", self.expr(Kind::Obj), self.expr(Kind::Any)),
            7..=8 => format!("new({})", self.expr(Kind::Any)),
            _ => self.leaf(Kind::Obj),
        }
    }

    fn func_expr(&mut self) -> String {
        if self.chance(40) {
            return self.leaf(Kind::Func);
        }
        // A one-line function of its parameters and upvalues.
        let (a, b) = (self.fresh("a"), self.fresh("b"));
        let mark = self.vars.len();
        let (vararg, level) = (self.vararg, self.level);
        self.vararg = self.chance(30);
        self.level += 1;
        self.declare(&a, Kind::Any, true);
        self.declare(&b, Kind::Any, true);
        let kind = self.any_kind();
        let e = if kind == Kind::Func {
            self.leaf(Kind::Int)
        } else {
            self.expr(kind)
        };
        let dots = if self.vararg { ", ..." } else { "" };
        self.vars.truncate(mark);
        self.vararg = vararg;
        self.level = level;
        format!("function({a}, {b}{dots}) burn() return {e} end")
    }
}
