-- Fennel compiles files of its own source, each alone with the options of its Makefile, the last as one program with all it requires.
local fennel = require("fennel")
local macros = { ["src/fennel/macros.fnl"] = true, ["src/fennel/match.fnl"] = true }

local globals = {}
for name in pairs(_G) do globals[#globals + 1] = name end

local function compile(name, include)
  local options = { ["compiler-env"] = _G, filename = name, useMetadata = false, allowedGlobals = globals, requireAsInclude = include }
  if macros[name] then
    options.useMetadata, options.scope, options.allowedGlobals = "utils['fennel-module'].metadata", "_COMPILER", false
  end
  local file = assert(io.open(name))
  local source = file:read("a")
  file:close()
  local ok, code = xpcall(fennel.compileString, fennel.traceback, source, options)
  assert(ok, code)
  print("-- " .. name)
  print(code)
end

fennel.path = "src/?.fnl;" .. fennel.path
for i, name in ipairs(arg) do compile(name, i == #arg) end
