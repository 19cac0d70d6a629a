-- Functions in functions, recursion through locals, upvalues of upvalues, shadowing.
local function outer(a)
  local b = a * 2
  local function middle(c)
    local d = b + c
    local function inner(e)
      b = b + 1
      return a, b, c, d, e
    end
    return inner
  end
  return middle
end
local inner = outer(1)(2)
print(inner(3))
print(inner(4))
local function even(n) if n == 0 then return true end return odd and odd(n - 1) end
function odd(n) if n == 0 then return false end return even(n - 1) end
print(even(10), even(7))
local fact
fact = function(n) return n <= 1 and 1 or n * fact(n - 1) end
print(fact(20))
local x = 1
do local x = x + 1; do local x = x + 1; print(x) end print(x) end
print(x)
local x = x .. "shadow"
print(x)
local function f(x, x) return x end
print(f(1, 2))
for i = 1, 2 do local i = i * 10; io.write(i, " ") end
print()
print((function() return function() return function() return "deep" end end end)()()())
local Y = function(f) return (function(g) return g(g) end)(function(g) return f(function(...) return g(g)(...) end) end) end
print(Y(function(self) return function(n) return n == 0 and 0 or n + self(n - 1) end end)(100))
