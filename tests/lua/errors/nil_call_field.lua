local t = { a = {} }
t.a.missing()
