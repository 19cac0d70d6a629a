//! What an executable observes of itself.

mod common;

use common::profile::*;
use common::*;
use std::path::PathBuf;
use trinity_abi::tag;
use trinity_frontend::bytecode::Op;
use trinity_profile::fingerprint::token_op;
use trinity_profile::{FuncProfile, Place, Profile, ShapeKind, Site, TagSet, kind};

/// The n-th instruction of an opcode, from 0.
fn nth(f: &FuncProfile, op: Op, n: usize) -> &Site {
    let same = |(_, t): &(usize, &u32)| token_op(**t) == op as u8;
    let (pc, _) = f.code.iter().enumerate().filter(same).nth(n).unwrap();
    f.site(pc as u32)
        .unwrap_or_else(|| panic!("{op:?} number {n} of {} did not run", f.key.name))
}

fn first(f: &FuncProfile, op: Op) -> &Site {
    nth(f, op, 0)
}

#[test]
fn numbers_loops_and_arrays_are_seen_as_they_are() {
    let dir = Scratch::new("profile-loops");
    let p = observed(
        &dir,
        "local function sum(t, x)\n\
           local s = 0\n\
           for i = 1, #t do s = s + t[i] * x end\n\
           return s\n\
         end\n\
         local ints, floats, mixed = {}, {}, {}\n\
         for i = 1, 10 do ints[i] = i floats[#floats + 1] = i / 2 mixed[i] = i % 2 == 0 and i or 'x' end\n\
         for i = 1, 7 do sum(ints, 2) end\n\
         for i = 1, 3 do sum(floats, 2.5) end\n\
         sum({}, nil)\n\
         print(mixed[11], mixed['no'], mixed[-3])\n",
    );
    let sum = function(&p, "main/sum");
    assert_eq!(sum.calls, 11);
    assert_eq!(sum.params[0], TagSet::TABLE);
    assert_eq!(sum.params[1], TagSet::NUMBER | TagSet::NIL);
    let len = first(sum, Op::Len);
    assert_eq!((len.count, len.range), (11, Some((0, 10))));
    assert_eq!(len.kinds, kind::EMPTY | kind::INT | kind::FLOAT);
    let prep = first(sum, Op::ForPrep);
    assert_eq!((prep.count, prep.taken, prep.range), (11, 1, Some((0, 10))));
    assert_eq!(prep.operands, [TagSet::INT, TagSet::INT]);
    assert_eq!(prep.second, TagSet::INT);
    let back = first(sum, Op::ForLoop);
    assert_eq!(
        (back.count, back.taken, back.range),
        (100, 90, Some((2, 10)))
    );
    let get = first(sum, Op::GetTable);
    assert_eq!((get.count, get.range), (100, Some((1, 10))));
    assert_eq!(get.kinds, kind::INT | kind::FLOAT);
    assert_eq!(get.operands, [TagSet::TABLE, TagSet::INT]);
    assert_eq!(get.result, TagSet::NUMBER);
    let mul = first(sum, Op::Mul);
    assert_eq!(mul.operands, [TagSet::NUMBER, TagSet::NUMBER]);
    assert_eq!((mul.result, mul.range), (TagSet::NUMBER, Some((2, 20))));
    assert_eq!(first(sum, Op::Return1).operands[0], TagSet::NUMBER);

    let main = function(&p, "main");
    assert_eq!(main.calls, 1);
    let [ints, floats, mixed] = [0, 1, 2].map(|n| nth(main, Op::SetTable, n));
    assert_eq!(ints.kinds, kind::EMPTY | kind::INT | kind::APPEND);
    assert_eq!((ints.result, ints.range), (TagSet::INT, Some((1, 10))));
    assert_eq!(floats.kinds, kind::EMPTY | kind::FLOAT | kind::APPEND);
    assert_eq!(floats.result, TagSet::FLOAT);
    // 'x' comes first: the array is general from the start.
    assert_eq!(mixed.kinds, kind::EMPTY | kind::GENERAL | kind::APPEND);
    assert_eq!(mixed.result, TagSet::INT | TagSet::of(tag::SHORT_STR));
    let odd = nth(main, Op::JmpNeI, 0);
    assert_eq!((odd.count, odd.taken), (10, 5));
    let miss = first(main, Op::GetI);
    assert_eq!(
        (miss.kinds, miss.result),
        (kind::GENERAL | kind::MISS, TagSet::NIL)
    );
    assert_eq!(first(main, Op::GetField).shapes[0].place, Place::Absent);
}

