//! `trinityc opt` from the outside: text in, better text out, assembled by gcc and run against the original.

mod common;

use common::{Scratch, run};
use std::process::Command;

fn ends(dir: &Scratch, args: &[&str], code: i32, says: &str) -> String {
    dir.ends("opt", args, code, says)
}

/// Runs `driver` with the original and with the new assembly; both must print the same.
fn same_output(d: &Scratch, driver: &str, old: &str, new: &str) -> String {
    d.write("driver.c", driver);
    let mut printed = Vec::new();
    for s in [old, new] {
        run(Command::new("gcc")
            .current_dir(d.path())
            .args(["-O1", "driver.c", s, "-o", "driver"]));
        printed.push(run(Command::new(d.file("driver"))
            .current_dir(d.path())
            .args(["7"])));
    }
    assert_eq!(printed[0], printed[1]);
    printed.remove(0)
}

const DRIVER: &str = "#include <stdio.h>\n\
    unsigned f(unsigned, unsigned);\n\
    int main(void) { unsigned x = 12345, s = 0; for (int i = 0; i < 2000; i++) { x = x * 1664525 + 1013904223; s = s * 31 + f(x, x >> 7 ^ i); } printf(\"%u\\n\", s); }\n";

#[test]
fn a_function_without_optimisation_gets_better_in_both_notations() {
    for masm in ["-masm=att", "-masm=intel"] {
        let d = Scratch::new(&format!("opt-whole{masm}"));
        d.write("f.c", "unsigned f(unsigned x, unsigned y) { unsigned t = x & y; if (x == y) t = x; return t; }\n");
        run(Command::new("gcc")
            .current_dir(d.path())
            .args(["-O0", masm, "-S", "f.c", "-o", "f.s"]));
        let text = ends(
            &d,
            &[
                "f.s",
                "-o",
                "g.s",
                "--deadline",
                "6s",
                "--live-out",
                "eax",
                "--json",
                "r.json",
            ],
            0,
            "wrote g.s",
        );
        assert!(text.contains("proven"), "{text}");
        let new = std::fs::read_to_string(d.file("g.s")).unwrap();
        let old = std::fs::read_to_string(d.file("f.s")).unwrap();
        assert!(new.lines().count() < old.lines().count(), "{new}");
        assert!(new.contains("endbr64") == old.contains("endbr64"), "{new}");
        same_output(&d, DRIVER, "f.s", "g.s");
        let report = d.json("r.json");
        assert_eq!(report["items"][0]["verdict"]["kind"], "proven");
        // Both programs' text and bytes, with hashes.
        let code = |side: &str| {
            let program = &report["items"][0]["programs"][side];
            assert!(!program["lines"][0]["bytes"].as_str().unwrap().is_empty());
            (
                program["lines"].as_array().unwrap().len(),
                program["sha256"].clone(),
            )
        };
        let (before, after) = (code("left"), code("right"));
        assert!(before.0 > after.0 && before.1 != after.1);
    }
}

#[test]
fn a_region_inside_a_loop_is_replaced_in_place() {
    let d = Scratch::new("opt-loop");
    // The body computes x ^ (x - 1) & ... in a roundabout way; the loop, its label and the comments stay.
    d.write(
        "f.s",
        "\t.text\n\t.globl f\n\t.type f, @function\nf:\n\t.cfi_startproc\n\tendbr64\n\txorl %eax, %eax\n\tandl $15, %esi\n\
         \tincl %esi\n.Lagain:\t# the loop\n\tmovl %edi, %ecx\n\tnegl %ecx\n\tnotl %ecx\n\tandl %edi, %ecx\n\taddl %ecx, %eax\n\
         \t# next\n\timull $77, %edi, %edi\n\tdecl %esi\n\tjne .Lagain\n\tret\n\t.cfi_endproc\n\t.size f, .-f\n",
    );
    let text = ends(
        &d,
        &[
            "f.s",
            "-o",
            "g.s",
            "--deadline",
            "30s",
            "--seed",
            "3",
            "-march=x86-64-v3",
        ],
        0,
        "wrote g.s",
    );
    assert!(text.contains("proven"), "{text}");
    let new = std::fs::read_to_string(d.file("g.s")).unwrap();
    for kept in [
        "endbr64",
        ".Lagain:\t# the loop",
        "\t# next",
        "jne .Lagain",
        ".cfi_startproc",
    ] {
        assert!(new.contains(kept), "{kept} is not in\n{new}");
    }
    same_output(&d, DRIVER, "f.s", "g.s");
}

