local f = io.stdout
f:seek("bad")
