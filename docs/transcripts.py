"""Runs the commands that a page shows, and puts what they really print below them.

A page marks a block with a comment on the line before its fence:

- `<!-- run in examples/two-hosts -->` runs the block in a fresh copy of that folder;
- `<!-- run in an empty folder -->` starts in a fresh empty one;
- `<!-- run -->` goes on where the block before it stopped;
- `<!-- file NAME -->` writes the block's text to NAME, `<!-- show NAME -->` puts NAME's text in it.

A run block holds `$ gpmirror ...` lines, if need be with `> FILE`, `| tail -N` or `| head -N`;
`$ cat FILE` and `$ echo $?`; and the output below each.
"""

import io
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode

_BLOCK = re.compile(r"(<!-- (run|file|show)(?: ([^\n]+?))? -->\n```\w*\n)(.*?)(^```$)", re.M | re.S)
_NEVER_SHOWN = (ExitCode.USAGE, ExitCode.BUG, ExitCode.ERROR)


class PageError(Exception):
    """A page shows a command that does not exist, or that fails as no page should show."""


def refreshed(text: str, root: Path) -> str:
    """The page with the output of all marked blocks as it is now. Raises PageError."""
    with tempfile.TemporaryDirectory() as work:
        page = _Page(root=root, work=Path(work))
        return _BLOCK.sub(page.block, text)


class _Page:
    """The folder that the blocks of one page run in, and the last exit status."""

    def __init__(self, *, root: Path, work: Path) -> None:
        self._root = root
        self._work = work
        self._folder = work
        self._status: int = ExitCode.OK

    def block(self, found: re.Match[str]) -> str:
        """The block with its text as it should be."""
        opening, kind, argument, body, closing = found.groups()
        act: Callable[[str, str], str] = {"run": self._run, "file": self._file, "show": self._show}[
            kind
        ]
        return opening + act(argument or "", body) + closing

    def _run(self, argument: str, body: str) -> str:
        if argument:
            self._enter(argument.removeprefix("in "))
        commands = [line for line in body.splitlines() if line.startswith("$ ")]
        return "".join(f"{line}\n{self._output(line[2:])}" for line in commands)

    def _file(self, name: str, body: str) -> str:
        (self._folder / name).write_text(body, "utf-8")
        return body

    def _show(self, name: str, body: str) -> str:
        del body
        inside = self._folder / name
        return (inside if inside.exists() else self._root / name).read_text("utf-8")

    def _enter(self, name: str) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=self._work)) / "folder"
        if name == "an empty folder":
            self._folder.mkdir()
        else:
            shutil.copytree(self._root / name, self._folder)

    def _output(self, line: str) -> str:
        words = shlex.split(line)
        match words:
            case ["gpmirror", *arguments]:
                return self._program(line, arguments)
            case ["cat", name]:
                return (self._folder / name).read_text("utf-8")
            case ["sed", rule, name, ">", other]:  # `s/OLD/NEW/` of plain words, once
                _, old, new, _ = rule.split("/")
                text = (self._folder / name).read_text("utf-8").replace(old, new, 1)
                (self._folder / other).write_text(text, "utf-8")
                return ""
            case ["echo", "$?"]:
                return f"{int(self._status)}\n"
            case _:
                raise PageError(f"a page cannot run this: {line}")

    def _program(self, line: str, words: list[str]) -> str:
        match words:
            case [*arguments, ">", name]:
                status, output, talk = _called(arguments, self._folder)
                (self._folder / name).write_text(output, "utf-8")
                shown, self._status = talk, status
            case [*arguments, "|", "head" | "tail" as cut, count]:
                status, output, talk = _called(arguments, self._folder)
                shown, self._status = talk + _cut(output, cut, int(count[1:])), ExitCode.OK
            case _:
                status, shown = _called_at_terminal(words, self._folder)
                self._status = status
        if status in _NEVER_SHOWN:
            raise PageError(f"{line}: exit status {status}\n{shown}")
        return shown


def _cut(text: str, by: str, count: int) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(lines[:count] if by == "head" else lines[-count:])


def _called_at_terminal(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Exit status of one command, and both of its streams as they come."""
    both = io.StringIO()
    with chdir(folder), redirect_stdout(both), redirect_stderr(both):
        status = main(arguments)
    return status, both.getvalue()


def _called(arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """Exit status of one command, its stdout, its stderr."""
    output, talk = io.StringIO(), io.StringIO()
    with chdir(folder), redirect_stdout(output), redirect_stderr(talk):
        status = main(arguments)
    return status, output.getvalue(), talk.getvalue()
