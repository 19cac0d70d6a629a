//! Small functions with known results, and facts about the output that running does not show.

use crate::exec::{Arena, CALL_ALL, CALL_SYSV, Regs};
use trinity_codegen::ir::*;
use trinity_codegen::{Algorithm, CompileError, CompiledFunction, Options, compile};

const RET: PReg = PReg::Rax;

fn build(params: &[(Type, PReg)], body: impl FnOnce(&mut FunctionBuilder)) -> Function {
    let mut b = FunctionBuilder::new("known", params);
    body(&mut b);
    b.finish()
}

fn compiled(f: &Function) -> CompiledFunction {
    let options = Options {
        algorithm: Algorithm::Ion,
        verify: true,
        check_allocation: true,
        ..Options::default()
    };
    compile(f, &options).unwrap_or_else(|e| panic!("{e}\n{f}"))
}

/// Runs with rdi, rsi, xmm0 and xmm1 set; returns rax.
fn run(arena: &mut Arena, f: &CompiledFunction, ints: [u64; 2], floats: [f64; 2]) -> u64 {
    let mut regs = Regs {
        gpr: [0; 16],
        xmm: [0.0; 16],
    };
    regs.gpr[PReg::Rdi.hw() as usize] = ints[0];
    regs.gpr[PReg::Rsi.hw() as usize] = ints[1];
    regs.gpr[PReg::R14.hw() as usize] = arena.thread() as u64;
    regs.gpr[PReg::Rbx.hw() as usize] = arena.base() as u64;
    regs.xmm[..2].copy_from_slice(&floats);
    arena.run(f, &regs).gpr[0]
}

#[test]
fn float_comparisons_know_nan() {
    let mut arena = Arena::new();
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
    ];
    let meaning = |cc: FloatCc, a: f64, b: f64| match cc {
        FloatCc::Eq => a == b,
        FloatCc::Ne => a != b,
        FloatCc::Lt => a < b,
        FloatCc::Le => a <= b,
        FloatCc::Gt => a > b,
        FloatCc::Ge => a >= b,
    };
    let params = [(Type::F64, PReg::Xmm0), (Type::F64, PReg::Xmm1)];
    for &cc in FloatCc::ALL {
        let cond = |b: &FunctionBuilder| Cond::fcmp(cc, b.param(0), b.param(1));
        let bool_of = build(&params, |b| {
            let v = b.bool_of(cond(b));
            b.ret(&[(v, RET)]);
        });
        let selects = build(&params, |b| {
            let (one, zero) = (b.iconst(1), b.iconst(0));
            let v = b.select(cond(b), one, zero);
            let (x, y) = (b.fconst(1.0), b.fconst(0.0));
            let f = b.select(cond(b), x, y);
            let f = b.float_to_int(f);
            // Both must agree: 0 or 3.
            let f = b.shl(f, 1);
            let v = b.or(v, f);
            b.ret(&[(v, RET)]);
        });
        // Either target may be the one that falls through.
        let branch = |yes_first: bool| {
            build(&params, |b| {
                let (first, second) = (b.create_block(), b.create_block());
                let (yes, no) = if yes_first {
                    (first, second)
                } else {
                    (second, first)
                };
                b.brif(cond(b), (yes, &[]), (no, &[]));
                for (block, n) in [(yes, 1), (no, 0)] {
                    b.switch_to(block);
                    let n = b.iconst(n);
                    b.ret(&[(n, RET)]);
                }
            })
        };
        let same = build(&params, |b| {
            let v = b.bool_of(Cond::fcmp(cc, b.param(0), b.param(0)));
            b.ret(&[(v, RET)]);
        });
        let funcs = [bool_of, branch(true), branch(false), selects, same].map(|f| compiled(&f));
        for a in values {
            for b in values {
                let want = meaning(cc, a, b) as u64;
                for (n, f) in funcs[..3].iter().enumerate() {
                    assert_eq!(
                        run(&mut arena, f, [0; 2], [a, b]),
                        want,
                        "{n}: {a} {cc} {b}"
                    );
                }
                assert_eq!(
                    run(&mut arena, &funcs[3], [0; 2], [a, b]),
                    want * 3,
                    "{a} {cc} {b}"
                );
                let want = meaning(cc, a, a) as u64;
                assert_eq!(
                    run(&mut arena, &funcs[4], [0; 2], [a, b]),
                    want,
                    "{a} {cc} {a}"
                );
            }
        }
    }
}

