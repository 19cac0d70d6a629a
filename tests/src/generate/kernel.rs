//! Numeric kernels: loops over a few locals whose types the compiler can guess, run with arguments that agree with the guess and with
//! others.

use super::{Generator, emit};
use rand::Rng;

const NAMES: &[&str] = &["x", "y", "z", "i", "a", "b", "c"];
const CONSTANTS: &[&str] = &[
    "1",
    "2",
    "3",
    "-1",
    "7",
    "0.5",
    "1.0",
    "2.5",
    "100",
    "0",
    "0x7fffffff",
    "1 << 40",
    "1e10",
    "-3",
    "math.maxinteger",
    "16",
    "255",
];

impl Generator {
    fn operand(&mut self) -> String {
        if self.chance(70) {
            self.pick(NAMES).to_string()
        } else {
            format!("({})", self.pick(CONSTANTS))
        }
    }

    fn arithmetic(&mut self, depth: u32) -> String {
        if depth == 0 || self.chance(30) {
            return self.operand();
        }
        let (l, r) = (self.arithmetic(depth - 1), self.arithmetic(depth - 1));
        match self.rng.random_range(0..24) {
            0..=5 => format!("({l} + {r})"),
            6..=9 => format!("({l} - {r})"),
            10..=12 => format!("({l} * {r})"),
            13 => format!("({l} / {r})"),
            14 => format!("({l} // {r})"),
            15 => format!("({l} % {r})"),
            16 => format!(
                "({l} // {})",
                self.pick(&["2", "3", "-7", "10", "1.0", "0.5", "16"])
            ),
            17 => format!(
                "({l} % {})",
                self.pick(&["2", "3", "-7", "10", "1.0", "0.5", "16"])
            ),
            18 => format!("({l} & {})", self.pick(&["0xff", "1", "-1", "0x7fffffff"])),
            19 => format!(
                "({l} {} {})",
                self.pick(&["<<", ">>"]),
                self.pick(&["1", "3", "63", "64", "-2"])
            ),
            20 => format!("({l} {} {r})", self.pick(&["|", "~", "&"])),
            21 => format!("(-{l})"),
            22 => format!("math.floor({l})"),
            _ => format!("({l} ^ {})", self.pick(&["2", "0.5", "3"])),
        }
    }

    fn condition(&mut self) -> String {
        let (l, r) = (self.arithmetic(1), self.operand());
        let op = self.pick(&["<", "<=", ">", ">=", "==", "~="]);
        if self.chance(20) {
            let more = self.operand();
            return format!("{l} {op} {r} {} {more} < 50", self.pick(&["and", "or"]));
        }
        format!("{l} {op} {r}")
    }

    fn kernel_statement(&mut self, depth: u32) {
        let v = self.pick(&["x", "y", "z"]).to_string();
        let e = self.arithmetic(2);
        match self.rng.random_range(0..16) {
            0..=5 => emit!(self, "{v} = {e}"),
            6 => emit!(self, "{v} = {v} + {}", self.pick(CONSTANTS)),
            7..=8 if depth > 0 => {
                let c = self.condition();
                emit!(self, "if {c} then");
                self.kernel_block(depth - 1);
                if self.chance(60) {
                    self.line("else");
                    self.kernel_block(depth - 1);
                }
                self.line("end");
            }
            9 if depth > 0 => {
                let c = self.condition();
                let n = self.fresh("n");
                emit!(self, "local {n} = 0");
                emit!(self, "while {n} < 5 and ({c}) do");
                emit!(self, "{n} = {n} + 1");
                self.kernel_block(depth - 1);
                self.line("end");
            }
            10 if depth > 0 => {
                let j = self.fresh("j");
                let head = self.pick(&["1, 3", "3, 1, -1", "0.5, 2", "1, 4, 2"]);
                emit!(self, "for {j} = {head} do");
                emit!(self, "{v} = {v} + {j}");
                self.kernel_block(depth - 1);
                self.line("end");
            }
            11 => emit!(self, "t[i % 4 + 1] = {e}"),
            12 => emit!(self, "{v} = t[i % 4 + 1] or {e}"),
            13 => emit!(self, "x, y, z = y, z, {e}"),
            14 => emit!(self, "o.f = {e} {v} = o.f + (o.g or 1)"),
            15 => emit!(self, "{v} = up({e})"),
            _ => {
                let w = self.fresh("w");
                emit!(self, "local {w} = {e}");
                emit!(self, "{v} = {w} - {v}");
            }
        }
    }

    fn kernel_block(&mut self, depth: u32) {
        self.indent += 1;
        for _ in 0..self.rng.random_range(1..4) {
            self.kernel_statement(depth);
        }
        self.indent -= 1;
    }

    /// A kernel and some calls of it.
    pub(super) fn kernel(&mut self) {
        let k = self.fresh("k");
        let captured = if self.chance(30) { "z = z + 1" } else { "" };
        emit!(self, "local function {k}(a, b, c, t, o)");
        let (x, y, z) = (
            self.operand_at_start(),
            self.operand_at_start(),
            self.operand_at_start(),
        );
        emit!(self, "  local i, x, y, z = 0, {x}, {y}, {z}");
        emit!(self, "  local function up(v) {captured} return v end");
        let head = self
            .pick(&[
                "1, 6",
                "1, 3",
                "10, 1, -3",
                "0.0, 1, 0.25",
                "a, 5",
                "1, b",
                "-2, 2",
            ])
            .to_string();
        emit!(self, "  local rounds = 0");
        emit!(self, "  for i = {head} do");
        emit!(self, "    rounds = rounds + 1 if rounds > 8 then break end");
        self.indent += 1;
        self.kernel_block(2);
        self.indent -= 1;
        self.line("  end");
        self.line("  return x, y, z, t[1], t[2], o.f");
        self.line("end");
        for _ in 0..self.rng.random_range(2..5) {
            let mut args = Vec::new();
            for _ in 0..3 {
                let a = match self.rng.random_range(0..12) {
                    0..=5 => self.rng.random_range(-3..12).to_string(),
                    6..=8 => format!("{:?}", self.rng.random_range(-20..60) as f64 / 4.0),
                    9 => self.pick(CONSTANTS).to_string(),
                    10 => "'5'".to_string(),
                    _ => self
                        .pick(&["nil", "new(3)", "'x'", "math.mininteger", "0/0"])
                        .to_string(),
                };
                args.push(a);
            }
            let t = self.pick(&[
                "{}",
                "{1, 2, 3, 4}",
                "{1.5, 2.5}",
                "{1, 2.5, 'x', 4}",
                "{4, 3}",
            ]);
            let o = self.pick(&["{}", "{f = 1, g = 2}", "{g = 0.5}", "new(1)"]);
            emit!(self, "E(pcall({k}, {}, {t}, {o}))", args.join(", "));
        }
    }

    fn operand_at_start(&mut self) -> String {
        match self.rng.random_range(0..5) {
            0..=1 => self.pick(&["a", "b", "c"]).to_string(),
            _ => self.pick(CONSTANTS).to_string(),
        }
    }
}
