#!/bin/sh
# Searches for faster machine code of the bench programs and says what was found (docs/windows.md).
#
#   benches/windows.sh BIN DIR TIME [NAME...]      BIN: where trinityc is; DIR: where results go; TIME: of the search (30m)
#
# Each program is compiled with a profile of its training run (-O2; TRINITY_FLAGS adds flags), what that left is searched by all processors (JOBS threads),
# and each is compiled again with what was found. DIR/list.txt says where each window is used and what it is worth, DIR/windows.json has all windows,
# NAME.off and NAME.on in DIR are the executables without and with them. The same command again goes on with the search. At the end each pair is run PAIRS times in
# turn (5), and the median of the ratios is printed.
set -u
[ $# -ge 3 ] || { echo "usage: windows.sh BIN DIR TIME [NAME...]" >&2; exit 2; }
bin=$1 dir=$2 time=$3
shift 3
cd "$(dirname "$0")" || exit 2
mkdir -p "$dir" || exit 2
awk '
  function value(line) { sub(/^[^=]*= */, "", line); gsub(/"/, "", line); return line }
  function flush() { if (name) print name, lua, train, argument }
  /^\[\[bench\]\]/ { flush(); name = "" }
  /^name =/ { name = value($0) }
  /^lua =/ { lua = value($0) }
  /^train =/ { train = value($0) }
  /^default =/ { argument = value($0) }
  END { flush() }' manifest.toml > "$dir/all"
if [ $# -gt 0 ]; then
  for name; do grep "^$name " "$dir/all"; done > "$dir/list"
else
  cp "$dir/all" "$dir/list"
fi
bad=0
rm -f "$dir/harvest"
compile() { # name lua further flags
  name=$1 lua=$2
  shift 2
  # shellcheck disable=SC2086
  "$bin/trinityc" -O2 ${TRINITY_FLAGS:-} "$@" "$name/$lua" > "$dir/$name.err" 2>&1 || { echo "$name: cannot be compiled, see $dir/$name.err"; bad=1; }
}
while read -r name lua train _; do
  compile "$name" "$lua" --no-windows --profile-gen -o "$dir/$name.off"
  TRINITY_PROFILE=$dir/$name.profile "$dir/$name.off" "$train" > "$dir/$name.out" 2>&1 < /dev/null || { echo "$name: does not run"; bad=1; }
  compile "$name" "$lua" --no-windows --profile-use "$dir/$name.profile" --harvest "$dir/harvest" -o "$dir/$name.off"
done < "$dir/list"
"$bin/trinityc" search --harvest "$dir/harvest" --store "$dir/store" --deadline "$time" ${JOBS:+-j "$JOBS"} --export "$dir/windows.json" -q > "$dir/list.txt" || exit 1
grep ' windows proven, ' "$dir/list.txt"
seconds() { # the time of one run
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)' "$@"
}
while read -r name lua _ argument; do
  compile "$name" "$lua" -v --profile-use "$dir/$name.profile" --store "$dir/windows.json" -o "$dir/$name.on"
  "$dir/$name.off" "$argument" > "$dir/$name.out" 2>&1 < /dev/null
  "$dir/$name.on" "$argument" 2>&1 < /dev/null | cmp -s - "$dir/$name.out" || { echo "$name: the output differs"; bad=1; }
  n=0
  while [ "$n" -lt "${PAIRS:-5}" ]; do
    echo "$(seconds "$dir/$name.off" "$argument") $(seconds "$dir/$name.on" "$argument")"
    n=$((n + 1))
  done | awk '{ print $2 / $1, $1, $2 }' | sort -n | awk -v name="$name" -v said="$(grep -o 'replaced [0-9]* windows' "$dir/$name.err")" '
    { line[NR] = $0 }
    END { split(line[int((NR + 1) / 2)], v, " "); printf "%-14s %.3f (%.3f s to %.3f s), %s\n", name, v[1], v[2], v[3], said }'
done < "$dir/list"
exit $bad
