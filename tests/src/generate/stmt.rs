//! Statements.

use super::{Generator, Kind, emit};
use rand::Rng;

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
        match self.rng.random_range(0..53) {
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
            35..=38 => self.matrix(),
            39 => self.monomorphic(),
            40..=41 => self.metaclass(),
            42..=43 => self.strings(),
            44..=46 => self.flow(),
            47 => self.library(),
            48..=50 => self.kernel(),
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

    fn do_block(&mut self) {
        self.line("do");
        self.scoped(1, 4);
        self.line("end");
    }
}
