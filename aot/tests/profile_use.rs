//! Profiles as files: written when a program ends, used, refused, shown and merged by the compiler.

mod common;

use common::profile::*;
use common::*;
use std::path::Path;
use std::process::Command;
use trinity_profile::Profile;

#[test]
fn every_end_of_the_program_writes_the_profile() {
    let dir = Scratch::new("profile-ends");
    dir.write(
        "p.lua",
        "local function f() return 1 end\n\
         for i = 1, 10 do f() end\n\
         local how = ...\n\
         if how == 'error' then error('oh') end\n\
         if how == 'exit' then os.exit(5) end\n\
         if how == 'close' then os.exit(6, true) end\n\
         if how == 'deep' then coroutine.wrap(function() os.exit(7, true) end)() end\n",
    );
    compiled(&dir, &["--profile-gen", "p.lua", "-o", "p"], 0);
    let ends = [
        ("", 0),
        ("error", 1),
        ("exit", 5),
        ("close", 6),
        ("deep", 7),
    ];
    for (how, code) in ends {
        let path = dir.file("end.tprof");
        let out = run_to(&dir, "p", &path, &[how]);
        assert_eq!(
            out.status.code(),
            Some(code),
            "{how}: {}",
            text(&out.stderr)
        );
        let p = Profile::read(&path).unwrap();
        assert_eq!((p.runs, function(&p, "main/f").calls), (1, 10), "{how}");
        std::fs::remove_file(&path).unwrap();
    }
    // Without the variable, the profile is beside the executable.
    let out = Command::new(dir.file("p"))
        .current_dir("/")
        .env_remove("TRINITY_PROFILE")
        .output()
        .unwrap();
    assert!(out.status.success());
    assert_eq!(dir.names(), ["p", "p.lua", "p.tprof"]);
}

#[test]
fn a_profile_that_is_there_is_added_to_or_replaced() {
    let dir = Scratch::new("profile-there");
    observed(&dir, "local function f() end f() f()");
    let path = dir.file("p.tprof");
    let again = run_to(&dir, "p", &path, &[]);
    assert!(again.stderr.is_empty());
    let p = Profile::read(&path).unwrap();
    assert_eq!((p.runs, function(&p, "main/f").calls), (2, 4));
    // Also runs at the same time.
    let start = || {
        let mut run = Command::new(dir.file("p"));
        run.env("TRINITY_PROFILE", &path).spawn().unwrap()
    };
    let together: Vec<_> = (0..16).map(|_| start()).collect();
    for mut run in together {
        assert!(run.wait().unwrap().success());
    }
    let p = Profile::read(&path).unwrap();
    assert_eq!((p.runs, function(&p, "main/f").calls), (18, 36));
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[30] ^= 4;
    for (bytes, says) in [
        (
            &damaged[..],
            "a corrupt profile: checksum mismatch; it is replaced",
        ),
        (b"hello", "is not a profile; it is replaced"),
    ] {
        std::fs::write(&path, bytes).unwrap();
        let out = run_to(&dir, "p", &path, &[]);
        assert!(
            out.status.success() && text(&out.stderr).contains(says),
            "{}",
            text(&out.stderr)
        );
        assert_eq!(Profile::read(&path).unwrap().runs, 1);
    }
    // Another program's.
    dir.write("q.lua", "print(1)");
    compiled(&dir, &["--profile-gen", "q.lua", "-o", "q"], 0);
    let out = run_to(&dir, "q", &path, &[]);
    assert!(
        text(&out.stderr).contains("of another program"),
        "{}",
        text(&out.stderr)
    );
    assert_eq!(Profile::read(&path).unwrap().funcs.len(), 1);
    // A place that cannot be written costs the profile, not the run.
    let out = run_to(&dir, "q", &dir.file("none/q.tprof"), &[]);
    assert_eq!(
        (text(&out.stdout), out.status.code()),
        ("1\n".into(), Some(0))
    );
    assert!(
        text(&out.stderr).contains("cannot write"),
        "{}",
        text(&out.stderr)
    );
}

