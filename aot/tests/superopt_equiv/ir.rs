//! Regions of the compiler's IR as specifications of machine code.

use super::common::{Scratch, run, trinityc};
use super::{asm, ends};

#[test]
fn functions_of_ir_are_specifications() {
    let d = Scratch::new("equiv-ir");
    d.write(
        "f.ir",
        "function \"clear\"(v0: rdi) {\nb0:\n  v1 = isub v0, 1\n  v2 = and v0, v1\n  ret v2: rax\n}\n\
         function \"both\"(v0: rdi, v1: rsi) {\nb0:\n  v2 = iadd v0, v1\n  v3 = isub v0, v1\n  ret v2: rax, v3: rdx, v0: rcx\n}\n\
         function \"twice\"(v0: xmm0) {\nb0:\n  v1 = fadd v0, v0\n  ret v1: xmm0\n}\n\
         function \"loads\"(v0: rdi) {\nb0:\n  v1 = load.i64 [v0]\n  v2 = iadd v1, 1\n  ret v2: rax\n}\n\
         function \"two\"(v0: rdi) {\nb0:\n  v1 = iadd v0, 1\n  jump b1\nb1:\n  v2 = xor v1, 5\n  ret v2: rax\n}\n",
    );
    asm(&d, "blsr.s", "\tblsrq %rdi, %rax");
    asm(&d, "dec.s", "\tleaq -1(%rdi), %rax");
    let named = |f: &'static str, other: &'static str| {
        vec!["f.ir", other, "-f", f, "--right-function", "f"]
    };
    ends(&d, &named("clear", "blsr.s"), 0, "proven");
    ends(&d, &named("clear", "dec.s"), 10, "refuted");
    asm(
        &d,
        "both.s",
        "\tleaq (%rdi,%rsi), %rax\n\tmovq %rdi, %rcx\n\tmovq %rdi, %rdx\n\tsubq %rsi, %rdx",
    );
    ends(&d, &named("both", "both.s"), 0, "proven");
    asm(&d, "twice.s", "\taddsd %xmm0, %xmm0");
    ends(&d, &named("twice", "twice.s"), 0, "proven");
    asm(&d, "xor.s", "\tmovq %rdi, %rax\n\txorq $5, %rax");
    ends(&d, &named("two@b1", "xor.s"), 0, "proven");
    asm(&d, "inc.s", "\tleaq 1(%rdi), %rax");
    ends(&d, &named("two@b0", "inc.s"), 0, "proven");
    // What is no region is said by name.
    ends(&d, &named("two", "inc.s"), 13, "its regions: two@b0");
    ends(&d, &named("two@b7", "inc.s"), 13, "no such block");
    ends(&d, &named("loads", "inc.s"), 13, "v1: it comes from memory");
    ends(&d, &named("none", "inc.s"), 2, "clear");
    d.write(
        "bad.ir",
        "function \"f\"(v0: rdi) {\nb0:\n  v1 = frobnicate v0\n}\n",
    );
    ends(&d, &["bad.ir", "inc.s"], 3, "bad.ir:3");
}

/// What the compiler prints is an input: the block of a loop that hashes.
#[test]
fn regions_of_compiled_programs_are_specifications() {
    let d = Scratch::new("equiv-ir-lua");
    d.write(
        "h.lua",
        "local function hash()\n  local h = 0\n  for i = 1, 10 do h = ((h << 5) ~ (h >> 2) ~ i) & 0xffffffff end\n\
         return h\nend\nprint(hash())\n",
    );
    run(trinityc(d.path()).args(["--emit=ir", "h.lua", "-o", "h.ir"]));
    let text = std::fs::read_to_string(d.file("h.ir")).unwrap();
    // The block with the shifts, in the function of line 1.
    let of_function = text.find("function \"h.lua:1\"").unwrap();
    let shift = of_function + text[of_function..].find(" = shl ").unwrap();
    let label = text[..shift].rfind("\nb").unwrap() + 1;
    let end = label + text[label..].find(['(', ':', ' ']).unwrap();
    let region = format!("h.lua:1@{}", &text[label..end]);
    asm(
        &d,
        "h.s",
        "\tmovq %rdi, %rax\n\tshlq $5, %rax\n\tmovq %rdi, %rdx\n\tshrq $2, %rdx\n\tmovq %rax, %rcx\n\txorq %rdx, %rcx\n\
         \txorq %rcx, %rsi\n\tmovl %esi, %edi",
    );
    let args = ["h.ir", "h.s", "-f", &region, "--right-function", "f"];
    ends(&d, &args, 0, "proven");
    asm(&d, "wrong.s", "\tmovq %rdi, %rax\n\tshlq $4, %rax");
    let args = ["h.ir", "wrong.s", "-f", &region, "--right-function", "f"];
    ends(&d, &args, 10, "refuted");
}
