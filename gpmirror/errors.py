"""Every error raised on purpose, and the exit codes.

GpmirrorError
├── InvalidInput      3  the input is wrong; carries diagnostics
├── Unreadable        3  an input file that cannot be read at all
├── Infeasible        6  no layout satisfies the spec; carries diagnostics
├── Unsafe            4  a hazard, guard or protection that nobody allowed
├── Stale             5  the plan does not match the catalog
├── Locked            7  another run or a native utility is running
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

from gpmirror.diagnostics import CodeInfo, Diagnostic


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
    def info(self) -> CodeInfo:
        """What it means, why there is such a code, what to do."""
        return _PAGES[self]

    @property
    def meaning(self) -> str:
        """One line for `--help` and the reference page."""
        return self.info.title


_WORST_FIRST = (
    ExitCode.BUG,
    ExitCode.ERROR,
    ExitCode.INVALID,
    ExitCode.INFEASIBLE,
    ExitCode.STALE,
    ExitCode.UNSAFE,
    ExitCode.DIFFERENCES,
    ExitCode.OK,
)
"""How a command ends that looked at several specs; any other code comes right after ERROR."""


def worst_of(codes: Iterable[ExitCode]) -> ExitCode:
    """The one that says most; OK for none."""
    return min(codes, key=_weight, default=ExitCode.OK)


def _weight(code: ExitCode) -> float:
    return _WORST_FIRST.index(code) if code in _WORST_FIRST else 1.5


_PAGES = {
    ExitCode.OK: CodeInfo(
        title="done, or nothing to do",
        why="A script may go on.",
        fix="Nothing.",
    ),
    ExitCode.ERROR: CodeInfo(
        title="an error; nothing was changed",
        why="A file, a connection or a server did not do what was asked.",
        fix="Do what the hint below the error says, then run the command again.",
    ),
    ExitCode.DIFFERENCES: CodeInfo(
        title="differences exist (`plan --detailed-exitcode`, `fmt --check`, `diff`, `status`, `drift`)",
        why="Scripts can tell `as it should be` from `not so` without reading the text.",
        fix="Read what the command printed.",
    ),
    ExitCode.INVALID: CodeInfo(
        title="invalid input: spec, catalog, plan file or selection",
        why="Nothing is planned over input that is not understood.",
        fix="Correct the line that each finding names; `gpmirror explain CODE` says more.",
    ),
    ExitCode.UNSAFE: CodeInfo(
        title="unsafe and refused; the message names the flag that allows it (`ok-to-stop`: no; `maintenance`: not now)",
        why="A danger, a guard or a protection that nobody allowed by name stands in the way.",
        fix="Read what would happen (`gpmirror explain NAME`); change the plan, or allow it by name.",
    ),
    ExitCode.STALE: CodeInfo(
        title="the plan does not match the catalog any more",
        why="The cluster changed after the plan was made, or another cluster answers.",
        fix="Make the plan again and review what changed.",
    ),
    ExitCode.INFEASIBLE: CodeInfo(
        title="no layout satisfies the spec; the conflicting lines are named",
        why="The lines contradict each other on this cluster.",
        fix="Change one of the named lines.",
    ),
    ExitCode.LOCKED: CodeInfo(
        title="another run or a native utility is running",
        why="Two that change segments at once would undo each other's work.",
        fix="Wait until it ends; a lock that a dead utility left is removed with `--allow dead-lock`.",
    ),
    ExitCode.DECLINED: CodeInfo(
        title="a person said no, or there was nobody to ask",
        why="Only the answer `yes` begins a change.",
        fix="Run it on a terminal, or add `--yes` once the plan was reviewed.",
    ),
    ExitCode.PREFLIGHT: CodeInfo(
        title="a host check failed or could not be made",
        why="A utility that fails half-way leaves the catalog changed and mirrors down.",
        fix="Do what each finding says; `gpmirror preflight` checks again without changing anything.",
    ),
    ExitCode.PARTIAL: CodeInfo(
        title="partly applied; can be resumed",
        why="The run stopped after something was changed.",
        fix="Read what the run says, then `gpmirror resume`.",
    ),
    ExitCode.UNVERIFIED: CodeInfo(
        title="applied but not verified",
        why="Everything was done, and the catalog does not prove it yet.",
        fix="`gpmirror status` shows what is missing; `gpmirror resume` looks again.",
    ),
    ExitCode.USAGE: CodeInfo(
        title="wrong usage of the command line",
        why="Options that contradict each other are not guessed at.",
        fix="`-h` after the command lists its options.",
    ),
    ExitCode.BUG: CodeInfo(
        title="an internal error in gpmirror",
        why="gpmirror did something that it should not.",
        fix="Run it again with `--debug` and report what it prints; a run that had begun can be "
        "resumed.",
    ),
    ExitCode.INTERRUPTED: CodeInfo(
        title="interrupted",
        why="Nothing was changed, or a native utility goes on by itself; the last line says which.",
        fix="`gpmirror resume` follows what still runs.",
    ),
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
