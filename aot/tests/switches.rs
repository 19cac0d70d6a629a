//! `-fno-NAME`: switches change the code of a program, but not what it does.

mod common;

use common::*;
use std::process::Command;
use trinity_lower::passes::{Pass, TABLE};

/// Something for each optimization.
const PROGRAM: &str = "\
local Point = {}\n\
Point.__index = Point\n\
function Point:len2() return self.x * self.x + self.y * self.y end\n\
local function new(x, y) return setmetatable({ x = x, y = y }, Point) end\n\
local function sum(t, n) local s = 0 for i = 1, #t do s = s + t[i] * n end return s end\n\
local function parts(t, n) local s = 0 for i = 1, #t do local w = t[i] local high = w >> 8 if w == n then s = s + high end s = s + w end return s end\n\
local function deep(n) if n < 2 then return n end return deep(n - 1) + deep(n - 2) end\n\
local function adder(n) return function(x) n = n + x return n end end\n\
local function vector(n) local s = 0 for i = 1, n do local v = { x = i, y = s } v.x = v.x + v.y s = v.x & 255 end return s end\n\
Point.__add = function(a, b) return new(a.x + b.x, a.y + b.y) end\n\
local machine = { at = 0, sum = 0 }\n\
local function walk(s, t, n)\n\
  s.at = 0\n\
  while s.at < n do\n\
    local at = s.at + 1\n\
    local v, to = t[at], at + 2\n\
    local odd = v & 4 ~= 0\n\
    if v & 1 == 0 then n = n - 1 if odd then s.sum = s.sum + to end\n\
    elseif v & 2 == 0 then s.sum = s.sum ~ v elseif odd then s.sum = s.sum + v else s.sum = s.sum - to end\n\
    s.at = at\n\
  end\n\
  return s.sum\n\
end\n\
local function range(n) local i = 0 return function() i = i + 1 if i <= n then return i end end end\n\
local function main(n)\n\
  local t, total, bits, float = {}, 0, 0, 0.5\n\
  local text, line = ('abcd'):rep(2), ''\n\
  for k = 1, 9 do if k < 20 then bits = bits + (k << k) end end\n\
  local q = { first = 1, last = 0 }\n\
  local words = { 0x12345678, 0x9abcdef0, 5, 77 }\n\
  local fs = { function(x) return x + 1 end, function(x) return x * 2 end }\n\
  local many = { { v = 1 }, { a = 1, v = 2 }, { b = 1, v = 3 }, { c = 1, v = 4 }, { d = 1, v = 5 }, { e = 1, v = 6 } }\n\
  local start = new(n, 1)\n\
  for i = 1, n do\n\
    t[i] = i\n\
    line = line .. i\n\
    total = total + start:len2()\n\
    total = total + vector(9) + n\n\
    q.last = q.last + 1\n\
    q[q.last] = i\n\
    if i % 3 == 0 then q[q.first] = nil q.first = q.first + 1 end\n\
    local p, add = new(i, i + 1), adder(i)\n\
    if i < 0 then error('never') end\n\
    local few, w = {}, words[i % 4 + 1]\n\
    w = (w >> 7 | w << 25) & 0xffffffff ~ (w >> 18 | w << 14) & 0xffffffff\n\
    few[1] = i\n\
    local pair = { a = i, b = 2 }\n\
    total = total + pair.a * pair.b\n\
    few[2] = fs[i % 2 + 1](i)\n\
    bits = bits ~ (i & w ~ ~i & total) ~ (i & w | i & n | w & n)\n\
    total = total + few[2] + many[i % 6 + 1].v + w + math.max(i, deep(5))\n\
    total = total + p:len2() + sum(t, 2) + parts(t, -1) + math.floor(add(i) / 2) + deep(9) + math.floor(deep(9.0))\n\
    bits = bits ~ (total << (i & 15)) ~ #('x'):rep(i % 7) ~ string.unpack('>I4', text) & ~i\n\
    for k in range(3) do total = total + k + (start + p).x end\n\
    float = float * 0.5 + math.floor(float + 0.25)\n\
  end\n\
  for i = 1, n do bits = bits + i * 3 end\n\
  local a, b, c = 1, 2, n\n\
  for i = 1, n do a, b, c = b, c, (a * 3 ~ i) + c + i end\n\
  local h = 7 for i = 1, n do h = ((h << 5 | h >> 27) ~ (i & 15)) & 0xffffffff end bits = bits ~ h\n\
  local g, k = 7, 1\n\
  for i = 1, n do local x = g * 1664525 + i g, k = x & 0xffffffff, k + x & 0xffffffff end\n\
  bits = bits ~ (g & 0xffff) ~ (k & 0xff)\n\
  bits = bits ~ walk(machine, t, n) ~ walk(machine, t, n)\n\
  print(a, #line, total, bits, float, math.type(total))\n\
end\n\
main(tonumber((...)) or 60)\n";

#[test]
fn every_switch_changes_code_and_nothing_else() {
    let dir = Scratch::new("switches");
    dir.write("p.lua", PROGRAM);
    let compiled = |out: &str, args: &[&str]| {
        let mut cmd = trinityc(dir.path());
        cmd.args(["-O2", "p.lua", "-o", out]).args(args);
        run(cmd.arg("--runtime-lib").arg(runtime()));
    };
    compiled("p", &["--profile-gen"]);
    run(&mut Command::new(dir.file("p")));
    let by = "--profile-use=p.tprof";
    let code = |args: &[&str]| {
        // With all that a switch can be about; what runs is for every processor.
        compiled("p.o", &[&[by, "-c", "-march=x86-64-v3"], args].concat());
        std::fs::read(dir.file("p.o")).unwrap()
    };
    // What the text says is asked where there is no profile.
    let unprofiled = |args: &[&str]| {
        compiled("p.o", &[&["-c"], args].concat());
        std::fs::read(dir.file("p.o")).unwrap()
    };
    let by_text = unprofiled(&[]);
    let on = code(&[]);
    compiled("p", &[by]);
    let says = run(&mut Command::new(dir.file("p")));
    assert!(says.ends_with("integer\n"), "{says}");
    for row in TABLE {
        let (off, on_again) = (format!("-fno-{}", row.name), format!("-f{}", row.name));
        // Selection drops what nobody needs once more.
        let repeated = row.pass == Pass::DeadCode;
        let changes = match row.pass {
            Pass::Between => unprofiled(&[&off]) != by_text,
            _ => code(&[&off]) != on,
        };
        assert!(repeated || changes, "{off} changes nothing");
        assert!(code(&[&off, &on_again]) == on, "{off}");
        compiled("p", &[by, &off]);
        assert_eq!(run(&mut Command::new(dir.file("p"))), says, "{off}");
    }
}

#[test]
fn unknown_switches_are_refused_and_the_known_listed() {
    let dir = Scratch::new("switches-refused");
    dir.write("p.lua", "print(1)");
    let out = trinityc(dir.path())
        .args(["-O2", "-fno-such", "p.lua"])
        .output();
    let (code, said) = failure(&out.unwrap());
    assert!(code == 2 && said.contains("--help-passes"), "{code} {said}");
    let list = run(trinityc(dir.path()).arg("--help-passes"));
    for row in TABLE {
        assert!(list.contains(row.name) && list.contains(row.what), "{list}");
    }
}
