local counter
local function bump() counter = counter + 1 end
bump()
