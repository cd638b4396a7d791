"""Arguments in, text and an exit code out: the frame around every command."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmirror.cli import main as program
from gpmirror.cli.commands import COMMANDS, Entry, load_command
from gpmirror.cli.console import Console, report, visible
from gpmirror.cli.main import main, split_global_flags
from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import ExitCode, Failure, GpmirrorError, InvalidInput, Stale, Unsafe


def console(*, debug: bool = False, quiet: bool = False) -> Console:
    return Console(out=io.StringIO(), err=io.StringIO(), debug=debug, quiet=quiet)


def written(stream: object) -> str:
    assert isinstance(stream, io.StringIO)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("arguments", "given", "rest"),
    [
        (["--quiet", "plan", "a"], {"quiet"}, ["plan", "a"]),
        (["plan", "a", "--no-color", "--debug"], {"no_color", "debug"}, ["plan", "a"]),
        (["lab", "ssh", "--", "ls", "--quiet"], set(), ["lab", "ssh", "--", "ls", "--quiet"]),
    ],
)
def test_global_flags_stand_anywhere(
    arguments: list[str], given: set[str], rest: list[str]
) -> None:
    flags, left = split_global_flags(arguments)
    assert {name for name in ("no_color", "quiet", "debug") if getattr(flags, name)} == given
    assert left == rest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["valdate"], "did you mean `gpmirror validate`?"),
        (["zzz"], "`gpmirror --help` lists the commands"),
        (["--nonsense"], "no such option: --nonsense"),
        (["validate", "--nonsense"], "`gpmirror validate --help` lists every option"),
        (["schema", "odd"], "NAME takes spec, plan, snapshot or events, not 'odd'\n"),
        (["show", "p", "--format", "x"], "error: --format takes human, json, md"),
        (["plan", "--table", "x"], "error: --table takes a whole number, not 'x'\n"),
        (["plan", "--table", "0"], "error: --table takes a number of at least 1, not 0\n"),
        (["simulate", "--k", "9"], "error: --k takes a number of at most 2, not 9\n"),
        (["plan", "--content"], "error: option '--content' requires an argument"),
        (["init", "a", "b"], "unexpected extra argument"),
        (["validate", "--json", "--sarif"], "--json and --sarif do not go together"),
        (["zz\x1b[31m"], "no such command: zz\\x1b[31m"),
    ],
)
def test_wrong_usage_is_64(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert words in shown.err
    assert not shown.out


def test_help_names_every_command_and_the_promise(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.OK
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {entry.summary}" in text for name, entry in COMMANDS.items())
    assert "3-9 and 64 guarantee that nothing was changed" in text


@pytest.mark.parametrize(("name", "entry"), COMMANDS.items(), ids=list(COMMANDS))
def test_table_repeats_what_the_command_says(name: str, entry: Entry) -> None:
    command = load_command(name, entry)
    assert command.help is not None
    assert command.help.splitlines()[0] == entry.summary


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (Failure("no", hint="do"), 1, "error: no\nhint: do\n"),
        (Unsafe("refused"), 4, "error: refused\n"),
        (Stale("old"), 5, "error: old\n"),
        (OSError(28, "No space left"), 1, "error: No space left\nhint: free space"),
        (EOFError("odd"), 70, "error: EOFError: odd\n"),
        (KeyError("x"), 70, "error: KeyError: 'x'\nthis is a bug in gpmirror; run with --debug"),
        (MemoryError(), 70, "error: MemoryError\nthis is a bug"),
        (RecursionError("deep"), 70, "error: RecursionError: deep\n"),
    ],
)
def test_error_becomes_words_and_a_code(error: Exception, code: int, words: str) -> None:
    seen = console(quiet=True)
    assert report(error, seen) == code
    assert written(seen.err).startswith(words)


def test_traceback_only_with_debug() -> None:
    plain, debug = console(), console(debug=True)
    report(KeyError("x"), plain)
    report(KeyError("x"), debug)
    assert "KeyError" in written(debug.err)
    assert len(written(debug.err)) > len(written(plain.err))


def test_findings_are_shown_in_full() -> None:
    seen = console()
    place = Place(file="a.yaml", line=3, column=2, text="  x: 1")
    assert (
        report(InvalidInput([Diagnostic(code="GPM-V001", message="odd", place=place)]), seen) == 3
    )
    assert "GPM-V001" in written(seen.err)
    assert "a.yaml:3:2" in written(seen.err)


def test_control_characters_never_reach_the_terminal() -> None:
    assert visible("a\x1b[2J\tb\nc") == "a\\x1b[2J\tb\nc"


class Interrupted:
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def __call__(self, arguments: list[str], seen: Console) -> int:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (OSError(5, "I/O error"), 70)]
)
def test_whatever_a_command_raises_has_a_code(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_invoke", Interrupted(error))
    assert main(["validate"]) == code


def test_an_error_that_cannot_be_shown_is_still_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(GpmirrorError):
        def __init__(self) -> None:
            self.message = None  # type: ignore[assignment]
            self.hint = None

        @property
        def exit_code(self) -> ExitCode:  # type: ignore[override]
            raise ValueError("broken")

    monkeypatch.setattr(program, "_invoke", Interrupted(Broken()))
    assert main(["validate"]) == ExitCode.BUG
    assert "this is a bug" in capsys.readouterr().err


@pytest.fixture
def pipe_without_reader() -> Iterator[io.TextIOWrapper]:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        yield stream


def test_reader_that_went_away_is_no_error(pipe_without_reader: io.TextIOWrapper) -> None:
    seen = Console(out=pipe_without_reader, err=io.StringIO())
    seen.data("text")
    seen.data("more")
    assert not written(seen.err)


def test_full_disk_is_an_error_with_a_reason() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    with (
        Path("/dev/full").open("w", encoding="utf-8") as full,
        pytest.raises(Failure, match="No space left"),
    ):
        Console(out=full, err=None).data("text")


def test_closed_streams_are_accepted() -> None:
    seen = Console(out=None, err=None)
    seen.data("text")
    seen.alarm("text")
