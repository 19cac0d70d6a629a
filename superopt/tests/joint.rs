//! Targets with several results: found by the joint search, proven, and as short as is known.

use rand::SeedableRng;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use trinity_superopt::input::compare::Question;
use trinity_superopt::input::whole::whole_function;
use trinity_superopt::input::{Function, Unit, liveout};
use trinity_superopt::kernels::sources::{Text, compile, function, instructions};
use trinity_superopt::kernels::wide;
use trinity_superopt::proof::{Claim, Limits};
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::search::check::check;
use trinity_superopt::search::improve::target_of_function;
use trinity_superopt::search::joint::{self, Budget};
use trinity_superopt::search::opset::March;
use trinity_superopt::search::target::{Port, Target, caller_saved};
use trinity_superopt::search::tests::TestBank;
use trinity_superopt::search::values::Progress;
use trinity_superopt::solver::SolverPool;

const SEED: u64 = 1;

/// The shortest proven program.
fn found(t: &Target) -> Option<Vec<String>> {
    let solvers =
        SolverPool::located().expect("build trinity-solver first (cargo build -p trinity-solver)");
    let mut rng = rand::rngs::SmallRng::seed_from_u64(SEED);
    let bank = TestBank::new(t, 32, &mut rng).unwrap();
    let progress = Progress::default();
    let budget = Budget {
        evaluations: 2_000_000_000,
        jobs: 2,
    };
    let limits = Limits::within(Duration::from_secs(10));
    let start = Instant::now();
    let mut best: Option<Vec<String>> = None;
    joint::search(t, &bank, budget, &progress, &mut |ops, p| {
        let code = p.instructions(ops);
        let proof = check(t, &code, &limits, &solvers).unwrap();
        let text: Vec<String> = code.iter().map(|i| i.to_string()).collect();
        println!(
            "{} (seed {SEED}) {} in {:.2} s: {}",
            t.name,
            proof.verdict,
            start.elapsed().as_secs_f64(),
            text.join("; ")
        );
        let proven = proof.verdict.kind() == VerdictKind::Proven;
        if proven && best.as_ref().is_none_or(|b| b.len() > text.len()) {
            best = Some(text);
        }
        proven
    });
    println!(
        "{} evaluations, {:.2} s",
        progress.evaluations.load(Ordering::Relaxed),
        start.elapsed().as_secs_f64()
    );
    best
}

#[test]
fn montgomery_steps() {
    for (march, most) in [(March::V1, 9), (March::V3, 8)] {
        let code = found(&wide::montgomery(march)).expect("a program");
        assert!(code.len() <= most, "{march:?}: {code:?}");
    }
}

/// A function as a target; where its frame is all of its memory, over registers alone.
fn of_function(f: &Function, results: &str, march: March) -> Target {
    let q = Question {
        claim: Claim::Refinement,
        live_out: Some(liveout::parse(results).unwrap()),
        precondition: None,
        bound: 8,
        march: String::new(),
        command: String::new(),
    };
    let whole = whole_function(f, &q, march).expect("it can be searched");
    let t = target_of_function(whole.terms).expect("its accesses can be searched");
    assert!(t.memory.is_none(), "its memory is its frame");
    t
}

/// What gcc -O0 makes of both C texts: variables on the stack, of the one text 32-bit parts multiplied.
#[test]
fn montgomery_steps_from_code_without_optimisation() {
    let text = include_str!("../kernels/montgomery-O0.s");
    let unit = Unit::from_text("montgomery-O0.s".as_ref(), text).unwrap();
    for name in ["montgomery_wide", "montgomery_parts"] {
        for (march, most) in [(March::V1, 11), (March::V3, 8)] {
            let t = of_function(&function(&unit, name).unwrap(), "rax,rdx", march);
            let code = found(&t).expect("a program");
            assert!(code.len() <= most, "{name} {march:?}: {code:?}");
        }
    }
}

/// A target from the code of a System V function with results in rax and rdx, or other registers.
fn of(code: &str, inputs: &[u16], outputs: &[u16], march: March) -> Target {
    let text = format!(
        ".intel_syntax noprefix\n.globl f\n.type f, @function\nf:\n{code}\nret\n.size f, .-f\n"
    );
    let unit = Unit::from_text("f.s".as_ref(), &text).unwrap();
    let code = instructions(&function(&unit, "f").unwrap());
    let ports =
        |l: &[u16]| -> Vec<Port> { l.iter().map(|at| Port { at: *at, width: 64 }).collect() };
    let (inputs, outputs) = (ports(inputs), ports(outputs));
    Target::from_code("given", &code, &inputs, &outputs, caller_saved(), march).unwrap()
}

const RAX: u16 = 0;
const RCX: u16 = 1;
const RDX: u16 = 2;
const RSI: u16 = 6;
const RDI: u16 = 7;

/// rsi:rdi + rcx:rdx, the carry by a comparison.
#[test]
fn a_sum_of_two_words_each() {
    let code = "mov rax, rdi; add rax, rdx; xor r8d, r8d; cmp rax, rdi; setb r8b; mov rdx, rsi; add rdx, rcx; add rdx, r8";
    let t = of(code, &[RDI, RSI, RDX, RCX], &[RAX, RDX], March::V1);
    // In place it would be two: add and adc; copies bring the words to the results' registers.
    assert!(found(&t).expect("a program").len() <= 4);
}

/// One multiplication for both halves.
#[test]
fn both_halves_of_a_product() {
    let code = "mov rax, rdi; mul rsi; mov rcx, rdi; imul rcx, rsi; mov rax, rcx";
    let t = of(code, &[RDI, RSI], &[RAX, RDX], March::V1);
    assert_eq!(found(&t).expect("a program").len(), 2);
}

/// Both halves of a product by parts of 32 bits, as school teaches it, variables on the stack.
#[test]
fn a_product_by_parts_is_one_multiplication() {
    const BY_PARTS: Text = Text {
        name: "product by parts",
        path: "product.c",
        text: "#include <stdint.h>\nstruct wide { uint64_t low, high; };\n\
               struct wide product(uint64_t a, uint64_t b) {\n\
               uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;\n\
               uint64_t ll = al * bl, lh = al * bh, hl = ah * bl;\n\
               uint64_t middle = (ll >> 32) + (uint32_t)lh + (uint32_t)hl;\n\
               struct wide r = {middle << 32 | (uint32_t)ll, ah * bh + (lh >> 32) + (hl >> 32) + (middle >> 32)};\n\
               return r; }\n",
    };
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let unit = compile(&cc, &BY_PARTS, 64, &["-O0"]).expect("the text compiles");
    let t = of_function(&function(&unit, "product").unwrap(), "rax,rdx", March::V1);
    assert_eq!(found(&t).expect("a program").len(), 2);
}

/// One comparison for both.
#[test]
fn least_and_greatest() {
    assert_eq!(
        found(&wide::sort(2, 64, March::V1))
            .expect("a program")
            .len(),
        4
    );
}
