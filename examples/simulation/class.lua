-- Classes with single inheritance. `class(parent)` gives a class; calling it makes an object and runs `init`.

local function class(parent)
  local c = {}
  c.__index = c
  c.super = parent
  return setmetatable(c, {
    __index = parent,
    __call = function(self, ...)
      local object = setmetatable({}, self)
      if object.init then object:init(...) end
      return object
    end,
  })
end

return class
