-- do, while, repeat, if chains, scopes of locals, semicolons, empty statements.
;;; local a = 1;
do local a = 2; print(a) end
print(a)
local i = 0
while true do i = i + 1; if i > 3 then break end; if i == 2 then goto skip end; io.write(i, " ") ::skip:: end
print()
repeat local done = i > 6; i = i + 1 until done
print(i)
for n = 1, 8 do
  if n == 1 then io.write "one " elseif n == 2 then io.write "two " elseif n < 5 then io.write "few " else io.write "many " end
end
print()
for i = 10, 1, -3 do io.write(i, " ") end
for i = 1, 0 do io.write("never") end
for i = 3, 3 do io.write("once") end
print()
for i = 1, 3 do local j = i; i = i * 10; io.write(j, ":", i, " ") end
print()
while i > 5 do i = i - 1 local i = 100 end
print(i)
local function empty() end
print(empty(), (empty()))
print(select("#", empty()), select("#", (empty())))
do return print("early return from the chunk") end
print "unreachable"
