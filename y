#!/bin/sh
# One command for everything: ./x setup | build | run FILE [args] | test | bench | fuzz | conformance DIR | real DIR
set -eu
cd_root() { CDPATH='' cd -- "$(dirname -- "$0")" && pwd; }
ROOT=$(cd_root)
TARGET=${CARGO_TARGET_DIR:-$ROOT/target}
BIN=$TARGET/release

say() { printf '%s\n' "x: $*" >&2; }
die() { say "$*"; exit 1; }

usage() {
    cat <<'T'
usage: ./x COMMAND
  setup              install what is missing (a C compiler, lua5.4 and libz3-dev; asks apt)
  build              build trinity, trinityc, trinity-solver and the runtime library (release)
  run FILE [args]    compile FILE (a Lua program) to out/NAME and run it
  test               all tests: unit, snapshot, whole programs against lua5.4
  bench [args]       the benchmark suite beside gcc, luajit, lua5.4, node, pypy3, python3
  fuzz [args]        generated programs against lua5.4, interpreted and compiled (--coverage: what they execute)
  conformance DIR    the official test suite (a checkout's testes/ folder), interpreted and compiled
  real DIR           real programs (checkouts in DIR) interpreted, compiled and under lua5.4
T
}

# need COMMAND-OR-FILE PACKAGE: remembers the package when the thing is missing.
MISSING=''
need() {
    case $1 in
        /*) [ -e "$1" ] || MISSING="$MISSING $2" ;;
        *) command -v "$1" >/dev/null 2>&1 || MISSING="$MISSING $2" ;;
    esac
}

install_missing() {
    [ -n "$MISSING" ] || return 0
    command -v apt-get >/dev/null 2>&1 || die "please install:$MISSING"
    if [ "$(id -u)" != 0 ]; then
        say "missing packages:$MISSING"
        die "run this once, then try again:  sudo apt-get update && sudo apt-get install -y$MISSING"
    fi
    say "installing:$MISSING"
    apt-get update -qq || say "apt-get update failed; trying with the lists there are"
    # shellcheck disable=SC2086 # a list of packages
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $MISSING >&2 || die "apt-get could not install:$MISSING"
    MISSING=''
}

setup_build() {
    command -v cargo >/dev/null 2>&1 || die "cargo is missing: install Rust 1.95 or later (rustup) first"
    need cc gcc
    # Only trinity-solver links it; trinityc and the runtime do not.
    need /usr/include/z3.h libz3-dev
    install_missing
}

setup() {
    need lua5.4 lua5.4
    setup_build
}

setup_bench() {
    need luajit luajit
    need node nodejs
    need pypy3 pypy3
    need python3 python3
    setup
}

build() {
    (cd "$ROOT" && cargo build --release --quiet -p trinity-runtime -p trinity-start -p trinity-aot -p trinity-solver)
}

main() {
    [ $# -gt 0 ] || { usage >&2; exit 2; }
    cmd=$1
    shift
    case $cmd in
        setup) setup ;;
        build) setup_build; build ;;
        run)
            [ $# -gt 0 ] || die "run: which Lua file?"
            src=$1
            shift
            [ -r "$src" ] || die "run: cannot read $src"
            setup_build
            build
            mkdir -p "$ROOT/out"
            exe=$ROOT/out/$(basename -- "$src" .lua)
            "$BIN/trinityc" "$src" -o "$exe"
            exec "$exe" "$@"
            ;;
        test)
            setup
            need gdb gdb
            need chromium chromium
            install_missing
            build
            cd "$ROOT"
            # The compiler's own tests link against the library of their profile.
            cargo build --quiet -p trinity-start
            TRINITY_REQUIRE_BROWSER=1 TRINITY_BIN_DIR=$BIN cargo test --workspace --quiet "$@"
            ;;
        bench) setup_bench; build; exec "$BIN/trinityc" bench "$@" ;;
        fuzz)
            setup
            build
            cd "$ROOT"
            cargo build --release --quiet -p trinity-tests
            case " $* " in
                *" --coverage "*)
                    cargo build --release --quiet -p trinity-runtime --features coverage --target-dir "$TARGET/coverage"
                    BIN_DIR=$TARGET/coverage/release
                    ;;
                *) BIN_DIR=$BIN ;;
            esac
            TRINITY_BIN_DIR=$BIN_DIR exec "$BIN/trinity-fuzz" "$@"
            ;;
        conformance)
            [ $# -gt 0 ] || die "conformance: give the folder of the official suite (testes/)"
            setup
            build
            exec "$ROOT/tests/conformance.sh" "$BIN" "$@"
            ;;
        real)
            [ $# -gt 0 ] || die "real: give a folder with checkouts (tl, Fennel, luacheck, Penlight, are-we-fast-yet)"
            setup
            build
            exec "$ROOT/tests/real_programs.sh" "$BIN" "$@"
            ;;
        help | -h | --help) usage ;;
        *) usage >&2; exit 2 ;;
    esac
}

main "$@"
