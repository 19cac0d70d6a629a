#!/bin/sh
# The official Lua test suite under lua5.4, `trinity` and executables made by `trinityc`.
#
# usage: tests/conformance.sh BIN_DIR [--interpret | --compile] [--opt FLAGS] [--own-profile] [--gc-stress[=N|=step]] [--deopt-stress]
#                             SUITE_DIR [FILE.lua ...]
#
# Every file of the suite (or those named) runs in a copy of the suite's directory. lua5.4 goes first, with as many of the suite's tests as it passes here:
# "full" (everything), else "port" (_port=true), else "soft" (_port=true and _soft=true; short versions). What it passes, the others must pass in the same
# setting. The suite's internal tests (global T) need a C library of the reference and never run.
#
# Globals cannot be set from outside for an executable, so it is compiled from a copy of the file with the assignments put at the front of line 1. main.lua
# tests the interpreter found in its own `arg`; compiled, it is given `trinity` there. It also interrupts a script whose process number it reads from a
# shell that races with the script's own output, and so may interrupt whatever process has the number 12: here the script starts a little later, and
# where the system allows it every run has process numbers of its own.
#
# --opt gives the compiler options, as in --opt "-O2 --stress-guards"; --own-profile runs each executable once to see what it does, and compiles by that.
#
# --gc-stress collects at every allocation (or: every Nth, or one step at each; TRINITY_GC_STRESS), --deopt-stress leaves machine code at every safe point
# once (executables only), and with --stress-guards makes each guard fail once. A run that is too slow under collector stress is done again with a
# thousandth of it, which is marked "/1000". Files that cannot hold by their nature are marked "excused"; their names and reasons are in `excuse`.
#
# environment: CONFORMANCE_LIMIT, seconds for each run (300); CONFORMANCE_MEMORY, address space in KB (4000000); CONFORMANCE_KEEP, a directory for the outputs
# of what failed.
set -u

say() { printf '%s\n' "conformance: $*" >&2; }
usage() {
    say "usage: tests/conformance.sh BIN_DIR [--interpret | --compile] [--opt FLAGS] [--own-profile] [--gc-stress[=N|=step]] [--deopt-stress] SUITE_DIR [FILE.lua ...]"
    exit 2
}
[ $# -ge 2 ] || usage
BIN=$(CDPATH='' cd -- "$1" && pwd) || exit 2
shift
ways='trinity compiled'
flags=''
own_profile=''
gc_stress=''
deopt_stress=''
while [ $# -gt 0 ]; do
    case $1 in
        --interpret) ways=trinity ;;
        --compile) ways=compiled ;;
        --opt) [ $# -ge 2 ] || usage; flags=$2; shift ;;
        --own-profile) own_profile=1 ;;
        --gc-stress) gc_stress=1 ;;
        --gc-stress=*) gc_stress=${1#*=} ;;
        --deopt-stress) deopt_stress=1 ways=compiled ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
[ $# -ge 1 ] || usage
SUITE=$(CDPATH='' cd -- "$1" && pwd) || exit 2
shift
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
[ ! -f "$WORK/run/main.lua" ] || sed -i 's/%s -e "%s" & echo \$!/(sleep 0.3; exec %s -e "%s") \& echo $!/' "$WORK/run/main.lua" || exit 2
NAMESPACE=''
for try in 'unshare --pid --fork --kill-child' 'unshare --user --map-current-user --pid --fork --kill-child'; do
    if $try true 2>/dev/null; then
        NAMESPACE=$try
        break
    fi
done
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
        # shellcheck disable=SC2086 # a command and assignments
        exec env $environment $NAMESPACE timeout -k 10 "$LIMIT" "$@"
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
        sed -e '1s/^#/--/' "$WORK/run/$1"
    } >"$WORK/source/$1"
    exe=$WORK/exe/${1%.lua}
    rm -f "$exe.tprof"
    if [ -n "$own_profile" ]; then
        (cd "$WORK/source" && "$BIN/trinityc" --profile-gen "$1" -o "$exe") || return 1
        # Whatever it prints, and however it ends: only what it does is of interest.
        environment="TRINITY_PROFILE=$exe.tprof"
        run "$WORK/training.out" "$exe"
        environment=''
    fi
    # shellcheck disable=SC2086 # lists of options
    (cd "$WORK/source" && "$BIN/trinityc" $flags $([ ! -f "$exe.tprof" ] || echo "--profile-use $exe.tprof") "$1" -o "$exe")
}

# excuse FILE: why it cannot hold under the stress that is on; nothing if it must.
excuse() {
    if [ -n "$gc_stress" ]; then
        case $1 in
            gc.lua) echo "counts the steps of a cycle and keeps garbage in weak tables to measure it" ;;
            all.lua) echo "runs gc.lua; the files are run one by one too" ;;
            main.lua) echo "expects garbage to be finalized when the program ends, not before" ;;
        esac
    fi
}

# ours COMMAND...: the verdict of a run of ours, under the stress asked for, in $outcome; output in $out.
ours() {
    environment=''
    [ -z "$deopt_stress" ] || environment="$environment TRINITY_DEOPT_STRESS=1"
    unstressed=$environment
    [ -z "$gc_stress" ] || environment="$environment TRINITY_GC_STRESS=$gc_stress"
    run "$out" "$@"
    outcome=$(verdict $?)
    if [ -n "$gc_stress" ] && [ "$outcome" = timeout ]; then
        case $gc_stress in
            step) less=1000 ;;
            *) less=$((gc_stress * 1000)) ;;
        esac
        environment="$unstressed TRINITY_GC_STRESS=$less"
        run "$out" "$@"
        outcome=$(verdict $?)/$less
    fi
    environment=''
    reason=$(excuse "$file")
    [ "${outcome%%/*}" = ok ] || [ -z "$reason" ] || outcome="excused ($reason)"
}

environment=''
passed=0
failed=0
excused=0
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
    interpreted=-
    compiled=-
    for way in $ways; do
        out=$WORK/$name.$way.out
        if [ "$way" = trinity ]; then
            ours "$BIN/trinity" -e "$(settings_of "$setting")" "$file"
            interpreted=$outcome
        elif compile "$file" "$setting" >"$out" 2>&1; then
            ours "$WORK/exe/$name"
            compiled=$outcome
        else
            compiled='no executable'
        fi
    done
    rm -f "$WORK/exe/$name"
    printf '%-16s %-8s %-10s %-10s %s\n' "$file" "$setting" "$reference" "$interpreted" "$compiled"
    for way in $ways; do
        case $way in
            trinity) outcome=$interpreted ;;
            *) outcome=$compiled ;;
        esac
        case $outcome in
            ok*) passed=$((passed + 1)) ;;
            excused*) excused=$((excused + 1)) ;;
            *)
                failed=$((failed + 1))
                keep "$WORK/$name.$way.out"
                tail -n 6 "$WORK/$name.$way.out" | cut -c 1-200 | sed 's/^/        /'
                ;;
        esac
    done
done
echo "$passed runs pass, $failed fail, $excused are excused; $skipped files do not pass under lua5.4 here"
[ "$failed" = 0 ]
