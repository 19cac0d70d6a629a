assert(1 == 1, "fine")
assert(nil, "assertion text")
