#!/bin/sh
# Assumptions of optimised code broken at random (by `load`, metatables and the debug library): lua5.4 against an executable that was compiled by a run in
# which none was.
#
# usage: tests/assumptions.sh BIN_DIR [FIRST_SEED [COUNT [OPTIONS OF trinityc...]]]
#
# Prints the seeds whose output differs; `arg[1]` of tests/real/assumptions.lua is the seed.
set -u
[ $# -ge 1 ] || { sed -n '5p' "$0" >&2; exit 2; }
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=$(CDPATH='' cd -- "$1" && pwd) || exit 2
first=${2:-1}
count=${3:-100}
shift $(($# < 3 ? $# : 3))
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
cp "$here/real/assumptions.lua" "$work/" && cd "$work" || exit 2
"$bin/trinityc" -O2 --train 0 "$@" assumptions.lua -o compiled >log 2>&1 || { cat log >&2; exit 2; }
seed=0
differs=0
# A seed of 0 first: what the program is compiled for.
for seed in 0 $(seq "$first" $((first + count - 1))); do
    timeout 20 lua5.4 assumptions.lua "$seed" >want 2>&1
    timeout 20 ./compiled "$seed" >got 2>&1
    if ! sed 's/^\.\/compiled: /lua5.4: /' got | cmp -s - want; then
        differs=$((differs + 1))
        echo "seed $seed differs:"
        diff want got | head -n 4
    fi
done
echo "$((count + 1)) runs, $differs differences"
[ "$differs" = 0 ]
