//! Masks that keep bits which nobody asks about go: demanded bits, as the bit-tracking dead code elimination of LLVM.
//!
//! Of each integer some low bits are asked for: all of it by calls, addresses and comparisons, 32 by a rotation of the lower
//! half, as many as of the result by sums, products and bitwise operations. Demands start at none and grow against the flow,
//! through the parameters of loops, too: numbers that a program keeps below 2^32 by `& 0xffffffff` in each iteration
//! may have anything above while the loop runs, if each use looks at the lower half alone.
//!
//! After the e-graph: it knows from masks how long numbers are.

use super::narrow::mask;
use super::{OptStats, Replace, use_counts};
use crate::ir::{
    BinOp, BlockCall, Cfg, Cond, Function, Inst, Opnd, Term, Type, UnOp, Value, Width,
};

/// Removes masks. `stats` counts them.
pub(super) fn run(f: &mut Function, stats: &mut OptStats) {
    let cfg = Cfg::new(f);
    let demanded = demands(f, &cfg);
    let uses = use_counts(f, &cfg);
    let mut replace = Replace::new(f);
    for &b in &cfg.rpo {
        let mut list = std::mem::take(&mut f.blocks[b.index()].insts);
        list.retain(|&id| {
            let node = &f.insts[id.index()];
            let (res, kept) = (node.first_result, mask(f, &node.inst));
            let Some((a, _)) = kept.filter(|(_, n)| demanded[res.index()] <= *n) else {
                return true;
            };
            // The operation itself in 32 bits, which is one byte shorter.
            if uses[a.index()] == 1 && f.def_inst(a).is_some_and(|a| halved(&node.inst, a)) {
                return true;
            }
            replace.set(res, a);
            stats.undemanded += 1;
            false
        });
        f.blocks[b.index()].insts = list;
    }
    replace.apply(f);
}

/// Whether selection makes one instruction of 32 bits of an extension and its operand.
fn halved(extension: &Inst, operand: &Inst) -> bool {
    let zext = matches!(
        extension,
        Inst::Unary {
            op: UnOp::Zext32,
            ..
        }
    );
    zext && operand.has_32_bits()
}

/// By value: how many of its low bits somebody asks for. 64 for what is no integer and is used.
fn demands(f: &Function, cfg: &Cfg) -> Vec<u8> {
    let mut all = Demands {
        f,
        low: vec![0; f.values.len()],
        changed: true,
    };
    while std::mem::take(&mut all.changed) {
        for &b in cfg.rpo.iter().rev() {
            let data = &f.blocks[b.index()];
            if let Some(t) = &data.term {
                all.term(t);
            }
            for id in data.insts.iter().rev() {
                let node = &f.insts[id.index()];
                let result = node.results().map(|v| all.low[v.index()]).max();
                all.inst(&node.inst, result.unwrap_or(64));
            }
        }
    }
    all.low
}

struct Demands<'f> {
    f: &'f Function,
    low: Vec<u8>,
    changed: bool,
}

impl Demands<'_> {
    fn ask(&mut self, v: Value, bits: u8) {
        let bits = match self.f.ty(v) {
            Type::I64 => bits.min(64),
            _ => 64,
        };
        let slot = &mut self.low[v.index()];
        if *slot < bits {
            *slot = bits;
            self.changed = true;
        }
    }

    fn opnd(&mut self, o: Opnd, bits: u8) {
        if let Opnd::Value(v) = o {
            self.ask(v, bits);
        }
    }

    /// What an operation asks of its operands when so much of its result is asked for.
    fn inst(&mut self, inst: &Inst, result: u8) {
        let pure = matches!(
            inst,
            Inst::Unary { .. } | Inst::Binary { .. } | Inst::Select { .. }
        );
        if pure && result == 0 {
            return;
        }
        match *inst {
            Inst::Unary { op, a } => self.unary(op, a, result),
            Inst::Binary { op, a, b } => self.binary(op, a, b, result),
            Inst::Select { ref cond, a, b, .. } => {
                self.cond(cond);
                self.ask(a, result);
                self.ask(b, result);
            }
            Inst::BoolOf(ref c) => self.cond(c),
            Inst::Store { w, addr, val } => {
                Inst::AddrOf(addr).for_each_use(|v| self.ask(v, 64));
                self.ask(val, bits(w));
            }
            Inst::MemOp { w, addr, x, .. } => {
                Inst::AddrOf(addr).for_each_use(|v| self.ask(v, 64));
                self.opnd(x, bits(w));
            }
            _ => inst.for_each_use(|v| self.ask(v, 64)),
        }
    }

    fn unary(&mut self, op: UnOp, a: Value, result: u8) {
        let asked = match op {
            UnOp::Ineg | UnOp::Inot => result,
            UnOp::Bswap32 => 32,
            _ => op.extends().map_or(64, |(n, _)| result.min(n)),
        };
        self.ask(a, asked);
    }

    fn binary(&mut self, op: BinOp, a: Value, b: Opnd, result: u8) {
        let constant = self.f.opnd_const(b);
        let (x, y) = match (op, constant) {
            (BinOp::And, Some(n)) => {
                let length = 64 - n.leading_zeros() as u8;
                (result.min(length), result)
            }
            // Carries go up alone.
            (BinOp::Iadd | BinOp::Isub | BinOp::Imul, _) => (result, result),
            (BinOp::And | BinOp::Or | BinOp::Xor, _) => (result, result),
            (BinOp::Shl, Some(n)) => (result.saturating_sub(n as u8 & 63), 64),
            (BinOp::Shl, None) => (result, 6),
            (BinOp::Shr | BinOp::Sar, Some(n)) => (result.saturating_add(n as u8 & 63), 64),
            (BinOp::Shr | BinOp::Sar | BinOp::Rotr, None) => (64, 6),
            (BinOp::Rotr32, _) => (32, 5),
            _ => (64, 64),
        };
        self.ask(a, x);
        self.opnd(b, y);
    }

    fn cond(&mut self, c: &Cond) {
        match *c {
            Cond::Icmp { w, a, b, .. } | Cond::Test { w, a, b, .. } => {
                self.ask(a, bits(w));
                self.opnd(b, bits(w));
            }
            _ => c.for_each_use(&mut |v| self.ask(v, 64)),
        }
    }

    fn term(&mut self, t: &Term) {
        match t {
            Term::BrIf { cond, .. } => self.cond(cond),
            Term::Switch { index, .. } => self.ask(*index, 64),
            Term::Jump(_) => {}
            Term::Ret(_) | Term::TailCall { .. } | Term::Trap => {
                t.for_each_use(|v| self.ask(v, 64));
            }
        }
        for BlockCall { block, args } in t.targets() {
            let f = self.f;
            for (p, arg) in f.blocks[block.index()].params.iter().zip(args) {
                self.ask(*arg, self.low[p.index()]);
            }
        }
    }
}

