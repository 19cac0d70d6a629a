local t = {}
return #t.list
