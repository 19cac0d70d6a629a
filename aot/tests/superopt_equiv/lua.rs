//! Lua functions as specifications of machine code.

use super::common::{Scratch, run};
use super::{asm, ends};
use std::process::Command;

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
        run(Command::new("gcc")
            .current_dir(d.path())
            .args([level, "-S", "f.c", "-o", "f.s"]));
        for name in ["idiv", "mod"] {
            let args = ["f.lua", "f.s", "-f", name, "--pre", "rsi != 0"];
            let text = ends(&d, &args, 15, "proven-under-precondition");
            // Decided with the division as a function, not bit by bit.
            assert!(text.contains("abstraction"), "{text}");
            assert!(!text.contains("[0..8]"), "{text}");
        }
    }
}
