"""That tests on practice clusters and the others go on beside each other."""

from pathlib import Path

import pytest

from tests.labs import MOST_LABS
from tests.sharing import has_labs
from tests.small_suite import run_suite

ROOT = Path(__file__).parents[1]
PROCESSES = MOST_LABS + 2
TEST = """
import os, pathlib, time

def test_something():
    time.sleep(0.3)
    with open(pathlib.Path(__file__).parents[2] / "log", "a") as log:
        log.write(f"{os.environ['PYTEST_XDIST_WORKER']} {'e2e' in __file__}\\n")

def test_more():
    pass
"""
CONFTEST = """
from tests import sharing

def pytest_configure(config):
    config.pluginmanager.register(sharing.Sharing(), "sharing")
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for folder in ("e2e", "unit"):
        (tmp_path / "tests" / folder).mkdir(parents=True)
        for number in range(12):
            (tmp_path / "tests" / folder / f"test_{folder}_{number}.py").write_text(TEST)
    return tmp_path


def test_four_processes_take_what_has_labs_and_the_others_the_rest(suite: Path) -> None:
    words = ["-n", str(PROCESSES), "--dist=loadfile", "--no-loadscope-reorder"]
    status, said = run_suite(suite, *words, "-p", "no:cacheprovider", "tests")
    assert status == 0, said
    took = [line.split() for line in (suite / "log").read_text().splitlines()]
    with_labs = {worker for worker, labs in took if labs == "True"}
    first = {worker for worker, labs in took[:PROCESSES] if labs == "False"}
    assert len(took) == 24
    assert len(with_labs) <= MOST_LABS
    assert first
    assert not first & with_labs


def test_every_folder_that_is_named_is_there() -> None:
    files = [str(one.relative_to(ROOT)) for one in ROOT.glob("tests/**/test_*.py")]
    assert sum(map(has_labs, files)) > 30
    assert not has_labs("tests/unit/cli/test_habits.py")
