//! How fast the back end compiles: functions shaped as a dynamic language's compiler makes them (guarded arithmetic on
//! tagged slots, calls of helpers on cold paths, loops), by size and allocation algorithm.
//!
//! `cargo run --release -p trinity-codegen --example throughput`

use std::time::Instant;
use trinity_codegen::ir::*;
use trinity_codegen::opt::{self, OptOptions, OptStats};
use trinity_codegen::{Algorithm, Compiler, Options};

/// `statements` guarded additions of slots in a few nested loops; values stay in registers between some of them.
fn workload(statements: i32) -> Function {
    let mut b = FunctionBuilder::new("workload", &[]);
    let mut live = Vec::new();
    for n in 0..statements {
        b.set_loc(SrcLoc(n as u32 + 1));
        let (x, y, z) = ((n * 7) % 40, (n * 13) % 40, (n * 5) % 40);
        let (join, slow) = (b.create_block(), b.create_cold_block());
        let sum = b.block_param(join, Type::I64);
        let tag = |slot: i32| Addr::base(slot * 16 + 8);
        b.exit_if(Cond::icmp_mem(IntCc::Ne, Width::W8, tag(x), 3), slow, &[]);
        b.exit_if(Cond::icmp_mem(IntCc::Ne, Width::W8, tag(y), 3), slow, &[]);
        let p = b.load64(Addr::base(x * 16));
        let q = b.load64(Addr::base(y * 16));
        let v = b.overflow_or(OvfOp::Add, p, q, slow, &[]);
        let v = if n % 3 == 0 {
            let f = b.int_to_float(v);
            let c = b.fconst(1.5);
            let f = b.fmul(f, c);
            b.float_to_int(f)
        } else {
            v
        };
        b.jump(join, &[v]);
        b.switch_to(slow);
        let t = b.get_pinned(Pinned::Thread);
        let code = b.iconst(n as i64);
        let r = b.call_symbol(
            SymbolRef(1),
            &[(t, PReg::Rdi), (code, PReg::Rsi)],
            &[(Type::I64, PReg::Rax)],
            Clobbers::SysV,
            Some(n as u32),
        );
        b.jump(join, &[r[0]]);
        b.switch_to(join);
        let sum = match live.len() {
            0 => sum,
            k => b.iadd(sum, live[n as usize % k]),
        };
        live.push(sum);
        if live.len() > 6 {
            live.remove(0);
        }
        b.store64(Addr::base(z * 16), sum);
        b.store_imm(Width::W8, tag(z), 3);
        if n % 10 == 9 {
            // A loop back edge with a poll.
            let (again, next) = (b.create_block(), b.create_block());
            b.jump(again, &[]);
            b.switch_to(again);
            b.mem_op(MemOp::Sub, Width::W64, Addr::thread(64), 1);
            b.brif(
                Cond::icmp_mem(IntCc::Ne, Width::W64, Addr::thread(64), 0),
                (again, &[]),
                (next, &[]),
            );
            b.switch_to(next);
        }
    }
    b.ret(&[(live[0], PReg::Rax)]);
    b.finish()
}

fn main() {
    for statements in [20, 200, 2000, 20000, 40000] {
        let func = workload(statements);
        let insts = func.insts.len() + func.blocks.len();
        let rounds = (500_000 / insts).max(1);
        let start = Instant::now();
        let mut stats = OptStats::default();
        for _ in 0..rounds {
            let options = OptOptions {
                verify: false,
                ..OptOptions::ALL
            };
            stats = opt::run(&mut func.clone(), &options);
        }
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{insts:7} instructions, optimizer: {:6.0} thousand instructions/s, {} left",
            (insts * rounds) as f64 / seconds / 1e3,
            stats.insts_after
        );
        for algorithm in [Algorithm::Ion, Algorithm::Fast] {
            let mut compiler = Compiler::new(Options {
                algorithm,
                verify: false,
                check_allocation: false,
                ..Options::default()
            });
            let start = Instant::now();
            let mut bytes = 0;
            for _ in 0..rounds {
                bytes = compiler.compile(&func).expect("compiles").code.len();
            }
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{insts:7} instructions, {algorithm:?}: {:6.0} thousand instructions/s, {:.1} bytes each",
                (insts * rounds) as f64 / seconds / 1e3,
                bytes as f64 / insts as f64
            );
        }
    }
}