/// Labels on the line of an instruction stay where they are, with the line's comment, and the instruction takes part.
#[test]
fn an_instruction_behind_labels_is_part_of_a_region() {
    let texts = [
        "f:\txorl %eax, %eax\n\tandl $15, %esi\n\tincl %esi\n.Lagain: one: 2: movl %edi, %ecx # the loop: 3\n\tnegl %ecx\n\tnotl %ecx\n\
         \tandl %edi, %ecx\n.Lb:\taddl %ecx, %eax\n\timull $77, %edi, %edi\n\tdecl %esi\n\tjne .Lagain\n\tret\n",
        "\t.intel_syntax noprefix\nf:\txor eax, eax\n\tand esi, 15\n\tinc esi\n.Lagain: one: 2: mov ecx, edi # the loop: 3\n\tneg ecx\n\
         \tnot ecx\n\tand ecx, edi\n.Lb:\tadd eax, ecx\n\timul edi, edi, 77\n\tdec esi\n\tjne .Lagain\n\tret\n\t.att_syntax\n",
    ];
    for text in texts {
        let d = Scratch::new("opt-labels");
        d.write(
            "f.s",
            format!("\t.text\n\t.globl f\n\t.type f, @function\n{text}\t.size f, .-f\n"),
        );
        let args = ["f.s", "-o", "g.s", "--deadline", "6s", "--seed", "3"];
        let said = ends(
            &d,
            &[&args[..], &["-march=x86-64-v3"]].concat(),
            0,
            "wrote g.s",
        );
        // Four instructions on lines 7 to 10 (8 to 11) were one value; the search replaces the region that begins there.
        assert!(said.contains("proven"), "{said}");
        let new = std::fs::read_to_string(d.file("g.s")).unwrap();
        assert!(new.contains("\n.Lagain: one: 2:\t# the loop: 3\n"), "{new}");
        assert!(new.contains("\n.Lb:\t"), "{new}");
        assert!(!new.contains("neg"), "{new}");
        same_output(&d, DRIVER, "f.s", "g.s");
    }
    // A whole function whose own label is on the line of its first instruction.
    let d = Scratch::new("opt-label-whole");
    d.write(
        "f.s",
        "\t.text\n\t.globl f\n\t.type f, @function\nf: movl %edi, %eax # begin\n\tnegl %eax\nin: notl %eax\n\taddl $1, %eax\n\
         \taddl %esi, %eax\n\tret\n\t.size f, .-f\n",
    );
    ends(
        &d,
        &["f.s", "-o", "g.s", "--deadline", "4s"],
        0,
        "wrote g.s",
    );
    let new = std::fs::read_to_string(d.file("g.s")).unwrap();
    assert!(
        new.contains("f:\t# begin\n") && new.contains("\nin:\n"),
        "{new}"
    );
    same_output(&d, DRIVER, "f.s", "g.s");
}

