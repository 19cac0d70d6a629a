//! `--explain`: what it says about an example in its three forms, that every kind of remark is said of some program, and that asking changes
//! nothing.

mod common;

use common::*;
use std::collections::BTreeSet;
use std::path::Path;
use trinity_lower::remark::Kind;

const EXAMPLE: &str = include_str!("explain/example.lua");

/// Compiles `p.lua` to an object file and returns what it explains.
fn explained(dir: &Scratch, form: &str, args: &[&str]) -> String {
    let mut cmd = trinityc(dir.path());
    cmd.args(["-c", "p.lua", "-o", "p.o", &format!("--explain={form}")]);
    cmd.arg("--runtime-lib").arg(runtime()).args(args);
    run(&mut cmd)
}

#[test]
fn text_of_an_example() {
    let dir = Scratch::new("explain-text");
    dir.write("p.lua", EXAMPLE);
    insta::assert_snapshot!(explained(&dir, "text", &["-O2", "--train", "10"]));
}

#[test]
fn without_a_profile_all_is_generic() {
    let dir = Scratch::new("explain-generic");
    dir.write("p.lua", EXAMPLE);
    insta::assert_snapshot!(explained(&dir, "text", &["-O1"]));
}

#[test]
fn json_of_an_example() {
    let dir = Scratch::new("explain-json");
    dir.write("p.lua", "local function f(a, b)\n  return a + b\nend\nlocal s = 0\nfor i = 1, 10 do\n  s = s + f(i, s)\nend\nprint(s)\n");
    insta::assert_snapshot!(explained(&dir, "json", &["-O2", "--train", ""]));
}

#[test]
fn a_page_stands_alone() {
    let dir = Scratch::new("explain-html");
    dir.write(
        "p.lua",
        "local t = {}\nfor i = 1, 10 do t[i] = i < 3 and '<&\">' end\n",
    );
    let page = explained(&dir, "html", &["-O2"]);
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    for outside in ["http:", "https:", "src=", "href=", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}\n{page}");
    }
    // The source is shown as it is, and every line that has something to say opens.
    assert!(
        page.contains("t[i] = i &lt; 3 and '&lt;&amp;&quot;&gt;' end"),
        "{page}"
    );
    assert_eq!(
        page.matches("<details>").count(),
        page.matches("</details>").count()
    );
    assert!(page.contains("class=\"badge generic\""), "{page}");
    assert!(page.contains("prefers-color-scheme: dark"));
}

/// Programs, how they are trained, and more options.
const PROGRAMS: [(&str, &[&str]); 7] = [
    (EXAMPLE, &["--train", "20"]),
    (
        // Recursion, a branch that is never taken, several callees, globals, fields of several tables, loops with calls.
        "local function fact(n) if n < 2 then return 1 end return n * fact(n - 1) end\n\
         local function even(n) if n % 2 ~= 0 then error('odd') end return n end\n\
         local function long(...) return select('#', ...) end\n\
         local fs, cell = { math.sin, math.cos }, 0\n\
         function g(t, k) cell = cell + 1 return t.x + t[k] end\n\
         local function loop(t, x)\n\
           for i = 1, #t do t[i] = x.n + even(2 * i) + fs[i % 2 + 1](i) + long(i) end\n\
         end\n\
         for i = 1, 20 do\n\
           local t = { 1.5, 2, 3, x = i, n = 1, [i % 2 == 0 and 'y' or 'z'] = i }\n\
           g(t, i % 2 == 0 and 'x' or 1)\n\
           loop(t, { n = i })\n\
           assert(fact(6) > 0)\n\
           for k, v in pairs(t) do cell = cell + fact(3) end\n\
         end\n",
        &["--train", ""],
    ),
    (
        // A loop that changes what it looks at.
        "local function f(a, b, n)\n\
           for i = 1, n do a[i] = b[1] + i end\n\
         end\n\
         for i = 1, 10 do f({}, { i }, 50) end\n",
        &["--train", ""],
    ),
    (
        "local t = {} for i = 1, 3 do t[i] = i end\n",
        &["--max-values", "10"],
    ),
    (
        // A register of which nothing says what it has.
        "local function f(...) local a = ... return a + 1 end\n\
         local s = 0 for i = 1, 100 do s = s + f(i) end\n",
        &["--train", ""],
    ),
    (
        // A function for integers and floats.
        "local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end\n\
         print(fib(20), fib(20.0))\n",
        &[],
    ),
    ("return 1\n", &[]),
];

/// A main chunk of so many assignments.
fn long_program(lines: usize) -> String {
    let mut text = String::from("local t = ...\n");
    for n in 0..lines {
        text.push_str(&format!("t.x = t.y{} + t.z\n", n % 50));
    }
    text
}

#[test]
fn every_kind_of_remark_is_said_of_something() {
    let dir = Scratch::new("explain-kinds");
    let mut found = BTreeSet::new();
    let mut look = |text: &str, args: &[&str]| {
        dir.write("p.lua", text);
        let mut all = vec!["-O2"];
        all.extend(args);
        let report: serde_json::Value =
            serde_json::from_str(&explained(&dir, "json", &all)).unwrap();
        for m in report["modules"].as_array().unwrap() {
            for r in m["remarks"].as_array().unwrap() {
                found.insert(r["kind"].as_str().unwrap().to_string());
                assert_ne!(r["message"], "", "{r}");
                assert!(r["own"] == true || r["inlined"][0][0]["line"] != 0, "{r}");
            }
        }
    };
    for (text, args) in PROGRAMS {
        look(text, args);
    }
    look(&long_program(1300), &[]);
    look(&long_program(2500), &[]);
    let all: BTreeSet<String> = Kind::IDS.iter().map(|s| s.to_string()).collect();
    assert_eq!(found, all);
}

#[test]
fn asking_changes_no_byte() {
    let dir = Scratch::new("explain-same");
    dir.write("p.lua", EXAMPLE);
    let compiled = |args: &[&str]| {
        let mut cmd = trinityc(dir.path());
        cmd.args(["-g", "-O2", "-c", "p.lua", "-o", "p.o", "--train", "10"])
            .args(args);
        run(cmd.arg("--runtime-lib").arg(runtime()));
        std::fs::read(dir.file("p.o")).unwrap()
    };
    let (plain, asked) = (
        compiled(&[]),
        compiled(&["--explain", "--explain-out", "why.txt"]),
    );
    assert!(plain == asked, "the object files differ");
    assert!(
        std::fs::read_to_string(dir.file("why.txt"))
            .unwrap()
            .contains("guard")
    );
}

#[test]
fn what_makes_no_sense_is_refused() {
    let dir = Scratch::new("explain-refused");
    dir.write("p.lua", EXAMPLE);
    let refused = |args: &[&str], says: &str| {
        let out = trinityc(dir.path())
            .arg("p.lua")
            .args(args)
            .output()
            .unwrap();
        let (code, said) = failure(&out);
        assert!(code == 2 && said.contains(says), "{args:?}: {code} {said}");
    };
    refused(&["--explain"], "-O1");
    refused(&["-O2", "--explain=xml"], "xml");
    refused(&["-O2", "--explain", "--emit=bytecode"], "compiled");
    refused(&["-O2", "--explain", "--emit=ir"], "--explain-out");
    refused(&["-O2", "--explain-out", "x"], "--explain");
    refused(&["-O2", "--explain", "--explain-out", "p.lua"], "overwrite");
    assert!(Path::new(&dir.file("p.lua")).is_file());
    assert_eq!(std::fs::read_to_string(dir.file("p.lua")).unwrap(), EXAMPLE);
}
