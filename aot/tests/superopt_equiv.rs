//! `trinityc equiv` from the outside: every verdict with its exit code, bad inputs, and what gcc and clang print.

mod common;
#[path = "superopt_equiv/ir.rs"]
mod ir;
#[path = "superopt_equiv/lua.rs"]
mod lua;

use common::Scratch;
use std::process::Command;

fn ends(dir: &Scratch, args: &[&str], code: i32, says: &str) -> String {
    dir.ends("equiv", args, code, says)
}

/// A function in AT&T notation.
fn asm(dir: &Scratch, name: &str, body: &str) {
    dir.write(
        name,
        format!("\t.text\n\t.globl f\n\t.type f, @function\nf:\n{body}\n\tret\n\t.size f, .-f\n"),
    );
}

#[test]
fn every_verdict_has_its_exit_code() {
    let d = Scratch::new("equiv-verdicts");
    asm(&d, "add.s", "\tleal (%rdi,%rsi), %eax");
    asm(&d, "add2.s", "\tmovl %edi, %eax\n\taddl %esi, %eax");
    asm(&d, "sub.s", "\tmovl %edi, %eax\n\tsubl %esi, %eax");
    asm(&d, "or.s", "\tmovl %edi, %eax\n\torl %esi, %eax");
    asm(&d, "cpuid.s", "\txorl %eax, %eax\n\tcpuid");
    asm(
        &d,
        "loop.s",
        "\txorl %eax, %eax\n\ttestl %edi, %edi\n\tje .L2\n.L1:\n\taddl %edi, %eax\n\tdecl %edi\n\tjne .L1\n.L2:",
    );
    asm(
        &d,
        "loop2.s",
        "\txorl %eax, %eax\n.L1:\n\ttestl %edi, %edi\n\tje .L2\n\taddl %edi, %eax\n\tsubl $1, %edi\n\tjmp .L1\n.L2:",
    );
    ends(&d, &["add.s", "add2.s"], 0, "proven");
    let refuted = ends(&d, &["add.s", "sub.s"], 10, "refuted");
    assert!(
        refuted.contains("counterexample:") && refuted.contains("processor"),
        "{refuted}"
    );
    assert!(!refuted.contains("not replayed"), "{refuted}");
    ends(
        &d,
        &["add.s", "or.s", "--pre", "(edi & esi) == 0"],
        15,
        "proven-under-precondition",
    );
    ends(
        &d,
        &[
            "add.s",
            "or.s",
            "--pre",
            "(edi & esi) == 0 && edi == 3 && esi == 1",
        ],
        16,
        "vacuous",
    );
    ends(&d, &["add.s", "cpuid.s"], 13, "cpuid");
    ends(
        &d,
        &["loop.s", "loop2.s", "--bound", "3"],
        14,
        "bounded (k = 3)",
    );
    // No run leaves the loop within the bound.
    let long = ["loop.s", "loop2.s", "--bound", "3", "--pre", "edi >=u 100"];
    ends(&d, &long, 12, "unknown");
    // Whether two words of 64 bits multiply to the product of two primes of 64 bits.
    asm(
        &d,
        "factor.s",
        "\tmovq %rdi, %rax\n\tmulq %rsi\n\tmovabsq $18446744073709551474, %rcx\n\txorq %rcx, %rdx\n\
         \txorq $4897, %rax\n\torq %rdx, %rax\n\tsete %al\n\tmovzbl %al, %eax",
    );
    asm(&d, "zero.s", "\txorl %eax, %eax");
    ends(
        &d,
        &["factor.s", "zero.s", "--timeout", "1s"],
        11,
        "timeout",
    );
    let lost = Command::new(env!("CARGO_BIN_EXE_trinityc"))
        .current_dir(d.path())
        .env("TRINITY_SOLVER", "/nonexistent")
        .args(["equiv", "add.s", "add2.s"])
        .output();
    assert_eq!(lost.unwrap().status.code(), Some(17));
}

