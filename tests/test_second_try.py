"""That a second try is for tests on servers alone, and hides nothing."""

from pathlib import Path

import pytest

from tests.small_suite import run_suite

CONFTEST = """
from tests import second_try

def pytest_addoption(parser):
    second_try.add_options(parser)

def pytest_collection_modifyitems(config, items):
    second_try.mark(config, items)

def pytest_terminal_summary(terminalreporter):
    second_try.tell(terminalreporter)
"""
TESTS = """
import pathlib, pytest

def nth_try(name):
    file = pathlib.Path(__file__).parent / name
    tries = len(file.read_text()) if file.exists() else 0
    file.write_text("x" * (tries + 1))
    return tries + 1

@pytest.mark.ssh
def test_unsteady():
    assert nth_try("unsteady") == 2, "came too early"

@pytest.mark.postgres
def test_broken_server():
    assert nth_try("broken") == 9, "never comes"

def test_pure():
    assert nth_try("pure") == 2, "one and one are three"
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  ssh: servers\n  postgres: servers\n"
    )
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["0", "2"])
def test_what_passes_at_the_second_try_is_told_whole(suite: Path, processes: str) -> None:
    status, said = run(suite, "-n", processes, "--second-try")
    assert status == 1
    assert "2 failed, 1 passed, 2 rerun" in said
    assert "UNSTEADY test_some.py::test_unsteady" in said
    assert "came too early" in said
    assert "UNSTEADY test_some.py::test_broken_server" not in said
    assert tries(suite) == {"unsteady": 2, "broken": 2, "pure": 1}


@pytest.mark.slow
def test_without_the_option_nothing_is_tried_again(suite: Path) -> None:
    status, said = run(suite)
    assert status == 1
    assert "3 failed" in said
    assert tries(suite) == {"unsteady": 1, "broken": 1, "pure": 1}


def tries(suite: Path) -> dict[str, int]:
    names = ("unsteady", "broken", "pure")
    return {name: len((suite / name).read_text()) for name in names}


def run(suite: Path, *words: str) -> tuple[int, str]:
    return run_suite(suite, "-p", "no:randomly", "-p", "no:cacheprovider", *words)
