-- loadfile and dofile: files written here, shebang lines, BOM, arguments, environment, binary files, modes.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local name = os.tmpname()
local function put(s) local f = assert(io.open(name, "wb")) f:write(s) f:close() end
local function hide(...) local t = table.pack(...) for i = 1, t.n do if type(t[i]) == "string" then local a, b = t[i]:find(name, 1, true) if a then t[i] = t[i]:sub(1, a - 1) .. "NAME" .. t[i]:sub(b + 1) end end end return table.unpack(t, 1, t.n) end
put("return 1, ...") print(dofile(name)) print(loadfile(name)("a", "b"))
put("#!/bin/shebang\nreturn 'after shebang'") print(dofile(name)) put("\239\187\191return 'after bom'") print(dofile(name)) put("\239\187\191#!x\nreturn 'both'") print(dofile(name)) put("# only") print(dofile(name)) put("") print(dofile(name))
put("x = = 1") print(hide(loadfile(name))) print(hide(try(dofile, name))) put("\n\nerror('in file')") print(hide(try(dofile, name))) put("error({ code = 1 })") print(select(2, pcall(dofile, name)).code)
put("return v") print(loadfile(name, "t", { v = "from env" })(), loadfile(name, "bt", { v = 2 })()) print(hide(loadfile(name, "b")))
put(string.dump(load("return 'binary', ..."))) print(dofile(name)) print(loadfile(name, "b")(1)) print(hide(loadfile(name, "t"))) put("#!shebang\n" .. string.dump(load("return 'binary after shebang'"))) print(dofile(name))
print(loadfile("/nonexistent/file.lua")) print(pcall(dofile, "/nonexistent/file.lua")) print(loadfile("/") == nil)
put("return coroutine.yield(1)") local co = coroutine.wrap(function() return dofile(name) end) print(co(), co("back"))
os.remove(name)
