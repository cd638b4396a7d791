"""Directories on hosts: who lives there, how large they are, and how an old one is set aside and deleted."""

import re
import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import field
from typing import Literal

from gpmirror.native.fields import lines_of
from gpmirror.values import dataclass

# --- Who lives in a directory, asked by shell text: processes, mounted file systems, other data
# directories, copies of the catalog. Whoever does keeps it from being set aside or deleted; and a copy
# in which nobody lives does not catch up, whatever the catalog says of it.


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


# --- Directories that moved mirrors left behind: looked at, set aside, deleted. Shell texts and answers.
#
# The first eight bytes of global/pg_control are the system identifier; a mirror shares its primary's,
# and every content has its own (6.24.3, recorded). pg_basebackup writes that file last, but streams
# WAL from the start, whose files bear the identifier after the 24 bytes of their first page's header
# (6.24.3, PostgreSQL 15): that proves whose a copy is that was cut off. One that was cut off in its
# first moments has laid its WAL out and written none of it (Greengage 6, recorded): such a thing is a
# database to nobody. A server's processes have its
# data directory as working directory, whatever their command line says; those that copy stand
# elsewhere and name it in their command line. Nothing is set aside or deleted in which somebody
# lives: a process, a mounted file system, another data directory, a copy of the catalog.
#
# Before 6 a filespace's directory bears no identifier: its data directory proves whose it is, and goes
# after it.


Kind = Literal["directory", "absent", "link", "other", "unreadable"]

_KINDS: dict[str, Kind] = {
    "directory": "directory",
    "absent": "absent",
    "link": "link",
    "other": "other",
}

