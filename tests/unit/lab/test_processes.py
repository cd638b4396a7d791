"""What bears the lab's mark is found and ended, with all that it started."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmirror.lab.processes import alive, end, lab_processes

_ORPHAN = """
trap '' TERM
env -i sh -c 'trap "" TERM; echo $$; while :; do sleep 1; done' &
wait
"""
"""A child of its own environment, as a server's children have, which does not go when asked to. It
tells its id itself: before it is another program it still bears its parent's mark.
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[int, int]]:
    environment = os.environ | {"GPM_LAB_STATE": str(tmp_path)}
    argv = ["sh", "-c", _ORPHAN]
    with subprocess.Popen(
        argv, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        yield parent.pid, child
        with contextlib.suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)


def test_nothing_of_it_lives_when_it_returns(tmp_path: Path, family: tuple[int, int]) -> None:
    parent, child = family
    assert lab_processes(tmp_path) == {parent}
    assert end(lambda: lab_processes(tmp_path)) == set()
    assert not alive(parent)
    assert not alive(child)


def test_others_are_left_alone(tmp_path: Path, family: tuple[int, int]) -> None:
    assert end(lambda: lab_processes(tmp_path / "another")) == set()
    assert all(map(alive, family))