#[test]
fn calls_and_their_results_are_seen() {
    let dir = Scratch::new("profile-calls");
    let p = observed(
        &dir,
        "local function two(a) return a, 'x' end\n\
         local function tail(n) if n == 0 then return two(1) end return tail(n - 1) end\n\
         local function pick(f, x) return (f(x)) end\n\
         local function va(...) local a, b = ... return select('#', ...) end\n\
         for i = 1, 4 do local a, b = two(i) end\n\
         tail(9)\n\
         for i = 1, 6 do pick(i % 2 == 0 and math.floor or two, i) end\n\
         pick(load('return 1'), 1)\n\
         pick(setmetatable({}, { __call = function(_, x) return x end }), 1)\n\
         va(1, 2.5) va()\n\
         for k, v in pairs({ a = 1 }) do end\n\
         for i, v in ipairs({ 1, 2, 3 }) do end\n\
         local co = coroutine.wrap(function(n) while true do n = coroutine.yield(n + 1) end end)\n\
         for i = 1, 5 do co(i) end\n\
         for i = 1, 3 do pcall(function() two(i) error('x') end) end\n\
         table.sort({ 3, 1, 2 }, function(a, b) return a < b end)\n",
    );
    let [main, two, tail] = ["main", "main/two", "main/tail"].map(|n| function(&p, n));
    assert_eq!((two.calls, tail.calls), (4 + 1 + 3 + 3, 10));
    let call = main
        .sites
        .values()
        .find(|s| s.callee.sole_lua() == Some(&two.key.to_ref()))
        .unwrap();
    assert_eq!((call.count, call.result), (4, TagSet::INT));
    assert_eq!(
        (call.second, call.range),
        (TagSet::of(tag::SHORT_STR), Some((1, 4)))
    );
    let [to_two, to_itself] = [0, 1].map(|n| nth(tail, Op::TailCall, n));
    assert_eq!(to_two.callee.sole_lua(), Some(&two.key.to_ref()));
    assert_eq!(to_itself.callee.sole_lua(), Some(&tail.key.to_ref()));
    assert_eq!((to_two.count, to_itself.count), (1, 9));
    let pick = function(&p, "main/pick");
    let f = first(pick, Op::Call);
    let mut targets: Vec<_> = f
        .callee
        .targets
        .iter()
        .map(|(t, n)| (format!("{t:?}").chars().take(6).collect::<String>(), *n))
        .collect();
    targets.sort();
    assert_eq!(
        targets,
        [
            ("Lua(Fu".into(), 3),
            ("Native".into(), 3),
            ("Unknow".into(), 2)
        ]
    );
    assert!(
        f.callee
            .targets
            .iter()
            .any(|t| t.0 == trinity_profile::Target::Native("math.floor".into()))
    );
    assert_eq!(f.operands[0], TagSet::FUNCTION | TagSet::TABLE);
    assert_eq!(f.result, TagSet::INT);

    let va = function(&p, "main/va");
    let dots = first(va, Op::VarArg);
    assert_eq!((va.calls, dots.count), (2, 2));
    assert_eq!(dots.result, TagSet::INT | TagSet::NIL);
    assert_eq!(dots.second, TagSet::FLOAT | TagSet::NIL);
    let [pairs, ipairs] = [0, 1].map(|n| nth(main, Op::TForCall, n));
    assert_eq!(pairs.callee.sole_native(), Some("next"));
    assert_eq!(
        (pairs.count, pairs.result),
        (2, TagSet::NIL | TagSet::of(tag::SHORT_STR))
    );
    assert_eq!(ipairs.callee.sole_native(), Some("ipairs iterator"));
    assert_eq!(
        (ipairs.count, ipairs.second),
        (4, TagSet::NIL | TagSet::INT)
    );
    assert_eq!(nth(main, Op::TForLoop, 1).taken, 3);

    // Coroutines, protected calls and comparison functions run in loops of their own.
    let body = function(&p, "main/1");
    assert_eq!(body.calls, 1);
    let resumed = first(body, Op::Call);
    assert_eq!(resumed.callee.sole_native(), Some("coroutine.yield"));
    assert_eq!((resumed.count, resumed.range), (5, Some((2, 5))));
    let failing = function(&p, "main/2");
    assert_eq!((failing.calls, nth(failing, Op::Call, 1).count), (3, 3));
    assert_eq!(
        nth(failing, Op::Call, 1).callee.sole_native(),
        Some("error")
    );
    assert!(nth(failing, Op::Call, 1).result.is_empty());
    let less = function(&p, "main/3");
    assert_eq!(less.params, [TagSet::INT, TagSet::INT]);
    assert!(less.calls >= 2);
}

