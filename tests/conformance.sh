#!/bin/sh
# The official Lua test suite under lua5.4, `trinity` and executables made by `trinityc`.
#
# usage: tests/conformance.sh BIN_DIR SUITE_DIR [FILE.lua ...]
#
# Every file of the suite (or those named) runs in a copy of the suite's directory. lua5.4 goes first, with as many of the suite's tests as it passes here:
# "full" (everything), else "port" (_port=true), else "soft" (_port=true and _soft=true; short versions). What it passes, the others must pass in the same
# setting. The suite's internal tests (global T) need a C library of the reference and never run.
#
# Globals cannot be set from outside for an executable, so it is compiled from a copy of the file with the assignments put at the front of line 1. main.lua
# tests the interpreter found in its own `arg`; compiled, it is given `trinity` there.
#
# environment: CONFORMANCE_LIMIT, seconds for each run (300); CONFORMANCE_MEMORY, address space in KB (4000000); CONFORMANCE_KEEP, a directory for the outputs
# of what failed; CONFORMANCE_TRINITYC, options for the compiler.
set -u

say() { printf '%s\n' "conformance: $*" >&2; }
[ $# -ge 2 ] || { say "usage: tests/conformance.sh BIN_DIR SUITE_DIR [FILE.lua ...]"; exit 2; }
BIN=$(CDPATH='' cd -- "$1" && pwd) || exit 2
SUITE=$(CDPATH='' cd -- "$2" && pwd) || exit 2
shift 2
[ -f "$SUITE/all.lua" ] || { say "$SUITE is not a testes/ directory (no all.lua)"; exit 2; }
for tool in "$BIN/trinity" "$BIN/trinityc"; do
    [ -x "$tool" ] || { say "missing $tool"; exit 2; }
done
command -v lua5.4 >/dev/null 2>&1 || { say "lua5.4 is missing"; exit 2; }

LIMIT=${CONFORMANCE_LIMIT:-300}
MEMORY=${CONFORMANCE_MEMORY:-4000000}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/conformance.XXXXXX") || exit 2
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
cp -R "$SUITE" "$WORK/run" && cp -R "$SUITE" "$WORK/source" && mkdir "$WORK/exe" || exit 2
chmod -R u+w "$WORK"
[ $# -gt 0 ] || set -- $(cd "$SUITE" && ls *.lua)

settings_of() {
    case $1 in
        full) ;;
        port) printf '_port=true ' ;;
        soft) printf '_port=true _soft=true ' ;;
    esac
}

# run OUTPUT COMMAND...: in the suite's directory, within the limits. What it leaves running in its process group (main.lua's Ctrl-C test does, when
# it loses the race between a script's output and the shell's) is ended.
run() {
    output=$1
    shift
    (
        cd "$WORK/run" || exit 1
        ulimit -v "$MEMORY"
        exec timeout -k 10 "$LIMIT" "$@"
    ) >"$output" 2>&1 </dev/null &
    group=$!
    wait "$group"
    status=$?
    kill -s KILL -- "-$group" 2>/dev/null
    return "$status"
}

verdict() {
    case $1 in
        0) echo ok ;;
        124 | 137) echo timeout ;;
        *) echo FAIL ;;
    esac
}

keep() {
    [ -n "${CONFORMANCE_KEEP:-}" ] || return 0
    mkdir -p "$CONFORMANCE_KEEP" && cp "$1" "$CONFORMANCE_KEEP/"
}

# compile FILE SETTING: into $WORK/exe/NAME.
compile() {
    case $1 in
        main.lua) front="arg={[0]=\"main.lua\",[-1]=\"$BIN/trinity\"} " ;;
        *) front='' ;;
    esac
    {
        printf '%s' "$front$(settings_of "$2")"
        sed -e '1s/^#/--/' "$SUITE/$1"
    } >"$WORK/source/$1"
    # shellcheck disable=SC2086 # a list of options
    (cd "$WORK/source" && "$BIN/trinityc" ${CONFORMANCE_TRINITYC:-} "$1" -o "$WORK/exe/${1%.lua}")
}

passed=0
failed=0
skipped=0
printf '%-16s %-8s %-10s %-10s %s\n' file setting lua5.4 trinity compiled
for file in "$@"; do
    name=${file%.lua}
    for setting in full port soft; do
        run "$WORK/lua.out" lua5.4 -e "$(settings_of "$setting")" "$file"
        reference=$(verdict $?)
        [ "$reference" = FAIL ] || break
    done
    if [ "$reference" != ok ]; then
        printf '%-16s %-8s %-10s %-10s %s\n' "$file" - "$reference" - -
        skipped=$((skipped + 1))
        continue
    fi
    run "$WORK/$name.trinity.out" "$BIN/trinity" -e "$(settings_of "$setting")" "$file"
    interpreted=$(verdict $?)
    if compile "$file" "$setting" >"$WORK/$name.compiled.out" 2>&1; then
        run "$WORK/$name.compiled.out" "$WORK/exe/$name"
        compiled=$(verdict $?)
    else
        compiled='no executable'
    fi
    rm -f "$WORK/exe/$name"
    printf '%-16s %-8s %-10s %-10s %s\n' "$file" "$setting" "$reference" "$interpreted" "$compiled"
    for way in "trinity:$interpreted" "compiled:$compiled"; do
        if [ "${way#*:}" = ok ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            keep "$WORK/$name.${way%%:*}.out"
            tail -n 6 "$WORK/$name.${way%%:*}.out" | cut -c 1-200 | sed 's/^/        /'
        fi
    done
done
echo "$passed runs pass, $failed fail; $skipped files do not pass under lua5.4 here"
[ "$failed" = 0 ]
