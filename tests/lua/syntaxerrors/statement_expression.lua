local t = {}
t.x
t.y = 1
