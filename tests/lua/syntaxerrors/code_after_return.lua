local function f()
  return 1
  print "unreachable"
end
