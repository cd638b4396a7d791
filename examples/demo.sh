#!/usr/bin/env bash
# The story of `make demo`: first mirrors on a practice cluster, the loss of a host, its return.
# Everything lies in a folder of its own below /var/tmp and is gone afterwards, however this ends.
set -euo pipefail

work=$(mktemp -d /var/tmp/gpmirror-demo.XXXXXX)
chmod 755 "$work" # root's practice cluster runs as another account
export XDG_STATE_HOME=$work

end() {
  trap '' INT TERM HUP
  trap - EXIT
  cd /
  gpmirror lab down >"$work/down.log" 2>&1 || cat "$work/down.log" >&2
  rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

strong="" accent="" plain=""
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  strong=$'\e[1m' accent=$'\e[36m' plain=$'\e[0m'
fi

tell() { printf '\n%s%s%s\n' "$accent" "$*" "$plain"; }

# Show a command and run it; it must end with the status given first.
expect() {
  local wanted=$1 status=0
  shift
  printf '\n%s$ %s%s\n' "$strong" "$*" "$plain"
  "$@" || status=$?
  if [ "$status" -ne "$wanted" ]; then
    printf 'error: exit status %s instead of %s\n' "$status" "$wanted" >&2
    exit 1
  fi
}

# Until the catalog shows what a lost host did: its copies down, other copies acting as primaries.
failed_over() {
  local seconds
  for seconds in {1..60}; do
    gpmirror lab psql -XAtc "$1" 2>/dev/null | grep -qx 0 && return
    sleep 0.5
  done
  printf 'error: no failover after %s tries\n' "$seconds" >&2
  exit 1
}

cd "$work"

tell "This takes one to three minutes. Each step shows its command and what it prints."
tell "A practice cluster: real SSH and PostgreSQL servers on loopback addresses of this machine."
expect 0 gpmirror lab up

tell "It has no mirrors. The spec says where they should be."
expect 0 cat gpmirror.yaml

tell "The plan: what would change, in which waves, at what risk. Nothing is touched yet."
expect 0 gpmirror plan -o plan.json

tell "A reviewer sees the very lines that gpaddmirrors will read."
expect 0 gpmirror show plan.json --format native

tell "Apply carries out what was reviewed: lock, host checks, the utility, proof from the catalog."
expect 0 gpmirror apply plan.json --yes

tell "Every content has two copies in sync, and a second plan is empty."
expect 0 gpmirror status
expect 0 gpmirror plan --detailed-exitcode

tell "Now a host dies. Its mirrors are lost; for its primaries their mirrors take over."
expect 0 gpmirror lab kill sdw3
failed_over "SELECT count(*) FROM gp_segment_configuration WHERE hostname = 'sdw3' AND status = 'u'"
expect 2 gpmirror status

tell "It comes back. The same spec now plans its recovery."
expect 0 gpmirror lab restore sdw3
expect 0 gpmirror apply --yes

tell "Roles are still switched. Returning them cancels running queries, so that is asked for by name."
expect 0 gpmirror apply --rebalance --allow cancels-queries --yes
expect 0 gpmirror status

tell "The end: the practice cluster is taken down."
expect 0 gpmirror lab down
