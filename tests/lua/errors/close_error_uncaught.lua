local a <close> = setmetatable({}, { __close = function(_, e) print("close a", e) end })
local b <close> = setmetatable({}, { __close = function(_, e) print("close b", e) error("b failed") end })
error("original")
