"""Runs the commands that a page shows, and puts what they really print below them.

A page marks a block with a comment on the line before its fence:

- `<!-- run in examples/two-hosts -->` runs the block in a fresh copy of that folder;
- `<!-- run in an empty folder -->` starts in a fresh empty one;
- `<!-- run -->` goes on where the block before it stopped;
- `<!-- file NAME -->` writes the block's text to NAME, `<!-- show NAME -->` puts NAME's text in it.

A run block holds `$ gpmirror ...` lines, `$ cat FILE` and `$ echo $?`, with the output below each.
"""

import io
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode

_BLOCK = re.compile(r"(<!-- (run|file|show)(?: (.+?))? -->\n```\w*\n)(.*?)(^```$)", re.M | re.S)
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
        self._status = 0

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
                self._status, output = _called(arguments, self._folder)
                if self._status in _NEVER_SHOWN:
                    raise PageError(f"{line}: exit status {self._status}\n{output}")
                return output
            case ["cat", name]:
                return (self._folder / name).read_text("utf-8")
            case ["echo", "$?"]:
                return f"{int(self._status)}\n"
            case _:
                raise PageError(f"a page cannot run this: {line}")


def _called(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Exit status of one command, and what it wrote to stdout and stderr as they came."""
    output = io.StringIO()
    with ExitStack() as stack:
        stack.enter_context(chdir(folder))
        stack.enter_context(redirect_stdout(output))
        stack.enter_context(redirect_stderr(output))
        status = main(arguments)
    return status, output.getvalue()
