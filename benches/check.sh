#!/bin/sh
# Runs every bench in every language it has, checks that the outputs agree with lua5.4's, and prints milliseconds.
#
#   benches/check.sh [smoke|train|default] [NAME...]      (default: smoke, all programs)
#
# One process at a time; a language that is not installed shows as "none". Exit code 1 when an output differs.
set -u
cd "$(dirname "$0")" || exit 2
size=${1:-smoke}
[ $# -gt 0 ] && shift
case $size in smoke | train | default) ;; *) echo "usage: check.sh [smoke|train|default] [NAME...]" >&2; exit 2 ;; esac
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT INT TERM

# name argument luajit-file c-file python3 (a dash for what is missing), one line per bench
awk -v size="$size" '
  function value(line) { sub(/^[^=]*= */, "", line); gsub(/"/, "", line); return line }
  function flush() { if (name) print name, argument, luajit, c, python3 }
  /^\[\[bench\]\]/ { flush(); name = ""; luajit = c = "-" }
  /^name =/ { name = value($0) }
  /^luajit =/ { luajit = value($0) }
  /^c =/ { c = value($0) }
  /^python3 =/ { python3 = value($0) }
  $1 == size && $2 == "=" { argument = value($0) }
  END { flush() }' manifest.toml > "$work/list"

measure() { # file-for-output command...; sets $ms
  out=$1
  shift
  if ! command -v "$1" > /dev/null 2>&1; then ms=none; return 0; fi
  t0=$(date +%s%N)
  "$@" > "$out" 2>&1
  t1=$(date +%s%N)
  ms=$(((t1 - t0) / 1000000))
}

bad=0
compare() { # language
  if [ "$ms" != none ] && ! cmp -s "$work/want" "$work/got"; then
    bad=1
    ms="$ms!"
    echo "DIFFERS: $name in $1: $(head -c 200 "$work/got")" >&2
  fi
}

printf '%-14s %10s %8s %8s %8s %8s %8s %8s\n' bench argument lua5.4 luajit gcc-O3 node pypy3 python3
while read -r name argument luajit c python3; do
  if [ $# -gt 0 ]; then
    case " $* " in *" $name "*) ;; *) continue ;; esac
  fi
  measure "$work/want" lua5.4 "$name/$name.lua" "$argument"
  t_lua=$ms
  [ "$luajit" = - ] && luajit=$name.lua
  measure "$work/got" luajit "$name/$luajit" "$argument"
  compare luajit
  t_luajit=$ms
  t_c=-
  if [ "$c" != - ]; then
    ms=none
    if gcc -O3 -o "$work/bin" "$name/$c" -lm; then
      measure "$work/got" "$work/bin" "$argument"
      compare gcc
    else
      bad=1
    fi
    t_c=$ms
  fi
  measure "$work/got" node "$name/$name.js" "$argument"
  compare node
  t_js=$ms
  measure "$work/got" pypy3 "$name/$name.py" "$argument"
  compare pypy3
  t_pypy=$ms
  t_py=-
  if [ "$python3" = true ] || [ "$size" != default ]; then
    measure "$work/got" python3 "$name/$name.py" "$argument"
    compare python3
    t_py=$ms
  fi
  printf '%-14s %10s %8s %8s %8s %8s %8s %8s\n' "$name" "$argument" "$t_lua" "$t_luajit" "$t_c" "$t_js" "$t_pypy" "$t_py"
done < "$work/list"
exit $bad
