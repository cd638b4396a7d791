"""Every error raised on purpose, and the exit codes.

GpmirrorError
├── InvalidInput      3  the input is wrong; carries diagnostics
├── Unreadable        3  an input file that cannot be read at all
├── Infeasible        6  no layout satisfies the spec; carries diagnostics
├── Unsafe            4  a hazard, guard or protection that nobody allowed
├── Stale             5  the plan does not match the catalog
├── Locked            7  another run or a native utility is at work
├── Declined          8  a person said no, or there was nobody to ask
├── NotReady          9  a host check failed or could not be made
├── Partial          10  some of the plan is done; `resume` goes on
├── Unverified       11  done, but the catalog does not prove it
├── Detached        130  a person left the native utility running
├── Usage            64  the command line is wrong
└── Failure           1  anything else that ends a command before it changed something
    ├── ConnectionLost   the coordinator or its connection went away
    ├── CannotDispatch   the coordinator answers, a primary does not answer it
    └── Overdue          the coordinator does not answer in time
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import ClassVar

from gpmirror.diagnostics import Diagnostic


class ExitCode(IntEnum):
    """What a process exit status says about the cluster. 3 to 9 and 64: nothing was changed."""

    OK = 0
    ERROR = 1
    DIFFERENCES = 2
    INVALID = 3
    UNSAFE = 4
    STALE = 5
    INFEASIBLE = 6
    LOCKED = 7
    DECLINED = 8
    PREFLIGHT = 9
    PARTIAL = 10
    UNVERIFIED = 11
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line for `--help` and the reference page."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "done, or nothing to do",
    ExitCode.ERROR: "an error; nothing was changed",
    ExitCode.DIFFERENCES: "differences exist (`plan --detailed-exitcode`, `fmt --check`, `diff`, `status`)",
    ExitCode.INVALID: "invalid input: spec, catalog, plan file or selection",
    ExitCode.UNSAFE: "unsafe and refused; the message names the flag that allows it",
    ExitCode.STALE: "the plan does not match the catalog any more",
    ExitCode.INFEASIBLE: "no layout satisfies the spec; the conflicting lines are named",
    ExitCode.LOCKED: "another run or a native utility is at work",
    ExitCode.DECLINED: "a person said no, or there was nobody to ask",
    ExitCode.PREFLIGHT: "a host check failed or could not be made",
    ExitCode.PARTIAL: "partly applied; can be resumed",
    ExitCode.UNVERIFIED: "applied but not verified",
    ExitCode.USAGE: "wrong usage of the command line",
    ExitCode.BUG: "an internal error in gpmirror",
    ExitCode.INTERRUPTED: "interrupted",
}


class GpmirrorError(Exception):
    """Base of all intended errors: a message that names the subject, and the next action."""

    exit_code: ClassVar[ExitCode] = ExitCode.ERROR

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class DiagnosedError(GpmirrorError):
    """An error that consists of diagnostics; all of them are reported in one run."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(found.message for found in self.diagnostics))


class InvalidInput(DiagnosedError):
    """A spec, catalog, native file or plan file that cannot be used as it is."""

    exit_code = ExitCode.INVALID


class Infeasible(DiagnosedError):
    """Correct input for which no layout exists; the diagnostics name the conflicting lines."""

    exit_code = ExitCode.INFEASIBLE


class Unreadable(GpmirrorError):
    """An input file that is missing, closed to us, or far too large."""

    exit_code = ExitCode.INVALID


class Unsafe(GpmirrorError):
    """Refused because nobody allowed a danger by name."""

    exit_code = ExitCode.UNSAFE


class Stale(GpmirrorError):
    """A plan made for another state of the cluster."""

    exit_code = ExitCode.STALE


class Locked(GpmirrorError):
    """Another run, a native utility, or what one left behind stands in the way; names the holder."""

    exit_code = ExitCode.LOCKED


class Declined(GpmirrorError):
    """Not confirmed."""

    exit_code = ExitCode.DECLINED


class NotReady(GpmirrorError):
    """Hosts are not ready for the plan; nothing was changed."""

    exit_code = ExitCode.PREFLIGHT


class Partial(GpmirrorError):
    """Stopped after something was changed; what is done and what is left is in the message."""

    exit_code = ExitCode.PARTIAL


class Unverified(GpmirrorError):
    """Everything was done and the catalog does not prove it."""

    exit_code = ExitCode.UNVERIFIED


class Detached(GpmirrorError):
    """Interrupted twice: the native utility runs on without us."""

    exit_code = ExitCode.INTERRUPTED


class Usage(GpmirrorError):
    """Command-line arguments that do not fit together."""

    exit_code = ExitCode.USAGE


class Failure(GpmirrorError):
    """A file that cannot be read or written, and the like."""


class ConnectionLost(Failure):
    """The coordinator cannot be reached, or the session with it ended."""


class CannotDispatch(Failure):
    """The coordinator lives, and an acting primary does not answer it, so whatever all segments must
    answer fails. `detail` is the server's own; `refused` the addresses (`10.0.0.12:6000`) that did not
    answer by content, as far as the detail tells.
    """

    def __init__(self, message: str, *, hint: str, detail: str, refused: Mapping[int, str]) -> None:
        super().__init__(message, hint=hint)
        self.detail = detail
        self.refused = dict(refused)


class Overdue(Failure):
    """The coordinator took a question and did not answer it in time; the session lives."""
