"""Who lives in a directory, asked by shell text: processes, mounted file systems, other data
directories, copies of the catalog. Whoever does keeps it from being set aside or deleted; and a copy
in which nobody lives does not catch up, whatever the catalog says of it.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.gputils.characters import lines_of

_PID = re.compile(r"[0-9]{1,10}")
_WORD = re.compile(r"[A-Za-z]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Whether a server works in a copy's directory or something writes there, and the last line of
    its own log that tells of trouble (empty: none). `rest` is the process that is left of a base backup
    that was cut off. `fault` is what a mirror's server tells of itself that runs and does not replicate
    (before 6; empty: none does): such a copy does not live.
    """

    alive: bool
    said: str = ""
    rest: int | None = None
    fault: str = ""


def pulse_script(paths: Sequence[str], *, again: int = 0) -> str:
    """Ask who works in copies' directories, one after the other; changes nothing. Where one seems
    dead all are looked at once more after `again` seconds: servers take a moment to start.
    """
    calls = "".join(f"pulse {number} {shlex.quote(path)}\n" for number, path in enumerate(paths))
    numbers = " ".join(str(number) for number in range(len(paths)))
    return f"{_WRITERS}{_PULSE}look() {{\n{calls}:\n}}\n" + _LOOKS.format(
        again=again, numbers=numbers
    )


def read_pulses(answer: str, paths: Sequence[str]) -> dict[str, Pulse]:
    """By path; nothing where the answer is not whole."""
    lines = [line.split(" ", 2) for line in lines_of(answer)]
    if ["end"] not in lines:
        return {}
    alive: set[str] = set()
    said: dict[str, str] = {}
    rest: dict[str, int] = {}
    fault: dict[str, str] = {}
    for line in lines:
        match line:
            case [number, "process", *_]:
                alive.add(number)
            case [number, "said", *words]:
                said[number] = "".join(filter(str.isprintable, " ".join(words))).strip()
            # what stands behind the words of a log is none of the script's own
            case [number, "rest", pid] if number not in said and _PID.fullmatch(pid):
                rest[number] = int(pid)
            case [number, "fault", word] if number not in said and _WORD.fullmatch(word):
                fault[number] = word
            case _:
                pass
    return {
        path: Pulse(
            alive=str(number) in alive,
            said=said.get(str(number), ""),
            rest=rest.get(str(number)),
            fault=fault.get(str(number), ""),
        )
        for number, path in enumerate(paths)
    }


def tenants(used: Sequence[str]) -> str:
    """Shell functions. `tenants NUMBER PATH` prints who lives in PATH, a line each; `deserted PATH`
    is true where nobody does; a last word `space` says that PATH is a filespace's directory. `used` are the directories of the host's copies: one of them in PATH
    or around it counts, and so do the places that its tablespaces and its WAL are linked to. `linked
    NUMBER PATH` prints the tablespace folders and the WAL folder that PATH links to and no copy of
    the host does.
    """
    given = " ".join(shlex.quote(at) for at in used)
    calls = "".join(f'  copy {number} {shlex.quote(at)} "$@"\n' for number, at in enumerate(used))
    return (
        f"{_WRITERS}{_TENANTS}copies() {{\n  :\n{calls}}}\nshared() {{\n  for u in {given}{_SHARED}"
    )


_WRITERS = r"""
# a copy names where it writes, and stands elsewhere
writers() {
  for f in $(printf '%s\n' "$2" | grep -l -F -f /dev/stdin /proc/[0-9]*/cmdline 2>/dev/null); do
    p=${f#/proc/}; p=${p%/cmdline}
    a=$(tr '\0' '\n' <"$f" 2>/dev/null)
    # not a longer name, and not what it is called when it is set aside
    case $a in *"$2"|*"$2"[!A-Za-z0-9_.-]*) echo "$1 process $p" ;; esac
  done
}
"""