#[test]
fn results_preconditions_and_faults() {
    let d = Scratch::new("equiv-results");
    asm(&d, "a.s", "\tmovl %edi, %eax");
    asm(&d, "b.s", "\tmovslq %edi, %rax");
    asm(
        &d,
        "c.s",
        "\tmovl %edi, %eax\n\tpushq %rbx\n\tmovl %esi, %ebx\n\tpopq %rbx",
    );
    asm(&d, "d.s", "\tmovl %edi, %eax\n\tmovl %esi, %ebx");
    ends(&d, &["a.s", "b.s"], 10, "note: all of rax");
    ends(&d, &["a.s", "b.s", "--live-out", "eax"], 0, "proven");
    ends(
        &d,
        &["a.s", "b.s", "--pre", "edi >=s 0"],
        15,
        "holds for rdi =",
    );
    ends(&d, &["a.s", "c.s"], 0, "proven");
    ends(&d, &["a.s", "d.s"], 10, "rbx (preserved)");
    ends(
        &d,
        &["a.s", "b.s", "--live-out", "eax", "--live-in", "rsi"],
        13,
        "depend on rdi",
    );
    // A division that may fault is not equal to one that may not, but may be replaced by it.
    asm(
        &d,
        "div.s",
        "\tmovl %edi, %eax\n\txorl %edx, %edx\n\tdivl %esi\n\tmovl %edi, %eax",
    );
    ends(&d, &["div.s", "a.s"], 10, "#DE");
    ends(
        &d,
        &["div.s", "a.s", "--refine", "--live-out", "rax"],
        0,
        "proven",
    );
    ends(
        &d,
        &["a.s", "div.s", "--refine", "--live-out", "rax"],
        10,
        "#DE",
    );
    ends(
        &d,
        &["div.s", "a.s", "--pre", "esi != 0"],
        15,
        "proven-under-precondition",
    );
}

#[test]
fn memory_is_compared() {
    let d = Scratch::new("equiv-memory");
    asm(
        &d,
        "a.s",
        "\tmovl (%rdi), %eax\n\taddl $1, %eax\n\tmovl %eax, (%rdi)",
    );
    asm(&d, "b.s", "\tincl (%rdi)\n\tmovl (%rdi), %eax");
    asm(
        &d,
        "c.s",
        "\tmovl (%rdi), %eax\n\taddl $2, %eax\n\tmovl %eax, (%rdi)\n\tdecl %eax",
    );
    asm(
        &d,
        "d.s",
        "\tmovl (%rdi), %eax\n\taddl $1, %eax\n\tmovl %eax, (%rdi)\n\tmovl 4(%rdi), %ecx",
    );
    ends(&d, &["a.s", "b.s"], 0, "proven");
    let text = ends(&d, &["a.s", "c.s"], 10, "refuted");
    assert!(!text.contains("not replayed"), "{text}");
    ends(&d, &["a.s", "d.s"], 10, "bytes touched");
    // Two stores in another order are equal only when the pointers are.
    asm(&d, "e.s", "\tmovb $1, (%rdi)\n\tmovb $2, (%rsi)");
    asm(&d, "f.s", "\tmovb $2, (%rsi)\n\tmovb $1, (%rdi)");
    ends(&d, &["e.s", "f.s", "--live-out", "none"], 10, "rdi");
    ends(&d, &["e.s", "f.s", "--pre", "rdi != rsi"], 15, "proven");
}

#[test]
fn undefined_results_are_refused() {
    let d = Scratch::new("equiv-undefined");
    asm(
        &d,
        "bsf.s",
        "\tbsfl %edi, %eax\n\tsetb %al\n\tmovzbl %al, %eax",
    );
    asm(&d, "zero.s", "\txorl %eax, %eax");
    ends(&d, &["bsf.s", "zero.s"], 13, "undefined");
}

