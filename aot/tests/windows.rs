//! Proven windows: harvested, searched, replaced; the same output, the same bytes for any number of threads, and stores that
//! were changed are refused. Needs trinity-solver beside it (`cargo build -p trinity-solver`).

mod common;

use common::*;
use std::path::Path;
use std::process::Command;

/// Masks, rotations and sums of integers: what compiled code has small improvements for.
const PROGRAM: &str = "\
local function mix(n)\n\
  local h, s, t = 17, 0, {}\n\
  for i = 1, 64 do t[i] = i * 37 & 255 end\n\
  for i = 1, n do\n\
    h = (h ~ t[(i & 63) + 1]) & 0xffffffff\n\
    h = (h * 31 + (h >> 7)) & 0xffffffff\n\
    s = s + ((h << 3 | h >> 29) & 0xff)\n\
    if h & 1 == 0 then s = s ~ (h & 0xff) end\n\
  end\n\
  return h, s\n\
end\n\
print(mix(tonumber(arg and arg[1]) or 1000))\n";

fn compile(dir: &Scratch, args: &[&str]) -> std::process::Output {
    let mut cmd = trinityc(dir.path());
    cmd.args(["-O2", "--train", "500", "p.lua"]).args(args);
    cmd.arg("--runtime-lib").arg(runtime()).output().unwrap()
}

fn compiled(dir: &Scratch, args: &[&str]) -> String {
    let out = compile(dir, args);
    let said = text(&out.stderr);
    assert!(out.status.success(), "{args:?}: {said}");
    said
}

/// How many windows a compilation says it replaced.
fn replaced(said: &str) -> u32 {
    let line = said.lines().find_map(|l| l.split_once("replaced "));
    let count = line
        .and_then(|l| l.1.split(' ').next())
        .and_then(|n| n.parse().ok());
    count.unwrap_or_else(|| panic!("{said}"))
}

fn output(exe: &Path) -> String {
    run(&mut Command::new(exe))
}

#[test]
fn what_was_harvested_is_found_replaced_and_the_same() {
    let dir = Scratch::new("windows-loop");
    dir.write("p.lua", PROGRAM);
    let want = run(Command::new("lua5.4").arg(dir.file("p.lua")));
    compiled(&dir, &["-o", "plain", "--no-windows", "--harvest", "h"]);
    assert_eq!(output(&dir.file("plain")), want);
    let first = dir.json("h");
    assert_eq!(
        (first["format"].as_str(), first["version"].as_u64()),
        (Some("trinity harvest"), Some(1))
    );
    let runs = first["runs"].as_array().unwrap();
    assert!(
        runs.iter()
            .any(|r| r["sites"][0]["line"].as_u64() > Some(4) && r["weight"].as_f64() > Some(400.0))
    );
    // The same program again: nothing is counted twice.
    compiled(&dir, &["-o", "plain", "--no-windows", "--harvest", "h"]);
    assert_eq!(dir.json("h"), first);

    let search = [
        "--harvest",
        "h",
        "--deadline",
        "40s",
        "--store",
        "s",
        "--no-measure",
        "-q",
    ];
    let said = dir.ends(
        "search",
        &[&search[..], &["--export", "w.json"]].concat(),
        0,
        "Windows",
    );
    assert!(said.contains("windows searched"), "{said}");
    let found = dir.json("w.json")["windows"].as_array().unwrap().len();
    assert!(found > 0, "{said}");

    // From the store and from its text; the same bytes whatever the number of threads.
    let said = compiled(&dir, &["-v", "-o", "fast", "--store", "s"]);
    assert!(replaced(&said) > 0, "{said}");
    assert_eq!(output(&dir.file("fast")), want);
    let bytes = |name: &str| std::fs::read(dir.file(name)).unwrap();
    for (name, store, threads) in [
        ("one", "w.json", "1"),
        ("four", "w.json", "4"),
        ("two", "s", "2"),
    ] {
        let mut cmd = trinityc(dir.path());
        cmd.args([
            "-O2", "--train", "500", "p.lua", "-o", name, "--store", store,
        ]);
        let out = cmd
            .env("RAYON_NUM_THREADS", threads)
            .arg("--runtime-lib")
            .arg(runtime())
            .output();
        assert!(out.unwrap().status.success());
        assert!(bytes(name) == bytes("fast"), "{name}");
    }
    assert!(bytes("fast") != bytes("plain"));

    // What was tried is not tried again.
    let said = dir.ends("search", &search, 0, "known from the store");
    assert!(!said.contains(" 0 known"), "{said}");
}

