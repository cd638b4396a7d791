"""Carry a shell script to a shell and its output back, whatever stands around them.

The command line is fixed text with a number of seconds: login shells (sh, bash, csh, fish) read it
alike. The script travels on standard input, so its size has no limit, between two lines with a
random mark: a script that did not arrive whole is not run. Its output is printed between lines with
the mark too, so what start-up files print never counts as the script's. Others on the host see
command lines, so the mark stands in none: who knew it could write an answer's end into a log.
"""

import math
import secrets
import shlex
from dataclasses import dataclass

# Reads the whole script before anything of it runs; a script that reads standard input finds it
# empty. The subshell keeps `exit`, `set -e` and traps of the script from the closing marks. The
# polite end of an overdue script reaches all processes of its group; this shell then stays, so that
# the forced end that follows reaches those that did not listen.
_INNER = (
    'set --; read -r gpm_mark; case $gpm_mark in "#gpm"?*) ;; '
    "*) echo; echo gpm-cut; echo >&2; echo gpm-cut >&2; exit 0;; esac; gpm_mark=${gpm_mark#?}; "
    'echo; echo "$gpm_mark"; echo >&2; echo "$gpm_mark" >&2; '
    'gpm_script=$(cat); exec </dev/null; gpm_end() { echo; echo "$gpm_mark $1"; }; '
    'case $gpm_script in *"#$gpm_mark") ;; '
    "*) gpm_end cut; gpm_end cut >&2; exit 0;; esac; "
    'gpm_script=${gpm_script%"#$gpm_mark"}; gpm_status=; trap "gpm_status=late" TERM; '
    '(eval "$gpm_script"); gpm_status=${gpm_status:-$?}; '
    'gpm_end "$gpm_status"; gpm_end "$gpm_status" >&2; '
    "case $gpm_status in late) exec >/dev/null 2>&1; sleep 20;; esac; exit 0"
)

# timeout(1) learned -k in coreutils 8.5; an older or absent one fails at once, as nothing else here
# does. Then a watchdog ends the process group, which sshd makes for every command. A process that
# left the group on purpose (setsid) lives on.
_OUTER = (
    'timeout -k 5 "$1" sh -c "$2"; r=$?; '
    "if test $r -eq 0 || test $r -eq 124 || test $r -gt 127; then exit $r; fi; "
    '( exec </dev/null >/dev/null 2>&1; k() { kill $c; exit; }; trap k TERM; sleep "$1" & c=$! ; '
    'wait $c; trap "" TERM; kill -TERM 0; sleep 5; kill -KILL 0 ) & w=$! ; '
    'sh -c "$2"; r=$?; kill $w; exit $r'
)

_EATEN = b"\ngpm-cut\n"
"""Says that the line with the mark did not arrive."""

MOST_ANSWER = 16 << 20
"""Bytes of one stream that are taken from a host; whoever has more to say is hung up on."""

MOST_NOISE = 64 << 10
"""Bytes that start-up files of a login shell may print before the script begins."""

KILL_AFTER = 5
"""Seconds between the polite and the forced end of a script that ran too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A script ready to travel: `argv` runs on any machine, `command` and `old_command` are for a
    login shell. `command` needs a modern timeout(1) and starts fewer programs; where there is none
    it starts nothing, and `old_command` does.

    Both parts go to standard input. Until the last byte of `seal` is there nothing runs: whoever
    holds it back until the shell has spoken knows that nothing runs after he gave up waiting.
    """

    mark: str
    seconds: int
    body: bytes
    seal: bytes

    @property
    def argv(self) -> list[str]:
        """The command line as words."""
        return ["sh", "-c", _OUTER, "sh", str(self.seconds), _INNER]

    @property
    def command(self) -> str:
        """The quick command line as text, quoted alike for every login shell."""
        limit = ["timeout", "-k", str(KILL_AFTER), str(self.seconds)]
        return shlex.join([*limit, "sh", "-c", _INNER])

    @property
    def old_command(self) -> str:
        """`argv` as text, quoted alike for every login shell."""
        return shlex.join(self.argv)


def pack(script: str, seconds: float) -> Parcel:
    """Wrap a POSIX shell script; its deadline is rounded up to whole seconds.

    Raises ValueError: the script holds a NUL, which no shell can carry.
    """
    if "\0" in script:
        raise ValueError("a script with a NUL character cannot run")
    mark = f"gpm{secrets.token_hex(16)}"
    return Parcel(
        mark=mark,
        seconds=max(1, math.ceil(seconds)),
        body=f"#{mark}\n{script}\n".encode("utf-8", "surrogateescape"),
        seal=f"#{mark}\n".encode(),
    )


class Captured:
    """One output stream of a parcel: feed it, then ask what the script printed."""

    def __init__(self, mark: str) -> None:
        self._open = f"\n{mark}\n".encode()
        self._close = f"\n{mark} ".encode()
        self._data = bytearray()
        self._begin = -1
        self._searched = 0
        self.status: int | None = None
        self.cut = False
        """The script did not arrive whole, and did not run."""
        self.late = False
        """The script ran into its deadline."""
        self.flooded: str | None = None
        """What there is too much of, with the limit; nothing more is taken."""

    @property
    def begun(self) -> bool:
        """Whether the script's shell has spoken."""
        return self._begin >= 0

    @property
    def ended(self) -> bool:
        """Whether nothing more can come."""
        return self.status is not None or self.cut or self.late or self.flooded is not None

    @property
    def text(self) -> str:
        """What the script printed so far, or the noise before it; odd bytes are escaped."""
        return bytes(self._data[max(self._begin, 0) :]).decode("utf-8", "backslashreplace")

    def feed(self, data: bytes) -> None:
        """Take in the next bytes; what comes after the closing mark is not the script's."""
        if self.ended:
            return
        self._data += data
        if not self.begun:
            self._find_begin()
        if self.begun:
            self._find_end()
        self._check_size()

    def _check_size(self) -> None:
        size = len(self._data) - max(self._begin, 0)
        if self.ended:
            return
        if not self.begun and size > MOST_NOISE:
            self.flooded = f"more than {MOST_NOISE >> 10} KB before the script began"
        elif size > MOST_ANSWER:
            self.flooded = f"an answer of more than {MOST_ANSWER >> 20} MB"

    def _find_begin(self) -> None:
        found = self._data.find(self._open, self._searched)
        if found < 0:
            self.cut = self._data.find(_EATEN, self._searched) >= 0
            self._searched = max(0, len(self._data) - len(self._open))
        else:
            self._begin = self._searched = found + len(self._open)

    def _find_end(self) -> None:
        while (found := self._data.find(self._close, self._searched)) >= 0:
            self._searched = found
            line = self._data.find(b"\n", found + len(self._close))
            if line < 0:
                return
            word = bytes(self._data[found + len(self._close) : line])
            if word.isdigit() or word in {b"cut", b"late"}:
                del self._data[found:]
                self.status = int(word) if word.isdigit() else None
                self.cut, self.late = word == b"cut", word == b"late"
                return
            self._searched = line  # the line feed may begin the closing line
        self._searched = max(self._searched, len(self._data) - len(self._close))
