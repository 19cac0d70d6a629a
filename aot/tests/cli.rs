//! The command as its users meet it: every exit code, one line each, no leavings, modules found, the same bytes twice.

mod common;

use common::*;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

/// Runs trinityc in the directory; checks the exit code and that stderr is one line; returns it.
fn refused(dir: &Scratch, args: &[&str], code: i32) -> String {
    let before = dir.names();
    let out = trinityc(dir.path()).args(args).output().unwrap();
    let (got, stderr) = failure(&out);
    assert_eq!(got, code, "{args:?}: {stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert_eq!(dir.names(), before, "nothing is left behind");
    stderr
        .strip_prefix("trinityc: ")
        .expect("the line starts with the program's name")
        .trim_end()
        .to_string()
}

#[test]
fn usage_and_unreadable_input() {
    let dir = Scratch::new("cli-usage");
    dir.write("a.lua", "return 1");
    assert!(refused(&dir, &["--frob", "a.lua"], 2).contains("'--frob'"));
    assert_eq!(
        refused(&dir, &["a.lua", "-c", "-o", "a.lua"], 2),
        "the output would overwrite the source a.lua; see trinityc --help"
    );
    assert_eq!(
        refused(&dir, &["-c", "none.lua"], 3),
        "cannot open none.lua: No such file or directory; check the file name"
    );
    assert_eq!(
        refused(&dir, &["-c", "."], 3),
        "cannot open .: Is a directory; name a Lua file in it"
    );
    assert!(
        refused(&dir, &["-c", "a.lua", "--module", "m=none.lua"], 3)
            .starts_with("cannot open none.lua")
    );
}

#[test]
fn syntax_errors_read_as_luas() {
    let dir = Scratch::new("cli-syntax");
    let cases = [
        "x = = 1",
        "for i = 1 do end",
        "goto nowhere",
        "x = 'abc",
        "local a <const> = 1; a = 2",
        "#!shebang\n\nx = }",
    ];
    for (n, source) in cases.iter().enumerate() {
        let name = format!("bad{n}.lua");
        dir.write(&name, source);
        let lua = Command::new("lua5.4")
            .current_dir(dir.path())
            .arg(&name)
            .output()
            .unwrap();
        let expected = text(&lua.stderr)
            .lines()
            .next()
            .unwrap()
            .replacen("lua5.4: ", "", 1);
        assert_eq!(refused(&dir, &["-c", &name], 4), expected);
        assert_eq!(refused(&dir, &["--emit=ast", &name], 4), expected);
    }
    dir.write("main.lua", "require 'bad0'");
    assert_eq!(
        refused(&dir, &["-c", "main.lua"], 4),
        "./bad0.lua:1: unexpected symbol near '='"
    );
}

#[test]
fn unresolved_modules() {
    let dir = Scratch::new("cli-unresolved");
    dir.write(
        "main.lua",
        "local s = require 'string'\npcall(require, 'maybe')\nlocal x = require('no.such')\n",
    );
    let line = refused(&dir, &["--closed", "-c", "main.lua"], 5);
    assert!(line.starts_with("main.lua:3: module 'no.such' not found; set LUA_PATH or name it with --module NAME=FILE"), "{line}");
    assert!(
        line.contains("./no/such.lua, ./no/such/init.lua)"),
        "{line}"
    );
    let out = trinityc(dir.path())
        .args(["-c", "main.lua"])
        .output()
        .unwrap();
    let (code, stderr) = failure(&out);
    assert_eq!((code, stderr.lines().count()), (0, 1), "{stderr}");
    assert!(
        stderr.starts_with(
            "trinityc: warning: main.lua:3: module 'no.such' not found; the program will search"
        ),
        "{stderr}"
    );
    // The same with a path of the user's.
    let out = trinityc(dir.path())
        .env("LUA_PATH_5_4", "lib/?.luac")
        .args(["-c", "main.lua"])
        .output()
        .unwrap();
    assert!(text(&out.stderr).ends_with("(searched: lib/no/such.luac)\n"));
}

#[test]
fn linkers_and_runtime() {
    let dir = Scratch::new("cli-linker");
    dir.write("a.lua", "return 1");
    dir.write("garbage.a", "not an archive");
    let runtime = ["a.lua", "-o", "a", "--runtime-lib", "garbage.a"];
    let line = |cc: &str| {
        let before = dir.names();
        let out = trinityc(dir.path())
            .env("CC", cc)
            .args(runtime)
            .output()
            .unwrap();
        assert_eq!(dir.names(), before);
        let (code, stderr) = failure(&out);
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        (code, stderr)
    };
    let (code, stderr) = line("/none/cc");
    assert_eq!(code, 6);
    assert_eq!(
        stderr,
        "trinityc: no linker: cannot run '/none/cc': No such file or directory; install a C compiler (Debian, Ubuntu: apt-get install gcc) or set CC\n"
    );
    assert_eq!(line("false").0, 7);
    let (code, stderr) = line("cc");
    assert_eq!(code, 7);
    assert!(
        stderr.contains("garbage.a") && stderr.contains("run with -v"),
        "{stderr}"
    );
    assert!(
        refused(&dir, &["a.lua", "--runtime-lib", "none.a"], 9).ends_with("does not exist: none.a")
    );
}

#[test]
fn unwritable_output() {
    let dir = Scratch::new("cli-output");
    dir.write("a.lua", "return 1");
    assert_eq!(
        refused(&dir, &["-c", "a.lua", "-o", "none/a.o"], 8),
        "cannot write none/a.o: No such file or directory; create its directory first, or choose another file with -o"
    );
    std::fs::create_dir(dir.file("sub")).unwrap();
    assert!(refused(&dir, &["-c", "a.lua", "-o", "sub"], 8).contains("Is a directory"));
    assert!(
        refused(&dir, &["--emit=bytecode", "a.lua", "-o", "/dev/full"], 8)
            .contains("No space left")
    );
}

#[test]
fn existing_output_survives_a_failure() {
    let dir = Scratch::new("cli-survive");
    dir.write("a.lua", "x = = 1");
    dir.write("a.o", "precious");
    refused(&dir, &["-c", "a.lua"], 4);
    assert_eq!(std::fs::read(dir.file("a.o")).unwrap(), b"precious");
}

/// A linker that says when it runs and then waits.
fn slow_linker(dir: &Scratch) -> std::path::PathBuf {
    dir.executable("slowcc", "#!/bin/sh\necho >started\nexec sleep 60\n")
}

#[test]
fn killed_while_linking() {
    for signal in [libc::SIGTERM, libc::SIGKILL] {
        let dir = Scratch::new(&format!("cli-kill-{signal}"));
        let cc = slow_linker(&dir);
        dir.write("a.lua", "return 1");
        dir.write("lib.a", "");
        std::fs::create_dir(dir.file("tmp")).unwrap();
        let mut cmd = trinityc(dir.path());
        cmd.env("CC", cc).env("TMPDIR", dir.file("tmp")).args([
            "a.lua",
            "-o",
            "a",
            "--runtime-lib",
            "lib.a",
        ]);
        let mut child = cmd
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !dir.file("started").exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        // SAFETY: the child has not been waited for, so its number is its own.
        unsafe { libc::kill(child.id() as i32, signal) };
        let status = child.wait().unwrap();
        assert_eq!(status.signal(), Some(signal));
        assert_eq!(dir.names(), ["a.lua", "lib.a", "slowcc", "started", "tmp"]);
        if signal == libc::SIGTERM {
            assert_eq!(std::fs::read_dir(dir.file("tmp")).unwrap().count(), 0);
        }
    }
}

#[test]
fn texts() {
    let dir = Scratch::new("cli-texts");
    dir.write(
        "a.lua",
        "local function f(x) return x + 1 end\nprint(f(1))\n",
    );
    let get = |args: &[&str]| run(trinityc(dir.path()).args(args));
    assert!(get(&["--emit=bytecode", "a.lua"]).contains("CLOSURE"));
    assert!(!get(&["--emit=ast", "a.lua"]).is_empty());
    assert!(get(&["--version"]).starts_with("trinityc "));
    assert!(get(&["--help"]).contains("Exit codes:"));
    get(&["-S", "a.lua"]);
    let asm = std::fs::read_to_string(dir.file("a.s")).unwrap();
    assert!(
        asm.contains("\"lua.main.f:1\":") && asm.contains("trinity_modules"),
        "{asm}"
    );
    run(Command::new("cc")
        .current_dir(dir.path())
        .args(["-c", "a.s", "-o", "again.o"]));
    assert_eq!(
        run(trinityc(dir.path()).args(["-O2", "-v", "-c", "a.lua"])),
        ""
    );
}

#[test]
fn standard_input() {
    let dir = Scratch::new("cli-stdin");
    let mut child = trinityc(dir.path())
        .args(["--emit=bytecode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"return 42").unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(
        out.status.success() && text(&out.stdout).contains("stdin"),
        "{}",
        text(&out.stdout)
    );
}

#[test]
fn same_bytes_twice() {
    let dir = Scratch::new("cli-same");
    dir.write(
        "main.lua",
        "local b, c = require 'b', require 'c'\nreturn function(x) return b.f(x) + c.f(x) end",
    );
    dir.write(
        "b.lua",
        "local c = require 'c'\nreturn { f = function(x) return x end }",
    );
    dir.write(
        "c.lua",
        "local b = pcall(require, 'b')\nreturn { f = function(x) return -x end }",
    );
    for flags in [
        &["-c"][..],
        &["-c", "-g"],
        &["-c", "-g", "--object-writer=faerie"],
        &["-S"],
    ] {
        let make = |name: &str| {
            run(trinityc(dir.path())
                .args(flags)
                .args(["main.lua", "-o", name]));
            std::fs::read(dir.file(name)).unwrap()
        };
        let first = make("1");
        assert!((0..3).all(|_| make("2") == first), "{flags:?}");
    }
}

#[test]
fn sources_are_embedded_only_when_asked() {
    let dir = Scratch::new("cli-source");
    dir.write("main.lua", "local value = 1 -- a very telling comment\n");
    run(trinityc(dir.path()).args(["-c", "main.lua", "-o", "plain.o"]));
    run(trinityc(dir.path()).args(["-c", "--embed-source", "main.lua", "-o", "with.o"]));
    let has = |name: &str| {
        let bytes = std::fs::read(dir.file(name)).unwrap();
        bytes.windows(12).any(|w| w == b"very telling")
    };
    assert!(!has("plain.o") && has("with.o"));
}
