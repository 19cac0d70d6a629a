#!/bin/sh
# Compares our QUASAR with the reference package (hdim_opt from PyPI), differential evolution and L-SHADE.
# The package is no dependency of ours: it is installed into a temporary directory, with numpy and scipy, and removed.
# Usage: benches/quasar/compare.sh [SEEDS [GENERATIONS]]     (20 and 100 by default; a few minutes)
# Needs cargo, python3 with venv or pip, and the network. Prints Markdown; docs/quasar.md holds a run of it.
set -eu
cd "$(dirname "$0")/../.."
version=1.7.1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT INT TERM

if python3 -m venv "$scratch/venv" >"$scratch/venv.log" 2>&1; then
    python="$scratch/venv/bin/python"
    "$python" -m pip install -q --disable-pip-version-check "hdim_opt==$version"
else
    python=python3
    python3 -m pip install -q --disable-pip-version-check --target "$scratch/packages" "hdim_opt==$version"
    export PYTHONPATH="$scratch/packages"
fi

cargo run -q --profile quick -p trinity-superopt --example quasar_bench -- "$scratch/ours.json" "${1:-20}" "${2:-100}"
# One thread, as our side.
OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 "$python" benches/quasar/compare.py "$scratch/ours.json"
