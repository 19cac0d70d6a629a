-- luacheck over the files named: every warning with its place and message, by luacheck's own default formatter and as fields.
local luacheck = require("luacheck")
local format = require("luacheck.format")
local sources = {}
for i, name in ipairs(arg) do
  local file = assert(io.open(name))
  sources[i] = file:read("a")
  file:close()
end
local report = luacheck.check_strings(sources, { std = "max" })
print(#arg .. " files", report.warnings, report.errors, report.fatals)
for i, events in ipairs(report) do
  for _, e in ipairs(events) do
    print(arg[i], e.line, e.column, e.end_column, e.code, e.name, luacheck.get_message(e))
  end
end
print(format.format(report, arg, { formatter = "default", limit = false, color = false, quiet = 0, codes = true, ranges = true }))
