//! The programs: every shape of calls with every thing that can be called in the innermost.

/// A program that returns its transcript, and what to compile of it.
pub struct Program {
    pub name: String,
    pub source: String,
    /// It fills the stack.
    pub deep: bool,
    /// Number of the compiled function: children of the main function are numbered in order, and have none inside.
    pub outer: usize,
    /// (caller, its how manieth CALL, callee): what is inlined.
    pub inline: &'static [(usize, usize, usize)],
}

/// Functions 1, 2 and 3: `top` calls `mid` calls `leaf` calls `g`, which does what the test is about.
struct Shape {
    name: &'static str,
    source: &'static str,
    inline: &'static [(usize, usize, usize)],
}

const THREE: &[(usize, usize, usize)] = &[(3, 0, 2), (2, 0, 1)];
const TWO: &[(usize, usize, usize)] = &[(3, 0, 2)];

const SHAPES: &[Shape] = &[
    Shape {
        name: "one result",
        source: "local function leaf(g, x)
  local k = x
  local r = g(x)
  return r, k
end
local function mid(leaf, g, x)
  local before = x
  local r, k = leaf(g, x)
  return r, k, before
end
local function top(mid, leaf, g, x)
  local mine = x
  local r, k, b = mid(leaf, g, x)
  return r, k, b, mine
end",
        inline: THREE,
    },
    Shape {
        name: "no result",
        source: "local function leaf(g, x)
  g(x)
end
local function mid(leaf, g, x)
  leaf(g, x)
  local r, s = leaf(g, x)
  return r, s, x
end
local function top(mid, leaf, g, x)
  local r, s, t = mid(leaf, g, x)
  return x, r, s, t
end",
        inline: &[(3, 0, 2), (2, 0, 1), (2, 1, 1)],
    },
    Shape {
        name: "many results",
        source: "local function leaf(g, x)
  local a, b, c, d = g(x)
  return a, b, c, d, x
end
local function mid(leaf, g, x)
  local t = {leaf(g, x)}
  return #t, t[1], t[2]
end
local function top(mid, leaf, g, x, y, z)
  local n, a, b = mid(leaf, g, x)
  return n, a, b, y, z
end",
        inline: THREE,
    },
    Shape {
        name: "open arguments",
        source: "local function leaf(g, x, ...)
  return g(x), ...
end
local function mid(leaf, g, x)
  local r = g(leaf(g, x))
  return r
end
local function top(mid, leaf, g, x)
  local f = mid
  return f(leaf, g, x), (f(leaf, g, x))
end",
        inline: &[(3, 0, 2)],
    },
    Shape {
        name: "vararg outside",
        source: "local function leaf(g, x)
  local r = g(x)
  return r
end
local function mid(leaf, g, x)
  local r = leaf(g, x)
  return r
end
local function top(mid, leaf, g, x, ...)
  local r = mid(leaf, g, x)
  return r, x, ...
end",
        inline: THREE,
    },
    Shape {
        name: "two frames",
        source: "local function leaf(g, x)
  local r = g(x)
  return r
end
local function mid(leaf, g, x)
  local keep = x
  local r = leaf(g, keep)
  return r, keep
end
local function top(mid, leaf, g, x)
  local r, k = mid(leaf, g, x)
  local s = leaf(g, k)
  return r, s
end",
        inline: TWO,
    },
    Shape {
        name: "tail call",
        source: "local function leaf(g, x)
  return g(x)
end
local function mid(leaf, g, x)
  local r = leaf(g, x)
  return r
end
local function top(mid, leaf, g, x)
  local r = mid(leaf, g, x)
  return r, r
end",
        inline: THREE,
    },
];

const BEGIN: &str = "
local lines = {}
local function show(v)
  if type(v) == 'table' then return 'table of ' .. tostring(v.name) end
  if type(v) == 'function' then return 'function' end
  if type(v) == 'thread' then return 'thread' end
  return tostring(v)
