#!/bin/sh
# executables.sh [BIN_DIR [FILE.lua]]: size of the stripped static hello-world, its start-up beside lua5.4's (median of 101 runs each, alternating),
# and, for a large module FILE.lua, what compiling it takes: processor time, and whether 1 GB of address space is enough.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${1:-$here/../../target/release}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo 'print("hello")' >"$dir/hello.lua"
"$bin/trinityc" --static "$dir/hello.lua" -o "$dir/hello"
strip "$dir/hello"
echo "hello-world, static, stripped: $(wc -c <"$dir/hello") bytes"
micros() {
    start=$(date +%s%N)
    "$@" >/dev/null
    echo $((($(date +%s%N) - start) / 1000))
}
i=0
while [ "$i" -lt 101 ]; do
    micros "$dir/hello" >>"$dir/ours"
    micros lua5.4 -e '' >>"$dir/theirs"
    i=$((i + 1))
done
median() { sort -n "$1" | sed -n 51p; }
echo "start-up: $(median "$dir/ours") us, lua5.4 $(median "$dir/theirs") us (the start of a process included)"
if [ $# -gt 1 ]; then
    if (ulimit -v 1000000 && "$bin/trinityc" -c "$2" -o "$dir/module.o"); then
        echo "$(wc -l <"$2") lines compiled within 1 GB; processor time:"
        (
            "$bin/trinityc" -c "$2" -o "$dir/module.o"
            times
        ) | tail -1
    else
        echo "$2: not compiled within 1 GB"
    fi
fi
