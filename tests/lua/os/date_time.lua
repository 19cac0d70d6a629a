-- os.time, os.date with fixed inputs in UTC; normalisation; errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local t = 86400 * 365 + 3661
print(os.date("!%Y-%m-%d %H:%M:%S", 0), os.date("!%Y-%m-%d %H:%M:%S", t), os.date("!%A %B %d %j %U %w %y %a %b %p %I %M %S %%", t))
print(os.date("!%c", 0), os.date("!%x", 0), os.date("!%X", 0), os.date("!%D %F %T %R %e %C %g %G %u %V %h %n %t|", 0))
local d = os.date("!*t", t)
print(d.year, d.month, d.day, d.hour, d.min, d.sec, d.wday, d.yday, d.isdst)
local a = os.time { year = 2024, month = 2, day = 29, hour = 12 }
print(os.time { year = 2024, month = 2, day = 30, hour = 12 } - a, os.time { year = 2024, month = 14, day = 1, hour = 12 } - os.time { year = 2025, month = 2, day = 1, hour = 12 }, os.time { year = 2024, month = 3, day = 0, hour = 12 } - a)
local n = { year = 2024, month = 13, day = 32, hour = 25, min = 61, sec = 61 } os.time(n) print(n.year, n.month, n.day, n.hour, n.min, n.sec, n.yday, n.wday)
print(os.difftime(10, 5), math.type(os.difftime(10, 5)), try(os.difftime), try(os.difftime, 1))
print(try(os.time, {})) print(try(os.time, { year = 2024 })) print(try(os.time, { year = 2024, month = 1 })) print(try(os.time, { year = "x", month = 1, day = 1 })) print(try(os.time, { year = 1e20, month = 1, day = 1 })) print(try(os.time, { year = 2024, month = 1.5, day = 1 })) print(try(os.time, { year = 1 << 40, month = 1, day = 1 })) print(try(os.time, 5))
print(try(os.date, "%Q")) print(try(os.date, "%")) print(try(os.date, "%E")) print(try(os.date, "%Ey %Od", 0)) print(try(os.date, "*t", 1 << 60)) print(try(os.date, "%Y", "x")) print(try(os.date, "%Y", 1.5)) print(os.date("!", 0) == "", os.date("!%H", 3600.0))
print(os.time { year = "2024", month = "02", day = "29", hour = 12 } == a, os.time { year = 2024, month = 2, day = 29, hour = 12, isdst = false } == a, os.time { year = 2024, month = 2, day = 29 } == a)
print(type(os.time()), math.type(os.time()), type(os.clock()), os.clock() >= 0, os.date("!%Y", os.time()) >= "2024")