/// SAXPY as gcc prints it becomes vector code, proven under the precondition that `restrict` is; without it, nothing is
/// assumed.
#[test]
fn arrays_become_vectors_where_they_are_apart() {
    const DRIVER: &str = "#include <stdio.h>\n#include <stdint.h>\nvoid saxpy(uint32_t *, const uint32_t *, uint32_t);\n\
        int main(void) { uint32_t x[6] = {1, 2, 3, 4, 5, 6}, y[5] = {7, 8, 9, 10, 11}, s = 0;\n\
        for (uint32_t i = 0; i < 2000; i++) { saxpy(x + 1, y, i * 2654435761u); y[i & 3] ^= x[2] + i; for (int k = 0; k < 6; k++) s = s * 31 + x[k]; }\n\
        printf(\"%u\\n\", s); }\n";
    let d = Scratch::new("opt-saxpy");
    d.write("saxpy.c", include_str!("../../superopt/kernels/saxpy.c"));
    for level in ["-O0", "-O2"] {
        run(Command::new("gcc").current_dir(d.path()).args([
            level,
            "-fno-tree-vectorize",
            "-S",
            "saxpy.c",
            "-o",
            "f.s",
        ]));
        let text = ends(
            &d,
            &[
                "f.s",
                "-o",
                "g.s",
                "--deadline",
                "6s",
                "--live-out",
                "none",
                "--pre",
                "disjoint(rdi, 16, rsi, 16)",
                "-march=x86-64-v3",
            ],
            0,
            "wrote g.s",
        );
        assert!(
            text.contains("proven-under-precondition (vectors)"),
            "{text}"
        );
        let new = std::fs::read_to_string(d.file("g.s")).unwrap();
        for m in ["vmovd", "vpbroadcastd", "vpmulld", "vpaddd", "vmovdqu"] {
            assert!(new.contains(m), "{level}: no {m} in\n{new}");
        }
        same_output(&d, DRIVER, "f.s", "g.s");
    }
    ends(
        &d,
        &[
            "f.s",
            "-o",
            "g.s",
            "--deadline",
            "6s",
            "--live-out",
            "none",
            "-march=x86-64-v3",
        ],
        0,
        "g.s",
    );
    let new = std::fs::read_to_string(d.file("g.s")).unwrap();
    assert!(!new.contains("vpmulld"), "{new}");
    same_output(&d, DRIVER, "f.s", "g.s");
}

/// Products of 32-bit parts over variables on the stack become one 64-bit multiplication, and 65 instructions 8.
#[test]
fn a_montgomery_step_without_optimisation_becomes_one_multiplication() {
    const DRIVER: &str = "#include <stdio.h>\n#include <stdint.h>\nstruct wide { uint64_t low, high; };\n\
        struct wide montgomery_parts(uint64_t, uint64_t, uint32_t, uint32_t, uint64_t);\n\
        int main(void) { uint64_t x = 88172645463325252u, s = 0; for (int i = 0; i < 2000; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17;\n\
        struct wide w = montgomery_parts(i % 3 ? x : -1, i % 5 ? ~x * 3 : -1, x >> 5, i % 7 ? x * 5 : -1, i % 2 ? s : -1); s = s * 31 + w.low + 7 * w.high; }\n\
        printf(\"%lu\\n\", s); }\n";
    let d = Scratch::new("opt-montgomery");
    d.write(
        "f.s",
        include_str!("../../superopt/kernels/montgomery-O0.s"),
    );
    let text = ends(
        &d,
        &[
            "f.s",
            "-o",
            "g.s",
            "--function",
            "montgomery_parts",
            "--live-out",
            "rax,rdx",
            "--deadline",
            "60s",
        ],
        0,
        "wrote g.s",
    );
    assert!(text.contains("proven (joint)"), "{text}");
    let new = std::fs::read_to_string(d.file("g.s")).unwrap();
    let body = new.split("montgomery_parts:").nth(1).unwrap();
    let body = body.split("\tret").next().unwrap();
    let is_code = |l: &&str| l.starts_with('\t') && !l.starts_with("\t.");
    let code: Vec<&str> = body.lines().filter(is_code).collect();
    assert!(code.len() <= 8, "{code:#?}");
    same_output(&d, DRIVER, "f.s", "g.s");
}

