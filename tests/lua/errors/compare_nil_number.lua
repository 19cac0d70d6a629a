local t = {}
return t.a > 5
