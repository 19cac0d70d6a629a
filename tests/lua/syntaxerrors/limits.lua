-- Limits of the compiler: locals, upvalues, registers, nesting, constants, long jumps. Ends in an error on purpose.
local function try(name, src)
  local f, m = load(src, "=" .. name)
  if not f then print(name, m:match "[^\n]*") return end
  local ok, r = pcall(f)
  print(name, ok, type(r) == "string" and r:sub(1, 100) or r)
end
local function many(n, f, sep)
  local t = {}
  for i = 1, n do t[i] = f(i) end
  return table.concat(t, sep)
end
try("locals200", "local " .. many(200, function(i) return "a" .. i end, ",") .. " = 1; return a1")
try("locals201", "local " .. many(201, function(i) return "a" .. i end, ","))
try("locals201 in function", "function f()\nlocal " .. many(201, function(i) return "a" .. i end, ",\n") .. "\nend")
try("parameters201", "return function(" .. many(201, function(i) return "a" .. i end, ",") .. ") end")
try("for at 199", many(198, function(i) return "local a" .. i end, "\n") .. " for i = 1, 2 do end")
local up = {}
for g = 1, 2 do
  up[g] = many(150, function(i) return "local v" .. g .. "_" .. i .. " = " .. i end, "\n")
end
local function upvalues(n1, n2)
  return "local function f1()\n" .. up[1] .. "\nlocal function f2()\n" .. up[2] .. "\nreturn function() return " ..
    many(n1, function(i) return "v1_" .. i end, "+") .. "+" .. many(n2, function(i) return "v2_" .. i end, "+") ..
    " end end return f2() end return f1()()"
end
try("upvalues255", upvalues(150, 105))
try("upvalues256", upvalues(150, 106))
try("parens190", "return " .. ("("):rep(190) .. "1" .. (")"):rep(190))
try("parens250", "return " .. ("("):rep(250) .. "1" .. (")"):rep(250))
try("tables190", "return #" .. ("{"):rep(190) .. ("}"):rep(190))
try("tables250", "return " .. ("{"):rep(250) .. ("}"):rep(250))
try("blocks190", ("do "):rep(190) .. ("end "):rep(190))
try("blocks250", ("do "):rep(250) .. ("end "):rep(250))
try("functions190", ("return function() "):rep(190) .. ("end "):rep(190) == "" and "" or "return 1")
try("functions250", ("return function() "):rep(250) .. (" end"):rep(250))
try("unary190", "return " .. ("- "):rep(190) .. "1")
try("unary250", "return " .. ("not "):rep(250) .. "1")
try("power190", "return " .. ("1^"):rep(190) .. "1")
try("power250", "return " .. ("1^"):rep(250) .. "1")
try("concat190", "return #(" .. ("'a'.."):rep(190) .. "'a')")
try("concat250", "return #(" .. ("'a'.."):rep(250) .. "'a')")
try("sum5000", "return " .. ("1+"):rep(5000) .. "1")
try("and5000", "return " .. ("1 and "):rep(5000) .. "1")
try("elseif1000", "local x = 999 if x == 0 then return 0 " .. many(1000, function(i) return "elseif x == " .. i .. " then return " .. i end, "\n") .. " end")
try("assign190", many(190, function(i) return "a" .. i end, ",") .. " = 1")
try("assign250", many(250, function(i) return "a" .. i end, ",") .. " = 1")
try("args250", "return select('#'," .. many(250, tostring, ",") .. ")")
try("args260", "return select('#'," .. many(260, tostring, ",") .. ")")
try("table args300", "return #{" .. many(300, function(i) return "(" .. i .. ")" end, ",") .. "}")
try("constants70000", "local t = {" .. many(70000, function(i) return i .. ".5" end, ",") .. "} return #t")
try("strings70000", "local t = {" .. many(70000, function(i) return "'s" .. i .. "'" end, ",") .. "} return #t, t[70000]")
try("fields300", "local t = {} " .. many(300, function(i) return "t.f" .. i .. " = " .. i end, " ") .. " return t.f300")
try("long jump", "local x = 0 while x < 2 do x = x + 1 " .. ("x = x + 0 "):rep(20000) .. "end return x")
try("long if", "local x = 0 if x == 1 then " .. ("x = x + 1 "):rep(40000) .. "else x = 5 end return x")
try("calls chain", "local f f = function() return f end return type(f" .. ("()"):rep(1000) .. ")")
try("index chain", "local t = {} t.t = t return type(t" .. (".t"):rep(1000) .. ")")
try("long name", "local " .. ("n"):rep(1000) .. " = 7 return " .. ("n"):rep(1000))
try("many functions", many(500, function(i) return "local function f() return " .. i .. " end" end, " do ") .. (" end"):rep(499))
try("many prototypes", "local t = {" .. many(3000, function(i) return "function() return " .. i .. " end" end, ",") .. "} return t[3000]()")
error("done", 0)
