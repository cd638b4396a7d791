from pathlib import Path

import psycopg
import pytest

from gpmirror.errors import Failure
from gpmirror.lab.programs import drop_copy, make_copy

LIBRARIES = Path(psycopg.__file__).parent.parent


def test_copy_holds_what_the_lab_imports_and_is_open_to_all(tmp_path: Path) -> None:
    copy = make_copy(tmp_path / "gpmirror" / "lab", LIBRARIES)
    assert copy == tmp_path / "gpmirror" / "lab.code"
    assert (copy / "gpmirror" / "lab" / "layout.py").exists()
    assert (copy / "psycopg" / "__init__.py").exists()
    assert copy.stat().st_mode & 0o777 == 0o755


def test_what_its_owner_alone_may_read_is_open_in_the_copy(tmp_path: Path) -> None:
    """The single file unpacks so, and root may have installed with such a umask."""
    library = tmp_path / "libraries" / "psycopg"
    (library / "deep").mkdir(parents=True)
    (library / "deep" / "one.py").touch()
    (library / "two.so").touch()
    (library / "deep" / "one.py").chmod(0o600)
    (library / "two.so").chmod(0o700)
    for folder in (library / "deep", library):
        folder.chmod(0o700)

    def modes() -> dict[str, int]:
        copy = make_copy(tmp_path / "lab", tmp_path / "libraries") / "psycopg"
        found = [copy, *copy.rglob("*")]
        return {one.name: one.stat().st_mode & 0o777 for one in found}

    wanted = {"psycopg": 0o755, "deep": 0o755, "one.py": 0o644, "two.so": 0o755}
    assert (modes(), modes()) == (wanted, wanted)


def test_copy_is_made_anew_and_dropped_with_the_lab(tmp_path: Path) -> None:
    state = tmp_path / "lab"
    state.mkdir()
    (state / "lab.json").touch()
    assert make_copy(state, LIBRARIES) == make_copy(state, LIBRARIES)
    drop_copy(state)
    assert (tmp_path / "lab.code").exists(), "the lab is still there"
    (state / "lab.json").unlink()
    drop_copy(state)
    assert not (tmp_path / "lab.code").exists()


def test_files_in_use_are_never_written_into(tmp_path: Path) -> None:
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "typing_extensions.py").write_text("old = 1")
    copied = make_copy(tmp_path / "lab", libraries) / "typing_extensions.py"
    in_use = copied.stat().st_ino
    make_copy(tmp_path / "lab", libraries)
    assert copied.stat().st_ino == in_use, "the same is left alone"
    (libraries / "typing_extensions.py").write_text("newer = 1")
    make_copy(tmp_path / "lab", libraries)
    assert copied.stat().st_ino != in_use, "a new file takes its name"
    assert copied.read_text() == "newer = 1"


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "lab.code").symlink_to(tmp_path / "other")
    with pytest.raises(Failure, match="not a folder of ours"):
        make_copy(tmp_path / "lab", LIBRARIES)
    drop_copy(tmp_path / "lab")
    assert (tmp_path / "other").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Failure, match="cannot copy"):
        make_copy(tmp_path / "file" / "lab", LIBRARIES)
