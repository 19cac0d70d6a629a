#!/bin/sh
# Real programs under lua5.4, `trinity` and as executables made by `trinityc`: standard output, standard error and exit code must be the same.
#
# usage: tests/real_programs.sh BIN_DIR [--compile] [--opt FLAGS] [--own-profile] DIR [PATTERN ...]
#
# DIR holds checkouts in tl, Fennel, luacheck, moonscript, Penlight and are-we-fast-yet; how to get a missing one is said. With patterns (of the shell) only the rows
# whose names match one are run. They run in copies; the drivers are tests/real/*.lua.
#
# Before they are compared, addresses, names of temporary files and the program's own name at the start of a message are put in a common form. A row whose
# lua5.4 output differs from run to run (four runs are made: lua5.4 seeds its string hashes at random, so a program that prints in the order of `pairs`
# does that) is compared by its lines in sorted order, which the table says.
#
# --opt gives the compiler options, as in --opt "-O2 --stress-guards"; --own-profile runs each executable once to see what it does, and compiles by that;
# --compile leaves `trinity` out.
#
# environment: REAL_LIMIT, seconds for each run (120); REAL_KEEP, a directory for outputs that differ; REAL_ENV, assignments for runs of ours (stress
# modes).
set -u

say() { printf '%s\n' "real: $*" >&2; }
usage() {
    say "usage: tests/real_programs.sh BIN_DIR [--compile] [--opt FLAGS] [--own-profile] DIR [PATTERN ...]"
    exit 2
}
[ $# -ge 2 ] || usage
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
BIN=$(CDPATH='' cd -- "$1" && pwd) || exit 2
shift
flags=''
own_profile=''
interpret=1
while [ $# -gt 0 ]; do
    case $1 in
        --compile) interpret='' ;;
        --opt) [ $# -ge 2 ] || usage; flags=$2; shift ;;
        --own-profile) own_profile=1 ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