fn bits(w: Width) -> u8 {
    8 * w.bytes() as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{FunctionBuilder, IntCc, PReg};
    use crate::opt::eval;

    /// One operand; or two, the second perhaps a constant.
    type Operation = Result<UnOp, (BinOp, Option<u64>)>;

    /// Every operation on operands that agree in the bits that are asked for, whatever is asked for of the result: the
    /// results agree in that.
    #[test]
    fn what_is_not_asked_for_does_not_matter() {
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
        let (x, y) = (b.param(0), b.param(1));
        let mut made: Vec<(Value, Operation)> = Vec::new();
        for &op in &UnOp::ALL[..10] {
            made.push((b.unary(op, x), Ok(op)));
        }
        for &op in BinOp::ALL.iter().filter(|op| op.ty() == Type::I64) {
            made.push((b.binary(op, x, y), Err((op, None))));
            for n in [0, 1, 5, 31, 32, 33, 63, 255, 1 << 30, -1, -256] {
                made.push((b.binary(op, x, n), Err((op, Some(i64::from(n) as u64)))));
            }
        }
        b.ret(&[]);
        let f = b.finish();
        let seed = 0x2545_f491_4f6c_dd1du64;
        println!("seed {seed:#x}");
        let mut state = seed;
        let mut draw = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let low = |v: u64, bits: u8| match bits {
            64 => v,
            n => v & ((1 << n) - 1),
        };
        let mut checked = 0;
        for (v, how) in made {
            let inst = f.def_inst(v).expect("an instruction");
            for result in 1..=64 {
                let mut d = Demands {
                    f: &f,
                    low: vec![0; f.values.len()],
                    changed: false,
                };
                d.inst(inst, result);
                for _ in 0..64 {
                    let (m, n) = (draw() >> (draw() & 63), draw() >> (draw() & 63));
                    // Other bits above those that are asked for.
                    let other =
                        |v: u64, bits: u8, noise: u64| low(v, bits) | noise & !low(!0, bits);
                    let m2 = other(m, d.low[x.index()], draw());
                    let n2 = other(n, d.low[y.index()], draw());
                    let run = |m, n| match how {
                        Ok(op) => eval::unary(op, m),
                        Err((op, n2)) => eval::binary(op, m, n2.unwrap_or(n)),
                    };
                    if let (Some(r), Some(r2)) = (run(m, n), run(m2, n2)) {
                        assert_eq!(
                            low(r, result),
                            low(r2, result),
                            "{inst:?} {result} {m:#x} {n:#x}"
                        );
                        checked += 1;
                    }
                }
            }
        }
        assert!(checked > 400_000, "{checked}");
    }

    /// A loop that masks its number for the next iteration, where only the lower half is looked at; what leaves it is
    /// asked for wholly and masked there.
    #[test]
    fn masks_in_loops_go() {
        let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
        let (start, n) = (b.param(0), b.param(1));
        let (head, done) = (b.create_block(), b.create_block());
        let (x, i) = (
            b.block_param(head, Type::I64),
            b.block_param(head, Type::I64),
        );
        let r = b.block_param(done, Type::I64);
        let zero = b.iconst(0);
        let first = b.unary(UnOp::Zext32, start);
        b.jump(head, &[first, zero]);
        b.switch_to(head);
        let turned = b.binary(BinOp::Rotr32, x, 7);
        let sum = b.iadd(turned, x);
        let masked = b.unary(UnOp::Zext32, sum);
        let next = b.iadd(i, 1);
        let out = b.unary(UnOp::Zext32, sum);
        let again = Cond::icmp(IntCc::Ne, next, n);
        b.brif(again, (head, &[masked, next]), (done, &[out]));
        b.switch_to(done);
        b.ret(&[(r, PReg::Rax)]);
        let mut f = b.finish();
        let mut stats = OptStats::default();
        run(&mut f, &mut stats);
        assert_eq!(stats.undemanded, 2, "{f}");
        let Some(Term::BrIf { then, els, .. }) = &f.blocks[head.index()].term else {
            panic!("{f}");
        };
        assert_eq!((then.args[0], els.args[0]), (sum, out), "{f}");
    }
}
