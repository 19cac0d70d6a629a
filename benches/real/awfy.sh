#!/bin/sh
# awfy.sh DIR [BIN_DIR [RUNS]]: the 14 programs of are-we-fast-yet (DIR: its benchmarks/Lua folder) under lua5.4, luajit, and compiled at -O2 by a profile of
# a run with fewer iterations. Prints the smallest processor time of each (runs are interleaved), and how many times as fast as lua5.4 and luajit the compiled one is.
set -eu
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,3p' "$0" >&2; exit 2; }
bin=$(CDPATH='' cd -- "${2:-$here/../../target/release}" && pwd)
runs=${3:-3}
cd "$1"
[ -f harness.lua ] || { echo "no harness.lua in $1" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# seconds COMMAND...: its user and system time, in $seconds. The harness fails where a result is wrong.
seconds() {
    ( "$@" >"$dir/out" 2>&1 </dev/null || { cat "$dir/out" >&2; kill $$; }; times ) >"$dir/times"
    seconds=$(tail -n 1 "$dir/times" | awk '{ t = 0; for (i = 1; i <= 2; i++) { split($i, p, /[ms]/); t += p[1] * 60 + p[2] } printf "%.3f", t }')
}

# All modules are loaded by names made at run time.
set --
for file in *.lua; do
    case $file in
        harness.lua | hashindextable-53.lua | *-fn*.lua) ;;
        *) set -- "$@" --module "${file%.lua}=$file" ;;
    esac
done

while read -r name inner training; do
    "$bin/trinityc" -O2 --train "$name 1 $training" harness.lua "$@" -o "$dir/compiled" </dev/null 2>"$dir/log" || { cat "$dir/log" >&2; exit 1; }
    rm -f "$dir"/time.*
    i=0
    while [ "$i" -lt "$runs" ]; do
        for way in lua5.4 luajit; do
            seconds "$way" harness.lua "$name" 1 "$inner"
            echo "$seconds" >>"$dir/time.$way"
        done
        seconds "$dir/compiled" "$name" 1 "$inner"
        echo "$seconds" >>"$dir/time.compiled"
        i=$((i + 1))
    done
    for way in lua5.4 luajit compiled; do sort -n "$dir/time.$way" | head -n 1; done | xargs echo "$name"
done <<'PROGRAMS' | awk '
    { printf "%-10s lua5.4 %6.2f  luajit %6.2f  compiled %6.2f   %5.2fx lua5.4  %5.2fx luajit\n", $1, $2, $3, $4, $2 / $4, $3 / $4
      a += log($2 / $4); b += log($3 / $4); n++; reached += $3 >= $4; fflush() }
    END { printf "geometric means: %.2fx lua5.4, %.2fx luajit, which is reached on %d of %d\n", exp(a / n), exp(b / n), reached, n }'
bounce 1500 100
list 1500 100
permute 1000 100
queens 1000 100
sieve 3000 300
storage 1000 100
towers 600 60
cd 100 10
deltablue 6000 300
havlak 150 15
json 60 6
mandelbrot 500 1
nbody 250000 1
richards 50 5
PROGRAMS
