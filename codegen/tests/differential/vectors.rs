//! Vectors that do not fit the registers: they are spilled and moved whole, doubles beside them too.

use crate::exec::{Arena, Regs};
use std::fmt::Write;
use trinity_codegen::ir::{PReg, parse, verify};
use trinity_codegen::{Algorithm, Options, compile};

/// So many vectors at once.
const COUNT: usize = 24;

/// Loads all of them and a double, adds one to each in a loop, and stores them in the opposite order.
fn program(ty: &str, bytes: usize) -> String {
    let mut s = String::from("function \"spill\"(v0: rdi, v1: rsi, v2: xmm0) {\nb0:\n");
    let names = |first: usize| (0..COUNT).map(move |k| format!("v{}", first + k));
    let list = |first: usize| names(first).collect::<Vec<_>>().join(", ");
    for (k, v) in names(3).enumerate() {
        writeln!(s, "  {v} = vload.{ty} [v0 + {}]", bytes * k).unwrap();
    }
    let one = 3 + COUNT;
    let (params, next) = (one + 3, one + 4 + COUNT);
    writeln!(s, "  v{one} = iconst 1").unwrap();
    writeln!(s, "  v{} = vector.{ty} splat v{one}", one + 1).unwrap();
    writeln!(s, "  v{} = iconst 3\n  jump b1(v{0}, {})", one + 2, list(3)).unwrap();
    let typed: Vec<String> = names(params + 1).map(|v| format!("{v}: {ty}")).collect();
    writeln!(s, "b1(v{params}: i64, {}):", typed.join(", ")).unwrap();
    for (old, new) in names(params + 1).zip(names(next)) {
        writeln!(s, "  {new} = vector.{ty} iadd {old}, v{}", one + 1).unwrap();
    }
    let count = next + COUNT;
    writeln!(s, "  v{count} = isub v{params}, 1").unwrap();
    let round = list(next);
    writeln!(
        s,
        "  brif icmp.64 ne v{count}, 0, b1(v{count}, {round}), b2"
    )
    .unwrap();
    writeln!(s, "b2:").unwrap();
    for (k, v) in names(next).enumerate() {
        let at = bytes * (COUNT - 1 - k);
        writeln!(s, "  vstore [v1 + {at}], {v}").unwrap();
    }
    if ty == "v256" {
        writeln!(s, "  vdone").unwrap();
    }
    writeln!(s, "  v{} = f2bits v2\n  ret v{0}: rax\n}}", count + 1).unwrap();
    s
}

fn check(ty: &str, lanes: usize) {
    let text = program(ty, lanes * 8);
    let funcs = parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let f = &funcs[0];
    verify(f).unwrap_or_else(|e| panic!("{e}\n{f}"));
    let again = parse(&f.to_string()).unwrap_or_else(|e| panic!("{e}\n{f}"));
    assert_eq!(again[0].to_string(), f.to_string());
    for algorithm in [Algorithm::Ion, Algorithm::Fast] {
        let options = Options {
            algorithm,
            verify: true,
            check_allocation: true,
            ..Options::default()
        };
        let code = compile(f, &options).unwrap_or_else(|e| panic!("{e}\n{f}"));
        assert!(code.frame_size as usize >= 8 * lanes);
        let from: Vec<u64> = (0..COUNT * lanes)
            .map(|n| n as u64 * 0x1_0000_0001)
            .collect();
        let mut to = vec![0u64; from.len()];
        let mut regs = Regs {
            gpr: [0; 16],
            xmm: [0.0; 16],
        };
        regs.gpr[PReg::Rdi.hw() as usize] = from.as_ptr() as u64;
        regs.gpr[PReg::Rsi.hw() as usize] = to.as_mut_ptr() as u64;
        regs.xmm[0] = 2.5;
        let mut arena = Arena::new();
        let rax = arena.run(&code, &regs).gpr[0];
        assert_eq!(f64::from_bits(rax), 2.5);
        for (k, got) in to.chunks(lanes).enumerate() {
            let want = &from[(COUNT - 1 - k) * lanes..][..lanes];
            assert!(got.iter().zip(want).all(|(g, w)| *g == w + 3), "{ty} {k}");
        }
    }
}

#[test]
fn vectors_are_spilled_whole() {
    check("v128", 2);
    if std::arch::is_x86_feature_detected!("avx2") {
        check("v256", 4);
    }
}
