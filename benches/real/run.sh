#!/bin/sh
# run.sh DIR [BIN_DIR [RUNS [PROGRAM]]]: compilers and checkers written in Lua at work on their own sources, under lua5.4, luajit, and compiled: -O0, -O2,
# and -O2 by a profile of the same work. Prints medians of processor time (with the smallest and largest), how many times as fast as lua5.4 that is, and for each
# executable the bytes of machine code per byte of Lua in it and the processor time of its compilation on one core.
#
# DIR holds checkouts: tl (v0.24.8), Fennel, luacheck, moonscript; PROGRAM is one of them, otherwise it is all. Runs are interleaved. Outputs are compared with lua5.4's; tests/real_programs.sh does that in earnest.
set -eu
export LC_ALL=C
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,6p' "$0" >&2; exit 2; }
from=$(CDPATH='' cd -- "$1" && pwd)
bin=$(CDPATH='' cd -- "${2:-$here/../../target/release}" && pwd)
runs=${3:-5}
only=${4:-}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export RAYON_NUM_THREADS=1

# seconds COMMAND...: its user and system time, in $seconds; its output goes to $dir/out, addresses in it in one form.
seconds() {
    ( "$@" >"$dir/raw" 2>"$dir/err" </dev/null || echo "exit $?" >>"$dir/raw"; times ) >"$dir/times"
    sed 's/0x[0-9a-f]\{6,\}/ADDRESS/g' "$dir/raw" >"$dir/out"
    seconds=$(tail -n 1 "$dir/times" | awk '{ t = 0; for (i = 1; i <= 2; i++) { split($i, p, /[ms]/); t += p[1] * 60 + p[2] } printf "%.2f", t }')
}

# code FILE: bytes of machine code in an object file.
code() { size -A "$1" | awk '$1 == ".text" { print $2 }'; }

# program NAME FOLDER SCRIPT [ARGUMENT...]: with $LUA_PATH set, in the folder; $modules are options that bundle what is required by computed names.
program() {
    [ "${only:-$2}" = "$2" ] || return 0
    name=$1
    cd "$from/$2"
    script=$3
    shift 3
    printf '%s\n' "$name"
    # How much Lua there is in it: -v names the modules, the bytecode's size says little.
    "$bin/trinityc" --embed-source $modules -c "$script" -o "$dir/sources.o" 2>/dev/null
    source=$(size -A "$dir/sources.o" | awk '$1 == ".trinity.source" { print $2 }')
    for way in O0 O2 trained; do
        case $way in
            O0) flags=-O0 ;;
            O2) flags=-O2 ;;
            trained)
                "$bin/trinityc" --profile-gen $modules "$script" -o "$dir/observed" 2>/dev/null
                TRINITY_PROFILE=$dir/profile "$dir/observed" "$@" >"$dir/out" 2>"$dir/err" </dev/null || :
                flags="-O2 --profile-use $dir/profile"
                ;;
        esac
        # shellcheck disable=SC2086 # options
        seconds "$bin/trinityc" $flags $modules -c "$script" -o "$dir/$way.o"
        eval "took_$way=$seconds"
        # shellcheck disable=SC2086 # options
        "$bin/trinityc" $flags $modules "$script" -o "$dir/$way" 2>/dev/null
        rm -f "$dir/observed"
    done
    rm -f "$dir/profile" "$dir"/time.*
    i=0
    while [ "$i" -lt "$runs" ]; do
        for way in lua5.4 luajit O0 O2 trained; do
            case $way in
                lua5.4 | luajit) seconds "$way" "$script" "$@" ;;
                *) seconds "$dir/$way" "$@" ;;
            esac
            echo "$seconds" >>"$dir/time.$way"
            case $way in
                lua5.4) cp "$dir/out" "$dir/want" ;;
                *) cmp -s "$dir/out" "$dir/want" || : >"$dir/differs.$way" ;;
            esac
        done
        i=$((i + 1))
    done
    for way in lua5.4 luajit O0 O2 trained; do
        sort -n "$dir/time.$way" >"$dir/sorted"
        median=$(sed -n "$(((runs + 1) / 2))p" "$dir/sorted")
        [ "$way" != lua5.4 ] || base=$median
        printf '  %-8s %6.2f s (%.2f-%.2f) %6.2fx' "$way" "$median" "$(head -n 1 "$dir/sorted")" "$(tail -n 1 "$dir/sorted")" \
            "$(awk -v a="$base" -v b="$median" 'BEGIN { print (b > 0 ? a / b : 0) }')"
        if [ -f "$dir/$way.o" ]; then
            eval "took=\$took_$way"
            bytes=$(code "$dir/$way.o")
            printf '   %9d bytes of code, %5.2f a byte of source; compiled in %s s' "$bytes" "$(awk -v a="$bytes" -v b="$source" 'BEGIN { print a / b }')" "$took"
        fi
        [ ! -e "$dir/differs.$way" ] || printf '   (output differs from lua5.4)'
        echo
    done
    rm -f "$dir"/differs.* "$dir"/*.o
}

for needed in ${only:-tl Fennel luacheck moonscript}; do
    [ -d "$from/$needed" ] || { echo "no $from/$needed" >&2; exit 2; }
done
for driver in teal fennel luacheck moonscript lfs; do cp "$here/../../tests/real/$driver.lua" "$dir/"; done

modules=''
export LUA_PATH="./?.lua;./?/init.lua"
program teal tl "$dir/teal.lua" tl.tl
# As its Makefile does first; beside its sources, which read what is made.
real=$from
if [ "${only:-Fennel}" = Fennel ]; then
    cp -R "$from/Fennel" "$dir/Fennel"
    (
        cd "$dir/Fennel"
        for file in macros match; do lua5.4 bootstrap/aot.lua src/fennel/$file.fnl --macro >bootstrap/$file.lua; done
        lua5.4 bootstrap/aot.lua src/fennel/view.fnl >bootstrap/view.lua
    )
    from=$dir
    export LUA_PATH='./bootstrap/?.lua'
    # shellcheck disable=SC2046 # file names of Fennel's
    program fennel Fennel "$dir/fennel.lua" $(cd "$dir/Fennel" && ls src/fennel/*.fnl src/launcher.fnl src/fennel.fnl)
    from=$real
fi
if [ "${only:-luacheck}" = luacheck ]; then
    export LUA_PATH='./src/?.lua;./src/?/init.lua'
    # Its stages.
    modules=$(cd "$from/luacheck" && . "$here/../../tests/real/modules.sh" && modules src src/luacheck)
    # shellcheck disable=SC2046 # file names of luacheck's
    program luacheck luacheck "$dir/luacheck.lua" $(cd "$from/luacheck" && find src spec/samples -name '*.lua' | sort)
    modules=''
fi
if [ "${only:-moonscript}" = moonscript ]; then
    export LUA_PATH='./?.lua;./?/init.lua'
    # shellcheck disable=SC2046 # file names of MoonScript's
    program moonscript moonscript "$dir/moonscript.lua" $(cd "$from/moonscript" && find . -name '*.moon' | sort)
fi
