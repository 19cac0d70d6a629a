#!/bin/sh
# Proves the machine code of the bench programs (trinityc --verify) and says how much of what they execute in compiled code is proven.
#
#   benches/verify.sh BIN DIR [NAME...]      BIN: where trinityc and trinity-solver are; DIR: where results go
#
# Each program is compiled with a profile of its training run (-O2; TRINITY_FLAGS adds flags), run under callgrind with the same argument, and compiled
# again with --verify and those counts as weights. DIR/NAME.json is the report, DIR/NAME.txt the summary.
set -u
[ $# -ge 2 ] || { echo "usage: verify.sh BIN DIR [NAME...]" >&2; exit 2; }
bin=$1 dir=$2
shift 2
cd "$(dirname "$0")" || exit 2
mkdir -p "$dir" || exit 2
awk '
  function value(line) { sub(/^[^=]*= */, "", line); gsub(/"/, "", line); return line }
  function flush() { if (name) print name, lua, train }
  /^\[\[bench\]\]/ { flush(); name = "" }
  /^name =/ { name = value($0) }
  /^lua =/ { lua = value($0) }
  /^train =/ { train = value($0) }
  END { flush() }' manifest.toml > "$dir/list"
bad=0
while read -r name lua train; do
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  exe=$dir/$name.exe
  compile() { # further flags
    # shellcheck disable=SC2086
    "$bin/trinityc" -O2 -g ${TRINITY_FLAGS:-} "$@" "$name/$lua" -o "$exe"
  }
  {
    compile --profile-gen && TRINITY_PROFILE=$dir/$name.profile "$exe" "$train" > "$dir/$name.out" 2>&1 < /dev/null &&
      compile --profile-use "$dir/$name.profile" &&
      valgrind --tool=callgrind --dump-instr=yes --callgrind-out-file="$dir/$name.cg" "$exe" "$train" > "$dir/$name.out" 2>&1 < /dev/null
  } 2> "$dir/$name.err" || { echo "$name: does not run, see $dir/$name.err"; bad=1; continue; }
  # The name in callgrind's output is the executable that has been weighed: it must stay as it is.
  "$bin/trinityc" -O2 -g ${TRINITY_FLAGS:-} --profile-use "$dir/$name.profile" "$name/$lua" -o "$exe.again" \
    --verify --verify-weights "$dir/$name.cg" --verify-report "$dir/$name.json" > "$dir/$name.txt" 2>&1 || bad=1
  printf '%-14s %s\n' "$name" "$(sed 's/^trinityc: //' "$dir/$name.txt" | sed -n '1,4p; 5,$ { /proven from/p }')"
  rm -f "$exe.again"
done < "$dir/list"
exit $bad
