"""Files that are there for certain: in order, whole, and closed to others."""

import os
import stat
from pathlib import Path

import pytest

from gpmirror.adapters.runs import append, make_private, new_folder, write_new


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is flushed to disk, in order, seen through the real call."""
    flush, found = os.fsync, []

    def seen(descriptor: int) -> None:
        found.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    return found


def test_a_new_file_is_kept_with_its_name(tmp_path: Path, synced: list[str]) -> None:
    write_new(tmp_path / "plan.json", b"{}")
    assert synced == ["plan.json", tmp_path.name]
    assert (tmp_path / "plan.json").read_bytes() == b"{}"
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "plan.json", b"other")


def test_only_the_first_record_needs_the_folder(tmp_path: Path, synced: list[str]) -> None:
    append(tmp_path / "journal", b"one\n")
    append(tmp_path / "journal", b"two\n")
    assert synced == ["journal", tmp_path.name, "journal"]
    assert (tmp_path / "journal").read_bytes() == b"one\ntwo\n"


def test_every_new_folder_is_kept(tmp_path: Path, synced: list[str]) -> None:
    make_private(tmp_path / "state" / "runs")
    new_folder(tmp_path / "state" / "runs" / "one")
    assert synced == [tmp_path.name, "state", "runs"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").rglob("*")}
    assert modes == {0o700}
    with pytest.raises(FileExistsError):
        new_folder(tmp_path / "state" / "runs" / "one")
