//! Functions and targets improved, proven and written back.

use super::*;

/// A block with everything regions know.
fn sample_function() -> (ir::Function, Vec<ir::Value>) {
    use ir::{Cond, FunctionBuilder, IntCc, PReg, Type, Width};
    let mut b = FunctionBuilder::new(
        "region",
        &[
            (Type::I64, PReg::Rdi),
            (Type::I64, PReg::Rsi),
            (Type::F64, PReg::Xmm0),
        ],
    );
    let (x, y, f) = (b.param(0), b.param(1), b.param(2));
    let nine = b.iconst(9);
    let m = b.imul(x, nine);
    let n = b.imul(y, nine);
    let sum = b.iadd(m, n);
    let q = b.binary(ir::BinOp::Sdiv, sum, 8);
    let s = b.shl(q, y);
    let low = b.zext8(s);
    let c = Cond::icmp_w(IntCc::Sgt, Width::W32, low, 100);
    let picked = b.select(c, x, y);
    let flag = b.bool_of(Cond::icmp(IntCc::Ule, picked, x));
    let both = b.or(flag, picked);
    let nx = b.fneg(f);
    let nn = b.fneg(nx);
    let g = b.fadd(nn, f);
    let h = b.fabs(g);
    b.ret(&[(both, PReg::Rax), (h, PReg::Xmm0), (sum, PReg::Rcx)]);
    (b.finish(), vec![both, h, sum])
}

#[test]
fn regions_are_improved_proven_and_written_back() {
    let (func, outputs) = sample_function();
    ir::verify(&func).expect("the sample is well-formed");
    let block = func.entry();
    let mut found = region_outputs(&func, block);
    found.sort();
    let mut wanted = outputs.clone();
    wanted.sort();
    assert_eq!(found, wanted);
    let options = Options {
        limits: Limits {
            nodes: 3_000,
            rounds: 4,
            ..Limits::default()
        },
        ..Options::default()
    };
    let solvers = solvers();
    let limits = proof::Limits::default();
    let rules = RuleSet::shipped();
    let better = optimize_region(&func, block, &outputs, &rules, &options, &limits, &solvers)
        .expect("is a region");
    assert_eq!(
        better.proof.verdict.kind(),
        VerdictKind::Proven,
        "{:?}",
        better.proof.verdict
    );
    assert!(
        better.usable(),
        "{:?} {:?}",
        better.improved.before,
        better.improved.after
    );
    // The new function, read back, computes the same on values.
    let new = better.function("new").expect("has IR");
    ir::verify(&new).unwrap_or_else(|e| panic!("{e}\n{new}"));
    let outs: Vec<ir::Value> = match &new.blocks[0].term {
        Some(ir::Term::Ret(r)) => r.iter().map(|v| v.0).collect(),
        other => panic!("{other:?}"),
    };
    let mut rng = SmallRng::seed_from_u64(3);
    for _ in 0..300 {
        let values: Vec<Bits> = (0..3)
            .map(|_| Bits::new(64, stratified(&mut rng, 64, 64, &[])))
            .collect();
        let old = run(&func, &outputs, &values);
        // The new function takes the region's inputs in the order they were met.
        let place = |v: ir::Value| {
            func.blocks[0]
                .params
                .iter()
                .position(|p| *p == v)
                .expect("a parameter")
        };
        let inputs: Vec<Bits> = better
            .region
            .inputs
            .iter()
            .map(|(v, _)| values[place(*v)])
            .collect();
        assert_eq!(run(&new, &outs, &inputs), old, "{values:x?}\n{new}");
    }
    let again = optimize_region(&func, block, &outputs, &rules, &options, &limits, &solvers)
        .expect("is a region");
    assert_eq!(again.improved.expr, better.improved.expr);
}

/// Values computed by the entry block of a function, from the function's parameters.
fn run(func: &ir::Function, outputs: &[ir::Value], params: &[Bits]) -> Vec<u128> {
    let pure: Vec<ir::Value> = outputs
        .iter()
        .copied()
        .filter(|v| !func.blocks[0].params.contains(v))
        .collect();
    let region = region_terms(func, func.entry(), &pure).expect("is a region");
    let at = |v: ir::Value| {
        func.blocks[0]
            .params
            .iter()
            .position(|p| *p == v)
            .expect("only parameters are read")
    };
    let roots: Vec<TermId> = region.outputs.iter().map(|o| o.1).collect();
    let inputs: Vec<Bits> = region.inputs.iter().map(|(v, _)| params[at(*v)]).collect();
    let words = region.pool.eval(
        &roots,
        &mut Concrete,
        &mut |_, n, _| inputs[n as usize],
        &mut |_, _| Default::default(),
    );
    let mut words = words.into_iter();
    outputs
        .iter()
        .map(|v| match func.blocks[0].params.contains(v) {
            true => params[at(*v)].value,
            // One word for each output that is no parameter.
            false => words.next().expect("an output").value,
        })
        .collect()
}

#[test]
fn divisions_that_may_fault_stay_where_they_are() {
    use ir::{FunctionBuilder, PReg, Type};
    let mut b = FunctionBuilder::new("f", &[(Type::I64, PReg::Rdi), (Type::I64, PReg::Rsi)]);
    let (x, y) = (b.param(0), b.param(1));
    let q = b.binary(ir::BinOp::Sdiv, x, y);
    let r = b.iadd(q, q);
    b.ret(&[(r, PReg::Rax)]);
    let func = b.finish();
    let region = region_terms(&func, func.entry(), &[r]).expect("is a region");
    assert_eq!(region.inputs, [(q, Type::I64)]);
    assert_eq!(
        region_terms(&func, func.entry(), &[q]).err(),
        Some(region::NotInRegion(q))
    );
    // Nor does extraction invent one.
    let node = ENode::new(
        Op::Bin(trinity_codegen::isa::BinOp::Sdiv),
        64,
        &[Id::from(0), Id::from(0)],
    );
    assert!(!emit::expressible(&node, &|_| Known::unknown(64)));
}

#[test]
fn terms_of_a_target_are_improved_in_place() {
    let mut pool = TermPool::new();
    let (x, y) = (pool.var("x", 32), pool.var("y", 32));
    let (a, b) = (pool.or(&x, &y), pool.and(&x, &y));
    let d = pool.sub(&a, &b);
    let options = Options {
        limits: Limits {
            rounds: 3,
            ..Limits::default()
        },
        ..Options::default()
    };
    let (terms, improved) =
        improve_terms(&mut pool, &[d], &RuleSet::shipped(), &TermCost, &options).expect("is pure");
    let xor = pool.xor(&x, &y);
    assert_eq!(terms, [xor]);
    assert_eq!(improve::operations(&improved.expr), 1);
    assert!(
        IrCost
            .node(&Graph::new(Facts::default()), &ENode::constant(64, 1))
            .is_some()
    );
}
