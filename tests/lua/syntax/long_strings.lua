-- Long brackets in strings and comments.
print([[one]], [==[two ]] ]=] still]==], [[
first newline is dropped]])
print(#[[

]], #[[a
b]])
--[[ a long
comment ]] print("after comment")
--[==[ another
]] ]=]
]==] print("after second")
--[ not a long comment
--[=x nor this
print([=[ [[nested]] ]=])
print([[no \n escapes \x41]])
print(#load("return [[a\r\nb\rc\n\rd]]")())
print((load("return [[\r\nx]]")()))
print(load("return [[abc"))
print(load("return [==[abc]=]"))
print(load("return [=abc"))
print(load("--[[ unfinished"))
print(load("x = 1 --[==[ ]]\n\n"))