#[test]
fn objects_are_seen_by_their_shapes() {
    let dir = Scratch::new("profile-shapes");
    let p = observed(
        &dir,
        "local P = {} P.__index = P\n\
         function P.new(x, y) local o = setmetatable({}, P) o.x = x o.y = y return o end\n\
         function P:norm() return self.x * self.y + (self.z or 0) end\n\
         local n = 0\n\
         for i = 1, 10 do local o = P.new(i, i) n = n + o:norm() end\n\
         local q = P.new(1, 2) q.z = 5 n = n + q:norm()\n\
         n = n + P.norm({ x = 1, y = 2.5, z = 1 })\n",
    );
    let keys = |s: &trinity_profile::ShapeSeen| -> Vec<String> {
        s.keys.iter().map(|k| text(k)).collect()
    };
    let new = function(&p, "main/P.new");
    let [x, y] = [0, 1].map(|n| nth(new, Op::SetField, n));
    assert_eq!((x.shapes.len(), x.shapes[0].place), (1, Place::Added));
    assert!(keys(&x.shapes[0]).is_empty() && x.shapes[0].metatable);
    assert_eq!(
        (keys(&y.shapes[0]), y.shapes[0].count),
        (vec!["x".to_string()], 11)
    );
    let norm = function(&p, "main/P.norm");
    assert_eq!(norm.calls, 12);
    let [x, y, z] = [0, 1, 2].map(|n| nth(norm, Op::GetField, n));
    let seen = |s: &Site| -> Vec<(String, bool, Place, Option<u32>, u64)> {
        let one = |s: &trinity_profile::ShapeSeen| {
            assert_eq!(s.kind, ShapeKind::Shared);
            (keys(s).join(","), s.metatable, s.place, s.slot, s.count)
        };
        s.shapes.iter().map(one).collect()
    };
    let mut of_x = seen(x);
    of_x.sort_by_key(|s| (s.4, s.1));
    assert_eq!(
        of_x,
        [
            ("x,y,z".into(), false, Place::Own, Some(0), 1),
            ("x,y,z".into(), true, Place::Own, Some(0), 1),
            ("x,y".into(), true, Place::Own, Some(0), 10),
        ]
    );
    assert!(seen(y).iter().all(|s| s.3 == Some(1)));
    assert_eq!(y.result, TagSet::NUMBER);
    assert_eq!(z.shapes[0].place, Place::Chain);
    assert_eq!(z.result, TagSet::INT | TagSet::NIL);
    let main = function(&p, "main");
    let method = first(main, Op::SelfGet);
    assert_eq!((method.count, method.shapes[0].place), (10, Place::Chain));
    assert_eq!(method.operands[0], TagSet::TABLE);
    assert_eq!(method.result, TagSet::of(tag::LUA_FN));
}

