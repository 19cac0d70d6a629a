-- One benchmark of are-we-fast-yet, with its own check of the result: NAME RUNS ITERATIONS.
local name, runs, iterations = arg[1], tonumber(arg[2]), tonumber(arg[3])
local benchmark = require(name)
for i = 1, runs do
  assert(benchmark:inner_benchmark_loop(iterations), "Benchmark failed with incorrect result")
  print(("%s: run %d of %d iterations is correct"):format(name, i, iterations))
end