/// A region with loads and stores inside a loop: a store of what is there already goes, and so does a load.
#[test]
fn a_region_with_memory_inside_a_loop_is_improved() {
    const DRIVER: &str = "#include <stdio.h>\nunsigned f(unsigned *, unsigned);\n\
        int main(void) { unsigned a[4] = {1, 2, 3, 4}, s = 0; for (unsigned i = 0; i < 50; i++) { s = s * 31 + f(a, i) + a[0]; a[1] += i; } printf(\"%u\\n\", s); }\n";
    let d = Scratch::new("opt-memory-loop");
    d.write(
        "f.s",
        "\t.text\n\t.globl f\n\t.type f, @function\nf:\n\txorl %eax, %eax\n\tandl $15, %esi\n\tincl %esi\n.Lagain:\n\
         \tmovl (%rdi), %ecx\n\tmovl %ecx, %edx\n\taddl 4(%rdi), %edx\n\tmovl %edx, (%rdi)\n\tmovl 4(%rdi), %ecx\n\
         \tmovl %ecx, 4(%rdi)\n\taddl (%rdi), %eax\n\tdecl %esi\n\tjne .Lagain\n\tret\n\t.size f, .-f\n",
    );
    let text = ends(
        &d,
        &["f.s", "-o", "g.s", "--deadline", "10s", "--seed", "5"],
        0,
        "wrote g.s",
    );
    assert!(text.contains("proven"), "{text}");
    let count = |name: &str| {
        std::fs::read_to_string(d.file(name))
            .unwrap()
            .lines()
            .count()
    };
    assert!(count("g.s") < count("f.s"), "{text}");
    same_output(&d, DRIVER, "f.s", "g.s");
}

#[test]
fn nothing_better_is_no_failure_and_calls_stay() {
    let d = Scratch::new("opt-nothing");
    d.write(
        "f.s",
        "\t.text\n\t.globl f\nf:\n\tleal (%rdi,%rsi), %eax\n\tret\n",
    );
    ends(
        &d,
        &["f.s", "-o", "g.s", "--deadline", "2s"],
        0,
        "nothing better was found",
    );
    same_output(&d, DRIVER, "f.s", "g.s");
    // Code around a call may change, the call does not.
    d.write("c.c", "int g(int); int f(int x) { return g(x + 1) * 3; }\n");
    run(Command::new("gcc")
        .current_dir(d.path())
        .args(["-O1", "-S", "c.c", "-o", "c.s"]));
    ends(&d, &["c.s", "-o", "d.s", "--deadline", "2s"], 0, "d.s");
    assert!(
        std::fs::read_to_string(d.file("d.s"))
            .unwrap()
            .contains("call\tg")
    );
}

#[test]
fn a_specification_in_lua_is_checked_first() {
    let d = Scratch::new("opt-lua");
    d.write("s.lua", "function f(a, b) return a & b end\n");
    d.write(
        "f.s",
        "\t.text\n\t.globl f\nf:\n\tmovq %rdi, %rax\n\tandq %rsi, %rax\n\tret\n",
    );
    d.write(
        "w.s",
        "\t.text\n\t.globl f\nf:\n\tmovq %rdi, %rax\n\torq %rsi, %rax\n\tret\n",
    );
    ends(
        &d,
        &[
            "f.s",
            "-o",
            "g.s",
            "--lua",
            "s.lua",
            "-f",
            "f",
            "--deadline",
            "1s",
        ],
        0,
        "meets its specification",
    );
    ends(
        &d,
        &[
            "w.s",
            "-o",
            "h.s",
            "--lua",
            "s.lua",
            "-f",
            "f",
            "--deadline",
            "1s",
        ],
        10,
        "does not meet its specification",
    );
    assert!(!d.file("h.s").exists());
}

#[test]
fn bad_requests_write_nothing() {
    let d = Scratch::new("opt-bad");
    d.write("f.s", "\t.text\nf:\n\tmovl %edi, %eax\n\tret\n");
    d.write("typo.s", "f:\n\tfrob %eax\n\tret\n");
    d.write("jump.s", "f:\n\tjmp *%rax\n");
    ends(
        &d,
        &["f.s", "-o", "no/such/g.s"],
        8,
        "cannot write no/such/g.s: ",
    );
    ends(
        &d,
        &["missing.s", "-o", "g.s"],
        3,
        "missing.s: cannot be read",
    );
    ends(
        &d,
        &["typo.s", "-o", "g.s"],
        3,
        "typo.s:2: no such instruction",
    );
    ends(&d, &["jump.s", "-o", "g.s", "-f", "f"], 13, "indirect jump");
    ends(&d, &["f.s", "-o", "g.s", "-march=z80"], 2, "z80");
    ends(
        &d,
        &["f.s", "-o", "g.s", "--deadline", "soon"],
        2,
        "give a time",
    );
    ends(
        &d,
        &["f.s", "-o", "g.s", "-f", "h"],
        2,
        "there is no function h",
    );
    ends(&d, &["f.s"], 2, "--output");
    run(Command::new("gcc")
        .current_dir(d.path())
        .args(["-c", "f.s", "-o", "f.o"]));
    ends(&d, &["f.o", "-o", "g.s"], 2, "assembly text");
    assert_eq!(d.names(), ["f.o", "f.s", "jump.s", "typo.s"]);
}

