-- differential: interpreted-only (the modules are found at run time beside the script)
-- Modules found beside this file; modules that require each other; state shared between requires.
local here = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = here .. "/modules/?.lua;" .. here .. "/modules/?/init.lua;" .. package.path
local counter = require "counter"
local user = require "counter_user"
counter.add(5)
user.bump()
print(counter.get(), require("counter") == counter, user.seen())
local pkg = require "pkg"
print(pkg.name, pkg.sub.name, require("pkg.sub") == pkg.sub)
print(pcall(require, "broken_module") == false, package.loaded.broken_module)
print(select(2, require "counter") == here .. "/modules/counter.lua")