#[test]
fn profiles_are_used_or_refused() {
    let dir = Scratch::new("profile-use");
    let source = "local function f(a) return a + 1 end\nfor i = 1, 3 do f(i) end\nprint(f(...))";
    dir.write("p.lua", source);
    compiled(&dir, &["--profile-gen", "p.lua", "-o", "p"], 0);
    let path = dir.file("p.tprof");
    assert!(run_to(&dir, "p", &path, &["4"]).status.success());
    let using = ["-v", "--profile-use", "p.tprof", "-c", "p.lua"];
    let said = compiled(&dir, &using, 0);
    assert!(
        said.contains("2 functions as they were, 0 in another version, 0 lost"),
        "{said}"
    );
    // An older source still helps.
    dir.write("p.lua", format!("local z = 1\n{source}\nprint(z)"));
    let said = compiled(&dir, &using, 0);
    assert!(
        said.contains("1 functions as they were, 1 in another version, 0 lost"),
        "{said}"
    );
    assert!(!said.contains("warning"));
    dir.write("q.lua", "repeat until os.time() > 0");
    let said = compiled(&dir, &["--profile-use", "p.tprof", "-c", "q.lua"], 0);
    assert!(
        said.contains("warning: the profile fits no function of this program"),
        "{said}"
    );
    // Refusals have an exit code of their own, name the file, and leave nothing behind.
    let mut damaged = std::fs::read(&path).unwrap();
    damaged[40] ^= 1;
    dir.write("bad.tprof", &damaged);
    std::fs::remove_file(dir.file("p.o")).unwrap();
    for (file, says) in [
        ("bad.tprof", "bad.tprof is a corrupt profile"),
        ("p.lua", "p.lua is not a profile; make it again"),
        (
            "none.tprof",
            "cannot read the profile none.tprof: No such file",
        ),
    ] {
        let args = [
            "--profile-use",
            "p.tprof",
            "--profile-use",
            file,
            "-c",
            "p.lua",
        ];
        let said = compiled(&dir, &args, 10);
        assert!(said.contains(says) && said.lines().count() == 1, "{said}");
        assert!(!dir.file("p.o").exists());
    }
    let said = compiled(&dir, &["--profile-gen", "--train", "", "p.lua"], 2);
    assert!(said.contains("cannot be used with"), "{said}");
}

#[test]
fn training_runs_the_program_first() {
    let dir = Scratch::new("profile-train");
    dir.write(
        "p.lua",
        "local n, how = ...\n\
         print(n, how, io.read())\n\
         if how == 'fail' then io.stderr:write('before\\n') error('oh no') end\n\
         if how == 'loop' then while true do end end\n\
         if how == 'kill' then os.execute('kill -9 $PPID') end\n\
         if how == 'write' then io.open('made', 'w'):write('x'):close() end\n",
    );
    let said = compiled(
        &dir,
        &[
            "-v",
            "--train",
            "1",
            "--train",
            "2 'write'",
            "p.lua",
            "-o",
            "p",
        ],
        0,
    );
    assert!(
        said.contains("training run 1 of 2 (1)")
            && said.contains("training run 2 of 2 (2 'write')"),
        "{said}"
    );
    assert!(
        said.contains("profile of 2 runs: 1 functions as they were"),
        "{said}"
    );
    // In the caller's directory; nothing stays but what the program and the compiler made.
    assert_eq!(dir.names(), ["made", "p", "p.lua"]);
    let out = run_to(&dir, "p", Path::new(""), &["3", "x"]);
    assert_eq!(text(&out.stdout), "3\tx\tnil\n");
    std::fs::remove_file(dir.file("p")).unwrap();
    for (args, says) in [
        (
            "1 fail",
            "(1 fail) ended with exit code 1; it said:\nbefore\n",
        ),
        ("1 fail", "oh no"),
        ("1 kill", "was ended by signal 9"),
        ("1 loop", "did not end within 1 s"),
    ] {
        let said = compiled(&dir, &["--train", args, "--train-deadline=1", "p.lua"], 11);
        assert!(said.contains(says), "{said}");
        assert!(!dir.file("p").exists());
    }
    assert!(compiled(&dir, &["--train", "'x", "p.lua"], 2).contains("a quote that does not end"));
}

/// Versions of functions whose code turns out too large lead to the functions, which may be too large as well.
#[test]
fn versions_that_turn_out_too_large_are_called_all_the_same() {
    let dir = Scratch::new("versions-too-large");
    dir.write("p.lua", include_str!("../../tests/lua/calls/versions.lua"));
    let mut reference = Command::new("lua5.4");
    let want = reference.arg("p.lua").current_dir(dir.path()).output();
    let want = text(&want.unwrap().stdout);
    for limit in ["60", "300", "1000000"] {
        let options = ["-O2", "--max-values", limit, "p.lua", "-o"];
        compiled(&dir, &[&options[..], &["p.s", "-S"]].concat(), 0);
        let listing = std::fs::read_to_string(dir.file("p.s")).unwrap();
        assert!(listing.contains("lua.main.fib:27.int\":"), "{limit}");
        compiled(&dir, &[&options[..], &["p"]].concat(), 0);
        let out = run_to(&dir, "p", Path::new(""), &[]);
        assert_eq!(text(&out.stdout), want, "{limit}");
    }
}

