#!/usr/bin/env bash
# An offline tour: no cluster is needed and none is touched. Start it with `make demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
examples=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

chapter() { printf '\n== %s\n' "$1"; }
tell() { printf '%s\n' "$@"; }

# Show a command, run it, and insist on its exit status.
expect() {
  local wanted=$1 status=0
  shift
  printf '\n$ %s\n' "$*"
  "$@" || status=$?
  if [ "$status" -ne "$wanted" ]; then
    printf 'error: exit status %s instead of %s\n' "$status" "$wanted" >&2
    exit 1
  fi
}

chapter "1. A spec with slips: every problem in one run, nothing is touched (exit 3)"
cd "$examples/two-hosts"
expect 3 gpmirror validate mistyped.yaml

chapter "2. Correct YAML, impossible ports: the arithmetic is shown (exit 3)"
tell "Two hosts, two primaries each, from port 40000 on. An offset of 10000 looks harmless."
expect 3 gpmirror plan offset-too-large.yaml --catalog catalog.txt

chapter "3. The same hosts with port bases: the plan"
expect 0 gpmirror validate gpmirror.yaml
expect 0 gpmirror plan gpmirror.yaml --catalog catalog.txt -o "$work/plan.json"

chapter "4. Exactly what gpaddmirrors will be given"
expect 0 gpmirror show "$work/plan.json" --format native

chapter "5. After the run: the catalog matches, a second plan is empty"
expect 0 gpmirror plan gpmirror.yaml --catalog catalog-mirrored.txt --detailed-exitcode

chapter "6. What if a host is lost?"
expect 0 gpmirror simulate catalog-mirrored.txt --lose host:sdw1

chapter "7. A cluster that has mirrors but no spec: import writes one, and proves it"
expect 0 gpmirror import --catalog catalog-mirrored.txt --name two-hosts -o "$work/imported.yaml"
expect 0 cat "$work/imported.yaml"
expect 0 gpmirror plan "$work/imported.yaml" --catalog catalog-mirrored.txt --detailed-exitcode

chapter "8. One machine, 23 segments: the file from the field, line for line"
cd "$examples/single-host"
expect 0 gpmirror plan gpmirror.yaml --catalog catalog.txt --format native

printf '\nDone. Next: `gpmirror init`, edit, `gpmirror plan --catalog FILE`.\n'
