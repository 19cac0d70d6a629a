-- Precedence and associativity, short circuit values, comparison chains.
print(2 + 3 * 4 ^ 2 / 2, (2 + 3) * 4, 2 ^ -1, -2 ^ -2)
print(1 .. 2 .. 3, "a" .. 1 + 2, 2 * 3 .. "")
print(1 << 2 + 1, 1 << 2 | 1, 7 & 3 | 8, 7 ~ 2 & 3, ~5 & 0xF, 5 // 2 * 2)
print(1 < 2 == true, not 1 == 2, #"abc" + 1, -"2" + 0, - -2)
print(nil and 1, false and 1, 0 and 1, "" and 1, nil or "x", false or nil, 1 or error "no")
print(nil == false, 0 == "0", 1 == 1.0, "a" < "b", "a" < "B", "" < "a", "a\0b" < "a\0c", "Z" < "a")
print(1 < 1.5, 2^53 == 2^53 + 1, math.maxinteger + 0.0 == math.maxinteger, math.maxinteger < math.maxinteger + 0.0)
print(3 & 2.0, pcall(load "return '3' | 0"), pcall(load "local a = '3' return a | 1, a | 2.0, 1 << a"), pcall(function() return 1 & 1.5 end))
print(1 << 63, 1 << 64, 1 << -1, -1 >> 1, -1 >> 63, -1 << 65, 2 >> -3, 1 << math.mininteger)
print(5 and nil, not nil, not 0, not not nil)
local a = { 1, 2, 3, nil, 5 }
print(#a == 5 or #a == 3, #"", #{}, #{ n = 1 })
print(("x" .. "y") == "xy", "10" + 5, "0x10" + 0, "1e1" * 1, 10 .. "")
print(2^31 | 0, "0xff" // 1, 7 // 0.5, 7.5 // 2)
local t = {} t[1.0] = "float key" t[2^53] = "big"
print(t[1], next({ [1.0] = 1 }), t[2^53 | 0])
