return "a" & 1
