-- getenv, rename, remove, tmpname, setlocale, exit is elsewhere.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(os.getenv("SURELY_NOT_SET_ANYWHERE_42"), type(os.getenv("PATH")), pcall(os.getenv))
local a, b = os.tmpname(), os.tmpname()
print(a ~= b, #a > 5)
local f = io.open(a, "w") f:write("x") f:close()
print(os.rename(a, b), io.open(a) == nil, io.open(b):read("a"))
print(select("#", os.rename(a, b)), (select(2, os.rename(a, b)):gsub("^.-:", "NAME:")), (select(3, os.rename(a, b))))
print(os.remove(b), (select(2, os.remove(b)):gsub("^.-:", "NAME:")), (select(3, os.remove(b))))
print(os.remove("/nonexistent/dir/file"))
print(os.setlocale(), os.setlocale(nil, "numeric"), os.setlocale("C"), os.setlocale("no_SUCH.locale"), os.setlocale("C", "all"), os.setlocale("", "collate") ~= nil, os.setlocale("C"), pcall(os.setlocale, "C", "bad"))
print(try(os.remove), try(os.rename, "x"))