#[test]
fn bad_inputs_have_one_clear_message() {
    let d = Scratch::new("equiv-bad");
    asm(&d, "ok.s", "\tmovl %edi, %eax");
    asm(&d, "typo.s", "\tmovl %edi, %eax\n\tfrobnicate %eax");
    asm(&d, "stack.s", "\tpushq %rdi\n\tmovl %edi, %eax");
    asm(&d, "jump.s", "\tmovl %edi, %eax\n\tjmp *%rsi");
    asm(&d, "call.s", "\tcall g@PLT");
    asm(&d, "lock.s", "\tmovl $1, %eax\n\tlock xaddl %eax, (%rdi)");
    asm(&d, "inline.s", "#APP\n\tmovl %edi, %eax\n#NO_APP");
    asm(&d, "label.s", "\tleaq .L9(%rip), %rax\n.L9:");
    asm(&d, "tls.s", "\tmovl %fs:40, %eax");
    for (file, code, says) in [
        (
            "typo.s",
            3,
            "typo.s:6: no such instruction: 'frobnicate %eax'",
        ),
        (
            "missing.s",
            3,
            "missing.s: cannot be read: No such file or directory",
        ),
        ("stack.s", 13, "unbalanced stack"),
        ("jump.s", 13, "indirect jump"),
        ("call.s", 13, "calls are not covered"),
        ("lock.s", 13, "atomic"),
        ("inline.s", 13, "inline assembly"),
        ("label.s", 13, "the address of the label"),
        ("tls.s", 13, "segment override"),
    ] {
        ends(&d, &[file, "ok.s"], code, says);
        ends(&d, &["ok.s", file], code, says);
    }
    d.write("two.s", "\t.text\nf:\tret\ng:\tret\n");
    ends(
        &d,
        &["ok.s", "ok.s", "-f", "h"],
        2,
        "ok.s: there is no function h; there is f",
    );
    ends(
        &d,
        &["two.s", "ok.s"],
        2,
        "several functions (f, g): choose one with --function",
    );
    ends(
        &d,
        &["ok.s", "ok.s", "--pre", "edi < 3"],
        2,
        "--pre: column 5",
    );
    ends(
        &d,
        &["ok.s", "ok.s", "--live-out", "foo"],
        2,
        "is no live-out",
    );
    ends(
        &d,
        &["ok.s", "ok.s", "--json", "no/such/dir/x.json"],
        8,
        "no/such/dir/x.json",
    );
    ends(&d, &["ok.s"], 2, "<B>");
    ends(
        &d,
        &["ok.s", "ok.s", "--second-solver", "nowhere"],
        2,
        "nowhere",
    );
}

