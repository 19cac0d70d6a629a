-- Teal compiles a Teal program (its own compiler): diagnostics, then the generated Lua.
local tl = require("tl")
local name = assert(arg[1], "which .tl file?")
local file = assert(io.open(name))
local source = file:read("a")
file:close()
local result = assert(tl.process_string(source, false, nil, name))
for _, list in ipairs { "syntax_errors", "type_errors", "warnings", "unknowns" } do
  local found = result[list] or {}
  print(list, #found)
  for _, e in ipairs(found) do print(e.filename, e.y, e.x, e.msg) end
end
print((tl.generate(result.ast, "5.4")))
