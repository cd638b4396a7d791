"""How `gpmirror status` shows readings that follow each other: redrawn, as lines, as JSON."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gpmirror.adapters.clock import utc_now
from gpmirror.cli.console import Console
from gpmirror.errors import ConnectionLost, Failure
from gpmirror.render.status import status_changes, status_human
from gpmirror.workflow.status import Reading

if TYPE_CHECKING:
    from gpmirror.adapters.screen import Screen


class View(Protocol):
    """Shows one reading after the other, and that the connection was lost."""

    def show(self, before: Reading | None, now: Reading) -> None:
        """A reading; `before` is the one shown last."""
        ...

    def lost(self, error: Failure) -> None:
        """The connection was lost and is tried again; told once."""
        ...


class ReaderGone(Exception):
    """Whoever read our output has ended."""


def view_of(console: Console, cluster: str | None, *, json: bool) -> View:
    """Redrawn in place on a terminal, a line a change elsewhere, a document a change with JSON."""
    write = _Writer(console).write
    if json:
        return JsonLines(write=write, cluster=cluster)
    out = console.out
    if out is not None and out.isatty() and os.environ.get("TERM", "dumb") not in {"", "dumb"}:
        from gpmirror.adapters.screen import Screen

        return Redrawn(screen=Screen(out), cluster=cluster, color=console.color)
    return Lines(write=write)


def follow(looks: "Iterable[Reading | Failure]", view: View) -> Reading:
    """Show all looks; the last one. Raises Failure: it was none."""
    return _followed(looks, view, [])


def until_interrupted(looks: "Iterable[Reading | Failure]", view: View) -> Reading:
    """Show looks until Ctrl-C or until nobody reads; the last reading.

    Raises KeyboardInterrupt: interrupted before the first.
    """
    seen: list[Reading] = []
    try:
        return _followed(looks, view, seen)
    except (KeyboardInterrupt, ReaderGone):
        if not seen:
            raise KeyboardInterrupt from None
        return seen[0]


def _followed(looks: "Iterable[Reading | Failure]", view: View, seen: list[Reading]) -> Reading:
    """`seen` holds the last reading, also when this is left by an exception."""
    error: Failure | None = None
    for found in looks:
        if isinstance(found, Failure):
            if error is None:
                view.lost(found)
            error = found
            continue
        error, before = None, seen[0] if seen else None
        seen[:] = [found]
        view.show(before, found)
    if error is not None or not seen:
        raise error or ConnectionLost("the coordinator was not read")
    return seen[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A line a change, with the time."""

    write: Callable[[str], None]

    def show(self, before: Reading | None, now: Reading) -> None:
        """What changed since `before`."""
        for text in status_changes(before, now):
            self.write(f"{utc_now()} {text}")

    def lost(self, error: Failure) -> None:
        """One line."""
        self.write(f"{utc_now()} {error.message}; trying again")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonLines:
    """A document on one line whenever something changed."""

    write: Callable[[str], None]
    cluster: str | None

    def show(self, before: Reading | None, now: Reading) -> None:
        """The reading, if it differs from `before`."""
        from gpmirror.render.status_json import status_json_line

        if status_changes(before, now):
            self.write(status_json_line(now, cluster=self.cluster))

    def lost(self, error: Failure) -> None:
        """Nothing: the next document tells."""


@dataclass(slots=True, kw_only=True)
class Redrawn:
    """The whole status in place."""

    screen: "Screen"
    cluster: str | None
    color: bool
    _drawn: list[str] = field(default_factory=list)

    def show(self, before: Reading | None, now: Reading) -> None:
        """As much as the window holds, the summary always."""
        del before
        width, height = self.screen.size
        text = status_human(now, cluster=self.cluster, width=width - 1, color=self.color)
        lines = text.splitlines()
        room = max(height - 1, 1)
        self._drawn = lines if len(lines) <= room else [*lines[: room - 1], lines[-1]]
        self.screen.draw(self._drawn)

    def lost(self, error: Failure) -> None:
        """A last line below what was known."""
        self.screen.draw([*self._drawn[:-1], f"{error.message}; trying again"])


@dataclass(frozen=True, slots=True)
class _Writer:
    """Lines to stdout that notice when nobody reads them any more."""

    console: Console

    def write(self, text: str) -> None:
        """Write a line. Raises ReaderGone."""
        out = self.console.out
        if out is None:
            return
        try:
            out.write(text if text.endswith("\n") else f"{text}\n")
            out.flush()
        except BrokenPipeError:
            from gpmirror.adapters.eventlog import abandon

            abandon(out)
            raise ReaderGone from None
