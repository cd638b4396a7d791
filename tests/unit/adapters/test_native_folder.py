from pathlib import Path

import pytest

from gpmirror.adapters.files import write_native_folder
from gpmirror.errors import Failure

FILES = {"wave-001-gpaddmirrors.conf": "0|a|1|/d\n", "commands.txt": "gpaddmirrors\n"}


def test_the_folder_is_made_and_holds_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "native"
    assert write_native_folder(str(folder), FILES) == []
    assert {found.name: found.read_text() for found in folder.iterdir()} == FILES


def test_writing_again_changes_nothing(tmp_path: Path) -> None:
    write_native_folder(str(tmp_path), FILES)
    assert write_native_folder(str(tmp_path), FILES) == []


def test_files_of_another_plan_go_and_others_stay(tmp_path: Path) -> None:
    for name in ("wave-002-gprecoverseg.conf", "wave-x.conf", "notes"):
        (tmp_path / name).write_text("x")
    stale = write_native_folder(str(tmp_path), FILES)
    assert stale == [str(tmp_path / "wave-002-gprecoverseg.conf")]
    assert sorted(found.name for found in tmp_path.iterdir()) == sorted(
        [*FILES, "notes", "wave-x.conf"]
    )


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "wave-001-gpaddmirrors.conf\n", "x.conf"])
def test_only_native_file_names_are_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(Failure, match="is not the name of a native file"):
        write_native_folder(str(tmp_path / "n"), {name: ""})
    assert not (tmp_path / "n").exists()


@pytest.mark.parametrize("folder", ["file", "missing/folder"])
def test_a_folder_that_cannot_be(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot write into"):
        write_native_folder(str(tmp_path / folder), FILES)
