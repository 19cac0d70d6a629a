#!/bin/sh
# The proofs about the kernels that take a solver too long for every test run: p20's specification.
# Usage: benches/superopt/proofs.sh     (half a minute at 32 bits; at 64 bits it gives up after 20 minutes and says so)
set -eu
cd "$(dirname "$0")/../.."
cargo build -q --profile quick -p trinity-solver
exec cargo test --profile quick -p trinity-superopt --test kernels -- --ignored --nocapture --test-threads 1
