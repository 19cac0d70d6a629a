local x = 1.5
return x | 1
