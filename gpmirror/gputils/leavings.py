"""Directories that moved mirrors left behind: looked at, set aside, deleted. Shell texts and answers.

The first eight bytes of global/pg_control are the system identifier; a mirror shares its primary's,
and every content has its own (6.24.3, recorded). A server's processes have its data directory as
working directory, whatever their command line says.
"""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["directory", "absent", "link", "other", "unreadable"]

_KINDS: dict[str, Kind] = {
    "directory": "directory",
    "absent": "absent",
    "link": "link",
    "other": "other",
}


@dataclass(slots=True)
class Look:
    """What stands at a path: its kind, the system identifier in it (hex, None: no pg_control that
    can be read), and the processes that work in it.
    """

    kind: Kind = "unreadable"
    identifier: str | None = None
    processes: list[int] = field(default_factory=list)


def look_script(paths: Sequence[str]) -> str:
    """Look at directories; changes nothing. Answers are numbered by the order of `paths`."""
    calls = "".join(f"look {number} {shlex.quote(path)}\n" for number, path in enumerate(paths))
    return _LOOK + calls + "echo end\n"


def read_looks(answer: str, paths: Sequence[str]) -> dict[str, Look] | None:
    """The answer by path; None where it is not whole."""
    lines = [line.split() for line in answer.splitlines()]
    if ["end"] not in lines:
        return None
    found = {str(number): Look() for number in range(len(paths))}
    for words in lines:
        match words:
            case [number, "kind", kind] if number in found and kind in _KINDS:
                found[number].kind = _KINDS[kind]
            case [number, "identifier", text] if number in found:
                found[number].identifier = text
            case [number, "process", pid] if number in found and pid.isdigit():
                found[number].processes.append(int(pid))
            case _:
                continue
    return {path: found[str(number)] for number, path in enumerate(paths)}


def set_aside_name(path: str, run: str) -> str:
    """Where a directory is set aside: beside itself, so that it stays on its file system."""
    return f"{path}.gpmirror-{run}"


def set_aside_script(paths: Iterable[str], run: str) -> str:
    """Rename directories; prints `aside PATH-NUMBER` for each that was, in the order given."""
    return "".join(
        f"[ ! -e {_quoted(path, run)} ] && mv -T -- {shlex.quote(path)} {_quoted(path, run)} "
        f"&& echo 'aside {number}'\n"
        for number, path in enumerate(paths)
    )


def delete_script(paths: Iterable[str], run: str) -> str:
    """Delete what was set aside; prints `deleted PATH-NUMBER` for each, in the order given."""
    return "".join(
        f"rm -rf -- {_quoted(path, run)} && echo 'deleted {number}'\n"
        for number, path in enumerate(paths)
    )


def read_numbers(answer: str, word: str, paths: Sequence[str]) -> list[str]:
    """The paths whose numbers the answer gives after `word`."""
    told = {line.partition(" ")[2] for line in answer.splitlines() if line.startswith(f"{word} ")}
    return [path for number, path in enumerate(paths) if str(number) in told]


def _quoted(path: str, run: str) -> str:
    return shlex.quote(set_aside_name(path, run))


_LOOK = r"""
look() {
  if [ -L "$2" ]; then echo "$1 kind link"
  elif [ -d "$2" ]; then echo "$1 kind directory"
  elif [ -e "$2" ]; then echo "$1 kind other"
  else echo "$1 kind absent"
  fi
  h=$(head -c 8 "$2/global/pg_control" 2>/dev/null | od -A n -v -t x1 2>/dev/null | tr -d ' \n')
  [ -n "$h" ] && echo "$1 identifier $h"
  p=$(head -n 1 "$2/postmaster.pid" 2>/dev/null)
  case $p in ''|*[!0-9]*) ;; *) kill -0 "$p" 2>/dev/null && echo "$1 process $p" ;; esac
  # in a subshell: a shell that stands in the directory would be found there itself
  d=$(cd -P "$2" 2>/dev/null && pwd) || return 0
  for c in /proc/[0-9]*/cwd; do
    [ "$(readlink "$c" 2>/dev/null)" = "$d" ] || continue
    p=${c#/proc/}; echo "$1 process ${p%/cwd}"
  done
}
cd /
"""
