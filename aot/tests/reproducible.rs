//! Everything that is written about a program, twice: in another directory, with another number of threads. The same bytes, all of them. Needs trinity-solver
//! beside it (`cargo build -p trinity-solver`).

mod common;

use common::*;

const MAIN: &str = "\
local codes = require 'lib.codes'\n\
local function run(n)\n\
  local h, parts = 17, {}\n\
  for i = 1, n do\n\
    h = codes.mix(h, i)\n\
    if i % 50 == 0 then parts[#parts + 1] = codes.name { code = h, at = i } end\n\
  end\n\
  return table.concat(parts, ' ')\n\
end\n\
print(run(tonumber(arg and arg[1]) or 300))\n";

const CODES: &str = "\
local codes = {}\n\
function codes.mix(h, i)\n\
  h = (h ~ (i * 31)) & 0xffffffff\n\
  return ((h << 5 | h >> 27) + i * 7) & 0xffffffff\n\
end\n\
function codes.name(item)\n\
  return ('%x:%d'):format(item.code, item.at)\n\
end\n\
return codes\n";

/// What is written: the arguments, and the files that appear.
const WRITTEN: &[(&[&str], &[&str])] = &[
    (&["-o", "plain"], &["plain"]),
    (
        &["-O2", "--train", "200", "--harvest", "h", "-o", "trained"],
        &["h", "trained"],
    ),
    (&["-O2", "--profile-gen", "-o", "gen"], &["gen"]),
    (&["-O2", "-march=x86-64-v3", "-c", "-o", "o"], &["o"]),
    (
        &["-O2", "-c", "--object-writer=faerie", "-o", "o2"],
        &["o2"],
    ),
    (&["--emit=ast", "-o", "ast"], &["ast"]),
    (&["--emit=bytecode", "-o", "bytecode"], &["bytecode"]),
    (&["-O2", "--emit=ir", "-o", "ir"], &["ir"]),
    (&["-O2", "--emit=asm", "-o", "asm"], &["asm"]),
    (&["-O2", "--emit=egraph", "-o", "egraph"], &["egraph"]),
    (&["-O2", "--emit=egraph-dot", "-o", "dot"], &["dot"]),
    (
        &["-O2", "--explain", "--explain-out", "text", "-o", "x"],
        &["text"],
    ),
    (
        &[
            "-O2",
            "--explain=json",
            "--explain-out",
            "x.json",
            "-o",
            "x",
        ],
        &["x.json"],
    ),
    (
        &[
            "-O2",
            "--explain=html",
            "--explain-out",
            "x.html",
            "-o",
            "x",
        ],
        &["x.html"],
    ),
    (
        &["-O2", "--verify", "--verify-report", "v.json", "-o", "v"],
        &["v", "v.json"],
    ),
    (
        &["-O2", "--verify", "--verify-report", "v.html", "-o", "v"],
        &["v.html"],
    ),
    (
        &["-O2", "--verify", "--verify-report", "v.txt", "-o", "v"],
        &["v.txt"],
    ),
];

/// Writes all of it in a directory.
fn written(dir: &Scratch, threads: &str) {
    dir.write("main.lua", MAIN);
    dir.write("lib/codes.lua", CODES);
    let build = |args: &[&str]| {
        let mut cmd = trinityc(dir.path());
        cmd.args(args).arg("main.lua").arg("--runtime-lib");
        run(cmd.arg(runtime()).env("RAYON_NUM_THREADS", threads));
    };
    for (args, _) in WRITTEN {
        build(args);
    }
    // Debug information names this directory, unless it is to have another name.
    let map = format!("{}=/src", dir.path().display());
    build(&["-O2", "-g", "--remap-path-prefix", &map, "-o", "debug"]);
}

#[test]
fn another_directory_and_other_threads_make_the_same_bytes() {
    let (one, other) = (
        Scratch::new("again"),
        Scratch::new("in-a-directory-with-a-longer-name"),
    );
    written(&one, "1");
    written(&other, "4");
    let files = WRITTEN.iter().flat_map(|w| w.1).chain([&"debug"]);
    let differ: Vec<&str> = files
        .filter(|f| {
            let bytes = [&one, &other].map(|dir| std::fs::read(dir.file(f)).unwrap());
            assert!(!bytes[0].is_empty(), "{f} is empty");
            bytes[0] != bytes[1]
        })
        .copied()
        .collect();
    assert_eq!(differ, [""; 0]);
    // A debugger finds the source by the name that was given.
    let bytes = std::fs::read(one.file("debug")).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
    assert!(has(b"/src\0") && has(b"main.lua\0"));
    assert!(!has(one.path().as_os_str().as_encoded_bytes()));
}
