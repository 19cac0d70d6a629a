-- math.*: rounding, fmod, modf, logs, trigonometry to nine digits, random with seeds, type.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(math.floor(3.7), math.floor(-3.7), math.ceil(3.2), math.ceil(-3.2), math.floor(5), math.ceil(5), math.floor(2^70), math.ceil(-2^70), math.floor(-0.0), math.type(math.floor(3.0)), math.floor("3.7"), math.floor(1e308), math.ceil(0.5), math.ceil(-0.5))
print(math.fmod(7, 3), math.fmod(-7, 3), math.fmod(7, -3), math.fmod(-7, -3), math.fmod(7.5, 2), math.fmod(-7.5, 2), math.fmod(1, math.huge), math.fmod(math.mininteger, -1), try(math.fmod, 1, 0), tostring(math.fmod(1, 0.0)):gsub("-", ""))
print(math.modf(3.7), math.modf(-3.7), math.modf(5), math.modf(1 / 0), math.modf(-1 / 0), math.modf(2^60), math.modf(-0.0))
print(math.sqrt(16), math.sqrt(2), math.exp(0), math.exp(1), math.log(1), math.log(8, 2), math.log(1000, 10), math.log(27, 3), math.log(0), math.log(2, 0.5), math.log(1024, 2), math.log(100, 10))
print(string.format("%.9f %.9f %.9f %.9f %.9f %.9f %.9f", math.sin(1), math.cos(1), math.tan(1), math.asin(0.5), math.acos(0.5), math.atan(1), math.atan(1, -1)))
print(math.atan(0, -1), math.atan(0.0, -1), math.atan(-0.0, -1), math.atan(1, 0), math.atan(0, 0), math.sin(0), math.cos(0), math.deg(math.pi), math.rad(180), math.pi, math.huge, -math.huge)
print(math.type(1), math.type(1.0), math.type("1"), math.type(nil), try(math.type), math.maxinteger, math.mininteger)
math.randomseed(42)
local a = { math.random(0), math.random(100), math.random(5, 10), math.random(math.mininteger, math.maxinteger), string.format("%.12f", math.random()) }
math.randomseed(42)
local b = { math.random(0), math.random(100), math.random(5, 10), math.random(math.mininteger, math.maxinteger), string.format("%.12f", math.random()) }
for i = 1, 5 do print(a[i], b[i]) end
math.randomseed(123, 456) for _ = 1, 5 do io.write(math.random(1000), " ") end print()
print(pcall(math.randomseed, 1.5)) math.randomseed(-7) io.write(math.random(1000), " ") math.randomseed(3.0) io.write(math.random(1000), " ") math.randomseed(3) print(math.random(1000))
for _ = 1, 1000 do local r = math.random(3, 7) assert(r >= 3 and r <= 7 and math.type(r) == "integer") local f = math.random() assert(f >= 0 and f < 1) end
print(math.random(5, 5), try(math.random, 0, -1), try(math.random, 2, 1), try(math.random, 1, 2, 3), try(math.random, 1.5), try(math.random, "x"), try(math.random, -5), math.random(1))
print(try(math.floor), try(math.floor, "x"), try(math.sqrt, {}), try(math.fmod, 1), try(math.abs), try(math.ult, 1.5, 2), try(math.log, 1, "x"), math.sqrt("4"), math.abs("-3"), math.abs("-3.0"))
