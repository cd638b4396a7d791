"""Runs the commands that a page shows on a practice cluster, and puts what they print below them.

A block is marked with `<!-- lab -->` on the line before its fence; its `$ ` lines run one after the
other in one folder a page, through bash. `<!-- lab after COMMAND -->` runs a command first that the
page does not show. What differs from run to run is not compared: see `told`.
"""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

BLOCK = re.compile(r"(<!-- lab(?: after ([^\n]+?))? -->\n```\w*\n)(.*?)(^```$)", re.M | re.S)
SHOWN_STATE = "/home/gpadmin/.local/state"
SHOWN_PERSON = "gpadmin@mdw"
_SECONDS = 120

_STANDING = re.compile(r"^\d\d:\d\d:\d\d +wave \d+ of \d+  \d+ of \d+ in sync.*\n", re.M)
"""A line of progress: a slow machine shows more of them."""

_CHANGING = (
    (r"\d{8}T\d{6}Z-[0-9a-f]{6}", "RUN"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"\b([0-9a-f]{64}|[0-9a-f]{12}|[0-9a-f]{8})\b", "PLAN"),
    (r"\b\d+(\.\d+)?(s|ms)\b", "SECONDS"),
    (r"\b127\.\d+\.\d+\.\d+", "ADDRESS"),
    (r"\b(account|session) [\w-]+", r"\1 NAME"),
    (r"\bpid \d+", "pid N"),
    (r"\b\d+(\.\d+)? (bytes|[kMGT]B)\b", "SIZE"),
    (r"\b(about \d+ min|under 1 min)\b", "TIME"),
    (r"\b\d+ checks\b", "N checks"),
    (r"\b\d+ ok\b", "N ok"),
)


class LivePageError(Exception):
    """A command that prepares a page's block failed, or one met a bug."""


class LivePage:
    """The folder in which a page's commands run, and the last exit status.

    `environment` leads to a practice cluster whose state lies below `base`.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], base: Path) -> None:
        self._folder = folder
        self._environment = {**environment, "PYTHONUNBUFFERED": "1", "COLUMNS": "100"}
        self._base = str(base)
        self._status = 0

    def refreshed(self, text: str) -> str:
        """The page with the output of all blocks as it is now. Raises LivePageError."""
        return BLOCK.sub(self._block, text)

    def _block(self, found: re.Match[str]) -> str:
        opening, before, body, closing = found.groups()
        if before:
            output = self._run(before)
            if self._status != 0:
                raise LivePageError(f"{before}: exit status {self._status}\n{output}")
        commands = [line for line in body.splitlines() if line.startswith("$ ")]
        return opening + "".join(f"{line}\n{self._run(line[2:])}" for line in commands) + closing

    def _run(self, command: str) -> str:
        done = subprocess.run(  # noqa: S603 the page's own commands
            ["/bin/bash", "-c", f"(exit {self._status}); {command}"],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        self._status = done.returncode
        if "this is a bug in gpmirror" in done.stdout:
            raise LivePageError(f"{command}\n{done.stdout}")
        shown = _STANDING.sub("", done.stdout.replace(self._base, SHOWN_STATE))
        return re.sub(r"^by \S+@\S+(?=,)", f"by {SHOWN_PERSON}", shown, flags=re.M)


def told(text: str) -> str:
    """What a page says, without what differs from run to run: times, ids, addresses, line breaks."""
    for pattern, name in _CHANGING:
        text = re.sub(pattern, name, text)
    return " ".join(text.split())


def difference(now: str, shown: str) -> str:
    """Where two texts, as `told` gives them, begin to differ; empty: they do not."""
    if now == shown:
        return ""
    both = zip(now, shown, strict=False)
    at = next((i for i, (a, b) in enumerate(both) if a != b), min(len(now), len(shown)))
    return (
        f"now: ...{now[max(0, at - 80) : at + 120]}\nshown: ...{shown[max(0, at - 80) : at + 120]}"
    )