#[test]
fn costs_from_a_file_decide_what_is_better() {
    let d = Scratch::new("opt-costs");
    d.write(
        "f.s",
        ".globl f\n.type f, @function\nf:\nmov %edi, %eax\nneg %eax\nand %edi, %eax\nret\n.size f, .-f\n",
    );
    let opt = |more: &[&str], code: i32, says: &str| {
        let args = ["f.s", "-o", "g.s", "--deadline", "20s", "-march=x86-64-v3"];
        ends(&d, &[&args[..], more].concat(), code, says);
        std::fs::read_to_string(d.file("g.s")).unwrap_or_default()
    };
    assert!(opt(&[], 0, "f").contains("blsi"));
    let head = "format = 1\ncpu = \"a slow one\"\nbase = \"zen4\"\n[rows]\n";
    d.write(
        "slow.toml",
        format!("{head}\"blsi r32\" = [50, 5000, 20]\n"),
    );
    assert!(!opt(&["--costs", "slow.toml"], 0, "f").contains("blsi"));
    d.write("bad.toml", format!("{head}\"frob r32\" = [1, 100, 1]\n"));
    opt(&["--costs", "bad.toml"], 3, "frob r32");
    opt(&["--costs", "none.toml"], 3, "none.toml");
}

/// Verdicts of candidates are kept and looked up; a damaged store is moved aside.
#[test]
fn proofs_of_candidates_come_from_the_store() {
    let d = Scratch::new("opt-store");
    // The greater of two, which is bit-blasted.
    d.write(
        "f.s",
        "\t.text\n\t.globl f\nf:\n\tcmpl %esi, %edi\n\tjl .L1\n\tmovl %edi, %eax\n\tjmp .L2\n.L1: movl %esi, %eax\n.L2: movl %eax, %ecx\n\
         \tandl %edi, %ecx\n\torl %ecx, %eax\n\tret\n",
    );
    let args = [
        "f.s",
        "-o",
        "g.s",
        "--deadline",
        "3s",
        "-march=x86-64-v3",
        "--live-out",
        "eax",
        "--store",
        "proofs.redb",
        "--json",
        "r.json",
    ];
    let hits = || {
        let report = d.json("r.json");
        let item = &report["items"][0];
        assert_eq!(item["verdict"]["kind"], "proven", "{report:#}");
        item["cached"] == true
    };
    let first = ends(&d, &args, 0, "proven");
    assert!(first.contains("; questions to a solver: "), "{first}");
    ends(&d, &args, 0, "from the store: no solver was asked");
    assert!(hits());
    std::fs::write(d.file("proofs.redb"), b"no store").unwrap();
    ends(&d, &args, 0, "damaged");
    assert!(d.names().iter().any(|n| n.contains(".corrupt-")));
    let again = ends(&d, &args, 0, "from the store: no solver was asked");
    assert!(again.contains("wrote g.s"), "{again}");
}

