local co = coroutine.wrap(function() local function inner() error("inside coroutine") end inner() end)
co()
