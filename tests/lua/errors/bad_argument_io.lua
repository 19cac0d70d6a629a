local f = io.tmpfile()
f.write(1, 2)