#[test]
fn switch_takes_the_default_beyond_its_table() {
    let mut arena = Arena::new();
    let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
        let blocks: Vec<Block> = (0..5).map(|_| b.create_block()).collect();
        let calls = blocks[..4]
            .iter()
            .map(|&t| BlockCall::new(t, &[]))
            .collect();
        b.switch(b.param(0), calls, BlockCall::new(blocks[4], &[]));
        for (n, &block) in blocks.iter().enumerate() {
            b.switch_to(block);
            let n = b.iconst(n as i64 * 10);
            b.ret(&[(n, RET)]);
        }
    }));
    for (index, want) in [
        (0, 0),
        (1, 10),
        (3, 30),
        (4, 40),
        (5, 40),
        (u64::MAX, 40),
        (1 << 32, 40),
    ] {
        assert_eq!(run(&mut arena, &f, [index, 0], [0.0; 2]), want, "{index}");
    }
}

#[test]
fn loops_and_tail_jumps() {
    let mut arena = Arena::new();
    // The sum of 1..=n, then a tail jump to a callee with it: rax = 3 * sum + n + 1.
    for symbol in [CALL_ALL, CALL_SYSV] {
        let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
            let (head, done) = (b.create_block(), b.create_block());
            let (i, sum) = (
                b.block_param(head, Type::I64),
                b.block_param(head, Type::I64),
            );
            let (n, zero) = (b.param(0), b.iconst(0));
            b.jump(head, &[n, zero]);
            b.switch_to(head);
            let sum = b.iadd(sum, i);
            let next = b.isub(i, 1);
            b.brif(
                Cond::icmp(IntCc::Ne, next, 0),
                (head, &[next, sum]),
                (done, &[]),
            );
            b.switch_to(done);
            b.tail_jump(
                CallTarget::Symbol(symbol),
                &[(sum, PReg::Rdi), (n, PReg::Rsi)],
            );
        }));
        assert_eq!(run(&mut arena, &f, [100, 0], [0.0; 2]), 3 * 5050 + 100 + 1);
    }
}

/// A value that is passed round a cycle of parameters each time.
#[test]
fn parameters_rotate() {
    let mut arena = Arena::new();
    let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
        let (head, done) = (b.create_block(), b.create_block());
        let count = b.block_param(head, Type::I64);
        let p: Vec<Value> = (0..16).map(|_| b.block_param(head, Type::I64)).collect();
        let mut args = vec![b.param(0)];
        args.extend((0..16).map(|n| b.iconst(n)));
        b.jump(head, &args);
        b.switch_to(head);
        let left = b.isub(count, 1);
        let mut next = vec![left];
        next.extend((0..16).map(|n| p[(n + 1) % 16]));
        b.brif(Cond::icmp(IntCc::Sgt, left, 0), (head, &next), (done, &[]));
        b.switch_to(done);
        b.ret(&[(p[0], RET)]);
    }));
    for n in 1..40 {
        assert_eq!(run(&mut arena, &f, [n, 0], [0.0; 2]), (n - 1) % 16);
    }
}

