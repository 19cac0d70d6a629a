#!/usr/bin/env bash
# cliff.sh [--set bench|awfy|suite] [--runs N] [--only NAME] BIN_DIR AWFY_DIR SUITE_DIR: is any program slower than under lua5.4 when it is compiled at -O2?
# Takes the bench programs at their default sizes, are-we-fast-yet (AWFY_DIR: its benchmarks/Lua folder) and the files of the official test suite
# (SUITE_DIR: testes/); each compiled without a profile and by its own: of the training input, for the suite of a run of the same.
#
# Prints the least processor time of N interleaved runs (3; of short programs five times as many), how many times as fast as lua5.4 that is, and at the end the programs that are slower by more
# than 3 % and 0.3 ms. Results are not compared: tests/ does that. Of the suite, `all` (the others once more), `main` (starts processes) and `heavy` (fills the
# memory) are left out, and what lua5.4 does not pass.
set -eu
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
usage() { sed -n '2,4p' "$0" >&2; exit 2; }
sets='bench awfy suite'
runs=3
only=''
while [ $# -gt 0 ]; do
    case $1 in
        --set) sets=${2:?}; shift ;;
        --runs) runs=${2:?}; shift ;;
        --only) only=${2:?}; shift ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
[ $# -eq 3 ] || usage
bin=$(CDPATH='' cd -- "$1" && pwd)
awfy=$(CDPATH='' cd -- "$2" && pwd)
suite=$(CDPATH='' cd -- "$3" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM
: >"$dir/results"

# seconds COMMAND...: its user and system time, in $seconds; false if it failed.
seconds() {
    seconds=$(python3 -c '
import resource, subprocess, sys
def used():
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime
before = used()
with open(sys.argv[1], "wb") as out:
    try:
        code = subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=300).returncode
    except subprocess.TimeoutExpired:
        code = 124
print(f"{used() - before:.6f}")
sys.exit(code != 0)' "$dir/out" "$@")
}

# compare NAME SCRIPT TRAINING [ARGUMENT...]: in the present folder; $modules are options of the compiler, TRAINING the arguments of the run that is observed.
compare() {
    name=$1
    script=$2
    training=$3
    shift 3
    # shellcheck disable=SC2086 # options
    "$bin/trinityc" -O2 $modules "$script" -o "$dir/plain" 2>"$dir/log" || { cat "$dir/log" >&2; return 0; }
    # shellcheck disable=SC2086
    "$bin/trinityc" -O2 --train-deadline 300 --train "$training" $modules "$script" -o "$dir/trained" >/dev/null 2>"$dir/log" || { cat "$dir/log" >&2; return 0; }
    rm -f "$dir"/time.*
    i=0
    # What is short is run more often.
    least=$runs
    while [ "$i" -lt "$least" ]; do
        for way in lua5.4 plain trained; do
            case $way in
                lua5.4) seconds lua5.4 "$script" "$@" && case $seconds in 0.0*) least=$((runs * 5)) ;; esac ;;
                *) seconds "$dir/$way" "$@" ;;
            esac || { echo "$name fails: $way" >&2; return 0; }
            echo "$seconds" >>"$dir/time.$way"
        done
        i=$((i + 1))
    done
    for way in lua5.4 plain trained; do sort -n "$dir/time.$way" | head -n 1; done | xargs echo "$name" | tee -a "$dir/results" | awk '
        function times(a, b) { return b > 0 ? a / b : 1 }
        { printf "%-18s lua5.4 %8.4f   -O2 %8.4f (%5.2fx)   own profile %8.4f (%5.2fx)\n", $1, $2, $3, times($2, $3), $4, times($2, $4) }'
}

wanted() { [ "${only:-$1}" = "$1" ]; }

modules=''
for set in $sets; do
    case $set in
        bench)
            awk -F'"' '/^\[\[bench/ { name = "" } /^name/ { name = $2 } /^lua / { lua = $2 } /^default/ { size = $2 } /^train/ { print name, lua, size, $2 }' \
                "$here/../manifest.toml" >"$dir/list"
            while read -r name lua size training; do
                ! wanted "$name" || { cd "$here/../$name" && compare "$name" "$lua" "$training" "$size"; }
            done <"$dir/list"
            ;;
        awfy)
            cd "$awfy"
            for file in *.lua; do
                case $file in
                    harness.lua | hashindextable-53.lua | *-fn*.lua) ;;
                    *) modules="$modules --module ${file%.lua}=$file" ;;
                esac
            done
            sed -n '/^bounce/,/^richards/p' "$here/awfy.sh" >"$dir/list"
            while read -r name inner training; do
                ! wanted "$name" || compare "awfy-$name" harness.lua "$name 1 $training" "$name" 1 "$inner"
            done <"$dir/list"
            modules=''
            ;;
        suite)
            cp -R "$suite" "$dir/suite"
            chmod -R u+w "$dir/suite"
            cd "$dir/suite"
            for file in *.lua; do
                name=${file%.lua}
                wanted "$name" || continue
                case $name in all | main | heavy) continue ;; esac
                # Globals cannot be set from outside for an executable.
                if ! seconds lua5.4 "$file"; then
                    sed -e '1s/^#/--/' "$suite/$file" >"$dir/file"
                    { printf '_port=true '; cat "$dir/file"; } >"$file"
                fi
                compare "suite-$name" "$file" ''
            done
            cd "$dir"
            ;;
        *) usage ;;
    esac
done

awk '
    function slower(a, b) { return b > a * 1.03 && b > a + 0.0003 }
    { n++ }
    slower($2, $3) { plain = plain " " $1 }
    slower($2, $4) { trained = trained " " $1 }
    END { printf "%d programs; slower than lua5.4 at -O2:%s; by their own profile:%s\n", n, plain ? plain : " none", trained ? trained : " none" }' "$dir/results"
