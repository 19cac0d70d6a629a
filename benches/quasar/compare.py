"""The reference's side of compare.sh: `compare.py OURS.json`.

Runs QUASAR of hdim_opt on the functions that our side wrote (same shifts and rotations), with the same population and
generations and without its final gradient polish, runs scipy's differential evolution beside it for the time claim
(on five seeds), and prints the tables as Markdown.
"""
import json
import math
import statistics
import sys
import time

import hdim_opt
import numpy as np
from importlib.metadata import version
from scipy.optimize import differential_evolution
from scipy.stats import mannwhitneyu, qmc

REFERENCE = "reference package"
SCIPY = "scipy DE best/1/bin"
OURS = "ours"
FAULTY = "ours, faults left in"
EQUAL = "ours, equal evaluations"
# Errors below this are equal: the package's best value is not reached in exact arithmetic either.
FLOOR = 1e-12


def function(problem):
    """The function on rows of points, as Problem::value in superopt/src/quasar/functions.rs."""
    minimum = np.array(problem["minimum"])
    rotation = problem["rotation"]
    rotation = None if rotation is None else np.array(rotation)
    base = problem["base"]
    at = 1.0 if base == "rosenbrock" else 0.0

    def value(x):
        z = x - minimum
        if rotation is not None:
            z = z @ rotation.T
        z = z + at
        if base == "sphere":
            return np.sum(z**2, axis=1)
        if base == "rastrigin":
            return np.sum(z**2 + 10 * (1 - np.cos(2 * np.pi * z)), axis=1)
        return np.sum(100 * (z[:, 1:] - z[:, :-1] ** 2) ** 2 + (1 - z[:, :-1]) ** 2, axis=1)

    return value


def counted(f):
    """The function with a count of the points it was asked for."""
    def g(x):
        g.evaluations += len(x)
        return f(x)
    g.evaluations = 0
    return g


def reference(f, bounds, population, generations, seed):
    return hdim_opt.quasar(f, bounds, popsize=population, maxiter=generations, seed=seed, polish=False,
                           vectorized=True, verbose=False, plot_solutions=False)[1]


def scipy_de(f, bounds, population, generations, seed):
    # Its defaults, but for our population and generations; the start is scrambled Sobol points of that number.
    unit = qmc.Sobol(len(bounds), seed=seed).random(population)
    start = bounds[:, 0] + unit * (bounds[:, 1] - bounds[:, 0])
    return differential_evolution(lambda x: f(x.T), bounds, init=start, maxiter=generations, tol=0, atol=-1, seed=seed,
                                  polish=False, vectorized=True, updating="deferred").fun


def geometric(values):
    return math.exp(statistics.fmean(math.log(v) for v in values))


def cell(values):
    low, middle, high = np.percentile(values, [25, 50, 75])
    return f"{middle:.2e} ({low:.1e}..{high:.1e})"


def package_runs(problems, seeds, generations):
    """(problem, method) -> list of (error, evaluations, seconds) for the Python side."""
    runs = {}
    for method, run, most in ((REFERENCE, reference, seeds), (SCIPY, scipy_de, min(seeds, 5))):
        for name, population, problem in problems:
            bounds = np.column_stack([problem["space"]["low"], problem["space"]["high"]])
            f = function(problem)
            for seed in range(most):
                g = counted(f)
                start = time.perf_counter()
                error = float(run(g, bounds, population, generations, seed))
                runs.setdefault((name, method), []).append((error, g.evaluations, time.perf_counter() - start))
    return runs


def main(path):
    with open(path) as f:
        ours = json.load(f)
    runs = {}  # (problem, method) -> list of (error, evaluations, seconds)
    for r in ours["runs"]:
        runs.setdefault((r["problem"], r["method"]), []).append((r["error"], r["evaluations"], r["seconds"]))
    names = [p[0] for p in ours["problems"]]
    runs.update(package_runs(ours["problems"], ours["seeds"], ours["generations"]))

    def errors(name, method):
        return [r[0] for r in runs[name, method]]

    def p_value(name, a, b):
        return mannwhitneyu(errors(name, a), errors(name, b), alternative="two-sided").pvalue

    methods = []
    for _, method in runs:
        if method not in methods:
            methods.append(method)
    populations = sorted({(len(p["minimum"]), n) for _, n, p in ours["problems"]})
    sizes = ", ".join(f"{n} for D = {d}" for d, n in populations)
    print(f"hdim_opt {version('hdim_opt')}, scipy {version('scipy')}, numpy {version('numpy')}; "
          f"{ours['seeds']} seeds, {ours['generations']} generations; N = {sizes}.\n")
    print("Final error, median (quartiles):\n")
    print("| function, D | " + " | ".join(methods) + " |")
    print("|---|" + "---|" * len(methods))
    for name in names:
        print(f"| {name} | " + " | ".join(cell(errors(name, m)) for m in methods) + " |")
    print("\nTwo-sided rank-sum p, and which has the smaller median:\n")
    pairs = [(FAULTY, REFERENCE), (OURS, REFERENCE), (EQUAL, REFERENCE), (OURS, FAULTY)]
    print("| function, D | " + " | ".join(f"{a} / {b}" for a, b in pairs) + " |")
    print("|---|" + "---|" * len(pairs))
    for name in names:
        row = []
        for a, b in pairs:
            better = a if statistics.median(errors(name, a)) < statistics.median(errors(name, b)) else b
            row.append(f"{p_value(name, a, b):.3g} {better}")
        print(f"| {name} | " + " | ".join(row) + " |")
    print("\nMedian error of the row's method over that of the column's, geometric mean over the functions "
          f"(errors below {FLOOR:g} count as that; above 1 the column's method is better):\n")
    columns = [EQUAL, OURS, FAULTY, REFERENCE]
    print("| | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * len(columns))
    for other in [m for m in methods if m not in (EQUAL, OURS, FAULTY)]:
        row = []
        for column in columns:
            ratios = [max(statistics.median(errors(n, other)), FLOOR) / max(statistics.median(errors(n, column)), FLOOR)
                      for n in names]
            row.append(f"{geometric(ratios):.3g} ({sum(r > 1 for r in ratios)} of {len(names)})")
        print(f"| {other} | " + " | ".join(row) + " |")
    print("\nCost per run, geometric means over the functions of the medians, one thread; ours is Rust, the package and "
          "scipy are numpy, so times compare within a language only:\n")
    print("| | evaluations | milliseconds |")
    print("|---|---|---|")
    for m in methods:
        evaluations = geometric([statistics.median(r[1] for r in runs[n, m]) for n in names])
        seconds = geometric([statistics.median(r[2] for r in runs[n, m]) for n in names])
        print(f"| {m} | {evaluations:.0f} | {1000 * seconds:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1])