#[test]
fn the_frame_and_the_tables_are_as_promised() {
    let calls = 5;
    let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
        let mut keep = vec![b.param(0)];
        for n in 0..calls {
            b.set_loc(SrcLoc(100 + n));
            let args = [(keep[0], PReg::Rdi)];
            let rets = [(Type::I64, PReg::Rax)];
            keep.extend(b.call_symbol(CALL_ALL, &args, &rets, Clobbers::All, Some(n)));
        }
        b.set_loc(SrcLoc(200));
        let sum = keep.iter().fold(keep[0], |s, &v| b.iadd(s, v));
        b.ret(&[(sum, RET)]);
    }));
    assert_eq!(
        f.frame_size % 16,
        8,
        "rsp is aligned after the prologue of a function that calls"
    );
    assert_eq!(
        f.safepoints.iter().map(|s| s.1).collect::<Vec<_>>(),
        (0..calls).collect::<Vec<_>>()
    );
    for (&(offset, _), reloc) in f.safepoints.iter().zip(&f.relocs) {
        assert_eq!(
            offset,
            reloc.offset + 4,
            "the return address follows the call"
        );
        assert_eq!(f.code[offset as usize - 5], 0xe8);
    }
    // Each call's bytes belong to its location.
    for &(offset, id) in &f.safepoints {
        let at = f.srclocs.partition_point(|l| l.0 < offset) - 1;
        assert_eq!(f.srclocs[at].1, SrcLoc(100 + id));
    }
    assert_eq!(f.srclocs.last().map(|l| l.1), Some(SrcLoc(200)));
    assert_eq!(
        f.block_offsets,
        [4],
        "the entry block follows `sub rsp, imm8`"
    );
}

#[test]
fn a_leaf_without_spills_has_no_frame() {
    let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
        let v = b.iadd(b.param(0), 1);
        b.ret(&[(v, RET)]);
    }));
    // lea rax, [rdi + 1]; ret
    assert_eq!(
        (f.frame_size, &f.code[..]),
        (0, &[0x48, 0x8d, 0x47, 1, 0xc3][..])
    );
}

#[test]
fn long_jumps_are_long_and_short_jumps_short() {
    // A branch over n stores of 7 bytes each.
    for n in 1..60 {
        let f = compiled(&build(&[(Type::I64, PReg::Rdi)], |b| {
            let (over, end) = (b.create_block(), b.create_block());
            b.brif(
                Cond::icmp(IntCc::Eq, b.param(0), 0),
                (end, &[]),
                (over, &[]),
            );
            b.switch_to(over);
            (0..n).for_each(|k| b.store_imm(Width::W32, Addr::base(512 + 4 * (k % 8)), k));
            b.jump(end, &[]);
            b.switch_to(end);
            let five = b.iconst(5);
            b.ret(&[(five, RET)]);
        }));
        let short = f.code[3] & 0xf0 == 0x70;
        let skipped = f.block_offsets[2] - f.block_offsets[1];
        assert_eq!(short, skipped <= 127, "{n} stores, {skipped} bytes");
        let mut arena = Arena::new();
        assert_eq!(run(&mut arena, &f, [0, 0], [0.0; 2]), 5);
        assert_eq!(run(&mut arena, &f, [7, 0], [0.0; 2]), 5);
    }
}

#[test]
fn invalid_functions_are_errors() {
    let f = build(&[(Type::I64, PReg::Rdi)], |b| {
        let x = b.fconst(1.0);
        let v = b.iadd(x, 1);
        b.ret(&[(v, RET)]);
    });
    let options = Options {
        verify: true,
        ..Options::default()
    };
    assert!(matches!(
        compile(&f, &options),
        Err(CompileError::Verify(_))
    ));
}

#[test]
fn both_algorithms_take_large_functions() {
    let mut arena = Arena::new();
    let f = build(&[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)], |b| {
        let mut live = vec![b.param(0), b.param(1)];
        for n in 0..5000 {
            let (x, y) = (live[n % live.len()], live[(n * 7 + 1) % live.len()]);
            let v = if n % 3 == 0 {
                b.isub(x, y)
            } else {
                b.iadd(x, y)
            };
            live.push(v);
            if live.len() > 50 {
                live.remove(n % 50);
            }
        }
        let sum = live.iter().fold(live[0], |s, &v| b.xor(s, v));
        b.ret(&[(sum, RET)]);
    });
    let results = [Algorithm::Ion, Algorithm::Fast, Algorithm::Auto].map(|algorithm| {
        let options = Options {
            algorithm,
            verify: true,
            check_allocation: true,
            ..Options::default()
        };
        let code = compile(&f, &options).expect("compiles");
        run(&mut arena, &code, [12345, 678910], [0.0; 2])
    });
    assert_eq!(results[0], results[1]);
    assert_eq!(results[0], results[2]);
}
