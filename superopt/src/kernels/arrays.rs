//! Kernels over vector lanes, in registers.

use super::wide::target;
use crate::search::loc::vec_word;
use crate::search::opset::March;
use crate::search::target::{Port, Target};
use trinity_codegen::isa::{BinOp, Domain, TermId, TermPool};

/// `x = a x + y` on four 32-bit integers, which wrap: x in xmm0, y in xmm1, a in every lane of xmm2; the result in xmm0.
/// Nothing is said of the upper half of ymm0 at exit.
pub fn saxpy(march: March) -> Target {
    let mut p = TermPool::new();
    let word = |p: &mut TermPool, n: u16, j: u16| {
        let x = p.var(&format!("xmm{n}_{j}"), 64);
        (
            Port {
                at: vec_word(n, j),
                width: 64,
            },
            x,
        )
    };
    let inputs: Vec<(Port, TermId)> = (0..3)
        .flat_map(|n| (0..2).map(move |j| (n, j)))
        .map(|(n, j)| word(&mut p, n, j))
        .collect();
    let mut outputs = Vec::new();
    for j in 0..2u16 {
        let lane = |p: &mut TermPool, n: u16, k: u32| {
            p.extract(&inputs[(2 * n + j) as usize].1, 32 * k, 32)
        };
        let mut halves = Vec::new();
        for k in 0..2 {
            let (x, y, a) = (lane(&mut p, 0, k), lane(&mut p, 1, k), lane(&mut p, 2, k));
            let product = p.bin(BinOp::Mul, &a, &x);
            halves.push(p.add(&product, &y));
        }
        let both = p.concat(&halves[1], &halves[0]);
        outputs.push((
            Port {
                at: vec_word(0, j),
                width: 64,
            },
            both,
        ));
    }
    target("saxpy".into(), p, inputs, outputs, march)
}
