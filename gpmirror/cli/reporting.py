"""Which reporter a run gets: bars on a terminal, lines elsewhere, JSON with `--json`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gpmirror.cli.console import Console

if TYPE_CHECKING:
    from gpmirror.boundary import Reporter


@contextmanager
def people_reporter(console: Console) -> "Iterator[Reporter]":
    """A reporter on standard output: redrawn in place on a terminal, else line by line; nothing
    with `--quiet`. Whatever happens, no live area is left behind.
    """
    from gpmirror.adapters.eventlog import Beat
    from gpmirror.adapters.terminal import LineReporter, TerminalReporter
    from gpmirror.render.run_view import RunView

    stream = None if console.quiet else console.out
    view = RunView(color=console.color)
    if stream is not None and stream.isatty() and not _is_dumb():
        # a full line leaves the cursor between two lines on some terminals
        with TerminalReporter(stream, replace(view, width=console.width - 1)) as reporter:
            yield reporter
    else:
        lines = LineReporter(stream, view)
        with Beat(lines.beat):
            yield lines


@contextmanager
def json_reporter(console: Console, numbers: Iterator[int]) -> "Iterator[Reporter]":
    """A reporter that writes one line of JSON an event to standard output, numbered by `numbers`."""
    from gpmirror.adapters.eventlog import Beat, JsonReporter

    reporter = JsonReporter(console.out, numbers)
    with Beat(reporter.beat):
        yield reporter


def voice(console: Console, reporter: "Reporter") -> Callable[[str], None]:
    """How to say a line to the person while a run goes on: above the live area where there is one,
    which would wipe it otherwise; else on standard error. What a name holds never moves the cursor.
    """
    from gpmirror.adapters.terminal import TerminalReporter
    from gpmirror.cli.failures import visible

    say = reporter.say if isinstance(reporter, TerminalReporter) else console.alarm
    return lambda text: say(visible(text))


def _is_dumb() -> bool:
    """Whether the terminal cannot move its cursor."""
    import os

    return os.environ.get("TERM", "dumb") in {"", "dumb"}
