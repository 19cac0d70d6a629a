-- The message for a module that is nowhere, with a known path.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
package.path = "./?.nothere;./nowhere/?/init.lua" package.cpath = "./?.so_nothere"
print(pcall(require, "no.such.module"))
package.path = "" package.cpath = "" print(pcall(require, "empty"))
package.path = "?" print(try(require, "name")) package.path = ";;" print(try(require, "x"))
package.path = nil print(try(require, "x")) package.path = 5 print(try(require, "x")) package.path = "./?.lua" local searchers = package.searchers package.searchers = nil print(try(require, "x"))
package.searchers = searchers package.path, package.cpath = "./?.nothere", "./?.so_nothere"
require "uncaught.missing"
