"""How many bytes directories hold, asked of a host's file system; and what a utility's log tells of
its copies.
"""

import re
import shlex
from collections.abc import Iterable

from gpmirror.gputils.characters import lines_of

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