end
local function out(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = show(t[i]) end
  lines[#lines + 1] = table.concat(t, ' ')
end
local function call(g, x) out('returned', top(mid, leaf, g, x, 'y', 'z')) end
";

/// (name, what `g` does and how it is called)
const DEEDS: &[(&str, &str)] = &[
    (
        "plain",
        "for i = 1, 3 do call(function(x) return x + 1 end, i) end
call(math.abs, -5)
call(select, '#')
call(function() end, 1)
call(function(x) return x, x, x, x, x, x end, 'six')
call(setmetatable({name = 'callable'}, {__call = function(self, x) return self.name, x end}), 1)",
    ),
    (
        "traceback",
        "call(function(x) out(debug.traceback('here ' .. x)) return x end, 1)
call(function(x) out(debug.traceback('there', 2)) return x, x end, 1)",
    ),
    (
        "error",
        "local function fails(x) error('boom', x) end
for level = 0, 5 do
  out(pcall(call, fails, level))
  out(xpcall(call, debug.traceback, fails, level))
end
out(pcall(call, nil, 1))
out(pcall(call, {}, 1))
out(pcall(call, function(x) return x + nil end, 1))
out(pcall(call, error, {name = 'error'}))
out(xpcall(top, debug.traceback, mid, nil, nil, 1))
out(xpcall(top, debug.traceback, mid, leaf, 'no function', 1))
out(xpcall(top, debug.traceback, nil, leaf))",
    ),
    (
        "yield",
        "local function body(x)
  call(function(v) local a, b = coroutine.yield('yielded', v) out('got', a, b) return a, b end, x)
  call(coroutine.yield, x)
  return 'done'
end
local co = coroutine.create(body)
for i = 1, 6 do
  out(coroutine.resume(co, i, 10 * i))
  out(coroutine.status(co), debug.traceback(co))
end
local closed = coroutine.create(body)
out(coroutine.resume(closed, 'close'))
out(coroutine.close(closed), coroutine.status(closed))
local failing = coroutine.create(function() call(function() coroutine.yield() error('late', 2) end, 1) end)
out(coroutine.resume(failing))
out(coroutine.resume(failing))
out(debug.traceback(failing))",
    ),
    (
        "getinfo",
        "call(function(x)
  for level = 1, 6 do
    local i = debug.getinfo(level, 'nSltu')
    if not i then break end
    out(level, i.name, i.namewhat, i.what, i.currentline, i.linedefined, i.istailcall, i.nparams, i.isvararg)
    for n = 1, 9 do
      local name, value = debug.getlocal(level, n)
      if not name then break end
      if name:sub(1, 1) ~= '(' then out('  local', name, value) end
    end
    out('  vararg', debug.getlocal(level, -1))
  end
  out(debug.getinfo(2, 'f').func == leaf, debug.getinfo(3, 'f').func == mid, debug.getinfo(4, 'f').func == top)
  return x
end, 7)",
    ),
    (
        "setlocal",
        "for level = 2, 4 do
  call(function(x)
    for n = 1, 9 do
      local name, value = debug.getlocal(level, n)
      if not name then break end
      if name == 'x' or name == 'k' or name == 'before' or name == 'mine' or name == 'keep' then
        debug.setlocal(level, n, 'changed ' .. name)
      end
    end
    return x
  end, level)
end",
    ),
    (
        "hook",
        "for _, mask in ipairs {'c', 'r', 'l', 'crl'} do
  call(function(x)
    debug.sethook(function(event, line)
      local i = debug.getinfo(2, 'nSl')
      lines[#lines + 1] = event .. ' ' .. tostring(line) .. ' ' .. tostring(i.name) .. ' ' .. i.what .. ' ' .. i.currentline
    end, mask)
    return x
  end, 1)
  debug.sethook()
  call(function(x)
    local seen = 0
    debug.sethook(function(event) seen = seen + 1 if seen == 5 then debug.sethook() out('five', event) end end, mask)
    return x
  end, 2)
  debug.sethook()
end
for n = 1, 6 do
  out(pcall(call, function(x)
    local seen = 0
    debug.sethook(function()
      seen = seen + 1
      if seen == n then debug.sethook() error('from the hook', 2) end
    end, 'r')
    return x
  end, n))
end
debug.sethook()",
    ),
    (
        "collect",
        "for i = 1, 3 do
  call(function(x)
    collectgarbage()
    local t = {}
    for k = 1, 50 do t[k] = {k} end
    collectgarbage('step')
    return {name = 'made of ' .. x.name}
  end, {name = 'table ' .. i})
end",
    ),
    (
        "deep",
        "local function again(x) if x == 0 then return 'bottom' end return (top(mid, leaf, again_, x - 1)) end
again_ = again
call(again, 3)
local function forever(x) return (top(mid, leaf, forever_, x + 1)) end
forever_ = forever
local ok, message = pcall(call, forever, 1)
-- Where it is noticed depends: the code asks once for the slots of all that is inlined.
out(ok, message:match('stack overflow'))",
    ),
];

/// All of them.
pub fn programs() -> Vec<Program> {
    let mut all = Vec::new();
    for s in SHAPES {
        for (deed, text) in DEEDS {
            all.push(Program {
                name: format!("{}, {deed}", s.name),
                source: format!(
                    "{}\n{BEGIN}\nout(pcall(function()\n{text}\nend))\ndebug.sethook()\nreturn table.concat(lines, '\\n')",
                    s.source
                ),
                deep: *deed == "deep",
                outer: 3,
                inline: s.inline,
            });
        }
    }
    all
}
