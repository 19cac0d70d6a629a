#!/bin/sh
# run.sh [BIN_DIR [RUNS]]: every program here under lua5.4, trinity and as a compiled executable, interleaved; prints the median of each
# figure with the smallest and largest, and its ratio to lua5.4's. BIN_DIR holds trinity and trinityc (default: target/release).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${1:-$here/../../target/release}
runs=${2:-5}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for f in "$here"/*.lua; do
    "$bin/trinityc" "$f" -o "$dir/$(basename "$f" .lua)"
done
i=0
while [ "$i" -lt "$runs" ]; do
    for f in "$here"/*.lua; do
        lua5.4 "$f" | sed 's/^/lua5.4 /'
        "$bin/trinity" "$f" | sed 's/^/trinity /'
        "$dir/$(basename "$f" .lua)" | sed 's/^/compiled /'
    done >>"$dir/figures"
    i=$((i + 1))
done
# lines: who name value unit
sort -k2,2 -k1,1 -k3,3n "$dir/figures" | awk '
function flush() {
    if (n == 0) return
    key = name " " who
    median[key] = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
    low[key] = v[1]; high[key] = v[n]; units[name] = unit
    if (!(name in seen)) { seen[name] = 1; order[++names] = name }
    n = 0
}
{
    if ($1 != who || $2 != name) { flush(); who = $1; name = $2 }
    v[++n] = $3; unit = $4
}
END {
    flush()
    printf "%-18s %-24s %-32s %s\n", "figure", "lua5.4", "trinity", "compiled"
    for (i = 1; i <= names; i++) {
        name = order[i]
        printf "%-18s", name " " units[name]
        split("lua5.4 trinity compiled", whos, " ")
        base = median[name " lua5.4"]
        for (w = 1; w <= 3; w++) {
            key = name " " whos[w]
            printf " %8.1f (%.0f-%.0f)", median[key], low[key], high[key]
            if (w > 1 && base > 0) printf " x%.2f", median[key] / base
            printf w < 3 ? "  |" : "\n"
        }
    }
}'
