//! How functions are recognised: exactly by a hash of their bytecode, in another version of the source by their path of nesting and by tokens
//! of their instructions.
//!
//! Nothing here depends on lines, variable names or the place of a file, except the path's names: code that was only moved has the same hash.

use crate::model::{FuncKey, FuncProfile, Profile};
use trinity_frontend::bytecode::instr::RK_CONST;
use trinity_frontend::bytecode::op::Mode;
use trinity_frontend::bytecode::{Const, Instr, Proto, names};

/// FNV-1a, 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Fnv(pub u64);

impl Fnv {
    pub(crate) const START: Fnv = Fnv(0xcbf2_9ce4_8422_2325);
    pub(crate) fn bytes(self, bytes: &[u8]) -> Fnv {
        Fnv(bytes.iter().fold(self.0, |h, &b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
    fn word(self, n: u64) -> Fnv {
        self.bytes(&n.to_le_bytes())
    }
    fn constant(self, k: &Const) -> Fnv {
        match k {
            Const::Nil => self.bytes(&[0]),
            Const::Bool(b) => self.bytes(&[1, u8::from(*b)]),
            Const::Int(n) => self.bytes(&[2]).word(*n as u64),
            Const::Float(x) => self.bytes(&[3]).word(x.to_bits()),
            Const::Str(s) => self.bytes(&[4]).word(s.len() as u64).bytes(s),
        }
    }
}

/// Hash of a function's own bytecode: instructions, constants, parameters and upvalues; not of the functions inside it.
pub fn bytecode(p: &Proto) -> u64 {
    let mut h = Fnv::START;
    h = h.bytes(&[p.num_params, u8::from(p.is_vararg), p.max_stack]);
    h = h.word(p.code.len() as u64);
    h = p.code.iter().fold(h, |h, i| h.word(i.0));
    h = h.word(p.consts.len() as u64);
    h = p.consts.iter().fold(h, Fnv::constant);
    let upvals = p.upvals.iter();
    upvals
        .fold(h, |h, u| h.bytes(&[u8::from(u.in_stack), u.index]))
        .0
}

/// One token per instruction: the opcode in the low byte, above it 24 bits of a hash of its constants and immediates. Registers, caches,
/// jump distances and numbers of upvalues are not in it, since an edit anywhere in the function can change them all.
pub fn tokens(p: &Proto) -> Vec<u32> {
    p.code.iter().map(|&i| token(p, i)).collect()
}

/// The opcode of a token.
pub const fn token_op(token: u32) -> u8 {
    token as u8
}

fn token(p: &Proto, i: Instr) -> u32 {
    let mut h = Fnv::START;
    let modes = i.op().info().modes;
    for (mode, x) in modes.into_iter().zip([i.a(), i.b(), i.c(), i.d()]) {
        let constant = match mode {
            Mode::K | Mode::KN | Mode::KS => Some(x),
            Mode::RK => x.checked_sub(usize::from(RK_CONST)),
            Mode::K32 => Some(i.dd() as usize),
            Mode::I => {
                h = h.word(x as u64);
                None
            }
            Mode::Imm32 => {
                h = h.word(u64::from(i.dd()));
                None
            }
            _ => None,
        };
        if let Some(k) = constant.and_then(|k| p.consts.get(k)) {
            h = h.constant(k);
        }
    }
    let folded = h.0 ^ h.0 >> 32;
    u32::from(i.op_byte()) | (folded as u32) << 8
}

/// Prototypes of a module in preorder, each with its path of nesting: `main`, below it the names that functions are assigned to (a second
/// `f` is `f#2`), numbers for those without.
pub fn paths(main: &Proto) -> Vec<(String, &Proto)> {
    let mut out = Vec::new();
    walk("main".to_string(), main, &mut out);
    out
}

fn walk<'p>(path: String, p: &'p Proto, out: &mut Vec<(String, &'p Proto)>) {
    out.push((path.clone(), p));
    let mut used: Vec<String> = Vec::new();
    for (child, name) in p.protos.iter().zip(names::children(p)) {
        let name = name.map(|n| n.replace('/', "_")).unwrap_or_default();
        used.push(name);
        let count = used.iter().filter(|u| **u == used[used.len() - 1]).count();
        let name = &used[used.len() - 1];
        let below = match (name.as_str(), count) {
            ("", n) => format!("{path}/{n}"),
            (name, 1) => format!("{path}/{name}"),
            (name, n) => format!("{path}/{name}#{n}"),
        };
        walk(below, child, out);
    }
}

/// Fingerprint of a program: its functions in order. Never 0.
pub fn program(funcs: &[FuncProfile]) -> u64 {
    let h = funcs.iter().fold(Fnv::START, |h, f| {
        let k = &f.key;
        h.word(k.module.len() as u64)
            .bytes(k.module.as_bytes())
            .word(u64::from(k.index))
            .word(k.hash)
    });
    h.0.max(1)
}

/// A profile of the program that has seen nothing: all its functions, with keys and tokens. The modules are given by name.
pub fn skeleton(modules: &[(String, &Proto)]) -> Profile {
    let mut out = Profile::default();
    for (module, main) in modules {
        for (index, (name, p)) in paths(main).into_iter().enumerate() {
            let key = FuncKey {
                module: module.clone(),
                index: index as u32,
                hash: bytecode(p),
                line: p.line_defined,
                name,
            };
            out.funcs
                .push(FuncProfile::new(key, usize::from(p.num_params), tokens(p)));
        }
    }
    out.sort();
    out.program = program(&out.funcs);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(source: &str) -> Proto {
        trinity_frontend::compile(source.as_bytes(), b"=t").expect("the test's own source")
    }

    #[test]
    fn paths_name_what_has_a_name() {
        let p = compiled(
            "local function f() return function() end, function() end end\n\
             local M = {}\n\
             function M.g() local function h() end return h end\n\
             f = function() end\n\
             return f, M, function() return function() end end",
        );
        let names: Vec<String> = paths(&p).into_iter().map(|p| p.0).collect();
        assert_eq!(
            names,
            [
                "main",
                "main/f",
                "main/f/1",
                "main/f/2",
                "main/M.g",
                "main/M.g/h",
                "main/f#2",
                "main/1",
                "main/1/1"
            ]
        );
    }

    #[test]
    fn hashes_follow_the_code_only() {
        let first = |s: &str| bytecode(&compiled(s).protos[0]);
        let f = first("local function f(a) return a + 1 end");
        assert_eq!(
            f,
            first("\n\n--moved\nlocal function g(b) return b + 1 end")
        );
        for other in [
            "local function f(a) return a + 2 end",
            "local function f(a) return a + 1.5 end",
            "local function f(a, b) return a + 1 end",
            "local function f(a, ...) return a + 1 end",
            "local function f(a) return a - 1 end",
        ] {
            assert_ne!(f, first(other), "{other}");
        }
    }

    #[test]
    fn tokens_forget_registers_but_not_constants() {
        let code = |s: &str| tokens(&compiled(s));
        let a = code("local x, t = 1, {} t.name = x t.name = 'k'");
        let b = code("local y, x, t = 1, 1, {} t.name = x t.name = 'k'");
        assert_eq!(a[2..], b[3..]);
        assert_ne!(code("local t = {} t.a = 1"), code("local t = {} t.b = 1"));
        let p = compiled("return 1");
        let ops: Vec<u8> = p.code.iter().map(|i| i.op_byte()).collect();
        let seen: Vec<u8> = tokens(&p).into_iter().map(token_op).collect();
        assert_eq!(ops, seen);
    }

    #[test]
    fn functions_are_looked_up_by_bytecode() {
        let p =
            compiled("local function f(a) return a + 1 end local function g(a) return a * 2 end");
        let profile = skeleton(&[(String::new(), &p), ("m".to_string(), &p)]);
        assert_eq!(profile.funcs.len(), 6);
        let found = |m, i, p| {
            profile
                .lookup(m, i, p)
                .map(|f| (&*f.key.module, f.key.index))
        };
        assert_eq!(found("", 1, &p.protos[0]), Some(("", 1)));
        assert_eq!(found("m", 2, &p.protos[1]), Some(("m", 2)));
        assert_eq!(found("m", 9, &p.protos[1]), Some(("m", 2)), "moved");
        assert_eq!(found("x", 1, &p.protos[0]), None);
        let other = compiled("local function f(a) return a + 3 end");
        assert_eq!(found("", 1, &other.protos[0]), None);
        let moved = skeleton(&[(String::new(), &compiled("f = 1"))]);
        assert_ne!(profile.program, moved.program);
    }
}
