local function f()
  nosuchfunction(1, 2)
end
f()
