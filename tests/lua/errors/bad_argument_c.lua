string.rep("x", {})
