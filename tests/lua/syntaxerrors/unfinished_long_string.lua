local s = [==[
text ]=]
more
