//! `-march`: what an executable needs is recorded in it, shown, and checked when it starts.

mod common;

use common::*;
use object::{Object, ObjectSection, ObjectSymbol};
use std::process::Command;
use trinity_abi::cpu;

const PROGRAM: &str = "\
local function f(n)\n\
  local s, q = 0.5, 1\n\
  for i = 1, n do\n\
    s = s * 0.25 + i / 3 - s // 1.5\n\
    q = (q ~ (i << (i & 31)) ~ (q >> (i & 7))) + (q & ~i) + (i & -i) + math.floor(s)\n\
  end\n\
  return s, q\n\
end\n\
print(f(1000))\n";

fn compile(dir: &Scratch, args: &[&str]) -> String {
    let mut cmd = trinityc(dir.path());
    cmd.args(["-O2", "p.lua"]).args(args);
    let out = cmd.arg("--runtime-lib").arg(runtime()).output().unwrap();
    let said = text(&out.stderr);
    assert!(out.status.success(), "{args:?}: {said}");
    said
}

#[test]
fn unknown_processors_are_refused_with_the_list() {
    let dir = Scratch::new("march-refused");
    dir.write("p.lua", PROGRAM);
    for bad in ["-march=i386", "-march=x86-64-v3+x87"] {
        let out = trinityc(dir.path()).args([bad, "p.lua"]).output().unwrap();
        let (code, said) = failure(&out);
        assert!(
            code == 2 && said.contains("x86-64-v2, x86-64-v3") && said.contains("native"),
            "{bad}: {code} {said}"
        );
    }
}

#[test]
fn executables_do_the_same_for_every_level_that_runs_here() {
    let dir = Scratch::new("march-levels");
    dir.write("p.lua", PROGRAM);
    let want = run(Command::new("lua5.4").arg(dir.file("p.lua")));
    for name in ["x86-64", "x86-64-v1", "x86-64-v2", "x86-64-v3", "native"] {
        let march = format!("-march={name}");
        let said = compile(&dir, &["-v", &march, "-o", "p"]);
        let shown = if name == "x86-64-v1" { "x86-64" } else { name };
        assert!(
            name == "native" || said.contains(&format!("functions for {shown} (")),
            "{said}"
        );
        let out = Command::new(dir.file("p")).output().unwrap();
        // An older processor refuses.
        if out.status.code() != Some(cpu::EXIT) {
            assert_eq!(text(&out.stdout), want, "{name}");
        }
        assert!(name != "native" || out.status.success());
    }
}

#[test]
fn what_is_missing_is_said_at_start() {
    let dir = Scratch::new("march-missing");
    dir.write("p.lua", PROGRAM);
    for writer in ["object", "faerie"] {
        let writer = format!("--object-writer={writer}");
        compile(&dir, &["-g", "-march=x86-64-v2", &writer, "-o", "p"]);
        let mut bytes = std::fs::read(dir.file("p")).unwrap();
        let at = {
            let file = object::File::parse(&bytes[..]).unwrap();
            let note = file.section_by_name(".note.trinity").unwrap();
            let note = note.data().unwrap();
            assert!(text(note).contains("Trinity\0x86-64-v2"), "{note:?}");
            let symbol = file.symbol_by_name("trinity_march").unwrap();
            let section = file.section_by_index(symbol.section_index().unwrap());
            let section = section.unwrap();
            let (offset, _) = section.file_range().unwrap();
            (offset + symbol.address() - section.address()) as usize + 8
        };
        let features = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
        assert_eq!(features, cpu::needed(2));
        // A feature that no processor has.
        bytes[at + 7] |= 0x80;
        let old = dir.executable("old", bytes);
        let out = Command::new(&old).output().unwrap();
        let (code, said) = failure(&out);
        assert_eq!(code, cpu::EXIT);
        assert!(
            said.contains("-march=x86-64-v2; this processor lacks") && said.lines().count() == 1,
            "{said}"
        );
        assert!(out.stdout.is_empty());
    }
}

#[test]
fn nothing_is_recorded_for_every_processor() {
    let dir = Scratch::new("march-none");
    dir.write("p.lua", PROGRAM);
    compile(&dir, &["-g", "-o", "p"]);
    let bytes = std::fs::read(dir.file("p")).unwrap();
    let file = object::File::parse(&bytes[..]).unwrap();
    assert!(file.section_by_name(".note.trinity").is_none());
    assert!(file.symbol_by_name("trinity_march_check").is_none());
}
