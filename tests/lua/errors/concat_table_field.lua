local t = { inner = {} }
return "x" .. t.inner