_FLAGS = ("blank", "empty", "hollow", "mounted", "nested", "unfinished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """A directory that a content left: `path` is its old place, `at` where it stands now, which
    differs where it was set aside. `begun`: a place that the run was to fill, where a copy was cut
    off before any server started from it. `home` is the data directory of a filespace's directory
    (empty: it is one itself). `keep` says why it stays; empty: it may go. `identifier` is what was
    proved (empty: no file is left in it). `linked` are the tablespace folders, `wal` the
    folder of its WAL, that only it led to: they are no part of it and stay.
    """

    content: int
    host: str
    path: str
    at: str
    begun: bool = False
    home: str = ""
    keep: str = ""
    absent: bool = False
    identifier: str = ""
    linked: tuple[str, ...] = ()
    wal: tuple[str, ...] = ()

    @property
    def is_aside(self) -> bool:
        """Whether it was set aside."""
        return self.at != self.path


@dataclass(slots=True)
class DirectoryLook:
    """What stands at a path: its kind, the system identifier in it (hex, None: neither pg_control nor
    WAL that can be read), the processes that work in it or below, whether it holds no file at all,
    whether a file system is mounted at it or below, whether another data directory lies in it,
    whether it is `hollow` (directories without a file), whether no server ever started from it and
    whether it is `blank` (a base backup or, before 6, a utility began it, and neither pg_control nor
    WAL came), and the used
    directories (by number) that stand in it or around it, wherever links lead; and the
    tablespace folders and the WAL folder that it alone links to.
    """

    kind: Kind = "unreadable"
    identifier: str | None = None
    processes: list[int] = field(default_factory=list)
    blank: bool = False
    empty: bool = False
    hollow: bool = False
    mounted: bool = False
    nested: bool = False
    unfinished: bool = False
    copies: list[int] = field(default_factory=list)
    linked: list[str] = field(default_factory=list)
    wal: list[str] = field(default_factory=list)


def look_script(
    paths: Sequence[str], used: Sequence[str] = (), spaces: Collection[str] = ()
) -> str:
    """Look at directories; changes nothing. Answers are numbered by the order of `paths`; `used`
    are the directories of the host's copies, `spaces` those of `paths` that are filespaces'.
    """
    calls = "".join(
        f"look {number} {shlex.quote(path)}{_space(path in spaces)}\n"
        for number, path in enumerate(paths)
    )
    return _IDENTIFIER + tenants(used) + _LOOK + calls + "echo end\n"


def read_looks(answer: str, paths: Sequence[str]) -> dict[str, DirectoryLook] | None:
    """The answer by path; None where it is not whole."""
    lines = [line.split(" ", 2) for line in lines_of(answer)]
    if ["end"] not in lines:
        return None
    found = {str(number): DirectoryLook() for number in range(len(paths))}
    for number, *words in lines:
        if number in found:
            _take(found[number], words)
    return {path: found[str(number)] for number, path in enumerate(paths)}


def _take(look: DirectoryLook, words: Sequence[str]) -> None:
    match words:
        case ["kind", kind] if kind in _KINDS and look.kind == "unreadable":
            look.kind = _KINDS[kind]
        case ["identifier", text] if look.identifier is None:
            look.identifier = text
        case ["process", pid] if pid.isdigit():
            look.processes.append(int(pid))
        case ["linked" | "wal" as word, told] if (path := _path(told)).isprintable() and path:
            getattr(look, word).append(path)
        case ["copy", used] if used.isdigit():
            look.copies.append(int(used))
        case [word] if word in _FLAGS:
            setattr(look, word, True)
        case _:
            pass  # it says nothing


def _path(told: str) -> str:
    """A path of an answer, where it stands as the hexadecimal of its bytes: a name is nobody's line.
    Empty: it is none.
    """
    try:
        return bytes.fromhex(told).decode("utf-8", "backslashreplace")
    except ValueError:
        return ""


def set_aside_name(path: str, run: str) -> str:
    """Where a directory is set aside: beside itself, so that it stays on its file system."""
    return f"{path}.gpmirror-{run}"


def set_aside_script(proved: Iterable[Leftover], run: str, used: Sequence[str] = ()) -> str:
    """Rename directories, with the system identifiers that were proved: one that holds another by
    now, or in which somebody lives, stays; so does one that was proved to hold none because it is
    empty or a base backup that only began, and is neither by now. Prints `aside NUMBER` for each
    that was renamed, in the order given.
    """
    calls = "".join(
        f"aside {number} {shlex.quote(one.path)} {shlex.quote(set_aside_name(one.path, run))} "
        f"{shlex.quote(one.identifier)}{_space(one.home)}\n"
        for number, one in enumerate(proved)
    )
    return _IDENTIFIER + tenants(used) + _ASIDE + calls


def delete_script(aside: Iterable[Leftover], used: Sequence[str] = ()) -> str:
    """Delete what was set aside, where it stands, save where somebody lives; prints `deleted NUMBER`
    for each, in the order given. Each is entered first and proved from inside, so that nothing else
    is deleted that was put in its place meanwhile. What proves whose a directory is goes last, so that half of one
    can still be proved.
    """
    calls = "".join(
        f"delete {number} {shlex.quote(one.at)} {shlex.quote(one.identifier)}{_space(one.home)}\n"
        for number, one in enumerate(aside)
    )
    return _IDENTIFIER + tenants(used) + _DELETE + calls


def read_numbers(answer: str, word: str, paths: Sequence[str]) -> list[str]:
    """The paths whose numbers the answer gives after `word`."""
    told = {line.partition(" ")[2] for line in lines_of(answer) if line.startswith(f"{word} ")}
    return [path for number, path in enumerate(paths) if str(number) in told]


def _space(holds: object) -> str:
    """The last word of a call about a filespace's directory."""
    return " space" if holds else ""


_IDENTIFIER = r"""
head8() {
  dd if="$1" bs=1 skip="$2" count=8 2>/dev/null | od -A n -v -t x1 2>/dev/null | tr -d ' \n'
}
identifier() {
  if [ -e "$1/global/pg_control" ] || [ -L "$1/global/pg_control" ]; then
    head8 "$1/global/pg_control" 0
    return
  fi
  for w in "$1"/pg_wal/[0-9A-F]* "$1"/pg_xlog/[0-9A-F]*; do
    case ${w##*/} in *.*) continue ;; esac
    [ -f "$w" ] && [ -s "$w" ] || continue
    # a file that was only laid out holds nothing yet
    h=$(head8 "$w" 24)
    case $h in *[!0]*) echo "$h"; return ;; esac
  done
}
# before 6 the utilities lay out a mirror's directory before the catalog knows of it: settings and
# folders, no data, no WAL (5.8.1, recorded)
laid_out() {
  head -n 1 "$1/gp_dbid" 2>/dev/null | grep -q '^# Greenplum Database identifier' || return 1
  (cd -P -- "$1" && find . -xdev ! -type d -print) 2>&1 | grep -q -v -x -E \
    './(PG_VERSION|gp_dbid|postgresql\.conf(\.bak)?|pg_hba\.conf|pg_ident\.conf)' && return 1
  return 0
}
# for who found no identifier: it was begun, and nothing of it came
blank() {
  [ ! -e "$1/global/pg_control" ] && [ ! -L "$1/global/pg_control" ] \
    && { grep -q '^LABEL: pg_basebackup base backup$' "$1/backup_label" 2>/dev/null \
      || laid_out "$1"; }
}
empty() { f=$(find "$1/." ! -type d -print -quit 2>&1) && [ -z "$f" ]; }
# is it what was proved? What bears no identifier is so only while it is empty or blank; a last word
# says that it is a filespace's directory, which its data directory proves
still() {
  [ "$(identifier "$1")" = "$2" ] || return 1
  [ -n "$2$3" ] || empty "$1" || blank "$1"
}
"""

_ASIDE = r"""
aside() {
  [ ! -L "$2" ] && [ ! -L "$3" ] && [ ! -e "$3" ] \
    && still "$2" "$4" "$5" && deserted "$2" "$5" && mv -T -- "$2" "$3" && echo "aside $1"
}
cd /
"""

_DELETE = r"""
inode() { ls -ldi -- "$1" | awk 'NR == 1 { print $1 }'; }
delete() {
  if [ -d "$2" ] && [ ! -L "$2" ]; then
    i=$(inode "$2")
    deserted "$2" "$4" || return 1
    (
      # what stands there by now may be another one, or a link: from here on names count no more
      cd -P -- "$2" && [ -n "$i" ] && [ "$(inode .)" = "$i" ] && [ ! -L ./global ] || exit 1
      [ -n "$4" ] || still . "$3" || exit 1
      find . -xdev -mindepth 1 ! -path ./global ! -path ./global/pg_control \
        ! -path ./backup_label ! -path ./gp_dbid ! -path './pg_wal*' ! -path './pg_xlog*' \
        -delete || exit 1
      find . -xdev -mindepth 1 ! -path ./global ! -path ./global/pg_control \
        ! -path ./backup_label ! -path ./gp_dbid -delete || exit 1
      rm -f ./global/pg_control ./backup_label ./gp_dbid
      [ ! -d ./global ] || rmdir ./global
    ) && rmdir -- "$2" || return 1
  elif [ -e "$2" ] || [ -L "$2" ]; then
    return 1
  fi
  echo "deleted $1"
}
cd /
"""

_LOOK = r"""
look() {
  if [ -L "$2" ]; then echo "$1 kind link"
  elif [ -d "$2" ]; then echo "$1 kind directory"
  elif [ -e "$2" ]; then echo "$1 kind other"
  else
    # behind a folder that may not be entered everything seems absent
    d=${2%/*}
    while [ -n "$d" ] && [ ! -d "$d" ]; do d=${d%/*}; done
    [ -x "${d:-/}" ] && echo "$1 kind absent"
  fi
  h=$(identifier "$2")
  [ -n "$h" ] && echo "$1 identifier $h"
  p=$(head -n 1 "$2/postmaster.pid" 2>/dev/null)
  case $p in ''|*[!0-9]*) ;; *) kill -0 "$p" 2>/dev/null && echo "$1 process $p" ;; esac
  [ -d "$2" ] || return 0
  # a server that starts renames backup_label
  [ -e "$2/global/pg_control" ] && [ ! -e "$2/backup_label" ] || echo "$1 unfinished"
  [ -z "$h" ] && blank "$2" && echo "$1 blank"
  if empty "$2"; then
    echo "$1 empty"
    [ -n "$(find "$2/." -mindepth 1 -print -quit 2>&1)" ] && echo "$1 hollow"
  fi
  tenants "$1" "$2" "$3"
  linked "$1" "$2"
}
cd /
"""


# --- How many bytes directories hold, asked of a host's file system; and what a utility's log tells of
# its copies.


_KIB = 1024
_COPYING = re.compile(r"\(dbid (\d{1,9})\):\s+(\d{1,15})/(\d{1,15}) kB")
_COPIED = re.compile(r"\(dbid (\d{1,9})\): pg_basebackup: base backup completed")


def measure_script(directories: Iterable[str]) -> str:
    """Print `KiB<tab>directory` for each that exists; changes nothing."""
    paths = " ".join(shlex.quote(path) for path in sorted(set(directories)))
    return f"du -sk -- {paths} 2>/dev/null\nexit 0\n" if paths else "exit 0\n"


def told_in_log(log: str, known: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Bytes copied and to copy by the new copy's dbid, as pg_basebackup tells them and the utility
    passes them on (`sdw5 (dbid 13):  2113/86852 kB (2%)`; 6.24.3 and 7.0.0, recorded), in addition
    to what is `known`.
    """
    found = dict(known)
    for line in lines_of(log.replace("\r", "\n")):  # progress overwrites its line
        if copying := _COPYING.search(line):
            dbid, done, total = (int(word) for word in copying.groups())
            found[dbid] = (done * _KIB, total * _KIB)
        elif (copied := _COPIED.search(line)) and int(copied[1]) in found:
            total = found[int(copied[1])][1]
            found[int(copied[1])] = (total, total)
    return found


def read_measures(answer: str) -> dict[str, int]:
    """Bytes by directory; lines that are no measure are left out."""
    found = {}
    for line in lines_of(answer):
        size, tab, path = line.partition("\t")
        if tab and size.isdigit():
            found[path] = int(size) * _KIB
    return found
