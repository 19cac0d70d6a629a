-- package.loaded, package.preload, results of require, nil and false results, reloading.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
package.preload.alpha = function(...) print("loading", ...) return { name = "alpha" } end
local a, extra = require "alpha"
print(a.name, extra, require("alpha") == a, package.loaded.alpha == a)
package.preload.beta = function() end print(require "beta", package.loaded.beta)
package.preload.gamma = function() return false end print(require "gamma", package.loaded.gamma)
package.preload.delta = function(n) package.loaded[n] = "set by itself" end print(require "delta")
package.preload.epsilon = function(n) package.loaded[n] = "first" return "second" end print(require "epsilon")
package.loaded.zeta = "put there" print(require "zeta") package.loaded.alpha = nil print(require("alpha") == a)
package.preload.circular1 = function() local ok, e = pcall(require, "circular2") return { ok = ok, e = e } end package.preload.circular2 = function() return "two sees " .. tostring(package.loaded.circular1) end print(require("circular1").e)
package.preload.fails = function() error("load failed", 0) end print(try(require, "fails")) print(try(require, "fails"), package.loaded.fails)
print(package.loaded._G == _G, package.loaded.string == string, package.loaded.package == package, require "math" == math, type(package.preload))
print(try(require)) print(try(require, {})) package.preload["with.dots"] = function(n) return n end print(require "with.dots") print(require("with.dots"))
for _, n in ipairs { "string", "table", "io", "os", "coroutine", "utf8", "debug" } do io.write(tostring(require(n) == _G[n]), " ") end print()