#[test]
fn stores_that_were_changed_are_refused() {
    let dir = Scratch::new("windows-changed");
    dir.write("p.lua", PROGRAM);
    compiled(&dir, &["-o", "plain", "--harvest", "h"]);
    let search = [
        "--harvest",
        "h",
        "--deadline",
        "15s",
        "--store",
        "s",
        "--no-measure",
        "-q",
        "--export",
        "w.json",
    ];
    dir.ends("search", &search, 0, "Windows");
    let refused = |store: &str, says: &str| {
        let (code, said) = failure(&compile(&dir, &["-o", "x", "--store", store]));
        assert!(code == 3 && said.contains(says), "{store}: {code} {said}");
    };
    refused("none", "none");
    dir.write("other", "not a store of windows at all");
    refused("other", "other");
    // One digit of a replacement's code.
    let text = std::fs::read_to_string(dir.file("w.json")).unwrap();
    let at = text.find("\"new\": \"").unwrap() + 8;
    let mut changed = text.clone().into_bytes();
    changed[at] = if changed[at] == b'4' { b'6' } else { b'4' };
    dir.write("changed.json", changed);
    refused("changed.json", "entry 0");
    // Every byte that a proven entry of the store has counts: its text says what it replaces. The file may have copies of pages that are no more, so all are changed.
    let mut store = std::fs::read(dir.file("s")).unwrap();
    let word = b"\"goal\":\"window\"";
    let windows = store.windows(word.len()).enumerate();
    let places: Vec<usize> = windows.filter(|w| w.1 == word).map(|w| w.0).collect();
    assert!(!places.is_empty());
    for at in places {
        store[at + 9] ^= 1;
    }
    dir.write("s2", store);
    refused("s2", "s2");
}

#[test]
fn search_and_compilation_in_one_go() {
    let dir = Scratch::new("windows-search");
    dir.write("p.lua", PROGRAM);
    let want = run(Command::new("lua5.4").arg(dir.file("p.lua")));
    let mut cmd = trinityc(dir.path());
    cmd.args(["-v", "-Osearch=15s", "p.lua", "-o", "fast"]);
    let out = cmd.arg("--runtime-lib").arg(runtime()).output().unwrap();
    let said = text(&out.stderr);
    assert!(out.status.success() && replaced(&said) > 0, "{said}");
    assert_eq!(output(&dir.file("fast")), want);
}

#[test]
fn windows_are_counted_off() {
    let dir = Scratch::new("windows-bisect");
    dir.write("p.lua", PROGRAM);
    compiled(&dir, &["-o", "off", "--no-windows", "--harvest", "h"]);
    let search = "--harvest h --deadline 15s --store s --no-measure -q --export w.json";
    let search: Vec<&str> = search.split(' ').collect();
    dir.ends("search", &search, 0, "windows proven");
    let bytes = |name: &str| std::fs::read(dir.file(name)).unwrap();
    let limited = |n: &str| {
        let limit = format!("--opt-bisect-limit={n}");
        let said = compiled(&dir, &["-o", n, "--store", "w.json", "-fno-egraph", &limit]);
        let lines = said.lines().filter_map(|l| l.split_once("bisect: "));
        let lines: Vec<String> = lines.map(|l| l.1.to_owned()).collect();
        (bytes(n), lines)
    };
    let (all, lines) = limited("10000");
    compiled(&dir, &["-o", "on", "--store", "w.json", "-fno-egraph"]);
    assert!(all == bytes("on") && !lines.is_empty());
    // Function, line, the window's name, sizes.
    assert!(
        lines.iter().enumerate().all(|(n, l)| {
            let begins = format!("done ({}) window ", n + 1);
            l.starts_with(&begins) && l.contains(" line ") && l.ends_with(" instructions")
        }),
        "{lines:?}"
    );
    let (none, refused) = limited("0");
    let off = compiled(&dir, &["-o", "off", "--no-windows", "-fno-egraph"]);
    assert!(none == bytes("off"), "{off}");
    assert!(
        refused[0].starts_with("not done (1) window "),
        "{refused:?}"
    );
    // The first ones are the same ones with any limit.
    let (one, some) = limited("1");
    assert!(some[0] == lines[0] && one != none);
    assert_eq!(limited("1"), (one, some));

    // What the list says of the same store.
    let list = [
        "--harvest",
        "h",
        "--store",
        "s",
        "--list",
        "--json",
        "l.json",
    ];
    dir.ends("search", &list, 0, "0 windows searched this time");
    let rows = &dir.json("l.json")["tables"][0]["rows"];
    let named = |l: &String| {
        let name = l.split(": ").nth(1).and_then(|l| l.split(',').next());
        let rows = rows.as_array().unwrap().iter();
        rows.clone()
            .any(|r| r[0].as_str() == name && r[1].as_str().unwrap().contains("p.lua:"))
    };
    assert!(lines.iter().any(named), "{lines:?} {rows}");
}
