-- Buffered output must come out before the process dies.
io.stdout:setvbuf("full")
io.write("partial line without newline")
local t = nil
t.x = 1
