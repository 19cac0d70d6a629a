//! `trinityc equiv` from the outside: every verdict with its exit code, bad inputs, and what gcc and clang print.

mod common;

use common::Scratch;
use std::path::Path;
use std::process::{Command, Output};

fn trinityc(dir: &Path, args: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_trinityc");
    let out = Command::new(program).current_dir(dir).args(args).output();
    out.expect("trinityc runs")
}

fn ends(dir: &Scratch, args: &[&str], code: i32, says: &str) -> String {
    let mut all = vec!["equiv"];
    all.extend(args);
    let out = trinityc(dir.path(), &all);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(out.status.code(), Some(code), "{args:?}\n{text}");
    assert!(text.contains(says), "{args:?}: {says:?} is not in\n{text}");
    text
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
fn lua_functions_are_specifications() {
    let d = Scratch::new("equiv-lua");
    d.write(
        "f.lua",
        "local function avg(a, b) return (a & b) + ((a ~ b) >> 1) end\n\
         function max(a, b) if a > b then return a end return b end\n\
         function half(a) return a // 2 end\n\
         ---@param x number\n\
         function poly(x) return x * x + 1.5 end\n\
         function shift(a, n) return a << n end\n\
         function loops(a) while a > 0 do a = a - 1 end return a end\n",
    );
    asm(
        &d,
        "avg.s",
        "\tmovq %rdi, %rax\n\taddq %rsi, %rax\n\trcrq %rax",
    );
    ends(
        &d,
        &["f.lua", "avg.s", "-f", "avg", "--right-function", "f"],
        0,
        "proven",
    );
    asm(
        &d,
        "max.s",
        "\tcmpq %rsi, %rdi\n\tmovq %rsi, %rax\n\tcmovgq %rdi, %rax",
    );
    ends(
        &d,
        &["f.lua", "max.s", "-f", "max", "--right-function", "f"],
        0,
        "proven",
    );
    // Lua rounds down, C does not.
    asm(&d, "floor.s", "\tmovq %rdi, %rax\n\tsarq %rax");
    asm(
        &d,
        "cut.s",
        "\tmovq %rdi, %rax\n\tshrq $63, %rax\n\taddq %rdi, %rax\n\tsarq %rax",
    );
    let half = |file, code, says| {
        let args = ["f.lua", file, "-f", "half", "--right-function", "f"];
        ends(&d, &args, code, says)
    };
    half("floor.s", 0, "proven");
    half("cut.s", 10, "refuted");
    asm(
        &d,
        "shl.s",
        "\tmovq %rsi, %rcx\n\tmovq %rdi, %rax\n\tshlq %cl, %rax",
    );
    ends(
        &d,
        &["f.lua", "shl.s", "-f", "shift", "--right-function", "f"],
        10,
        "refuted",
    );
    ends(
        &d,
        &[
            "f.lua",
            "shl.s",
            "-f",
            "shift",
            "--right-function",
            "f",
            "--pre",
            "rsi <u 64",
        ],
        15,
        "proven",
    );
    ends(
        &d,
        &["f.lua", "shl.s", "-f", "loops", "--right-function", "f"],
        13,
        "f.lua:7: unsupported while",
    );
    d.write("p.s", "\t.text\nf:\n\tmulsd %xmm0, %xmm0\n\taddsd .LC0(%rip), %xmm0\n\tret\n\t.section .rodata\n\t.align 8\n.LC0:\n\t.double 1.5\n");
    ends(
        &d,
        &["f.lua", "p.s", "-f", "poly", "--right-function", "f"],
        0,
        "proven",
    );
    d.write("bad.lua", "function f(a) return a .. 1 end\n");
    ends(&d, &["bad.lua", "avg.s"], 13, "bad.lua:1: unsupported ..");
    d.write("syntax.lua", "function f(a) return end end\n");
    ends(&d, &["syntax.lua", "avg.s"], 3, "syntax.lua:1: ");
}

/// Lua's floored division: faults are settled cheaply, outputs tested first.
#[test]
fn lua_division_is_proven_against_idiv() {
    let d = Scratch::new("equiv-division");
    d.write("f.lua", "function f(a, b) return a // b end\n");
    let truncated = "\tmovq %rdi, %rax\n\tcqto\n\tidivq %rsi";
    let floored = format!(
        "{truncated}\n\tmovq %rdx, %rcx\n\txorq %rsi, %rcx\n\tsarq $63, %rcx\n\ttestq %rdx, %rdx\n\tmovl $0, %edx\n\
         \tcmove %rdx, %rcx\n\taddq %rcx, %rax"
    );
    asm(&d, "truncated.s", truncated);
    asm(&d, "floored.s", &floored);
    ends(&d, &["f.lua", "truncated.s"], 10, "counterexample");
    // The processor faults where the least integer is divided by -1; Lua wraps.
    let refuted = ends(&d, &["f.lua", "floored.s"], 10, "0x8000000000000000");
    assert!(refuted.contains("#DE"), "{refuted}");
    ends(
        &d,
        &["f.lua", "floored.s", "--pre", "rsi != -1"],
        15,
        "proven-under-precondition",
    );
}

/// `luaV_idiv` and `luaV_mod` of the reference implementation, as gcc compiles them: -1 as divisor is handled apart.
#[test]
fn lua_division_is_proven_against_the_reference_implementation() {
    let d = Scratch::new("equiv-idiv");
    d.write(
        "f.lua",
        "function idiv(a, b) return a // b end\nfunction mod(a, b) return a % b end\n",
    );
    d.write(
        "f.c",
        "long idiv(long m, long n) { if ((unsigned long)n + 1u <= 1u) return 0ul - (unsigned long)m;\n\
         long q = m / n; if ((m ^ n) < 0 && m % n != 0) q -= 1; return q; }\n\
         long mod(long m, long n) { if ((unsigned long)n + 1u <= 1u) return 0;\n\
         long r = m % n; if (r != 0 && (r ^ n) < 0) r += n; return r; }\n",
    );
    for level in ["-O1", "-O2"] {
        common::run(
            std::process::Command::new("gcc")
                .current_dir(d.path())
                .args([level, "-S", "f.c", "-o", "f.s"]),
        );
        for name in ["idiv", "mod"] {
            let args = ["f.lua", "f.s", "-f", name, "--pre", "rsi != 0"];
            let text = ends(&d, &args, 15, "proven-under-precondition");
            // Decided with the division as a function, not bit by bit.
            assert!(text.contains("abstraction"), "{text}");
            assert!(!text.contains("[0..8]"), "{text}");
        }
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