# a base backup that fetches its WAL beside has two processes, and one that started it and names the
# place too. What is left alone is the one for the WAL: it holds the other's connection open, so that the
# primary shows a base backup for ever, and copies nothing (practice cluster)
_PULSE = r"""
# before 6 a mirror's server is asked what it does as its utilities ask it: it may run without
# replicating, FaultMirror (its replication port was taken), and is called up meanwhile (5.8.1, recorded)
fault() {
  q=; read -r q <"$1/postmaster.pid"
  case $q in ''|*[!0-9]*) return ;; esac
  [ "/proc/$q/cwd" -ef "$1" ] && [ -O "/proc/$q" ] || return
  b=$(readlink "/proc/$q/exe"); b=${b%/*}
  [ -x "$b/gp_primarymirror" ] || b=${GPHOME:-}/bin
  [ -x "$b/gp_primarymirror" ] || return
  p=$(tr '\0' '\n' <"/proc/$q/cmdline" | sed -n '/^-p$/{n;p;q;}')
  [ -n "$p" ] || p=$(sed -n 4p "$1/postmaster.pid")
  t=; command -v timeout >/dev/null && t='timeout 10'
  echo getMirrorStatus | LD_LIBRARY_PATH=${b%/*}/lib $t "$b/gp_primarymirror" -h localhost -p "$p" 2>&1 |
    sed -n 's/^Success: *//; /^mode:/h; /^segmentState:/H; /^faultType:/{ H; x; s/\n/ /g
      s/^mode:MirrorSegment segmentState:Fault faultType:\([A-Za-z]*\)$/\1/p; }'
}
pulse() {
  # of another account's processes nothing can be told
  if [ -e "$2" ] && [ ! -O "$2" ]; then echo "$1 process 0"; return; fi
  x=
  [ ! -r "$2/postmaster.pid" ] || x=$(fault "$2" 2>/dev/null)
  o=$(writers "$1" "$2")
  case $o in
    ''|*"
"*) ;;
    *) p=${o##* }; tr '\0' '\n' 2>/dev/null <"/proc/$p/cmdline" | head -n 1 | grep -q 'pg_basebackup$' \
      && tr '\0' ' ' 2>/dev/null <"/proc/$p/cmdline" | grep -q stream && o="$1 rest $p" ;;
  esac
  if [ -n "$x" ]; then echo "$1 fault $x"; else
    [ -z "$o" ] || printf '%s\n' "$o"
    for c in /proc/[0-9]*/cwd; do
      [ "$c" -ef "$2" ] && { p=${c#/proc/}; echo "$1 process ${p%/cwd}"; break; }
    done
  fi
  l=$(ls -t "$2"/pg_log/* "$2"/log/* 2>/dev/null | head -n 2 | while read -r f; do
    tail -c 100000 "$f" 2>/dev/null | grep -a -E 'FATAL|PANIC|No space left|could not start listener' |
      grep -a -v 'is in mirror or uninitialized mode' | tail -n 1
  done | head -n 1 | cut -c 1-300 | tr -d '\000-\037\177')
  [ -n "$l" ] && echo "$1 said $l"
}
cd /
"""

_LOOKS = """\
o=$(look)
[ {again} -eq 0 ] || for n in {numbers}; do
  printf '%s\\n' "$o" | grep -q "^$n process" || {{ sleep {again}; o="$o
$(look)"; break; }}
done
printf '%s\\n' "$o"
echo end
"""

_TENANTS = r"""
# at or below, by device and inode: whatever names lead there, and no process started for it
below() {
  a=$1/.
  while [ -e "$a" ]; do
    [ "$a" -ef "$2" ] && return 0
    [ "$a" -ef "$a/.." ] && return 1
    a=$a/..
  done
  return 1
}
# names are compared: a look at a mount point may hang; what awk cannot tell counts as one
mounted() {
  D=$(cd -P -- "$1" 2>/dev/null && printf '%s/' "$PWD" | sed 's/\\/\\134/g; s/ /\\040/g') \
    awk 'index($5 "/", ENVIRON["D"]) == 1 { f = 1 } END { exit !f }' /proc/self/mountinfo 2>/dev/null
  [ $? -ne 1 ]
}
# base holds nothing but files of databases, and far too many of them; in a filespace databases
# have theirs at OID/OID
nested() {
  if [ -n "$2" ]; then
    (cd -P -- "$1" 2>/dev/null && find . -xdev \( -name PG_VERSION -o -name pg_control \) -print \
      2>/dev/null) | grep -v -E '^\./([0-9]+/[0-9]+/)?PG_VERSION$' | grep -q .
    return
  fi
  (cd -P -- "$1" 2>/dev/null && find . -xdev -path ./base -prune -o \
    \( -name PG_VERSION -o -name pg_control \) ! -path ./PG_VERSION ! -path ./global/pg_control \
    -print -quit 2>/dev/null) | grep -q .
}
copy() {
  for t in "$2" "$2"/pg_tblspc/* "$2"/pg_wal "$2"/pg_xlog; do
    [ -d "$t" ] || continue
    if below "$t" "$4" || below "$4" "$t"; then echo "$3 copy $1"; return; fi
  done
}
tenants() {
  mounted "$2" && echo "$1 mounted"
  nested "$2" "$3" && echo "$1 nested"
  writers "$1" "$2"
  l=; v=
  for c in /proc/[0-9]*/cwd; do
    # the many processes of a server stand in one place
    [ "$c" -ef "$l" ] || { l=$c; v=; below "$c" "$2" && v=y; }
    [ -z "$v" ] || { p=${c#/proc/}; echo "$1 process ${p%/cwd}"; }
  done
  copies "$1" "$2"
}
# only a whole answer counts
deserted() { [ "$(tenants 0 "$1" "$2"; echo end)" = end ]; }
"""

_SHARED = r"""; do
    for x in "$u"/pg_tblspc/* "$u"/pg_wal "$u"/pg_xlog; do [ "$x" -ef "$1" ] && return 0; done
  done
  for x in /proc/[0-9]*/cwd/pg_tblspc/* /proc/[0-9]*/cwd/pg_wal /proc/[0-9]*/cwd/pg_xlog; do
    [ "$x" -ef "$1" ] && return 0
  done
  return 1
}
linked() {
  for t in "$2"/pg_tblspc/* "$2"/pg_wal "$2"/pg_xlog; do
    w=linked
    # a WAL folder that is no link goes with the rest
    case $t in "$2"/pg_tblspc/*) ;; *) w=wal; [ -L "$t" ] || continue ;; esac
    [ -d "$t" ] && ! shared "$t" && cd -P -- "$t" || continue
    # a name is nobody's line: its bytes in hexadecimal
    echo "$1 $w $(printf %s "$PWD" | od -A n -v -t x1 | tr -d ' \n')"
  done
  cd /
}
"""