/// Counts do not depend on who looks: what must hold between the instructions of any program.
#[test]
fn counts_are_consistent_and_the_program_does_what_it_did() {
    let dir = Scratch::new("profile-sums");
    let source = r#"
        local log = {}
        local function note(...) log[#log + 1] = table.concat({ ... }, ' ') end
        local V = {}
        V.__index = function(t, k) return k .. '!' end
        V.__add = function(a, b) return (a.n or 0) + (type(b) == 'table' and b.n or b) end
        V.__lt = function(a, b) return a.n < b.n end
        V.__concat = function(a, b) return 'cat' end
        V.__close = function() note('closed') end
        local function v(n) return setmetatable({ n = n }, V) end
        local function deep(n) if n == 0 then error({ code = 7 }) end return 1 + deep(n - 1) end
        local function spin(n) while true do n = n - 1 if n < 0 then return n end end end
        for i = 1, 20 do
          local a, b = v(i), v(20 - i)
          note(a + b, tostring(a < b), a .. b, a.q)
          do local c <close> = v(i) end
          local ok, e = pcall(deep, i)
          note(tostring(ok), e.code, spin(i))
          goto continue
          note('never')
          ::continue::
        end
        local gen = coroutine.wrap(function(...) for i = 1, select('#', ...) do coroutine.yield((select(i, ...))) end end)
        note(gen(1, 2, 3), gen(), gen())
        note(string.gsub('hello', 'l', function(c) return c:upper() end))
        debug.sethook(function() end, '', 3)
        for i = 1, 10 do spin(2) end
        debug.sethook()
        local f = load('local a = ... return function(b) return a + b end')
        note(f(1)(2), spin(3))
        print(table.concat(log, '\n'))
        print(select('#', table.unpack(log)), #arg)
    "#;
    let p = observed(&dir, source);
    compiled(&dir, &["p.lua", "-o", "plain"], 0);
    let path = dir.file("again.tprof");
    let plain = run_to(&dir, "plain", &path, &["x"]);
    assert!(!path.exists());
    let watched = run_to(&dir, "p", &path, &["x"]);
    assert_eq!(text(&watched.stdout), text(&plain.stdout));
    assert!(plain.stdout.len() > 500);
    let spin = function(&p, "main/spin");
    assert!(spin.calls >= 21);
    let mut checked = 0;
    for f in &p.funcs {
        assert!(f.sites.len() <= f.code.len());
        for (pc, s) in &f.sites {
            assert!(s.taken <= s.count, "{} {pc}", f.key.name);
            let op = Op::from_byte(token_op(f.code[*pc as usize])).unwrap();
            match op {
                Op::Call | Op::TailCall | Op::TForCall => assert_eq!(s.callee.count(), s.count),
                Op::GetField | Op::SetField => {
                    let shapes = s.shapes.iter().map(|x| x.count).sum::<u64>();
                    assert!(shapes + s.other_shapes <= s.count);
                }
                _ => continue,
            }
            checked += 1;
        }
        // Without hooks, each entry executes the first instruction.
        if f.key.name != "main/spin" {
            assert!(f.count(0) >= f.calls, "{}", f.key.name);
        }
    }
    assert!(checked > 50);
}

/// Both object writers, dynamic executables and stripped bytecode; modules have their own functions.
#[test]
fn every_kind_of_executable_can_observe() {
    let dir = Scratch::new("profile-kinds");
    dir.write("m.lua", "return { f = function(x) return x end }");
    dir.write("p.lua", "local m = require 'm' for i = 1, 5 do m.f(i) end");
    let mut first: Option<Profile> = None;
    for args in [
        &[][..],
        &["--object-writer=faerie"],
        &["--dynamic", "-g"],
        &["--strip-debug"],
    ] {
        let path: PathBuf = dir.file("x.tprof");
        let all = [args, &["--profile-gen", "p.lua", "-o", "p"]].concat();
        assert_eq!(compiled(&dir, &all, 0), "");
        assert!(run_to(&dir, "p", &path, &[]).status.success());
        let p = Profile::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let f = p
            .module("m")
            .iter()
            .find(|f| f.key.name == "main/f")
            .unwrap();
        assert_eq!((f.calls, f.params[0]), (5, TagSet::INT));
        assert_eq!(p.get(&f.key.to_ref()), Some(f));
        let same = first.get_or_insert_with(|| p.clone());
        assert_eq!(&p, same, "{args:?}");
    }
    let asm = run(trinityc(dir.path()).args(["--profile-gen", "-S", "p.lua", "-o", "-"]));
    assert!(asm.contains(".quad trinity_profile_start, .Lskeleton,"));
}
