//! Which modules a program has, and under which names they are bundled.

mod common;

use common::*;
use std::path::PathBuf;
use std::process::Command;
use trinity_aot::discover::{Program, Request, discover, path::SearchPath, scan};

fn program(dir: &Scratch, lua_path: &str, extra: &[(Vec<u8>, PathBuf)]) -> Program {
    let main = dir.file("main.lua");
    let path = SearchPath::new(Some(lua_path.as_ref()), &main);
    discover(&Request {
        main: &main,
        extra,
        path: &path,
        closed: false,
    })
    .unwrap()
}

fn names(p: &Program) -> Vec<String> {
    p.modules.iter().map(|m| text(&m.name)).collect()
}

#[test]
fn whole_tree_with_cycles() {
    let dir = Scratch::new("disc-tree");
    dir.write(
        "main.lua",
        "require('z'); require 'a.b'; return require [[pkg]]",
    );
    dir.write("z.lua", "local a = require 'a.b'; require 'main'");
    dir.write(
        "a/b.lua",
        "function f() return function() require 'z' end end; local t = require('deep.er')",
    );
    dir.write("pkg/init.lua", "return {}");
    dir.write("lib/deep/er.lua", "return 1");
    let p = program(&dir, &format!("{}/lib/?.lua", dir.path().display()), &[]);
    assert_eq!(names(&p), ["", "a.b", "deep.er", "main", "pkg", "z"]);
    assert!(p.warnings.is_empty(), "{:?}", p.warnings);
    // Named as the program finds them: along the path, or from its own directory.
    let chunk = |name: &str| {
        text(
            &p.modules
                .iter()
                .find(|m| m.name == name.as_bytes())
                .unwrap()
                .source
                .chunkname,
        )
    };
    assert_eq!(chunk(""), format!("@{}/main.lua", dir.path().display()));
    assert_eq!(
        chunk("deep.er"),
        format!("@{}/lib/deep/er.lua", dir.path().display())
    );
    assert_eq!(
        (chunk("a.b"), chunk("pkg")),
        ("@./a/b.lua".into(), "@./pkg/init.lua".into())
    );
}

#[test]
fn names_are_luas() {
    // The same program under lua5.4, started in its directory, shows the same names.
    let dir = Scratch::new("disc-names");
    dir.write(
        "main.lua",
        "local m, where = require 'sub.m'; print(debug.getinfo(m.f, 'S').source, where)",
    );
    dir.write("sub/m.lua", "return { f = function() end }");
    let lua = run(Command::new("lua5.4")
        .current_dir(dir.path())
        .arg("main.lua")
        .env_remove("LUA_PATH")
        .env_remove("LUA_PATH_5_4"));
    let p = program(&dir, trinity_aot::discover::path::DEFAULT_PATH, &[]);
    let m = &p.modules[1];
    assert_eq!(
        lua,
        format!("{}\t{}\n", text(&m.source.chunkname), text(&m.shown))
    );
}

#[test]
fn modules_given_by_name() {
    let dir = Scratch::new("disc-extra");
    dir.write("main.lua", "require 'm'");
    dir.write("m.lua", "return 'not this'");
    dir.write("other.lua", "return require 'n'");
    dir.write("n.lua", "");
    let extra = [
        (b"m".to_vec(), dir.file("other.lua")),
        (b"unused".to_vec(), dir.file("n.lua")),
    ];
    let p = program(&dir, "", &extra);
    assert_eq!(names(&p), ["", "m", "n", "unused"]);
    assert_eq!(p.modules[1].source.path, dir.file("other.lua"));
}

#[test]
fn broken_modules() {
    let dir = Scratch::new("disc-broken");
    dir.write("main.lua", "pcall(require, 'broken')");
    dir.write("broken.lua", "x = ");
    let p = program(&dir, "", &[]);
    assert_eq!(names(&p), [""]);
    assert_eq!(
        text(&p.warnings[0]),
        "optional module not bundled: ./broken.lua:1: unexpected symbol near <eof>"
    );
    dir.write("main.lua", "pcall(require, 'broken'); require 'broken'");
    let main = dir.file("main.lua");
    let path = SearchPath::new(Some("".as_ref()), &main);
    let e = discover(&Request {
        main: &main,
        extra: &[],
        path: &path,
        closed: false,
    })
    .unwrap_err();
    assert_eq!(e.failure, trinity_aot::exit::Failure::Syntax);
}

#[test]
fn what_counts_as_a_require() {
    let found = |source: &str| {
        let proto = trinity_frontend::compile(source.as_bytes(), b"=test").unwrap();
        let all = scan::requires(&proto);
        all.iter()
            .map(|r| {
                format!(
                    "{}{}:{}",
                    if r.optional { "?" } else { "" },
                    text(&r.name),
                    r.line
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        found("local a = require 'a'\nlocal b <const> = require('b')\nrequire [[c]].x()"),
        ["a:1", "b:2", "c:3"]
    );
    assert_eq!(found("return require 'tail'"), ["tail:1"]);
    assert_eq!(
        found("local require = require; require 'x'; return function() return require('y') end"),
        ["x:1", "y:1"]
    );
    assert_eq!(found("local ok, j = pcall(require, 'cjson')"), ["?cjson:1"]);
    assert_eq!(
        found("if a then for i = 1, 2 do foo(require 'm', 1) end end"),
        ["m:1"]
    );
    // Not the global function, or not a literal.
    assert!(found("local function require() end; require 'x'").is_empty());
    assert!(found("local function f(require) require 'x' end").is_empty());
    assert!(
        found("local function f(require) return function() return require 'x' end end").is_empty()
    );
    assert!(
        found("local n = 'x'; require(n); require('a' .. n); t.require 'x'; t:require 'x'")
            .is_empty()
    );
    assert!(
        found("package.preload['m'] = function(...) return 1 end\nlocal m = require 'm'")
            .is_empty()
    );
    assert_eq!(found("package.loaded['m'] = 1; require 'm'"), ["m:1"]);
    assert!(found("local _ENV = { require = f }; require = 1").is_empty());
}
