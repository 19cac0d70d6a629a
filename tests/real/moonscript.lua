-- MoonScript's compiler over files of its own source, with its parser in plain Lua (the usual one is a C module).
package.loaded["moonscript.parse.native"] = require("moonscript.parse.slow")
package.loaded.lpeg = {} -- asked for by what rewrites error messages, which is never called here
local parse = require("moonscript.parse")
local compile = require("moonscript.compile")

for _, name in ipairs(arg) do
  local file = assert(io.open(name))
  local source = file:read("a")
  file:close()
  local tree = assert(parse.string(source))
  local code, _, where = compile.tree(tree)
  print("-- " .. name)
  print(assert(code, where))
end
