#!/bin/sh
# Hacker's Delight p01 to p25: rates of tests and proposals, synthesis from scratch over seeds, and the speed of what was
# found against gcc and clang.
# Usage: benches/superopt/kernels.sh [SEEDS [DEADLINE_SECONDS [PATIENCE_SECONDS]]]     (5, 60 and 1 by default)
# Prints Markdown; docs/superopt.md holds a run of it. Programs and times stay in out/kernels/. GCC and CLANG name the
# compilers; clang should be the newest of the distribution. Needs an otherwise idle machine; takes about
# three quarters of an hour.
set -eu
cd "$(dirname "$0")/../.."
seeds=${1:-5} deadline=${2:-60} patience=${3:-1}
out=out/kernels
mkdir -p "$out"
target=${CARGO_TARGET_DIR:-target}
cargo build -q --profile quick -p trinity-superopt -p trinity-solver --bins --examples
PATH="$target/quick/examples:$target/quick:$PATH"

echo "## Rates"
search_rates
echo
for setting in "32 x86-64-v3" "64 x86-64-v3" "32 x86-64"; do
    set -- $setting
    echo "## Synthesis: $1 bits, $2, $seeds seeds"
    kernel_search "$out/$1-$2.json" --width "$1" --march "$2" --seeds "$seeds" --deadline "$deadline" --patience "$patience" \
        --from "${GCC:-gcc}" --from "${CLANG:-clang}"
    echo
    echo "## Latency: $1 bits, $2, ${GCC:-gcc} and ${CLANG:-clang} -O3"
    kernel_speed "$out/$1-$2.json" --gcc "${GCC:-gcc}" --clang "${CLANG:-clang}"
    echo
done
