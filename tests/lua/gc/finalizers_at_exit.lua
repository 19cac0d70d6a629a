-- Objects alive at the end are finalised when the state closes, in reverse order; errors there are warnings (off).
for i = 1, 3 do
  _G["obj" .. i] = setmetatable({}, { __gc = function() print("closing object " .. i) end })
end
failing = setmetatable({}, { __gc = function() error("ignored") end })
local inner = setmetatable({}, { __gc = function()
  setmetatable({}, { __gc = function() print("made while closing") end })
  print "inner"
end })
print "end of program"
