"""What `make test` says, tried on a small suite."""

from pathlib import Path

import pytest

from tests.small_suite import run_suite
from tests.talking import minutes

CONFTEST = """
from tests import talking

def pytest_addoption(parser):
    talking.add_options(parser)

def pytest_configure(config):
    talking.begin(config)
    talking._LONG = 0.3

def pytest_collection_modifyitems(config, items):
    config.pluginmanager.get_plugin("turns").sort(items)
"""
FIRST = """
import time, pytest

def test_one():
    time.sleep(0.4)

def test_two():
    pass
"""
SECOND = """
import pytest

def test_good():
    pass

def test_bad():
    assert 1 + 1 == 3, "sums are wrong"

@pytest.fixture
def broken():
    raise RuntimeError("no server here")

def test_error(broken):
    pass

@pytest.mark.skip(reason="not here")
def test_skipped():
    pass
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = long: takes long\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_first.py").write_text(FIRST)
    (tmp_path / "test_second.py").write_text(SECOND)
    return tmp_path


def run(suite: Path, *words: str) -> str:
    _, said = run_suite(suite, "-p", "no:randomly", "--talk", *words)
    assert "INTERNALERROR" not in said, said
    return said


@pytest.mark.parametrize(("words", "processes"), [([], 1), (["-n", "2", "--dist=loadfile"], 2)])
def test_what_runs_and_what_fails_is_said_at_once(
    suite: Path, words: list[str], processes: int
) -> None:
    told = run(suite, *words)
    assert f"6 tests in 2 files, {processes} at a time; this takes about 25 min" in told
    shown = told.index("FAILED test_second.py::test_bad")
    assert "sums are wrong" in told[shown:]
    assert "again, alone: .venv/bin/pytest 'test_second.py::test_bad'" in told
    assert "FAILED test_second.py::test_error (setup)" in told
    assert "no server here" in told
    assert "%  test_first.py: 2 tests, " in told
    assert shown < told.index("= FAILURES =")
    assert "1 failed, 3 passed, 1 skipped, 1 error" in told
    assert ".." not in told.partition("= FAILURES =")[0].replace("...", "")


def test_a_whole_run_that_passed_tells_the_next_one_how_long_it_takes(suite: Path) -> None:
    (suite / "test_second.py").write_text(
        "import pytest\n\n@pytest.mark.long\ndef test_long():\n    pass\n"
    )
    assert "this takes about 25 min" in run(suite)
    assert "3 tests in 2 files, 1 at a time; this takes usually" in run(suite)
    assert "this takes" not in run(suite, "-k", "two"), "a part tells nothing of the whole"
    assert "this takes about 8 min" in run(suite, "-m", "not long"), "without the long ones"
    assert "this takes" not in run(suite, "test_first.py")


@pytest.mark.parametrize("words", [[], ["-n", "1", "--dist=loadfile", "--no-loadscope-reorder"]])
def test_the_longest_file_comes_first_once_that_is_known(suite: Path, words: list[str]) -> None:
    body = "import time\n\ndef test_it():\n    open('order', 'a').write({name!r})\n"
    (suite / "test_first.py").write_text(body.format(name="a"))
    (suite / "test_second.py").write_text(body.format(name="b") + "    time.sleep(0.4)\n")
    run(suite, *words)
    run(suite, *words)
    assert (suite / "order").read_text() == "abba"


def test_durations() -> None:
    assert (minutes(0.4), minutes(89), minutes(600)) == ("0 s", "89 s", "10 min")