/// Callers pass arguments in registers to a function whose code turns out too large: it takes them, as code of the baseline.
#[test]
fn a_function_that_turns_out_too_large_is_called_directly_all_the_same() {
    let dir = Scratch::new("profile-too-large");
    let adds: String = (0..200)
        .map(|n| format!("  if i % {n} == 0 then s = s + t[{n}] * i end\n", n = n + 1))
        .collect();
    dir.write(
        "p.lua",
        format!(
            "local t = {{}} for i = 1, 200 do t[i] = i * i end\n\
             local function large(i, f)\n local s = f\n{adds} if i == 7 and f < 0 then error('seven') end return s, i\nend\n\
             local sum = 0\nfor i = 1, 300 do local s, n = large(i, i / 2) sum = sum + s + n end\n\
             print(sum, pcall(large, 7, -1.0))\nprint(pcall(large, nil, 1.5))"
        ),
    );
    let want = Command::new("lua5.4")
        .arg("p.lua")
        .current_dir(dir.path())
        .output()
        .unwrap();
    let listing = |limit: &str| {
        compiled(
            &dir,
            &[
                "-O2",
                "--train",
                "",
                "--max-values",
                limit,
                "-S",
                "p.lua",
                "-o",
                "p.s",
            ],
            0,
        );
        std::fs::read_to_string(dir.file("p.s")).unwrap()
    };
    let body = "# body: arguments in registers";
    // A forwarder is a few instructions in front of code that starts where functions do.
    assert!(listing("400").contains(body) && listing("1000000").contains(body));
    assert_ne!(listing("400"), listing("1000000"));
    for limit in ["400", "1000000"] {
        compiled(
            &dir,
            &[
                "-O2",
                "--train",
                "",
                "--max-values",
                limit,
                "p.lua",
                "-o",
                "p",
            ],
            0,
        );
        let out = run_to(&dir, "p", Path::new(""), &[]);
        assert_eq!(text(&out.stdout), text(&want.stdout), "{limit}");
        assert!(out.stderr.is_empty());
    }
}

/// Functions trained on integers are called with floats and with too few arguments: directly, in line, from library functions and recursively.
#[test]
fn what_training_never_saw_is_interpreted() {
    let dir = Scratch::new("profile-other-kinds");
    dir.write(
        "p.lua",
        "local x = ... == 'train' and 1 or 1.5\n\
         local function add(a, b) return a + (b or 10) end\n\
         local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n\
         local function loop(v, n) local s = 0 for i = 1, n do s = s + add(v, i) end return s end\n\
         for i = 1, 50 do loop(x, 20) fib(10 * x) add(x, x) end\n\
         print(loop(x, 100), fib(10 * x), select(2, pcall(add, x)), pcall(add, {}, 1))\n\
         print(table.concat({ add(x, 1), add('3', x), select('#', add(x)) }, ' '))",
    );
    let run = |program: &str, first: &[&str]| {
        let mut c = Command::new(program);
        text(
            &c.current_dir(dir.path())
                .args(first)
                .arg("other")
                .output()
                .unwrap()
                .stdout,
        )
    };
    compiled(&dir, &["-O2", "--train", "train", "p.lua", "-o", "p"], 0);
    let exe = dir.file("p");
    assert_eq!(run(&exe.to_string_lossy(), &[]), run("lua5.4", &["p.lua"]));
}

#[test]
fn profiles_are_shown_and_merged() {
    let dir = Scratch::new("profile-show");
    observed(
        &dir,
        "local function f(a) return a + 1 end\nlocal M = {}\nfunction M.g() return f(2.5) end\nM.g()",
    );
    dir.ends(
        "profile",
        &["merge", "p.tprof", "p.tprof", "p.tprof", "-o", "sum.tprof"],
        0,
        "",
    );
    let shown = dir.ends(
        "profile",
        &["show", "sum.tprof"],
        0,
        "3 runs, 3 functions, 3 of them executed",
    );
    assert!(
        shown.contains("main/f of main program, line 1, number 1: 3 calls (float)"),
        "{shown}"
    );
    assert!(shown.contains("calls main/f 3"), "{shown}");
    let one = dir.ends(
        "profile",
        &["show", "sum.tprof", "--function", "M.g"],
        0,
        "main/M.g",
    );
    assert!(!one.contains("main/f of"), "{one}");
    dir.ends(
        "profile",
        &["show", "p.tprof", "--function", "none"],
        2,
        "no function none in p.tprof",
    );
    let json = dir.ends("profile", &["show", "--json", "sum.tprof"], 0, "");
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["runs"], 3);
    let f = &json["functions"][1];
    assert_eq!((&f["name"], &f["calls"]), (&"main/f".into(), &3.into()));
    let add = &f["sites"][0];
    assert_eq!((&add["op"], &add["count"]), (&"ADDI".into(), &3.into()));
    assert_eq!(add["operands"], serde_json::json!([["float"], ["integer"]]));
    dir.ends("profile", &["show", "p.lua"], 10, "p.lua is not a profile");
    dir.ends(
        "profile",
        &["merge", "p.tprof", "none", "-o", "x"],
        10,
        "cannot read the profile none",
    );
    dir.ends(
        "profile",
        &["merge", "p.tprof", "-o", "none/x"],
        8,
        "cannot write none/x",
    );
    dir.ends(
        "profile",
        &["merge", "p.tprof"],
        2,
        "see trinityc profile --help",
    );
    dir.ends("profile", &["frob"], 2, "frob");
    dir.ends("profile", &["--help"], 0, "merge");
}
