-- Which argument is complained about first; keys of next.
print(pcall(math.fmod, {}, {}))
print(pcall(math.fmod, nil, 1))
print(pcall(math.fmod, "x", "y"))
print(pcall(next, { 1, 2, 3 }, 3.0))
print(pcall(next, { 1, 2, 3 }, 2.5))
print(pcall(next, { [2 ^ 53] = 1 }, 2 ^ 53))
print(pcall(next, { [2.5] = 1 }, 2.5))
print(pcall(function() for k in next, { 1, 2 }, 1.0 do return k end return "none" end))
