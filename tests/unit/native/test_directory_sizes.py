"""Sizes of directories, asked of a real file system."""

import subprocess
from pathlib import Path

import pytest

from gpmirror.native.directories import measure_script, read_measures


@pytest.mark.parametrize("name", ["gpseg0", "with space", "it's $(touch x)", "-h"])
def test_directories_are_measured(tmp_path: Path, name: str) -> None:
    here = tmp_path / name
    here.mkdir()
    (here / "data").write_bytes(b"x" * 1_000_000)
    script = measure_script([str(here), str(tmp_path / "gone"), str(here)])
    done = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=True)
    found = read_measures(done.stdout)
    assert list(found) == [str(here)]
    assert 1_000_000 <= found[str(here)] < 1_200_000
    assert not Path("x").exists()


def test_nothing_is_asked_about_nothing() -> None:
    done = subprocess.run(
        ["sh"], input=measure_script([]), capture_output=True, text=True, check=True
    )
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("answer", ["", "12", "x\t/a", "-3\t/a", "du: cannot read\n", "12 /a"])
def test_lines_that_are_no_measure(answer: str) -> None:
    assert read_measures(answer) == {}


def test_kibibytes_become_bytes() -> None:
    assert read_measures("2\t/a\n3\t/b\tc\n") == {"/a": 2048, "/b\tc": 3072}
