//! Whole programs, linked with the real runtime library and run. `./x test` builds the library first.

mod common;

use common::*;
use std::path::Path;
use std::process::{Command, Output};

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
        ("embedded", &["-O2", "--embed-source"]),
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
fn closed_programs_load_nothing_and_are_smaller() {
    let dir = Scratch::new("e2e-closed");
    let program = "\
        local x = 1\n\
        local function f() return x end\n\
        print(load('return 1') ~= nil, load(string.dump(f)) ~= nil, loadfile('main.lua') ~= nil)\n\
        print(pcall(dofile, 'main2.lua'))\n\
        print(pcall(debug.setlocal, 1, 1, 2) and x, (pcall(debug.setupvalue, f, 1, 3)))\n\
        print((pcall(debug.upvaluejoin, f, 1, f, 1)), (pcall(debug.sethook, print, 'l')), pcall(debug.sethook))\n\
        print(f(), debug.getlocal(1, 1), debug.getupvalue(f, 1), tonumber('0x10'))\n\
        print(select(2, load('return 1')))\n";
    dir.write("main.lua", program);
    dir.write("main2.lua", "debug.sethook() return 'other'");
    let made = |exe: &str, flags: &[&str]| {
        compile(&dir, &[&["-O2", "main.lua", "-o", exe], flags].concat());
        let out = start(dir.path(), &dir.file(exe), &[]);
        let size = std::fs::metadata(dir.file(exe)).unwrap().len();
        (String::from_utf8_lossy(&out.stdout).into_owned(), size)
    };
    let (open, all) = made("open", &[]);
    let (closed, less) = made("closed", &["--closed"]);
    assert_eq!(
        open.lines().take(3).collect::<Vec<_>>(),
        ["true\ttrue\ttrue", "true\tother", "1\ttrue"]
    );
    assert_eq!(
        closed.lines().collect::<Vec<_>>(),
        [
            "false\tfalse\tfalse",
            "false\tattempt to load a text chunk (the program was compiled with --closed)",
            "false\tfalse",
            "false\tfalse\ttrue",
            "1\tx\tx\t16",
            "attempt to load a text chunk (the program was compiled with --closed)",
        ]
    );
    assert!(all - less > 100_000, "without the front end: {all} {less}");
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
            && frame(2, "main () at main.lua:8")
            && frame(3, "trinity_enter ()"),
        "{said}"
    );
    // The frames of the runtime below, down to the C function that started it all.
    let last = trace.last().is_some_and(|l| l.contains(" in main ()"));
    assert!(last && trace.len() > 6, "{said}");
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

/// The bar for a stripped static executable that can still `load`, with all libraries. Deterministic for one version of the C library.
#[test]
fn hello_world_is_small() {
    const LIMIT: u64 = 1_400_000;
    let dir = Scratch::new("e2e-size");
    dir.write("hello.lua", "print('hello, world')");
    compile(&dir, &["hello.lua", "-o", "hello", "--static"]);
    run(Command::new("strip").current_dir(dir.path()).arg("hello"));
    assert_eq!(
        text(&start(dir.path(), &dir.file("hello"), &[]).stdout),
        "hello, world\n"
    );
    let size = std::fs::metadata(dir.file("hello")).unwrap().len();
    // Libraries of other profiles are larger.
    if runtime().parent().and_then(Path::file_name) == Some("release".as_ref()) {
        assert!(size <= LIMIT, "{size} bytes");
    }
}

/// Static executables read `TZ` with a scanner of ours and reach locales through what is left of the C library.
#[test]
fn time_zones_and_locales() {
    let dir = Scratch::new("e2e-zones");
    dir.write(
        "main.lua",
        r#"
        for _, t in ipairs { 0, 86399, 1e9 // 1 | 0, 1710000000, 1720000000, 1699164000, 4e9 // 1 | 0 } do
          local d = os.date("*t", t)
          print(os.date("%c %Z %z", t), d.isdst, os.time(d) == t)
        end
        for _, l in ipairs { "", "C", "POSIX", "C.UTF-8", "C.utf8", "en_US.UTF-8", "de_DE.utf8", "de_DE.ISO-8859-1", "xx", "C.latin9" } do
          print(l, os.setlocale(l), os.setlocale(nil, "ctype"), (io.open("/none/at/all")), select(2, io.open("/none/at/all")))
          print(("äß"):upper(), "a" < "B", string.format("%.2f %5.1e", 1.5, 1e9), tonumber("1,5"), os.date("!%x %X %p", 0))
        end
        print(1e300, 2^-1074, math.sin(1), math.asin(0.3), math.atan(1, 3), math.exp(1.5), 7.5 // 2, math.fmod(7.5, 2))
        "#,
    );
    compile(&dir, &["main.lua", "-o", "main", "--static"]);
    let zones = [
        "UTC0",
        "",
        ":",
        "EST5EDT,M3.2.0,M11.1.0",
        "<+0330>-3:30",
        "CET-1CEST,M3.5.0/2,M10.5.0/3",
        "QQQ5:30:15",
        "UTC+3",
        "bad",
        "ABC 5",
        "EST+5EDT",
        "NZST-12:00:00NZDT-13:00:00,M10.1.0/2:00:00,M3.3.0/3:00:00",
        "AEST-10AEDT,J60/2,J300",
        "AAA1BBB,59/0,300/23:59:59",
        "EST5EDT,M3.2",
        "EST5EDT,M.2.0,M11",
        "EST5EDT,M3.2.0/-2,M11.1.0/26",
        "A-+1",
        "ABC99999B",
        "Europe/Berlin",
        "America/New_York",
        "None/Such",
    ];
    for zone in zones {
        let run = |exe: &Path| {
            let out = Command::new(exe)
                .arg("main.lua")
                .current_dir(dir.path())
                .env("TZ", zone)
                .output()
                .unwrap();
            (text(&out.stdout), text(&out.stderr))
        };
        assert_eq!(
            run(&dir.file("main")),
            run(Path::new("lua5.4")),
            "TZ={zone}"
        );
    }
}