/// Branches between calls are converted where they stand; the calls stay, and so does what cannot be converted, with the
/// reason.
#[test]
fn branches_between_calls_are_converted() {
    const DRIVER: &str = "#include <stdio.h>\nint g(int x) { return x * 3 - 7; }\nint h(int x) { return x ^ 5; }\nint f(int, int);\n\
        int main(void) { int s = 0; for (int i = -40; i < 40; i++) for (int k = -3; k < 4; k++) s = s * 31 + f(i, k); printf(\"%d\\n\", s); }\n";
    // After the first call: ebx = max(eax, ebx) by a branch. What moves the stack pointer belongs to no part.
    let att = "\t.text\n\t.globl f\n\t.type f, @function\nf:\n\t.cfi_startproc\n\tpushq %rbx\n\t.cfi_def_cfa_offset 16\n\tmovl %esi, %ebx\n\tcall g\n\
        \tcmpl %eax, %ebx\n\tjge .Lno\t# no less\n\tmovl %eax, %ebx\n\tjmp .Lend\n\t.p2align 4,,10\n\t.p2align 3\n.Lno:\n\tmovl %ebx, %ecx\n\tmovl %ecx, %ebx\n.Lend:\n\
        \tpushq %rax\n\tpopq %rdi\n\tcall h\n\ttestl %eax, %eax\n\tjns .Lout\n\tmovl %ebx, %edi\n\tcall g\n.Lout:\n\
        \tpopq %rbx\n\t.cfi_def_cfa_offset 8\n\tret\n\t.cfi_endproc\n\t.size f, .-f\n";
    let intel = att
        .replace("\t.text\n", "\t.text\n\t.intel_syntax noprefix\n")
        .replace("pushq %rbx", "push rbx")
        .replace("popq %rbx", "pop rbx")
        .replace("movl %esi, %ebx", "mov ebx, esi")
        .replace("cmpl %eax, %ebx", "cmp ebx, eax")
        .replace("movl %eax, %ebx", "mov ebx, eax")
        .replace("pushq %rax", "push rax")
        .replace("popq %rdi", "pop rdi")
        .replace("movl %ebx, %ecx", "mov ecx, ebx")
        .replace("movl %ecx, %ebx", "mov ebx, ecx")
        .replace("movl %ebx, %edi", "mov edi, ebx")
        .replace("testl %eax, %eax", "test eax, eax")
        + "\t.att_syntax\n";
    for text in [att.to_owned(), intel] {
        let d = Scratch::new("opt-branches");
        d.write("f.s", &text);
        let said = ends(
            &d,
            &["f.s", "-o", "g.s", "--deadline", "8s", "--seed", "2"],
            0,
            "wrote g.s",
        );
        assert!(said.contains("proven"), "{said}");
        assert!(
            said.contains("the branch is not converted: ") && said.contains("a call"),
            "{said}"
        );
        let new = std::fs::read_to_string(d.file("g.s")).unwrap();
        assert!(new.contains("cmov"), "{new}");
        assert!(!new.contains("jge") && !new.contains("jmp"), "{new}");
        assert!(new.contains("\n.Lend:\n"), "{new}");
        assert!(new.contains("jns .Lout"), "{new}");
        assert_eq!(new.matches("call").count(), 3, "{new}");
        same_output(&d, DRIVER, "f.s", "g.s");
    }
}

/// What proofs cover and searches do not is said with its place; the text stays right.
#[test]
fn memory_that_is_not_searched_is_named_with_its_place() {
    let d = Scratch::new("opt-unsearched");
    d.write(
        "f.s",
        "\t.text\n\t.globl f, g\n\t.type f, @function\nf:\n\tcmpl $3, %esi\n\tjle .Lend\n\tmovl %esi, (%rdi)\n.Lend:\n\tret\n\t.size f, .-f\n\
         \t.type g, @function\ng:\n\tmovq (%rdi), %rax\n\tmovl 8(%rax), %eax\n\tret\n\t.size g, .-g\n",
    );
    let opt = |name: &str, results: &str, says: &str| {
        let args = ["f.s", "-o", "g.s", "--deadline", "2s", "-f", name];
        ends(&d, &[&args[..], &["--live-out", results]].concat(), 0, says);
    };
    let some = "f: not searched as a whole: f.s:7: unsupported `mov [rdi], esi` at offset 0x5: memory is accessed on some paths only";
    opt("f", "none", some);
    opt(
        "f",
        "none",
        "f:6: the branch is not converted: memory is accessed on some of its paths only",
    );
    let loaded = "g: not searched as a whole: f.s:14: unsupported `mov eax, [rax+8]` at offset 0x3: its address is not a sum";
    opt("g", "eax", loaded);
}
