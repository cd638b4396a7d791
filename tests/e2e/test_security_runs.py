"""What a run leaves on disk and shows to others: private files, no password, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmirror.lab.faults import Faults, set_faults, slow
from tests.e2e.attacks import MARKS, Site

pytestmark = [*MARKS, pytest.mark.xdist_group("running")]
PASSWORD = "hunter2-of-a-kind"


@pytest.fixture
def wide_open() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def test_private_files_and_no_password(site: Site, wide_open: None) -> None:
    set_faults(site.practice.state, Faults(slow_copy=slow(1.5)))
    running = site.start("apply", "--yes", "--json", more={"PGPASSWORD": PASSWORD})
    site.wait_native(running, "wave-001-gpaddmirrors")
    shown = _command_lines() + _environments(but=running.process.pid)
    done = running.end()
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in shown
    assert PASSWORD not in done.stdout + done.stderr

    top = site.folder / "state"
    far = site.host("mdw").home / ".gpmirror"
    for path in (top, far, *top.rglob("*"), *far.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} is {mode:o}"
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


def _command_lines() -> str:
    return "\n".join(_read(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _environments(*, but: int) -> str:
    """Of all processes that may be read, except the program's own."""
    return "\n".join(
        _read(path)
        for path in Path("/proc").glob("[0-9]*/environ")
        if path.parent.name not in {str(but), "self"}
    )


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""
