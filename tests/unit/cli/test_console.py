"""Text for people is fitted to a terminal and to nothing else."""

import io

from gpmirror.cli.console import Console

SUMMARY = (
    "Plan: 8 to add, 0 to move, 0 to recover, 0 to rebalance; 0 unchanged, 0 blocked, 0 switched."
)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_lines_that_fit() -> None:
    out = Tty()
    Console(out=out, err=None, width=80).page(SUMMARY)
    first, second = out.getvalue().splitlines()
    assert first.endswith("rebalance;")
    assert second == "  0 unchanged, 0 blocked, 0 switched."


def test_a_pipe_gets_lines_as_they_are() -> None:
    out = io.StringIO()
    Console(out=out, err=None, width=80).page(SUMMARY)
    assert out.getvalue() == f"{SUMMARY}\n"


def test_data_is_never_fitted() -> None:
    out = Tty()
    Console(out=out, err=None, width=80).data(SUMMARY)
    assert out.getvalue() == f"{SUMMARY}\n"


def test_no_stream_takes_everything() -> None:
    Console(out=None, err=None).page(SUMMARY)
