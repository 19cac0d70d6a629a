-- A byte that is no letter in the C locale.
local été = 1
