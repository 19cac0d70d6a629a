local M = {}
local n = 0
function M.add(k) n = n + k end
function M.get() return n end
return M
