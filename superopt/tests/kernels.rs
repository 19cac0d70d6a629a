//! Every kernel's formula meets its specification, and every C text computes the formula: both proven, at 32 and 64
//! bits. What takes a solver longer is ignored by default and run by benches/superopt/proofs.sh.

#[path = "kernels/p20.rs"]
mod p20;

use std::ffi::OsString;
use std::time::{Duration, Instant};
use trinity_codegen::isa::Domain;
use trinity_superopt::input::Unit;
use trinity_superopt::kernels::sources::{
    BIT_HACK, IDIOMATIC, MONTGOMERY, Text, compile, function, instructions,
};
use trinity_superopt::kernels::{HACKERS_DELIGHT, Kernel, arrays, find, wide};
use trinity_superopt::proof::{Limits, Pair, ProofResult, Query, prove};
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::run::{Deadline, Progress};
use trinity_superopt::search::check::check;
use trinity_superopt::search::engine::{Options, Record, Seed, search};
use trinity_superopt::search::opset::March;
use trinity_superopt::search::target::Target;
use trinity_superopt::solver::SolverPool;

fn solvers() -> SolverPool {
    SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)")
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
    let proven = matches!(
        r.verdict.kind(),
        VerdictKind::Proven | VerdictKind::ProvenUnderPrecondition
    );
    let rung = r.steps.last().map_or(String::new(), |s| s.rung.to_string());
    println!(
        "{what:34} {} by {rung} in {:.3} s",
        r.verdict,
        start.elapsed().as_secs_f64()
    );
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
    names
        .iter()
        .filter(prove)
        .map(|n| (*n).to_owned())
        .collect()
}

/// Slow for a solver: p20's specification speaks about all numbers between.
const SLOW: [&str; 1] = ["p20"];

fn quick() -> Vec<&'static str> {
    HACKERS_DELIGHT
        .iter()
        .map(|k| k.name)
        .filter(|n| !SLOW.contains(n))
        .collect()
}

#[test]
fn formulas_meet_their_specifications_at_32_bits() {
    assert_eq!(specifications(&quick(), 32, 30), Vec::<String>::new());
}

#[test]
fn formulas_meet_their_specifications_at_64_bits() {
    assert_eq!(specifications(&quick(), 64, 30), Vec::<String>::new());
}

/// In one question, as a check on the lemmas.
#[test]
#[ignore = "a minute in the solver; benches/superopt/proofs.sh runs it"]
fn p20_meets_its_specification_at_32_bits_in_one_question() {
    assert_eq!(specifications(&SLOW, 32, 300), Vec::<String>::new());
}

