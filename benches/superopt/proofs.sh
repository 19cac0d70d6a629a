#!/bin/sh
# The proofs about the kernels that take a solver too long for every test run: p20's specification at 32 bits in one
# question (the tests prove it by lemmas, at 64 bits too).
# Usage: benches/superopt/proofs.sh     (a minute)
set -eu
cd "$(dirname "$0")/../.."
cargo build -q --profile quick -p trinity-solver
exec cargo test --profile quick -p trinity-superopt --test kernels -- --ignored --nocapture --test-threads 1
