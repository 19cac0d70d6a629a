local counter = require "counter"
local M = {}
function M.bump() counter.add(1) end
function M.seen() return counter.get() end
return M
