local f = 2^63
return f | 0
