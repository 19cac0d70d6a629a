-- string.format: integer and float directives with flags, width and precision.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local f = string.format
for _, s in ipairs { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%8.3d", "%i", "%u" } do
  print(s, try(f, s, 42), try(f, s, -42), try(f, s, 3.0), try(f, s, "17"))
end
for _, s in ipairs { "%x", "%X", "%#x", "%o", "%#o", "%08x", "%-8x|", "%.5x" } do print(s, f(s, 255), f(s, -1), f(s, 0)) end
for _, s in ipairs { "%f", "%.0f", "%.3f", "%10.2f", "%-10.2f|", "%+.1f", "%010.3f", "%#.0f", "% f", "%e", "%.2e", "%E", "%g", "%G", "%.3g", "%#g", "%.10g", "%20.15g" } do
  print(s, f(s, 3.14159), f(s, -0.0), f(s, 1e20), f(s, 1e-7), f(s, 1 / 0), f(s, 100))
end
for _, s in ipairs { "%a", "%A", "%.2a", "%+a", "%20a" } do print(s, f(s, 1), f(s, 0.5), f(s, -3.75), f(s, 1e300), f(s, 0.0), f(s, 1 / 0)) end
print(f("%c%c%c", 76, 117, 97), #f("%c", 0), f("%5c|%-5c|", 65, 66))
print(f("%%"), f("%5.1f%%", 99.5), f("no directives"))
print(f("%d %s %g", 1, "two", 3.5), f("%.14g", 0.1), f("%.17g", 0.1), f("%.99f", 1 / 3):sub(1, 60))
print(f("%d", math.mininteger), f("%x", math.mininteger), f("%d", -0), f("%i", 2^53))
for _, a in ipairs { { "%d", 1.5 }, { "%d", "1.5" }, { "%d", "x" }, { "%d", 2^63 }, { "%d" }, { "%d", {} }, { "%c", "x" }, { "%x", 1.1 }, { "%f", "y" },
  { "%", 1 }, { "%y", 1 }, { "%10", 1 }, { "%.123d", 1 }, { "%100d", 1 }, { "%0-+ #d", 1 }, { "%0-+ #10d", 1 }, { "%#d", 1 }, { "%.5c", 65 }, { "%+s", "a" }, { "%05s", "a" }, { "%ld", 1 }, { "%5" }, { "%.", 1 }, { "%-", 1 } } do
  print(a[1], pcall(f, table.unpack(a)))
end