#[test]
fn p20_meets_its_specification_by_lemmas() {
    for width in [8, 32, 64] {
        p20::meets_its_specification(width);
    }
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
    HACKERS_DELIGHT
        .iter()
        .filter(wrong)
        .map(|k| k.name.to_owned())
        .collect()
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

/// What the proof says of code in Intel notation as a program for a target.
fn verdict(t: &Target, code: &str) -> VerdictKind {
    let start = Instant::now();
    let limits = Limits::within(Duration::from_secs(60));
    let r = check(t, &assembled(code), &limits, &solvers()).unwrap();
    show(&t.name, &r, start);
    r.verdict.kind()
}

/// Code in Intel notation.
fn assembled(code: &str) -> Vec<iced_x86::Instruction> {
    let text = format!(
        ".intel_syntax noprefix\n.globl f\n.type f, @function\nf:\n{code}\nret\n.size f, .-f\n"
    );
    let unit = Unit::from_text("f.s".as_ref(), &text).unwrap();
    instructions(&function(&unit, "f").unwrap())
}

/// gcc's straight-line code for p20 takes six cycles; from the values it computes on its way, five are found.
#[test]
fn values_of_a_program_lead_to_a_shorter_one() {
    let code = "blsi edx, edi\nxor eax, eax\nadd edx, edi\ntzcnt eax, edi\nxor edi, edx\nshr edi, 2\n\
                shrx eax, edi, eax\nor eax, edx";
    let target = kernel("p20").target(32, March::V3);
    let (solvers, deadline) = (solvers(), Deadline::after(Duration::from_secs(120)));
    let options = Options {
        deadline: deadline.clone(),
        jobs: 2,
        seed: 1,
        from_scratch: true,
        chain: None,
        enumerate: true,
        shortest: None,
        egraph: None,
        keys: None,
        patience: Some(Duration::from_secs(1)),
        proof_timeout: Duration::from_secs(30),
        rlimit: None,
        solvers: &solvers,
        progress: &Progress::new(&deadline),
        resume: vec![Seed {
            origin: "gcc".into(),
            code: assembled(code),
        }],
        record: Record::default(),
    };
    let outcome = search(&target, &options).unwrap();
    let costs: Vec<(u64, &str)> = outcome
        .found
        .iter()
        .map(|f| (f.cost, f.engine.as_str()))
        .collect();
    println!("{costs:?}");
    assert!(costs.contains(&(680, "gcc")), "{costs:?}");
    assert!(costs[0].0 < 600 && costs[0].1 == "enumeration", "{costs:?}");
}

/// The published program, ours with mulx, and ours without the carry of the second addend.
#[test]
fn montgomery_steps_are_proven_and_refuted() {
    let t = wide::montgomery(March::V3);
    let plain = "shl rcx, 32; mov edx, edx; xor rdx, rcx; mov rax, rdx; mul rsi; add rdi, r8; adc rdx, 0; \
                 add rdi, rax; adc rdx, 0; mov r8, rdx";
    assert_eq!(verdict(&t, plain), VerdictKind::Proven);
    let mulx = "shl rcx, 32; mov edx, edx; or rdx, rcx; add rdi, r8; mulx r8, rsi, rsi; adc r8, 0; add rdi, rsi";
    assert_eq!(verdict(&t, mulx), VerdictKind::Refuted);
    assert_eq!(
        verdict(&t, &format!("{mulx}; adc r8, 0")),
        VerdictKind::Proven
    );
}

/// The product by parts and the compiler's wide product, and the parts at -O0 with their variables on the stack: the
/// integer form proves both halves with variables taken by halves.
#[test]
fn montgomery_texts_agree() {
    let cc = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let solvers = solvers();
    let limits = Limits::within(Duration::from_secs(10));
    for level in ["-O0", "-O2"] {
        let unit = compile(&cc, &MONTGOMERY, 64, &[level]).unwrap();
        let mut setup = trinity_superopt::input::Setup::new(0);
        let [a, b] = ["montgomery_wide", "montgomery_parts"].map(|name| {
            setup
                .function(&function(&unit, name).unwrap())
                .unwrap()
                .exit
                .gpr
        });
        let query = |pool: &mut _, k: usize| {
            let one = Domain::constant(pool, 64, k as u128);
            let pairs = [0, 2].map(|r| {
                let right = Domain::add(pool, &b[r], &one);
                Pair::new("half", a[r], right)
            });
            Query::words(pairs.into())
        };
        let start = Instant::now();
        let q = query(&mut setup.pool, 0);
        let r = prove(&mut setup.pool, &q, &limits, &solvers);
        assert!(show(&format!("Montgomery texts {level}"), &r, start));
        let q = query(&mut setup.pool, 1);
        let r = prove(&mut setup.pool, &q, &limits, &solvers);
        assert_eq!(r.verdict.kind(), VerdictKind::Refuted);
    }
}

#[test]
fn sorts_in_registers_are_proven_and_refuted() {
    for march in [March::V1, March::V3] {
        let t = wide::sort(2, 64, march);
        let order = "mov rdx, rax; cmp rcx, rax; cmovl rax, rcx; cmovl rcx, rdx";
        assert_eq!(verdict(&t, order), VerdictKind::Proven);
        assert_eq!(
            verdict(&t, &order.replace("cmovl", "cmovb")),
            VerdictKind::Refuted
        );
    }
    let pair =
        |a: &str, b: &str| format!("mov esi, {a}; cmp {b}, {a}; cmovl {a}, {b}; cmovl {b}, esi; ");
    let network: String = [("ecx", "edx"), ("eax", "edx"), ("eax", "ecx")]
        .map(|(a, b)| pair(a, b))
        .concat();
    assert_eq!(
        verdict(&wide::sort(3, 32, March::V1), &network),
        VerdictKind::Proven
    );
    // The middle and the last stay out of order.
    let (short, _) = network.split_at(network.len() / 3 * 2);
    assert_eq!(
        verdict(&wide::sort(3, 32, March::V1), short),
        VerdictKind::Refuted
    );
    let four = [
        ("eax", "ecx"),
        ("edx", "edi"),
        ("eax", "edx"),
        ("ecx", "edi"),
        ("ecx", "edx"),
    ];
    let network: String = four.map(|(a, b)| pair(a, b)).concat();
    assert_eq!(
        verdict(&wide::sort(4, 32, March::V1), &network),
        VerdictKind::Proven
    );
}

#[test]
fn lanes_are_proven_and_refuted() {
    let t = arrays::saxpy(March::V3);
    assert_eq!(
        verdict(&t, "vpmulld xmm0, xmm0, xmm2; vpaddd xmm0, xmm0, xmm1"),
        VerdictKind::Proven
    );
    // The published program works on 16-bit lanes.
    assert_eq!(
        verdict(&t, "vpmullw xmm0, xmm0, xmm2; vpaddw xmm0, xmm0, xmm1"),
        VerdictKind::Refuted
    );
}
