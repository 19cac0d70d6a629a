-- Coroutines as stages of a pipeline: each stage pulls values from the one before and yields its own.

-- Sources ---------------------------------------------------------------------

local function range(first, last)
  return coroutine.wrap(function()
    for i = first, last or math.huge do coroutine.yield(i) end
  end)
end

local function words(text)
  return coroutine.wrap(function()
    for w in text:gmatch("%a+") do coroutine.yield(w) end
  end)
end

-- Stages: each takes a source and gives a source -------------------------------

local function map(f)
  return function(source)
    return coroutine.wrap(function()
      for v in source do coroutine.yield(f(v)) end
    end)
  end
end

local function filter(keep)
  return function(source)
    return coroutine.wrap(function()
      for v in source do
        if keep(v) then coroutine.yield(v) end
      end
    end)
  end
end

local function take(n)
  return function(source)
    return coroutine.wrap(function()
      for _ = 1, n do
        local v = source()
        if v == nil then return end
        coroutine.yield(v)
      end
    end)
  end
end

local function chunks(size)
  return function(source)
    return coroutine.wrap(function()
      local chunk = {}
      for v in source do
        chunk[#chunk + 1] = v
        if #chunk == size then
          coroutine.yield(chunk)
          chunk = {}
        end
      end
      if #chunk > 0 then coroutine.yield(chunk) end
    end)
  end
end

-- Joins a source and stages; a pipeline is itself a source.
local function pipe(source, ...)
  for _, stage in ipairs { ... } do source = stage(source) end
  return source
end

local function join(source)
  local out = {}
  for v in source do out[#out + 1] = tostring(v) end
  return table.concat(out, " ")
end

-- An endless sieve: each prime found adds a filter to the pipeline --------------

local function primes()
  return coroutine.wrap(function()
    local source = range(2)
    while true do
      local p = source()
      coroutine.yield(p)
      source = filter(function(n) return n % p ~= 0 end)(source)
    end
  end)
end

print(join(pipe(range(1, 10), map(function(n) return n * n end))))
print(join(pipe(range(1), filter(function(n) return n % 7 == 3 end), take(8))))
print(join(pipe(primes(), take(25))))
print(join(pipe(words("the quick brown fox jumps over the lazy dog"), map(string.upper), filter(function(w) return #w > 3 end))))
for c in pipe(range(1, 10), chunks(4)) do print("chunk: " .. table.concat(c, ",")) end

-- Tasks that take turns ----------------------------------------------------------

local function run(tasks)
  while #tasks > 0 do
    for i = #tasks, 1, -1 do
      local ok, message = coroutine.resume(tasks[i].thread)
      if not ok then print(tasks[i].name .. " failed: " .. message) end
      if coroutine.status(tasks[i].thread) == "dead" then table.remove(tasks, i) end
    end
  end
end

local function task(name, steps, work)
  return { name = name, thread = coroutine.create(function()
    for step = 1, steps do
      print(name, work(step))
      coroutine.yield()
    end
  end) }
end

run {
  task("squares", 3, function(n) return n * n end),
  task("letters", 4, function(n) return string.char(96 + n) end),
  task("faulty", 3, function(n) if n == 2 then error("out of paper", 0) end return "fine" end),
}
