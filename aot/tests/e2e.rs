//! Whole programs, linked with the real runtime library and run. `./x test` builds the library first.

mod common;

use common::*;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The runtime library: from `./x test`'s build, else beside this build's trinityc.
fn runtime() -> PathBuf {
    let beside = Path::new(env!("CARGO_BIN_EXE_trinityc"))
        .parent()
        .unwrap()
        .to_path_buf();
    let dirs = std::env::var_os("TRINITY_BIN_DIR")
        .map(PathBuf::from)
        .into_iter()
        .chain([beside]);
    let mut places = dirs.flat_map(|d| trinity_aot::link::RUNTIME.map(|name| d.join(name)));
    places
        .find(|p| p.is_file())
        .expect("the runtime library is missing: cargo build -p trinity-start (./x test does it)")
}

fn compile(dir: &Scratch, args: &[&str]) {
    let out = trinityc(dir.path())
        .args(args)
        .arg("--runtime-lib")
        .arg(runtime())
        .output()
        .unwrap();
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{args:?}: {}",
        text(&out.stderr)
    );
}

fn start(dir: &Path, exe: &Path, args: &[&str]) -> Output {
    Command::new(exe)
        .current_dir(dir)
        .args(args)
        .env_remove("LUA_PATH")
        .env_remove("LUA_INIT")
        .output()
        .unwrap()
}

fn lua(dir: &Scratch, args: &[&str]) -> Output {
    start(dir.path(), Path::new("lua5.4"), args)
}

/// stdout, stderr without the program's name, exit code.
fn shown(out: &Output, program: &str) -> (String, String, Option<i32>) {
    let stderr = text(&out.stderr);
    let stderr = stderr
        .strip_prefix(&format!("{program}: "))
        .map_or(stderr.clone(), str::to_string);
    (text(&out.stdout), stderr, out.status.code())
}

const PROGRAM: &str = r##"
local shapes = require "geo.shapes"
local function total(list)
  local sum = 0
  for _, s in ipairs(list) do sum = sum + s:area() end
  return sum
