for i = "x", 10 do print(i) end
