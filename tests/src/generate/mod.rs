//! Random Lua programs with deterministic output.
//!
//! Every program is self-contained, terminates (all loops and recursions burn fuel), prints what it computes, and catches its own
//! errors, printing the messages: so a difference in a message is a difference in the output. Nothing printed depends on addresses,
//! the order of `pairs`, time, or unspecified borders of tables with holes.

mod expr;
mod flow;
mod func;
mod kernel;
mod library;
mod loops;
mod matrix;
mod meta;
mod stmt;
mod strings;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Kind of value an expression should have. Generators mostly obey; sometimes they do not, so that errors happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Integer.
    Int,
    /// Integer or float.
    Num,
    /// String.
    Str,
    /// Boolean.
    Bool,
    /// A sequence of numbers and strings.
    Seq,
    /// An object with metamethods.
    Obj,
    /// A function of up to three arguments.
    Func,
    /// Whatever.
    Any,
}

/// Formats, then writes a line (the arguments may use the generator).
macro_rules! emit {
    ($g:expr, $($arg:tt)*) => {{
        let text = format!($($arg)*);
        $g.line(&text)
    }};
}

use emit;

#[derive(Clone)]
struct Var {
    name: String,
    kind: Kind,
    writable: bool,
    /// Number of enclosing functions at its declaration, to know when it is an upvalue.
    level: usize,
}

/// Generator state for one program.
pub struct Generator {
    rng: StdRng,
    out: String,
    indent: usize,
    vars: Vec<Var>,
    counter: u32,
    depth: u32,
    budget: i32,
    level: usize,
    /// Inside a vararg function.
    vararg: bool,
    /// Enclosing loops in this function.
    loops: u32,
    /// Inside a coroutine body.
    in_coroutine: bool,
}

/// The text every program starts with: printing that is independent of addresses, fuel, and a class of objects with all metamethods.
pub const PRELUDE: &str = include_str!("prelude.lua");

/// Generates the program of a seed, as the body of a function (without the prelude).
pub fn program(seed: u64) -> String {
    let mut g = Generator {
        rng: StdRng::seed_from_u64(seed),
        out: String::new(),
        indent: 1,
        vars: Vec::new(),
        counter: 0,
        depth: 0,
        budget: 0,
        level: 0,
        vararg: true,
        loops: 0,
        in_coroutine: false,
    };
    // Few are long.
    let most = if g.chance(5) { 500 } else { 120 };
    g.budget = g.rng.random_range(20..most);
    g.block_body(4, 14);
    // Show the state at the end: what the visible variables hold.
    for v in g.vars.clone() {
        g.line(&format!("P(\"{0}\", {0})", v.name));
    }
    g.out
}

/// A file of `count` programs from `first` on; each prints a header line with its seed.
pub fn batch(first: u64, count: u64) -> Vec<u8> {
    let mut s = String::from(PRELUDE);
    for seed in first..first + count {
        push_run(&mut s, seed, &program(seed));
    }
    s.into_bytes()
}

/// A file with one program of the given body.
pub fn wrap(seed: u64, body: &str) -> Vec<u8> {
    let mut s = String::from(PRELUDE);
    push_run(&mut s, seed, body);
    s.into_bytes()
}

/// The same file, where stacks are grown first (see the prelude).
pub fn with_grown_stacks(text: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(text)
        .replacen("local GROW = false", "local GROW = true", 1)
        .into_bytes()
}

fn push_run(s: &mut String, seed: u64, body: &str) {
    s.push_str(&format!("RUN({seed}, function(...)\n{body}end)\n"));
}

impl Generator {
    fn line(&mut self, text: &str) {
        for _ in 0..self.indent {
            self.out.push_str("  ");
        }
        self.out.push_str(text);
        self.out.push('\n');
    }
    fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }
    fn pick<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
        items[self.rng.random_range(0..items.len())]
    }
    fn fresh(&mut self, prefix: &str) -> String {
        self.counter += 1;
        format!("{prefix}{}", self.counter)
    }
    fn declare(&mut self, name: &str, kind: Kind, writable: bool) {
        self.vars.push(Var {
            name: name.to_string(),
            kind,
            writable,
            level: self.level,
        });
    }
    fn some_var(&mut self, kind: Kind, writable: bool) -> Option<String> {
        let fits: Vec<usize> = (0..self.vars.len())
            .filter(|&i| {
                let v = &self.vars[i];
                let kind_fits = v.kind == kind
                    || kind == Kind::Any
                    || (kind == Kind::Num && v.kind == Kind::Int);
                kind_fits && (!writable || v.writable)
            })
            .collect();
        if fits.is_empty() {
            return None;
        }
        // Prefer recent ones a little, and upvalues now and then.
        let mut k = self.rng.random_range(0..fits.len());
        if self.chance(50) {
            k = k.max(self.rng.random_range(0..fits.len()));
        }
        if self.chance(20)
            && let Some(&up) = fits.iter().find(|&&i| self.vars[i].level < self.level)
        {
            return Some(self.vars[up].name.clone());
        }
        Some(self.vars[fits[k]].name.clone())
    }
    fn any_kind(&mut self) -> Kind {
        *self.pick(&[
            &Kind::Int,
            &Kind::Num,
            &Kind::Num,
            &Kind::Str,
            &Kind::Bool,
            &Kind::Seq,
            &Kind::Obj,
            &Kind::Func,
            &Kind::Any,
        ])
    }
}
