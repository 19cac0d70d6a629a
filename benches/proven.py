#!/usr/bin/env python3
"""What proven rewrites are worth: programs by their own profiles with the e-graph and proven windows and without them (docs/egraph.md, docs/windows.md).

    benches/proven.py BIN DIR [--runs N] [NAME...]

BIN: where trinityc is; DIR: where results go. Without names: the bench's programs with integers and bits, and the RV32 simulator. For each: processor time without, divided
by that with, for x86-64; the same code for this processor (-march=native) against gcc -O3 -march=native, where there is a C twin; processor time of compilation with, divided by
that without. Runs take turns; ratios are medians of those of single rounds, with the least and the greatest. Outputs are compared. Last, every executable is made again in another directory with
one thread, and the bytes are compared.
"""
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
OFF = ["-fno-egraph", "-fno-windows"]


def timed(command, **kw):
    """Processor time of a command in seconds, and what it printed."""
    with subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, **kw) as p:
        out = p.stdout.read()
        _, status, use = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit code {p.returncode}")
    return use.ru_utime + use.ru_stime, out


def in_turn(commands, runs):
    """Times of commands, round by round, and their outputs."""
    times, outputs = [[] for _ in commands], [None] * len(commands)
    for _ in range(runs):
        for n, command in enumerate(commands):
            seconds, outputs[n] = timed(command)
            times[n].append(seconds)
    return times, outputs


def ratios(a, b):
    """Median, least and greatest of a / b by rounds."""
    each = [x / max(y, 1e-4) for x, y in zip(a, b)]
    return statistics.median(each), min(each), max(each)


def mean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def text(r):
    return f"{r[0]:.3f} ({r[1]:.2f}-{r[2]:.2f})"


def main():
    args, runs = sys.argv[1:], 7
    if "--runs" in args:
        at = args.index("--runs")
        runs = int(args[at + 1])
        del args[at : at + 2]
    if len(args) < 2:
        sys.exit(__doc__)
    trinityc, out = pathlib.Path(args[0]).resolve() / "trinityc", pathlib.Path(args[1]).resolve()
    out.mkdir(parents=True, exist_ok=True)
    benches = tomllib.loads((HERE / "manifest.toml").read_text())["bench"]
    wanted = args[2:] or [b["name"] for b in benches if {"integer", "bitwise"} & set(b["tags"]) or b["name"] == "rv32i"]
    gains, gcc, compilation, different = [], [], [], []
    print(f"{'program':12} {'off / on':22} {'native / gcc native':22} compilation on / off")
    for b in (b for b in benches if b["name"] in wanted):
        name, size = b["name"], b["default"]
        lua, profile = HERE / name / b["lua"], out / f"{name}.tprof"
        timed([trinityc, "--profile-gen", lua, "-o", out / f"{name}.gen"])
        timed([out / f"{name}.gen", b["train"]], env={**os.environ, "TRINITY_PROFILE": str(profile)})

        def compiled(kind, *flags, where=out, env=None):
            exe = where / f"{name}.{kind}"
            command = [trinityc, "-O2", "--profile-use", profile, *flags, lua, "-o", exe]
            return timed(command, env={**os.environ, **(env or {})})[0], exe

        times = [[], []]
        for _ in range(5):
            times[0].append(compiled("on")[0])
            times[1].append(compiled("off", *OFF)[0])
        compilation.append(ratios(*times)[0])
        exes = [out / f"{name}.off", out / f"{name}.on", compiled("native", "-march=native")[1]]
        if b.get("c_twin"):
            exes.append(out / f"{name}.gcc")
            timed(["gcc", "-O3", "-march=native", "-o", exes[-1], HERE / name / b["c"], "-lm"])
        spent, outputs = in_turn([[e, size] for e in exes], runs)
        if any(o != outputs[0] for o in outputs):
            different.append(f"{name}: outputs differ")
        gain = ratios(spent[0], spent[1])
        gains.append(gain[0])
        against = "-"
        if len(exes) > 3:
            r = ratios(spent[2], spent[3])
            gcc.append(r[0])
            against = text(r)
        print(f"{name:12} {text(gain):22} {against:22} {compilation[-1]:.2f}", flush=True)
        elsewhere = out / "elsewhere"
        elsewhere.mkdir(exist_ok=True)
        for kind, flags in [("on", []), ("off", OFF), ("native", ["-march=native"])]:
            _, again = compiled(kind, *flags, where=elsewhere, env={"RAYON_NUM_THREADS": "1"})
            if again.read_bytes() != (out / again.name).read_bytes():
                different.append(f"{again.name}: made again, other bytes")
        shutil.rmtree(elsewhere)
    print(f"geometric means: off / on {mean(gains):.3f}, native / gcc native {mean(gcc):.3f}, compilation {mean(compilation):.2f}")
    print("\n".join(different) if different else "outputs agree; executables made again in another directory with one thread are the same bytes")
    sys.exit(1 if different else 0)


main()