#[test]
fn reports_dumps_and_second_solver() {
    let d = Scratch::new("equiv-reports");
    asm(
        &d,
        "a.s",
        "\tmovl %edi, %eax\n\tandl %esi, %eax\n\tmovl %edi, %ecx\n\txorl %esi, %ecx\n\tshrl %ecx\n\taddl %ecx, %eax",
    );
    asm(
        &d,
        "b.s",
        "\tmovl %edi, %eax\n\tmovl %esi, %ecx\n\taddq %rcx, %rax\n\tshrq %rax",
    );
    asm(&d, "s.s", "\tmovl %edi, %eax\n\tsubl %esi, %eax");
    ends(
        &d,
        &[
            "a.s",
            "b.s",
            "--json",
            "r.json",
            "--html",
            "r.html",
            "--dump-smt",
            "smt",
        ],
        0,
        "proven",
    );
    let json = std::fs::read_to_string(d.file("r.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["verdict"]["kind"], "proven");
    assert_eq!(report["interface"]["live_out"][0], "rax");
    assert!(
        std::fs::read_to_string(d.file("r.html"))
            .unwrap()
            .contains("<html")
    );
    ends(&d, &["a.s", "s.s", "--json", "c.json"], 10, "refuted");
    let json = std::fs::read_to_string(d.file("c.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let c = &report["counterexample"];
    // Minimised, replayed on both, with the step marked.
    assert_eq!(c["not_replayed"].as_str().unwrap_or(""), "");
    for o in c["outputs"].as_array().unwrap() {
        for side in ["left", "right"] {
            assert_eq!(o[side]["model"], o[side]["processor"], "{o}");
        }
    }
    assert!(c["divergence"]["step"].is_u64(), "{c}");
}

#[test]
fn compilers_agree_with_themselves() {
    let d = Scratch::new("equiv-compilers");
    d.write(
        "f.c",
        "int absi(int x) { return x < 0 ? -(unsigned)x : x; }\n\
         int max3(int a, int b, int c) { int m = a; if (b > m) m = b; if (c > m) m = c; return m; }\n\
         int sum2(const int *a) { return a[0] + a[1]; }\n\
         unsigned pop(unsigned x) { unsigned n = 0; for (int i = 0; i < 32; i++) { n += x & 1; x >>= 1; } return n; }\n\
         double ratio(double a, double b) { return a / b; }\n\
         int quotient(int a, int b) { return a / b; }\n\
         int g(int); int calls(int x) { return g(x) + 1; }\n",
    );
    let mut files = Vec::new();
    for cc in ["gcc", "clang"] {
        if Command::new(cc).arg("--version").output().is_err() {
            continue;
        }
        for level in ["-O0", "-O1", "-O2", "-O3"] {
            for syntax in ["att", "intel"] {
                let out = format!("{cc}{level}-{syntax}.s");
                let masm = format!("-masm={syntax}");
                let s = Command::new(cc)
                    .current_dir(d.path())
                    .args([level, &masm, "-S", "f.c", "-o", &out])
                    .status();
                assert!(s.unwrap().success());
                files.push(out);
            }
        }
    }
    for f in &files[1..] {
        for (name, result) in [
            ("absi", "eax"),
            ("max3", "eax"),
            ("sum2", "eax"),
            ("pop", "eax"),
            ("ratio", "xmm0:64"),
            ("quotient", "eax"),
        ] {
            ends(
                &d,
                &[
                    &files[0],
                    f,
                    "-f",
                    name,
                    "--live-out",
                    result,
                    "--bound",
                    "40",
                ],
                0,
                "proven",
            );
        }
        ends(
            &d,
            &[&files[0], f, "-f", "calls"],
            13,
            "calls are not covered",
        );
    }
}

#[test]
fn programs_are_held_to_a_level() {
    let d = Scratch::new("equiv-march");
    asm(&d, "plain.s", "\tleaq -1(%rdi), %rax\n\tandq %rdi, %rax");
    asm(&d, "bmi.s", "\tblsrq %rdi, %rax");
    // By default the level is what they need.
    ends(&d, &["plain.s", "plain.s"], 0, "-march=x86-64\n");
    ends(&d, &["plain.s", "bmi.s"], 0, "-march=x86-64-v3\n");
    ends(&d, &["plain.s", "bmi.s", "-march=x86-64-v3"], 0, "proven");
    ends(
        &d,
        &["plain.s", "bmi.s", "-march=haswell"],
        0,
        "-march=haswell\n",
    );
    let refused = ends(&d, &["plain.s", "bmi.s", "-march=x86-64-v2"], 13, "blsr");
    assert!(
        refused.contains("needs -march=x86-64-v3, and x86-64-v2 was asked for"),
        "{refused}"
    );
    ends(
        &d,
        &["plain.s", "bmi.s", "-march=i386"],
        2,
        "i386 is not known",
    );
    // An extension that no level has is some processors' own.
    asm(
        &d,
        "adc.s",
        "\tcmpq %rsi, %rdi\n\tadcq %rsi, %rdi\n\tmovq %rdi, %rax",
    );
    asm(
        &d,
        "adcx.s",
        "\tcmpq %rsi, %rdi\n\tadcxq %rsi, %rdi\n\tmovq %rdi, %rax",
    );
    let adx = |march: &str, code: i32, says: &str| {
        ends(&d, &["adc.s", "adcx.s", march], code, says);
    };
    ends(&d, &["adc.s", "adcx.s"], 0, "-march=x86-64+adx\n");
    for march in ["znver3", "znver4", "skylake", "x86-64-v2+adx"] {
        adx(&format!("-march={march}"), 0, "proven");
    }
    for march in ["haswell", "x86-64-v4"] {
        let needs = format!("it needs -march=x86-64+adx, and {march} was asked for");
        adx(&format!("-march={march}"), 13, &needs);
    }
}

#[test]
fn stored_proofs_are_used_and_shown() {
    let d = Scratch::new("equiv-store");
    asm(&d, "a.s", "\tleal (%rdi,%rsi), %eax");
    asm(
        &d,
        "b.s",
        "\tmovl %esi, %eax\n\taddl %edi, %eax\n\tnegl %eax\n\tnegl %eax",
    );
    let args = [
        "a.s",
        "b.s",
        "--live-out",
        "eax",
        "--store",
        "proofs.redb",
        "--json",
        "r.json",
    ];
    let cached = || {
        let text = std::fs::read_to_string(d.path().join("r.json")).unwrap();
        text.matches("\"cached\": true").count()
    };
    ends(&d, &args, 0, "proven");
    assert_eq!(cached(), 0);
    ends(&d, &args, 0, "proven");
    assert_eq!(cached(), 1);
    // A damaged store is moved aside, and the proof made again.
    std::fs::write(d.path().join("proofs.redb"), b"no store").unwrap();
    ends(&d, &args, 0, "damaged");
    assert_eq!(cached(), 0);
}

#[test]
fn floating_point_is_exact() {
    let d = Scratch::new("equiv-float");
    asm(&d, "twice.s", "\taddsd %xmm0, %xmm0");
    asm(
        &d,
        "by-two.s",
        "\tmovabsq $0x4000000000000000, %rax\n\tmovq %rax, %xmm1\n\tmulsd %xmm1, %xmm0",
    );
    asm(&d, "minus.s", "\tsubsd %xmm0, %xmm0");
    asm(&d, "zero.s", "\txorpd %xmm0, %xmm0");
    asm(&d, "sum.s", "\taddsd %xmm1, %xmm0");
    asm(&d, "mus.s", "\taddsd %xmm0, %xmm1\n\tmovapd %xmm1, %xmm0");
    let low = |a: &str, b: &str, code: i32, says: &str| {
        ends(&d, &[a, b, "--live-out", "xmm0:64"], code, says)
    };
    low("twice.s", "by-two.s", 0, "float theory");
    for (a, b) in [("minus.s", "zero.s"), ("sum.s", "mus.s")] {
        let refuted = low(a, b, 10, "counterexample");
        assert!(!refuted.contains("not replayed"), "{refuted}");
    }
}

/// Stores on some paths only, and addresses that are loaded, are compared like all memory.
#[test]
fn conditional_stores_and_loaded_addresses_are_compared() {
    let d = Scratch::new("equiv-paths");
    asm(
        &d,
        "branch.s",
        "\tcmpl $3, %esi\n\tjle 1f\n\tmovl %esi, (%rdi)\n1:",
    );
    asm(
        &d,
        "turned.s",
        "\tcmpl $4, %esi\n\tjge 1f\n\tret\n1:\tmovl %esi, %eax\n\tmovl %eax, (%rdi)",
    );
    // Always stores: what was there on the other path, which is another access.
    asm(
        &d,
        "always.s",
        "\tmovl (%rdi), %eax\n\tcmpl $3, %esi\n\tcmovg %esi, %eax\n\tmovl %eax, (%rdi)",
    );
    asm(
        &d,
        "late.s",
        "\tcmpl $4, %esi\n\tjle 1f\n\tmovl %esi, (%rdi)\n1:",
    );
    let none = |a: &str, b: &str, code: i32, says: &str| {
        ends(&d, &[a, b, "--live-out", "none"], code, says);
    };
    none("branch.s", "turned.s", 0, "proven");
    none("branch.s", "always.s", 10, "counterexample");
    none("branch.s", "late.s", 10, "counterexample");
    asm(&d, "chase.s", "\tmovq (%rdi), %rax\n\tmovl 8(%rax), %eax");
    asm(
        &d,
        "steps.s",
        "\tmovq (%rdi), %rdi\n\taddq $8, %rdi\n\tmovl (%rdi), %eax",
    );
    asm(&d, "other.s", "\tmovq (%rdi), %rax\n\tmovl 12(%rax), %eax");
    let eax = |a: &str, b: &str, code: i32, says: &str| {
        ends(&d, &[a, b, "--live-out", "eax"], code, says);
    };
    eax("chase.s", "steps.s", 0, "proven");
    eax("chase.s", "other.s", 10, "counterexample");
}
