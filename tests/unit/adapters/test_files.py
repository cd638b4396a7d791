"""Reading and writing files: every refusal names the path and the next action."""

import io
import os
import sys
from pathlib import Path

import pytest

from gpmirror.adapters import files
from gpmirror.adapters.files import read_input, write_output, written_at
from gpmirror.errors import ExitCode, Failure, Unreadable


def refused(path: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_input(path)
    assert caught.value.exit_code is ExitCode.INVALID
    return caught.value


def test_reads_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\n")
    assert read_input(str(tmp_path / "a")) == b"\xff\n"


def test_missing_file_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "catalog.txt").touch()
    error = refused(str(tmp_path / "catalgo.txt"))
    assert "no such file" in error.message
    assert error.hint == f"did you mean {tmp_path / 'catalog.txt'}?"
    assert refused(str(tmp_path / "zzz")).hint == "check the path"
    assert refused(str(tmp_path / "no" / "zzz")).hint == "check the path"


def test_missing_default_spec_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "gpmirror init" in str(refused("gpmirror.yaml").hint)


def test_other_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "directory" in refused(str(tmp_path)).message
    assert "NUL" in refused("a\0b").message
    assert "too long" in refused("a" * 5000).message
    monkeypatch.setattr(files, "MAX_INPUT_BYTES", 3)
    (tmp_path / "big").write_bytes(b"1234")
    assert "larger" in refused(str(tmp_path / "big")).message


class Stdin:
    def __init__(self, data: bytes) -> None:
        self.buffer = io.BytesIO(data)


def test_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"x"))
    assert read_input("-") == b"x"
    monkeypatch.setattr(sys, "stdin", None)
    assert "closed" in refused("-").message


def test_writes_whole_files_and_respects_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_output(str(tmp_path / "a"), "text\n", force=False)
    finally:
        os.umask(old)
    assert (tmp_path / "a").read_text() == "text\n"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_replaces_only_with_force_and_keeps_the_mode(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_text("old")
    file.chmod(0o600)
    write_output(str(file), "old", force=False)
    with pytest.raises(Failure, match="holds something else") as caught:
        write_output(str(file), "new", force=False)
    assert "--force" in str(caught.value.hint)
    write_output(str(file), "new", force=True)
    assert file.read_text() == "new"
    assert file.stat().st_mode & 0o777 == 0o600


def test_follows_a_link_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_output(str(tmp_path / "link"), "new", force=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_writes_to_a_device() -> None:
    write_output("/dev/null", "text", force=False)


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("", "directory", "name another file"),
        ("no/such", "folder does not exist", "mkdir -p"),
        ("a\0b", "null", "name another file"),
        ("x" * 300, "too long", "name another file"),
    ],
)
def test_write_refusals(name: str, reason: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match=reason) as caught:
        write_output(f"{tmp_path}/{name}", "text", force=True)
    assert hint in str(caught.value.hint)
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".gpmirror")]


def test_when_a_file_was_written(tmp_path: Path) -> None:
    file = tmp_path / "catalog.txt"
    file.touch()
    os.utime(file, (0, 1_700_000_000))
    assert written_at(str(file)) == "2023-11-14T22:13:20Z"
    assert [written_at(one) for one in ("-", str(tmp_path / "none"), "\0")] == [None] * 3
