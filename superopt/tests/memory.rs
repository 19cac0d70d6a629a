//! Code over memory: found as vectors from what the system's compiler makes of C texts, and proven on the real memory.

use trinity_superopt::input::compare::Question;
use trinity_superopt::input::liveout;
use trinity_superopt::input::whole::whole_function;
use trinity_superopt::kernels::sources::{SAXPY, Text, compile, function};
use trinity_superopt::proof::Claim;
use trinity_superopt::report::verdict::VerdictKind;
use trinity_superopt::run::{Deadline, Progress};
use trinity_superopt::search::engine::{self, Found, Options, Record};
use trinity_superopt::search::improve::target_of_function;
use trinity_superopt::search::opset::March;
use trinity_superopt::search::target::Target;
use trinity_superopt::solver::SolverPool;

const TEXT: Text = Text {
    name: "memory",
    path: "superopt/tests/memory.rs",
    text: r#"
#include <stdint.h>
void add_constant(int32_t *restrict x, const int32_t *restrict y)
{
    x[0] = y[0] + 77; x[1] = y[1] + 77; x[2] = y[2] + 77; x[3] = y[3] + 77;
    x[4] = y[4] + 77; x[5] = y[5] + 77; x[6] = y[6] + 77; x[7] = y[7] + 77;
}
void xor_arrays(uint64_t *restrict x, const uint64_t *restrict y)
{
    for (int i = 0; i < 4; i++) x[i] ^= y[i];
}
void maximum(int32_t *restrict x, const int32_t *restrict y)
{
    for (int i = 0; i < 4; i++) x[i] = x[i] > y[i] ? x[i] : y[i];
}
void in_place(uint16_t *x, uint16_t k)
{
    for (int i = 0; i < 8; i++) x[i] = (x[i] << 3) - k;
}
"#,
};

/// The target that a function of a text is, as gcc compiles it with the flags.
fn target(text: &Text, name: &str, flags: &[&str], pre: Option<&str>, march: March) -> Target {
    let cc = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let unit = compile(&cc, text, 32, flags).expect("the text compiles");
    let f = function(&unit, name).expect("it is in the text");
    let q = Question {
        claim: Claim::Refinement,
        live_out: Some(liveout::parse("none").expect("a list of results")),
        precondition: pre.map(str::to_owned),
        bound: 16,
        march: march.name(),
        command: String::new(),
    };
    let whole = whole_function(&f, &q, march).expect("it can be searched");
    target_of_function(whole.terms).expect("its memory is cells")
}

/// What the enumeration of vectors alone finds and proves, without a clock.
fn vectors(t: &Target) -> Vec<Found> {
    let solvers = SolverPool::located().expect("build trinity-solver first");
    let deadline = Deadline::never();
    let progress = Progress::new(&deadline);
    let options = Options {
        deadline: deadline.clone(),
        jobs: 1,
        seed: 1,
        from_scratch: true,
        chain: None,
        enumerate: true,
        shortest: None,
        egraph: None,
        keys: None,
        patience: None,
        proof_timeout: std::time::Duration::from_secs(30),
        rlimit: Some(50_000_000),
        solvers: &solvers,
        progress: &progress,
        resume: Vec::new(),
        record: Record::default(),
    };
    let outcome = engine::search(t, &options).expect("it can be tested");
    for m in progress.meters() {
        println!("{}: {:?}", t.name, m.row());
    }
    assert_eq!(outcome.undecided, 0, "{}", t.name);
    let found = outcome.found;
    for f in &found {
        let code: Vec<String> = f.code.iter().map(|i| i.to_string()).collect();
        println!("{}: {} ({})", t.name, code.join("; "), f.proof.verdict);
        for s in &f.proof.steps {
            println!("  {} by {} in {:?}", s.goal, s.rung, s.time);
        }
    }
    found
}

const APART: &str = "disjoint(rdi, 16, rsi, 16)";

fn uses(f: &Found, mnemonic: &str) -> bool {
    let name = |i: &trinity_codegen::isa::Instruction| format!("{:?}", i.mnemonic());
    f.code
        .iter()
        .any(|i| name(i).eq_ignore_ascii_case(mnemonic))
}

/// From every optimisation level without vectors: six or seven instructions, for all inputs whose arrays are apart.
#[test]
fn saxpy_becomes_vector_code() {
    for level in ["-O0", "-O1", "-O2"] {
        let flags = [level, "-fno-tree-vectorize", "-fno-tree-slp-vectorize"];
        let t = target(&SAXPY, "saxpy", &flags, Some(APART), March::V3);
        let found = vectors(&t);
        let best = found
            .first()
            .unwrap_or_else(|| panic!("{level}: nothing was found"));
        assert_eq!(
            best.proof.verdict.kind(),
            VerdictKind::ProvenUnderPrecondition
        );
        assert!(best.proof.witness.is_some(), "the precondition can hold");
        for m in ["vmovd", "vpbroadcastd", "vpmulld", "vpaddd", "vmovdqu"] {
            assert!(uses(best, m), "{level}: no {m}");
        }
        assert!(
            best.code.len() <= 7,
            "{level}: {} instructions",
            best.code.len()
        );
    }
    // Without AVX2: other instructions, the same proof.
    let t = target(&SAXPY, "saxpy", &["-O1"], Some(APART), March::V2);
    let found = vectors(&t);
    assert!(found.first().is_some_and(|f| uses(f, "pmulld")));
}

/// Where the arrays may overlap, vector code computes something else: the proof says so.
#[test]
fn overlapping_arrays_are_not_assumed_away() {
    let t = target(&SAXPY, "saxpy", &["-O1"], None, March::V3);
    assert!(vectors(&t).is_empty());
    // Half of an array apart is not enough: the first element stored may be the third one of the other array.
    let nearly = Some("disjoint(rdi + 8, 8, rsi, 16)");
    let t = target(&SAXPY, "saxpy", &["-O1"], nearly, March::V3);
    assert!(vectors(&t).is_empty());
}

#[test]
fn other_kernels_become_vector_code() {
    let apart = Some("disjoint(rdi, 32, rsi, 32)");
    for (name, pre, march, mnemonics, most) in [
        ("add_constant", apart, March::V3, &["vpaddd"][..], 7),
        ("xor_arrays", apart, March::V3, &["vpxor"], 6),
        ("xor_arrays", apart, March::V1, &["pxor"], 8),
        ("maximum", Some(APART), March::V3, &["vpmaxsd"], 3),
        // One array: nothing needs to be assumed.
        ("in_place", None, March::V3, &["vpsllw", "vpsubw"], 6),
    ] {
        let t = target(
            &TEXT,
            name,
            &["-O2", "-fno-tree-vectorize", "-funroll-loops"],
            pre,
            march,
        );
        let found = vectors(&t);
        let best = found
            .first()
            .unwrap_or_else(|| panic!("{name}: nothing was found"));
        let expected = match pre {
            Some(_) => VerdictKind::ProvenUnderPrecondition,
            None => VerdictKind::Proven,
        };
        assert_eq!(best.proof.verdict.kind(), expected, "{name}");
        assert!(mnemonics.iter().all(|m| uses(best, m)), "{name}");
        assert!(
            best.code.len() <= most,
            "{name}: {} instructions",
            best.code.len()
        );
    }
}
