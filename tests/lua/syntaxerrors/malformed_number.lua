local a = 1
local b = 12abc