[ $# -ge 1 ] || usage
DIR=$(CDPATH='' cd -- "$1" && pwd) || exit 2
shift
PATTERNS=${*:-*}
for tool in "$BIN/trinity" "$BIN/trinityc"; do
    [ -x "$tool" ] || { say "missing $tool"; exit 2; }
done
command -v lua5.4 >/dev/null 2>&1 || { say "lua5.4 is missing"; exit 2; }
LIMIT=${REAL_LIMIT:-120}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/real.XXXXXX") || exit 2
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
# A program's temporary files are its own.
mkdir "$WORK/tmp" || exit 2
unset LUA_INIT LUA_INIT_5_4 LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4

passed=0
failed=0
missing=0

# checkout NAME URL [TAG]: a copy of DIR/NAME in $WORK/NAME with the drivers.
checkout() {
    if [ ! -d "$DIR/$1" ]; then
        say "no $DIR/$1; get it with: git clone --depth 1 ${3:+--branch $3 }$2 $DIR/$1"
        missing=$((missing + 1))
        return 1
    fi
    [ -d "$WORK/$1" ] && return 0
    cp -R "$DIR/$1/." "$WORK/$1" && chmod -R u+w "$WORK/$1" && mkdir -p "$WORK/$1/real" && cp "$HERE"/real/*.lua "$WORK/$1/real/"
}

. "$HERE/real/modules.sh"

wanted() {
    set -f
    for pattern in $PATTERNS; do
        # shellcheck disable=SC2254 # it is a pattern
        case $1 in $pattern) set +f; return 0 ;; esac
    done
    set +f
    return 1
}

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { printf "%.2f", b - a }'; }

# Addresses, names of temporary files, and what `-v` says (where ours says that it is not PUC-Rio's).
common_form() {
    sed -e 's/0x[0-9a-f]\{6,\}/ADDRESS/g' -e 's,/lua_[A-Za-z0-9]\{6\},/lua_TEMPORARY,g' \
        -e 's/^Lua 5\.4\.[0-9]*  Copyright.*/VERSION/' -e 's/^Trinity [0-9.]* for Lua 5\.4.*/VERSION/' "$1"
}

# run OUT COMMAND...: in $cwd; OUT.stdout, OUT.stderr, OUT.code, and the time in $took.
run() {
    to=$1
    shift
    began=$(now)
    (cd "$cwd" && TMPDIR="$WORK/tmp" exec timeout -k 5 "$LIMIT" "$@") >"$to.raw" 2>"$to.err" </dev/null
    echo $? >"$to.code"
    took=$(since "$began")
    common_form "$to.raw" >"$to.stdout"
    common_form "$to.err" | sed -e "s,^\(lua5\.4\|$BIN/trinity\|$exe\): ,PROGRAM: ," >"$to.stderr"
}

# same HOW A B
same() {
    for part in stdout stderr code; do
        if [ "$1" = sorted ]; then
            sort "$2.$part" >"$WORK/a.sorted"
            sort "$3.$part" >"$WORK/b.sorted"
            cmp -s "$WORK/a.sorted" "$WORK/b.sorted" || return 1
        else
            cmp -s "$2.$part" "$3.$part" || return 1
        fi
    done
}

judge() {
    if same "$how" "$WORK/reference" "$1"; then
        verdict=same
        passed=$((passed + 1))
        return
    fi
    verdict=DIFFERS
    [ "$(cat "$1.code")" = 124 ] && verdict=timeout
    failed=$((failed + 1))
    if [ -n "${REAL_KEEP:-}" ]; then
        mkdir -p "$REAL_KEEP"
        for part in stdout stderr code; do
            cp "$WORK/reference.$part" "$REAL_KEEP/$name.lua54.$part"
            cp "$1.$part" "$REAL_KEEP/$name.${1##*/}.$part"
        done
    fi
    for part in stdout stderr code; do
        diff -a "$WORK/reference.$part" "$1.$part" >"$WORK/diff" 2>&1 && continue
        { echo "$part (<: lua5.4, >: ${1##*/})"; head -n 6 "$WORK/diff" | cut -c 1-200; } | sed 's/^/        /' >>"$WORK/notes"
    done
}

# compile [ARGUMENT ...]: $script to $exe, in $cwd; the arguments are for the run that its profile is of.
compile() {
    profile=$WORK/profile
    rm -f "$profile"
    if [ -n "$own_profile" ]; then
        # shellcheck disable=SC2086 # options
        (cd "$cwd" && "$BIN/trinityc" --profile-gen ${options:-} "$script" -o "$exe") || return 1
        run "$WORK/training" env TRINITY_PROFILE="$profile" "$exe" "$@"
    fi
    # shellcheck disable=SC2086,SC2046 # options
    (cd "$cwd" && "$BIN/trinityc" $flags $([ ! -f "$profile" ] || echo "--profile-use $profile") ${options:-} "$script" -o "$exe")
}

# program NAME CHECKOUT SCRIPT [ARGUMENT ...]: one row. $path is its LUA_PATH; $options goes to trinityc; $runs says how often lua5.4 runs (1).
program() {
    name=$1
    cwd=$WORK/$2
    script=$3
    # Beside its script: programs look for their modules there.
    exe=$cwd/$(dirname -- "$script")/executable
    shift 3
    wanted "$name" || return 0
    : >"$WORK/notes"
    LUA_PATH=$path
    export LUA_PATH
    run "$WORK/reference" lua5.4 "$script" "$@"
    lua_took=$took
    how=bytes
    again=1
    while [ "$again" -lt "${runs:-1}" ]; do
        run "$WORK/again" lua5.4 "$script" "$@"
        if ! same "$how" "$WORK/reference" "$WORK/again"; then
            how=sorted
            same sorted "$WORK/reference" "$WORK/again" || how=varies
        fi
        again=$((again + 1))
    done
    code=$(cat "$WORK/reference.code")
    if [ "$code" != 0 ]; then
        # Equal failures would show little.
        echo "lua5.4 fails: $(head -n 1 "$WORK/reference.stderr")" | cut -c 1-200 | sed 's/^/        /' >>"$WORK/notes"
        failed=$((failed + 1))
    fi
    trinity_took=-
    trinity_verdict=-
    if [ -n "$interpret" ]; then
        # shellcheck disable=SC2086 # assignments
        run "$WORK/trinity" env ${REAL_ENV:-} "$BIN/trinity" "$script" "$@"
        trinity_took=$took
        judge "$WORK/trinity"
        trinity_verdict=$verdict
    fi
    if compile "$@" >"$WORK/compiler" 2>&1; then
        # shellcheck disable=SC2086 # assignments
        run "$WORK/compiled" env ${REAL_ENV:-} "$exe" "$@"
        compiled_took=$took
        judge "$WORK/compiled"
    else
        verdict='no exe'
        compiled_took=-
        failed=$((failed + 1))
        head -n 4 "$WORK/compiler" | sed 's/^/        /' >>"$WORK/notes"
    fi
    printf '%-26s %4s %8s %-7s %8s  %-8s %8s  %-8s %8s\n' "$name" "$code" "$(wc -c <"$WORK/reference.stdout")" "$how" "$lua_took" \
        "$trinity_verdict" "$trinity_took" "$verdict" "$compiled_took"
    cat "$WORK/notes"
    rm -f "$exe"
}

printf '%-26s %4s %8s %-7s %8s  %-8s %8s  %-8s %8s\n' program exit bytes compare lua5.4 trinity seconds compiled seconds

# Teal's compiler, compiling itself.
if checkout tl https://github.com/teal-language/tl v0.24.8; then
    path='./?.lua;./?/init.lua'
    program teal tl real/teal.lua tl.tl
fi

# Fennel's compiler, compiling itself: from the bootstrap, then with what the bootstrap made.
if checkout Fennel https://github.com/bakpakin/Fennel; then
    # As its Makefile does first.
    (
        cd "$WORK/Fennel" || exit 1
        for file in macros match; do lua5.4 bootstrap/aot.lua src/fennel/$file.fnl --macro >bootstrap/$file.lua; done
        lua5.4 bootstrap/aot.lua src/fennel/view.fnl >bootstrap/view.lua
    )
    sources=$(cd "$WORK/Fennel" && ls src/fennel/*.fnl src/launcher.fnl src/fennel.fnl)
    path='./bootstrap/?.lua'
    # shellcheck disable=SC2086 # file names of Fennel's
    program fennel Fennel real/fennel.lua $sources
    if wanted fennel-second && mkdir -p "$WORK/Fennel/second" && (
        cd "$WORK/Fennel" && LUA_PATH='./bootstrap/?.lua' lua5.4 real/fennel.lua src/fennel.fnl >second/fennel.lua
    ); then
        path='./second/?.lua'
        # shellcheck disable=SC2086 # file names of Fennel's
        program fennel-second Fennel real/fennel.lua $sources
    fi
fi

# luacheck, over its own source.
if checkout luacheck https://github.com/lunarmodules/luacheck; then
    path='./src/?.lua;./src/?/init.lua'
    # Its stages are loaded by computed names.
    options=$(cd "$WORK/luacheck" && modules src src/luacheck)
    # shellcheck disable=SC2046 # file names of luacheck's
    program luacheck luacheck real/luacheck.lua $(cd "$WORK/luacheck" && find src spec/samples -name '*.lua' | LC_ALL=C sort)
    options=''
fi

# MoonScript's compiler, compiling itself.
if checkout moonscript https://github.com/leafo/moonscript; then
    path='./?.lua;./?/init.lua'
    # shellcheck disable=SC2046 # file names of MoonScript's
    program moonscript moonscript real/moonscript.lua $(cd "$WORK/moonscript" && find . -name '*.moon' | LC_ALL=C sort)
fi

# Penlight's tests. Its modules load each other by computed names, so they are all bundled.
if checkout Penlight https://github.com/lunarmodules/Penlight; then
    path='./lua/?.lua;./lua/?/init.lua;./real/?.lua;./?.lua'
    options=$(cd "$WORK/Penlight" && modules lua lua/pl)
    # These start the interpreter named in their own `arg`; an executable has none there.
    for test in app utils utils3; do sed -i "1s,^,arg[-1] = arg[-1] or '$BIN/trinity'; ," "$WORK/Penlight/tests/test-$test.lua"; done
    # This one starts a process for each file beside its temporary ones.
    sed -i "1s,^,require 'tmpname'; ," "$WORK/Penlight/tests/test-dir.lua"
    runs=4
    for test in "$WORK"/Penlight/tests/test-*.lua; do
        test=${test##*/}
        program "penlight-${test#test-}" Penlight "tests/$test"
    done
    options=''
    runs=1
fi

# are-we-fast-yet: inner iterations for which the benchmarks know the result.
if checkout are-we-fast-yet https://github.com/smarr/are-we-fast-yet; then
    suite=are-we-fast-yet/benchmarks/Lua
    mkdir -p "$WORK/$suite/real" && cp "$HERE/real/awfy.lua" "$WORK/$suite/real/"
    path='./?.lua'
    while read -r benchmark times iterations; do
        options="--module $benchmark=$benchmark.lua"
        program "awfy-$benchmark" "$suite" real/awfy.lua "$benchmark" "$times" "$iterations"
    done <<'T'
bounce 2 250
cd 2 100
deltablue 2 2000
havlak 1 1
json 2 20
list 2 150
mandelbrot 2 500
nbody 2 250000
permute 2 100
queens 2 150
richards 2 15
sieve 2 300
storage 2 100
towers 2 60
T
fi

echo "$passed runs agree with lua5.4, $failed do not; $missing checkouts are missing"
[ "$failed" = 0 ] && [ "$missing" = 0 ]
