//! The e-graph in the pipeline: what it replaces computes the same, it can be read, and its rewrites can be counted off.

mod common;

use common::*;
use std::process::Command;

/// Fields of an instruction word put together: a field that is shifted and masked twice takes one of each.
const PROGRAM: &str = "\
local words, sum = {}, 0\n\
for i = 1, 100 do words[i] = i * 2654435761 & 0xffffffff end\n\
for round = 1, 20 do\n\
  for i = 1, #words do\n\
    local w = words[i]\n\
    local imm = ((w >> 8) & 15) << 1 | ((w >> 25) & 63) << 5 | ((w >> 7) & 1) << 11\n\
    sum = sum + imm\n\
  end\n\
end\n\
print(sum)\n";

fn compiled(dir: &Scratch, name: &str, flags: &[&str]) -> Vec<u8> {
    let mut cmd = trinityc(dir.path());
    run(cmd
        .args(["-O2", "-fno-windows", "p.lua", "-o", name])
        .args(flags));
    std::fs::read(dir.file(name)).expect("was written")
}

#[test]
fn what_is_replaced_computes_the_same() {
    let dir = Scratch::new("egraph");
    dir.write("p.lua", PROGRAM);
    let off = compiled(&dir, "off", &["-fno-egraph"]);
    let on = compiled(&dir, "on", &[]);
    assert!(off != on, "nothing was replaced");
    let says = run(&mut Command::new(dir.file("off")));
    assert_eq!(run(&mut Command::new(dir.file("on"))), says);
    assert_eq!(run(Command::new("lua5.4").arg(dir.file("p.lua"))), says);
    assert!(compiled(&dir, "again", &[]) == on, "not the same twice");
}

#[test]
fn regions_and_rules_are_shown() {
    let dir = Scratch::new("egraph-shown");
    dir.write("p.lua", PROGRAM);
    let show = |emit: &str| run(trinityc(dir.path()).args(["-O2", emit, "p.lua"]));
    let text = show("--emit=egraph");
    for part in [
        ", replaced\n",
        "  before\n",
        "  after\n",
        "  by ",
        " regions, ",
    ] {
        assert!(text.contains(part), "no '{part}' in\n{text}");
    }
    assert_eq!(show("--emit=egraph"), text);
    let dot = show("--emit=egraph-dot");
    assert!(dot.contains("digraph") && dot.contains("p.lua"), "{dot}");
}

#[test]
fn rewrites_are_counted_off() {
    let dir = Scratch::new("egraph-bisect");
    dir.write("p.lua", PROGRAM);
    let (off, on) = (
        compiled(&dir, "off", &["-fno-egraph"]),
        compiled(&dir, "on", &[]),
    );
    let limited = |n: u32| {
        let mut cmd = trinityc(dir.path());
        let limit = format!("--opt-bisect-limit={n}");
        cmd.args(["-O2", "-fno-windows", &limit, "p.lua", "-o", "some"]);
        let out = cmd.output().expect("runs");
        assert!(out.status.success());
        let bytes = std::fs::read(dir.file("some")).expect("was written");
        (bytes, text(&out.stderr))
    };
    let (none, said) = limited(0);
    assert!(
        none == off && said.contains("bisect: not done (1) egraph"),
        "{said}"
    );
    let (all, said) = limited(1000);
    assert!(
        all == on && said.contains("bisect: done (1) egraph") && !said.contains("not done"),
        "{said}"
    );
}
