local function replace(s) local t = nil; return t[s] end
string.gsub("abc", "%w", replace)
