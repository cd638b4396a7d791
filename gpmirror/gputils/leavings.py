"""Directories that moved mirrors left behind: looked at, set aside, deleted. Shell texts and answers.

The first eight bytes of global/pg_control are the system identifier; a mirror shares its primary's,
and every content has its own (6.24.3, recorded). pg_basebackup writes that file last, but streams
WAL from the start, whose files bear the identifier after the 24 bytes of their first page's header
(6.24.3, PostgreSQL 15): that proves whose a copy is that was cut off. One that was cut off in its
first moments has laid its WAL out and written none of it (Greengage 6, recorded): such a thing is a
database to nobody. A server's processes have its
data directory as working directory, whatever their command line says; those that copy stand
elsewhere and name it in their command line. Nothing is set aside or deleted in which somebody
lives: a process, a mounted file system, another data directory, a copy of the catalog.

Before 6 a filespace's directory bears no identifier: its data directory proves whose it is, and goes
after it.
"""

import shlex
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gpmirror.gputils.characters import lines_of
from gpmirror.gputils.tenants import tenants

Kind = Literal["directory", "absent", "link", "other", "unreadable"]

_KINDS: dict[str, Kind] = {
    "directory": "directory",
    "absent": "absent",
    "link": "link",
    "other": "other",
}

_FLAGS = ("blank", "empty", "hollow", "mounted", "nested", "unfinished")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
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
class Look:
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


def read_looks(answer: str, paths: Sequence[str]) -> dict[str, Look] | None:
    """The answer by path; None where it is not whole."""
    lines = [line.split(" ", 2) for line in lines_of(answer)]
    if ["end"] not in lines:
        return None
    found = {str(number): Look() for number in range(len(paths))}
    for number, *words in lines:
        if number in found:
            _take(found[number], words)
    return {path: found[str(number)] for number, path in enumerate(paths)}


def _take(look: Look, words: Sequence[str]) -> None:
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


def set_aside_script(proved: Iterable[Leaving], run: str, used: Sequence[str] = ()) -> str:
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


def delete_script(aside: Iterable[Leaving], used: Sequence[str] = ()) -> str:
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
