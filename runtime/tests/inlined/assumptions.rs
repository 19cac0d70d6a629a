//! Code that takes upvalues for constants: the debug library changes them, and Lua sees the change, in frames that wait in the code too.

use super::code::{self, Plan};
use super::{Mode, ONE_AT_A_TIME, place, run};
use std::sync::atomic::Ordering::Relaxed;
use trinity_abi::unit::flag;

const BEGIN: &str = "local k = 1
local function read()
  local v = k
  return v
end
local function f(read, g)
  local a = k
  g()
  local b = k
  local c = read()
  return a, b, c
end
local function other() return k end
local lines = {}
local function out(...) lines[#lines + 1] = table.concat({...}, ' ') end
local function nothing() end
local z, text = 50, 'text'
local function stranger() return z end
out(f(read, nothing))
";

const END: &str = "
out(f(read, nothing))
out(read(), other(), stranger())
return table.concat(lines, '\\n')";

/// (what happens, times that the code of `f` is entered)
const BREAKS: &[(&str, u64)] = &[
    // Nothing that the code relies on.
    ("out(f(read, function() debug.setupvalue(stranger, 1, 2) end))", 3),
    ("out(f(read, function() debug.upvaluejoin(stranger, 1, function() return text end, 1) end))", 3),
    ("out(f(read, function() debug.upvaluejoin(other, 1, stranger, 1) end))", 3),
    // Its own upvalue, or another function's of the same variable, one that is inlined.
    ("out(f(read, function() debug.setupvalue(f, 1, 2) end))", 2),
    ("out(f(read, function() debug.setupvalue(other, 1, 3) end))", 2),
    ("out(f(read, function() debug.setupvalue(read, 1, 4) end))", 2),
    ("out(f(read, function() debug.upvaluejoin(f, 1, stranger, 1) end))", 2),
    ("out(f(read, function() debug.upvaluejoin(read, 1, stranger, 1) end))", 2),
    // The variable itself.
    (
        "local function find()
  for level = 2, 9 do
    for n = 1, 20 do
      local name = debug.getlocal(level, n)
      if name == 'k' then return debug.setlocal(level, n, 5) end
    end
  end
end
out(f(read, find))",
        2,
    ),
    // A stranger that came to share it.
    (
        "debug.upvaluejoin(stranger, 1, f, 1)
out(f(read, function() debug.setupvalue(stranger, 1, 6) end))",
        2,
    ),
    // In another thread; the frame goes on after the change, once more it is interpreted.
    (
        "local co = coroutine.wrap(function() out(f(read, coroutine.yield)) out(f(read, nothing)) end)
co()
out(f(read, function() debug.setupvalue(other, 1, 7) end))
co()",
        3,
    ),
    // In recursion, all frames.
    (
        "local depth = 0
local function again()
  depth = depth + 1
  if depth < 5 then out(f(read, again)) else debug.setupvalue(f, 1, 8) end
end
out(f(read, again))",
        6,
    ),
];

#[test]
fn changes_from_outside_are_seen() {
    let _one = ONE_AT_A_TIME.lock();
    for (n, (text, entries)) in BREAKS.iter().enumerate() {
        let source = format!("{BEGIN}{text}{END}");
        let proto = trinity_frontend::compile(source.as_bytes(), b"@chunk.lua").expect("valid");
        let protos = trinity_lower::preorder(&proto);
        let (expected, _) = run(&source, None, Mode::default());
        for direct in [false, true] {
            let code = code::compile(&Plan {
                protos: &protos,
                outer: 2,
                inline: &[(2, 1, 1)],
                direct,
                exit_at: None,
                assume: Some(1),
            });
            let flags = flag::ASSUMES_UPVALUES;
            let funcs = place(code, 2, protos.len(), flags);
            let before = code::ENTERED.load(Relaxed);
            let (said, failures) = run(&source, Some((2, funcs)), Mode::default());
            assert_eq!(said, expected, "change {n}, direct {direct}:\n{text}");
            assert_eq!(failures, 0);
            let entered = code::ENTERED.load(Relaxed) - before;
            assert_eq!(entered, *entries, "change {n}, direct {direct}:\n{text}");
        }
    }
}
