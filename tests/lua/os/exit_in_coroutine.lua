-- os.exit from inside a coroutine and pcall; buffered output is flushed; the exit code is 3.
io.stdout:setvbuf("full")
io.write("before ")
coroutine.wrap(function() pcall(function() io.write("inside\n") os.exit(3) end) end)()
print("never")
