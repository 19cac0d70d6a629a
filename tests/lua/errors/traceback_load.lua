local f = load("local x = ...\nreturn x.y.z", "=mychunk")
f({})
