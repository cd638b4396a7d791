"""Nothing that a spec or a catalog says breaks out of the scripts, through a real shell."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.native.directories import measure_script, read_measures
from gpmirror.native.dryrun import read_tried
from gpmirror.native.process import (
    RUNS,
    Utility,
    append_script,
    dry_run_script,
    environment_text,
    forestall_script,
    keep_script,
    poll_script,
    read_poll,
    read_script,
    start_script,
)
from gpmirror.plan.model import HostAction
from gpmirror.run.apply import _script
from tests.clusters import row

PIECES = (
    "'", '"', "`touch pwned`", "$(touch pwned)", "${IFS}", "$HOME", "\\", "\n", ";", "&", "|", ">x",
    "<", "*", "?", "[a]", "{a,b}", "~", "#", "!", "-rf", "--", "%s%n", "\t", "ü", " ", "(", ")", "\r",
    "EOF", "\x1b[2J", "a",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join)
NAMES = TEXTS.map(lambda text: f"n{text}").filter(lambda text: len(text.encode()) < 120)
"""A file's name: no slash among the pieces."""
PATHS = st.lists(NAMES, min_size=1, max_size=3)
RUN = "20261121T070000Z-abc123"

few = settings(max_examples=25)


class Home:
    """A home directory of its own for one example; afterwards it holds what a script made."""

    def __init__(self, folder: str) -> None:
        self.path = Path(folder)
        self.work = self.path / "work"
        self.work.mkdir()

    def sh(self, script: str) -> "subprocess.CompletedProcess[bytes]":
        return subprocess.run(
            ["sh"],
            input=script.encode(),
            env={"HOME": str(self.path), "PATH": os.environ["PATH"]},
            cwd=self.work,
            capture_output=True,
            timeout=300,
            check=False,
        )

    def check(self, expected: Sequence[Path]) -> None:
        """Nothing is there but the expected files and folders and what leads to them."""
        allowed = {parent for path in expected for parent in (path, *path.parents)}
        found = {path for path in self.path.rglob("*") if path != self.work}
        assert found <= allowed, found - allowed


def home() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="gpm")


@few
@given(name=NAMES, text=TEXTS, more=TEXTS)
@example(name="n", text="'\n'", more="'; touch pwned; '")
def test_files_hold_what_was_given(name: str, text: str, more: str) -> None:
    with home() as folder:
        place = Home(folder)
        file = place.path / RUNS / RUN / name
        assert place.sh(keep_script(RUN, [(name, text)])).returncode == 0
        assert place.sh(append_script(RUN, name, more)).returncode == 0
        assert file.read_bytes() == (text + more).encode()
        assert place.sh(read_script(RUN, name)).stdout == (text + more).encode()
        assert file.stat().st_mode & 0o777 == 0o600
        assert (place.path / RUNS).stat().st_mode & 0o777 == 0o700
        place.check([file, file.with_name("number")])


@few
@given(run=NAMES, name=NAMES)
def test_names_of_runs_are_names(run: str, name: str) -> None:
    with home() as folder:
        place = Home(folder)
        assert place.sh(forestall_script(run, name)).stdout == b"forestalled\n"
        assert place.sh(forestall_script(run, name)).stdout == b"already\n"
        poll = read_poll(place.sh(poll_script(run, name, 0)).stdout.decode(), 0)
        assert poll is not None
        assert poll.text == ""
        place.check([place.path / RUNS / run / f"{name}.started"])


@pytest.mark.slow
@settings(max_examples=8)
@given(words=st.lists(TEXTS, min_size=1, max_size=4), name=NAMES, text=TEXTS, directory=NAMES)
def test_a_utility_gets_its_words(words: list[str], name: str, text: str, directory: str) -> None:
    """Its arguments and its input file arrive byte by byte; the environment names the directory."""
    with home() as folder:
        place = Home(folder)
        gphome = place.path / "gp"
        gphome.mkdir()
        (gphome / "greenplum_path.sh").write_text(":\n")
        tool = gphome / "tool"
        tool.write_text(
            '#!/bin/sh\nprintf "%s\\0" "$MASTER_DATA_DIRECTORY" "$@"\nprintf "%s" @; cat -- "$1"\n'
        )
        tool.chmod(0o755)
        coordinator = row(1, -1, "p", "mdw", 5432, f"/data/{directory}")
        environment = f"GPHOME={gphome}\n" + environment_text(
            DIALECTS[DialectName.GP6], coordinator
        )
        utility = Utility(
            name="wave-001-x",
            argv=(str(tool), name, *words),
            file_name=name,
            file_text=text,
        )
        told = "\0".join((f"/data/{directory}", name, *words, "")) + f"@{text}"
        said = place.sh(dry_run_script(utility, environment)).stdout.decode()
        assert read_tried(said).said == told

        run = place.path / RUNS / RUN
        assert place.sh(keep_script(RUN, [])).returncode == 0
        assert place.sh(start_script(RUN, utility, environment)).stdout == b"started\n"
        for _ in range(400):
            poll = read_poll(place.sh(poll_script(RUN, utility.name, 0)).stdout.decode(), 0)
            if poll is not None and poll.status is not None:
                break
        assert (run / "wave-001-x.log").read_bytes() == told.encode()
        ends = ("sh", "log", "pid", "started", "status")
        made = ["number", *(f"wave-001-x.{end}" for end in ends)]
        place.check(
            [*(run / one for one in (*made, name)), gphome / "tool", gphome / "greenplum_path.sh"]
        )


@few
@given(parts=PATHS)
def test_directories_are_measured_by_name(parts: list[str]) -> None:
    with home() as folder:
        place = Home(folder)
        path = place.path.joinpath("data", *parts)
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"x" * 10_000)
        measured = read_measures(place.sh(measure_script([str(path)])).stdout.decode())
        if "\n" not in str(path) and "\r" not in str(path):
            assert measured[str(path)] >= 10_000
        place.check([path / "file"])


@few
@given(parts=PATHS)
def test_parents_are_made_by_name(parts: list[str]) -> None:
    with home() as folder:
        place = Home(folder)
        path = place.path.joinpath(*parts)
        action = HostAction(host="sdw1", action="make-parent", path=str(path), mode="0700")
        done = place.sh("umask 077\n" + _script(action))
        assert done.returncode == 0, done.stderr
        assert path.is_dir()
        assert path.stat().st_mode & 0o777 == 0o700
        place.check([path])
