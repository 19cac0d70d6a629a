//! Every kernel's formula meets its specification, and every C text computes the formula: both proven, at 32 and 64
//! bits. What takes a solver longer is ignored by default and run by benches/superopt/proofs.sh.

use std::ffi::OsString;
use std::time::{Duration, Instant};
use trinity_codegen::isa::Domain;
use trinity_superopt::kernels::sources::{BIT_HACK, IDIOMATIC, Text, compile, function};
use trinity_superopt::kernels::{HACKERS_DELIGHT, Kernel, find};
use trinity_superopt::proof::{Limits, Pair, ProofResult, Query, prove};
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::solver::{PoolConfig, SolverPool};

fn solvers() -> SolverPool {
    SolverPool::new(PoolConfig::located().expect("build trinity-solver first (cargo build -p trinity-solver)"))
}

fn kernel(name: &str) -> &'static Kernel {
    find(name).expect("there are p01 to p25")
}

/// Whether the formula meets the specification.
fn specification(k: &Kernel, width: u32, limits: &Limits<'_>, solvers: &SolverPool) -> ProofResult {
    let mut claim = k.claim(width);
    let yes = claim.pool.bit(true);
    let mut q = Query::words(vec![Pair::new("specification", claim.conclusion, yes)]);
    if claim.pool.as_constant(&claim.premise) != Some(1) {
        q.precondition.push(claim.premise);
    }
    prove(&mut claim.pool, &q, limits, solvers)
}

fn show(what: &str, r: &ProofResult, start: Instant) -> bool {
    let proven = matches!(r.verdict.kind(), VerdictKind::Proven | VerdictKind::ProvenUnderPrecondition);
    let rung = r.steps.last().map_or(String::new(), |s| s.rung.to_string());
    println!("{what:34} {} by {rung} in {:.3} s", r.verdict, start.elapsed().as_secs_f64());
    if let Some(c) = &r.counterexample {
        println!("{c:x?}");
    }
    proven
}

/// The names of those not proven.
fn specifications(names: &[&str], width: u32, seconds: u64) -> Vec<String> {
    let (solvers, limits) = (solvers(), Limits::within(Duration::from_secs(seconds)));
    let prove = |name: &&&str| {
        let start = Instant::now();
        let r = specification(kernel(name), width, &limits, &solvers);
        !show(&format!("{name} {width} specification"), &r, start)
    };
    names.iter().filter(prove).map(|n| (*n).to_owned()).collect()
}

/// Slow for a solver: p20's specification speaks about all numbers between.
const SLOW: [&str; 1] = ["p20"];

fn quick() -> Vec<&'static str> {
    HACKERS_DELIGHT.iter().map(|k| k.name).filter(|n| !SLOW.contains(n)).collect()
}

#[test]
fn formulas_meet_their_specifications_at_32_bits() {
    assert_eq!(specifications(&quick(), 32, 30), Vec::<String>::new());
}

#[test]
fn formulas_meet_their_specifications_at_64_bits() {
    assert_eq!(specifications(&quick(), 64, 30), Vec::<String>::new());
}

#[test]
#[ignore = "5 to 30 seconds in the solver; benches/superopt/proofs.sh runs it"]
fn p20_meets_its_specification_at_32_bits() {
    assert_eq!(specifications(&SLOW, 32, 300), Vec::<String>::new());
}

#[test]
#[ignore = "minutes in the solver; benches/superopt/proofs.sh runs it"]
fn p20_meets_its_specification_at_64_bits() {
    assert_eq!(specifications(&SLOW, 64, 1200), Vec::<String>::new());
}

/// The functions of a text as the system's compiler makes them, against the formulas; the names of those not proven.
fn texts(text: &Text, width: u32) -> Vec<String> {
    let cc = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let unit = compile(&cc, text, width, &["-O1", "-march=x86-64-v3"]).unwrap();
    let (solvers, limits) = (solvers(), Limits::within(Duration::from_secs(30)));
    let wrong = |k: &&Kernel| {
        let start = Instant::now();
        let f = function(&unit, k.name).unwrap();
        let (mut pool, q) = k.compiled_claim(&f, width).unwrap();
        let r = prove(&mut pool, &q, &limits, &solvers);
        !show(&format!("{} {width} {}", k.name, text.name), &r, start)
    };
    HACKERS_DELIGHT.iter().filter(wrong).map(|k| k.name.to_owned()).collect()
}

#[test]
fn bit_hacks_compute_the_formulas() {
    assert_eq!(texts(&BIT_HACK, 32), Vec::<String>::new());
    assert_eq!(texts(&BIT_HACK, 64), Vec::<String>::new());
}

#[test]
fn idiomatic_texts_compute_the_formulas() {
    assert_eq!(texts(&IDIOMATIC, 32), Vec::<String>::new());
    assert_eq!(texts(&IDIOMATIC, 64), Vec::<String>::new());
}