end
print(total { shapes.square(3), shapes.circle(2) }, select("#", ...), ...)
print(load("return 6 * 7")(), debug.getinfo(total, "S").short_src, debug.getinfo(shapes.square, "S").source)
print(select(2, pcall(shapes.square)))
local t = setmetatable({}, { __index = function(t, k) return k .. "!" end })
print(t.hello, #arg, string.format("%5.2f|%q", 1 / 3, "a\nb"))
total { shapes.square(1), {} }
"##;

const SHAPES: &str = r#"
local M = {}
local Square, Circle = {}, {}
Square.__index, Circle.__index = Square, Circle
function Square:area()
  return self.side * self.side
end
function Circle:area() return self.radius ^ 2 * math.pi end
function M.square(side) return setmetatable({ side = side + 0 }, Square) end
function M.circle(r) return setmetatable({ radius = r }, Circle) end
return M
"#;

fn sample(name: &str) -> Scratch {
    let dir = Scratch::new(name);
    dir.write("main.lua", PROGRAM);
    dir.write("geo/shapes.lua", SHAPES);
    dir
}

#[test]
fn every_way_behaves_as_lua() {
    let dir = sample("e2e-ways");
    let expected = shown(&lua(&dir, &["main.lua", "x", "y"]), "lua5.4");
    assert_eq!(
        expected.2,
        Some(1),
        "the program ends in an error with a traceback"
    );
    // Nothing but the executable is there when it runs.
    let empty = Scratch::new("e2e-empty");
    let check = |exe: &str| {
        let path = dir.file(exe);
        assert_eq!(
            shown(
                &start(empty.path(), &path, &["x", "y"]),
                path.to_str().unwrap()
            ),
            expected,
            "{exe}"
        );
    };
    for (exe, flags) in [
        ("static", &[][..]),
        ("dynamic", &["--dynamic"]),
        ("debug", &["-g"]),
        ("faerie", &["--object-writer=faerie", "-g"]),
        ("faerie-dynamic", &["--object-writer=faerie", "--dynamic"]),
        ("closed", &["--closed", "-O2", "--embed-source"]),
    ] {
        compile(&dir, &[&["main.lua", "-o", exe], flags].concat());
        check(exe);
    }
    // The assembly text makes the same program.
    run(trinityc(dir.path()).args(["-S", "main.lua"]));
    let mut cc = Command::new("cc");
    cc.current_dir(dir.path())
        .args(["-static", "-o", "from-asm", "main.s"])
        .arg(runtime());
    run(cc.args([
        "-Wl,--gc-sections",
        "-lutil",
        "-lrt",
        "-lpthread",
        "-lm",
        "-ldl",
    ]));
    check("from-asm");
}

#[test]
fn stripped_bytecode_shows_no_lines() {
    let dir = sample("e2e-strip");
    dir.write(
        "main.lua",
        "local t = {}\nprint(pcall(function() t.x.y = 1 end))\n",
    );
    dir.write(
        "stripped.lua",
        "load(string.dump(loadfile('main.lua'), true))()",
    );
    compile(&dir, &["main.lua", "--strip-debug"]);
    let expected = shown(&lua(&dir, &["stripped.lua"]), "lua5.4");
    assert_eq!(
        shown(&start(dir.path(), &dir.file("main"), &[]), "main"),
        expected
    );
}

#[test]
fn same_executable_twice() {
    let dir = sample("e2e-same");
    compile(&dir, &["main.lua", "-g", "-o", "one"]);
    compile(&dir, &["main.lua", "-g", "-o", "two"]);
    assert!(std::fs::read(dir.file("one")).unwrap() == std::fs::read(dir.file("two")).unwrap());
}

#[test]
fn unresolved_modules_are_searched_at_run_time() {
    let dir = Scratch::new("e2e-late");
    dir.write("main.lua", "print(require 'late')\n");
    let out = trinityc(dir.path())
        .args(["main.lua", "--runtime-lib"])
        .arg(runtime())
        .output()
        .unwrap();
    assert!(
        out.status.success()
            && text(&out.stderr).contains("warning: main.lua:1: module 'late' not found")
    );
    dir.write("late.lua", "return 'here'");
    assert_eq!(
        text(&start(dir.path(), &dir.file("main"), &[]).stdout),
        "here\t./late.lua\n"
    );
}

#[test]
fn gdb_stops_at_lua_lines() {
    let dir = sample("e2e-gdb");
    compile(&dir, &["main.lua", "-g"]);
    let mut gdb = Command::new("gdb");
    gdb.current_dir(dir.path())
        .args(["-batch", "-nx", "-iex", "set debuginfod enabled off"]);
    gdb.args([
        "-ex",
        "break shapes.lua:6",
        "-ex",
        "run",
        "-ex",
        "bt",
        "-ex",
        "info symbol $pc",
        "-ex",
        "list",
    ]);
    let said = run(gdb.arg("main"));
    assert!(
        said.contains("geo/shapes.lua:6\n6\t  return self.side"),
        "{said}"
    );
    let trace: Vec<&str> = said.lines().filter(|l| l.starts_with('#')).collect();
    let frame = |n: usize, what: &str| trace.get(n).is_some_and(|l| l.contains(what));
    assert!(
        frame(0, "Square.area () at ")
            && frame(1, "total () at main.lua:5")
            && frame(2, "main () at main.lua:8"),
        "{said}"
    );
    assert!(said.contains("lua.geo.shapes.Square.area:5"), "{said}");
}

#[test]
fn symbols_name_lua_functions() {
    let dir = sample("e2e-symbols");
    compile(&dir, &["main.lua", "-g"]);
    let symbols = run(Command::new("nm")
        .current_dir(dir.path())
        .args(["-S", "main"]));
    for name in [
        "lua.main.main",
        "lua.main.total:3",
        "lua.geo.shapes.M.square:9",
    ] {
        let line = symbols
            .lines()
            .find(|l| l.ends_with(&format!(" {name}")))
            .unwrap_or_else(|| panic!("{name}"));
        assert_eq!(line.split(' ').count(), 4, "it has a size: {line}");
    }
}

#[test]
fn linker_that_cannot_find_the_helpers() {
    let dir = Scratch::new("e2e-helpers");
    dir.write("a.lua", "return 1");
    dir.write("empty.c", "");
    run(Command::new("cc")
        .current_dir(dir.path())
        .args(["-c", "empty.c"]));
    run(Command::new("ar")
        .current_dir(dir.path())
        .args(["rcs", "empty.a", "empty.o"]));
    let out = trinityc(dir.path())
        .args(["a.lua", "-o", "a", "--runtime-lib", "empty.a"])
        .output()
        .unwrap();
    let (code, stderr) = failure(&out);
    assert!(
        code == 7 && stderr.contains("undefined reference") && stderr.lines().count() == 1,
        "{stderr}"
    );
    assert!(!dir.file("a").exists());
}

#[test]
fn large_data_stays_bytecode() {
    let dir = Scratch::new("e2e-data");
    let mut source = String::from("local t = {}\n");
    for i in 0..3000 {
        source.push_str(&format!(
            "t[{i}] = {{ {i}, 'k{i}', f = function() return {i} end }}\n"
        ));
    }
    source.push_str("print(#t, t[2999].f(), t[7][2])\n");
    dir.write("main.lua", source);
    let out = trinityc(dir.path())
        .args(["-v", "main.lua", "--runtime-lib"])
        .arg(runtime())
        .output()
        .unwrap();
    let said = text(&out.stderr);
    assert!(
        out.status.success() && said.contains("note: interpreted: lua.main.main: "),
        "{said}"
    );
    assert_eq!(
        text(&start(dir.path(), &dir.file("main"), &[]).stdout),
        "2999\t2999\tk7\n"
    );
}
