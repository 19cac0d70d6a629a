local x <close> = setmetatable({}, { __close = function() print "closed" end })
os.exit(false, true)
