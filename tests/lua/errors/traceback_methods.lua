-- Names of functions in tracebacks: global, local, method, field, upvalue, anonymous.
local Class = {}
Class.__index = Class
function Class:run() self.helper() end
function Class.helper() globalone() end
function globalone() local f = function() string.rep() end f() end
setmetatable({}, Class):run()
