-- A collection that is due when a function with variable arguments begins: nobody else has the arguments behind its parameters.
local function tell(ok, ...)
  if ok then print("ok", ...) else
    local e = ...
    if type(e) == "string" then print("error", e) else print("not a string", e) end
  end
end
local function fails(a, c)
  -- an object that is made where the error is raised
  local function up(v) return v end
  local p = { a }
  local s = 0
  for i = 1, 3 do
    s = s + (i & c) + p[1]
  end
  return s
end
for i = 1, 20 do
  tell(pcall(fails, 1, 5))
  tell(pcall(fails, 1, "x"))
  tell(pcall(fails, 1, "7"))
end
local function count(...)
  local n = 0
  for _, v in ipairs({ ... }) do n = n + #v end
  return n
end
local function all(n)
  collectgarbage("step", 0)
  return count("a" .. n, "bc" .. n, "def" .. n, n .. "ghij")
end
for i = 1, 200 do if all(i) ~= 10 + 4 * #tostring(i) then print("lost", i) end end
