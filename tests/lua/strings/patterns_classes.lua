-- Character classes and sets over all 256 bytes, counted and listed.
for _, c in ipairs { "a", "c", "d", "g", "l", "p", "s", "u", "w", "x", "A", "C", "D", "G", "L", "P", "S", "U", "W", "X", "z", "." } do
  local n, sum = 0, 0
  for b = 0, 255 do if string.char(b):find(c == "." and c or "%" .. c) then n = n + 1 sum = sum + b end end
  print(c, n, sum)
end
local function set(p) local t = {} for b = 32, 126 do local ch = string.char(b) if ch:find(p) then t[#t + 1] = ch end end print(p, table.concat(t)) end
set "[abc]" set "[a-e]" set "[^a-z]" set "[a-cx-z]" set "[%a]" set "[%d_]" set "[^%w ]" set "[]]" set "[^]]" set "[]-a]" set "[a-]" set "[-a]" set "[%-a]" set "[%]x]" set "[a%-z]" set "[+--]" set "[%a-z]" set "[.]" set "[%.]" set "[^^]" set "[a^]" set "[[]" set "[$%^]"
for _, p in ipairs { "[a", "[]", "[^]", "[a-", "[%", "%", "(", ")", "(()", "%1", "(a)%2", "%b", "%ba", "%f", "%fa", "[a-%]", "(a", "a)", "%g(", "x*)" } do print(p, pcall(string.find, "abc", p)) end
print(("\0\1\2"):find("%z"), ("a\0b"):find("\0"), ("a\0b"):match("[^\0]*", 3), ("a\0b"):find("[\0-\1]"))
