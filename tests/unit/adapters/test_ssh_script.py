"""The wrapping of scripts: what counts as their output, in whatever pieces it arrives."""

import os
import shlex
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.adapters.ssh_script import MOST_ANSWER, MOST_NOISE, Captured, pack

MARK = "gpm0123"
SHELLS = [shell for shell in ("dash", "bash", "busybox sh") if shutil.which(shell.split()[0])]


def captured(*chunks: bytes) -> Captured:
    stream = Captured(MARK)
    for chunk in chunks:
        stream.feed(chunk)
    return stream


@given(
    noise=st.binary(max_size=20),
    out=st.binary(max_size=60),
    after=st.binary(max_size=9),
    cuts=st.lists(st.integers(0, 120), max_size=8),
)
def test_output_in_any_pieces(noise: bytes, out: bytes, after: bytes, cuts: list[int]) -> None:
    whole = noise + f"\n{MARK}\n".encode() + out + f"\n{MARK} 17\n".encode() + after
    edges = [0, *sorted(cut for cut in cuts if cut <= len(whole)), len(whole)]
    stream = captured(*(whole[a:b] for a, b in pairwise(edges)))
    assert stream.status == 17
    assert stream.text == out.decode("utf-8", "backslashreplace")


@pytest.mark.parametrize(
    ("data", "begun", "status", "cut", "late", "text"),
    [
        (b"", False, None, False, False, ""),
        (b"motd", False, None, False, False, "motd"),
        (b"motd\ngpm0123\n", True, None, False, False, ""),
        (b"\ngpm0123\nabc", True, None, False, False, "abc"),
        (b"\ngpm0123\nabc\ngpm0123 0", True, None, False, False, "abc\ngpm0123 0"),
        (b"\ngpm0123\nabcgpm0123 0\n", True, None, False, False, "abcgpm0123 0\n"),
        (b"\ngpm0123\na\ngpm0123 x\n\ngpm0123 7\n", True, 7, False, False, "a\ngpm0123 x\n"),
        (b"\ngpm0123\na\ngpm0123 x\ngpm0123 7\n", True, 7, False, False, "a\ngpm0123 x"),
        (b"\ngpm0123\n\ngpm0123 cut\n", True, None, True, False, ""),
        (b"\ngpm0123\nhalf\ngpm0123 late\n", True, None, False, True, "half"),
    ],
)
def test_what_is_known_of_a_stream(
    data: bytes, begun: bool, status: int | None, cut: bool, late: bool, text: str
) -> None:
    stream = captured(data)
    assert (stream.begun, stream.status, stream.cut, stream.late, stream.text) == (
        *(begun, status, cut, late, text),
    )


def test_a_script_without_its_seal_does_not_run() -> None:
    parcel = pack("echo ran", 5)
    done = subprocess.run(parcel.argv, input=parcel.body, capture_output=True, check=False)
    assert b"ran" not in done.stdout
    stream = Captured(parcel.mark)
    stream.feed(done.stdout)
    assert stream.cut


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("out", ["", "abc", "abc\n", "\n\n"])
@pytest.mark.parametrize("old", [False, True])
def test_the_output_is_what_was_printed(shell: str, out: str, old: bool, tmp_path: Path) -> None:
    """Through every shell, with and without a modern timeout(1)."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").write_text(f'#!/bin/bash\nexec {shell} "$@"\n')
    if old:
        (folder / "timeout").write_text("#!/bin/bash\nexit 125\n")
    for program in folder.iterdir():
        program.chmod(0o755)
    parcel = pack(f"printf %s {shlex.quote(out)}; printf %s {shlex.quote(out)} >&2; exit 7", 9)
    done = subprocess.run(
        parcel.argv,
        input=parcel.body + parcel.seal,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    for said in (done.stdout, done.stderr):
        stream = Captured(parcel.mark)
        stream.feed(said)
        assert (stream.status, stream.text) == (7, out)


@pytest.mark.parametrize("cuts", [0, 1])
def test_a_script_whose_first_line_was_eaten_does_not_run(cuts: int) -> None:
    """By a start-up file that reads; in whatever pieces the word of it arrives."""
    parcel = pack("echo ran", 5)
    text = (parcel.body + parcel.seal).partition(b"\n")[2]
    done = subprocess.run(parcel.argv, input=text, capture_output=True, check=False)
    for said in (done.stdout, done.stderr):
        stream = Captured(parcel.mark)
        for at in range(len(said)) if cuts else ():
            stream.feed(said[at : at + 1])
        stream.feed(said)
        assert (stream.cut, stream.begun, b"ran" in said) == (True, False, False)


def test_nothing_of_the_script_is_on_the_command_line() -> None:
    parcel = pack("echo SECRET", 5)
    for command in (parcel.command, parcel.old_command):
        assert "SECRET" not in command
        assert parcel.mark not in command, "others on the host see it"
        assert command.count("!") == command.count("! ")  # else csh looks in its history
        assert "\\" not in command  # fish and csh read it their own way
        assert "\n" not in command
        assert len(command) < 2000


def test_seconds_are_rounded_up() -> None:
    assert [pack(":", seconds).seconds for seconds in (0, 0.2, 1, 1.1)] == [1, 1, 1, 2]


def test_a_nul_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        pack("echo \0", 5)


def test_an_answer_has_a_limit() -> None:
    stream = captured(f"\n{MARK}\n".encode(), *[b"x" * (1 << 20)] * 40)
    assert stream.ended
    assert stream.flooded == "an answer of more than 16 MB"
    assert len(stream.text) <= MOST_ANSWER + (1 << 20)


def test_noise_has_a_limit_and_is_searched_once() -> None:
    stream = captured(*[b"\ngpm" * 256] * 200_000)
    assert stream.flooded == "more than 64 KB before the script began"
    assert len(stream.text) <= MOST_NOISE + 1024


def test_a_mark_cut_by_pieces_is_found_in_noise() -> None:
    whole = b"noise" * 5000 + f"\n{MARK}\n".encode()
    assert captured(*(whole[at : at + 3] for at in range(0, len(whole), 3))).begun
