-- Numbers as strings and strings as numbers, everywhere the library takes them.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(10 .. 20, 1.5 .. "x", -1 .. "", 2^53 .. "", ("5"):rep(3), ("x"):rep("3"), ("hello"):sub("2", "3"), ("%d"):format("42"), ("%s"):format(42), ("%g"):format("1e3"), #tostring(10))
print(string.len(123), string.sub(12345, 2, 3), string.rep(1, 3), string.upper(1), string.byte(7), (string.gsub(1001, 0, "x")), string.find(12345, 34), tostring(1):rep(2))
print(table.concat({ 1, 2.0, "3" }, 0), math.max("1", "2") , math.floor("2.7"), try(math.floor, "a"), tonumber("0x1p4"), select("2", "a", "b"), ("x"):rep(2.0), try(string.rep, "x", 2.5), try(string.rep, "x", "2.5"))
print("1" + "2", "3" * "4", "10" / "4", "7" // "2", "7" % "4", "2" ^ "3", -"5", "0x10" + 0, "1e2" + 0, " 7 " + 0, "5" + 1.0, "9223372036854775807" + 1, "9223372036854775808" + 0)
for _, f in ipairs { function() return "a" + 1 end, function() return {} + 1 end, function() return "1" < 2 end, function() return 1 .. nil end, function() return 1 .. {} end, function() return 1 .. true end, function() return "0x" + 1 end, function() return "1 2" + 1 end } do print(pcall(f)) end
print(1 == "1", 0 == "0", "1" == 1.0, "a" == "a", 1 == 1, ({ ["1"] = "s" })[1], ({ [1] = "n" })["1"], #("1" .. 2))
print(string.format("%d", 3.0), try(string.format, "%d", 3.1), string.format("%s %s", 1, 1.0), string.format("%x", 255.0), string.format("%c", "65"), string.format("%5.1f", "3.14159"), string.format("%i", -0.0))
print(math.type("1" + 1), math.type("1.0" + 1), math.type("1" * 1.0), math.type(10 // "3"), pcall(function() return "8" & 12 end))
