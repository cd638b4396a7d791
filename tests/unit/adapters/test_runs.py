"""Runs on this machine: private folders, a journal that loses nothing, names that are names."""

import errno
import json
import os
import resource
import signal
import stat
import time
from pathlib import Path

import pytest

from gpmirror.adapters.runs import (
    RunJournal,
    add_records,
    create_run,
    list_runs,
    new_run_name,
    read_journal,
    read_run,
    runs_folder,
)
from gpmirror.errors import Failure
from gpmirror.run.record import JOURNAL, PLAN, Opening, end, step

NAME = "20261121T070539Z-1f3a9c"


def opening(run: str = NAME, plan_id: str = "p") -> dict[str, object]:
    return dict(Opening(run=run, plan_id=plan_id, cluster="c", by="me@here", version="0").record())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "gpmirror" / "runs"


@pytest.fixture
def run(folder: Path) -> Path:
    return create_run(folder, NAME, "{}")


class Far:
    """The coordinator's host: takes what it is given while it is there."""

    def __init__(self) -> None:
        self.text = ""
        self.there = True

    def replace(self, text: str) -> bool:
        if self.there:
            self.text = text
        return self.there

    def append(self, text: str) -> bool:
        if self.there:
            self.text += text
        return self.there


@pytest.mark.parametrize(
    ("base", "where"),
    [
        ("/var/state", "/var/state/gpmirror/runs"),
        ("", "~/.local/state/gpmirror/runs"),
        ("relative", "~/.local/state/gpmirror/runs"),
    ],
)
def test_the_state_directory(base: str, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/gpadmin")
    assert str(runs_folder({"XDG_STATE_HOME": base})) == where.replace("~", "/home/gpadmin")


def test_names_sort_by_time_and_differ() -> None:
    first = new_run_name()
    time.sleep(0.01)
    second = new_run_name()
    assert first < second
    assert len({second, *(new_run_name() for _ in range(4))}) == 5
    assert len(first) == len(second) == len(NAME)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_everything_is_private_whatever_the_umask(folder: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        run = create_run(folder, NAME, "{}")
        RunJournal(run, None).write(opening())
    finally:
        os.umask(before)
    top = folder.parents[1]
    for path in (top, *top.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


def test_a_name_is_given_once(folder: Path, run: Path) -> None:
    with pytest.raises(Failure, match=r"cannot be kept in .*File exists"):
        create_run(folder, NAME, "{}")


def test_no_place_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="Not a directory") as caught:
        create_run(tmp_path / "file" / "runs", NAME, "{}")
    assert "XDG_STATE_HOME" in str(caught.value.hint)


def test_records_are_numbered_on_by_the_next_process(folder: Path, run: Path) -> None:
    journal = RunJournal(run, None)
    journal.write(opening())
    journal.write(step("lock", "begin"))
    RunJournal(run, None).write(end(0, "done"))
    records = [json.loads(line) for line in (run / JOURNAL).read_text().splitlines()]
    assert [record["seq"] for record in records] == [1, 2, 3]
    standing, plan = read_run(folder, NAME)
    assert (standing.exit_code, standing.summary, plan) == (0, "done", b"{}")


def test_a_record_that_a_crash_cut_off_swallows_nothing(folder: Path, run: Path) -> None:
    RunJournal(run, None).write(opening())
    with (run / JOURNAL).open("a") as file:
        file.write('{"seq": 2, "rec')
    RunJournal(run, None).write(end(10, "half"))
    assert read_run(folder, NAME)[0].exit_code == 10


def test_what_another_machine_wrote_is_added_and_counted(folder: Path, run: Path) -> None:
    RunJournal(run, None).write(opening())
    with (run / JOURNAL).open("a") as file:
        file.write('{"seq": 2, "rec')
    journal = RunJournal(run, None)
    theirs = json.dumps(end(0, "done elsewhere"))
    add_records(folder, NAME, f"{theirs}\n")
    assert read_run(folder, NAME)[0].summary == "done elsewhere"
    assert read_journal(folder, NAME).endswith(f'"rec\n{theirs}\n')
    journal.write(step("prune/aside", "begin"))
    assert json.loads(read_journal(folder, NAME).splitlines()[-1])["seq"] == 4


def test_a_full_disk_is_told_and_what_comes_later_is_whole(folder: Path, run: Path) -> None:
    journal = RunJournal(run, None)
    journal.write(opening())
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400, limit[1]))
    try:
        with pytest.raises(Failure, match="cannot be written: File too large") as caught:
            journal.write(step("lock", "begin", detail="x" * 400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert "free space" in str(caught.value.hint)
    assert (run / JOURNAL).stat().st_size == 400, "a part was taken"
    journal.write(end(1, "told"))
    assert read_run(folder, NAME)[0].summary == "told"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "free space"),
        (errno.EROFS, "is read-only"),
        (errno.EACCES, "check owner and mode"),
    ],
)
def test_each_trouble_has_its_own_way_out(
    run: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refused(path: Path, data: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("gpmirror.adapters.runs.append", refused)
    for changed, after in ((False, "start again: nothing was changed"), (True, "gpmirror resume")):
        journal = RunJournal(run, None)
        if changed:
            journal.also_far()
        with pytest.raises(Failure) as caught:
            journal.write(opening())
        assert words in (caught.value.hint or "")
        assert after in (caught.value.hint or "")


def test_a_folder_that_vanished_is_named(run: Path) -> None:
    journal = RunJournal(run, None)
    (run / PLAN).unlink()
    run.rmdir()
    with pytest.raises(Failure) as caught:
        journal.write(opening())
    assert f"{run} is gone" in (caught.value.hint or "")


def test_no_empty_journal_is_left(run: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with pytest.raises(Failure):
            RunJournal(run, None).write(opening())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert not (run / JOURNAL).exists()


def test_odd_characters_are_written(folder: Path, run: Path) -> None:
    RunJournal(run, None).write({**opening(), "by": "\udcff ü \n"})
    assert read_run(folder, NAME)[0].by == "\udcff ü \n"


def test_the_far_copy_catches_up(run: Path) -> None:
    far = Far()
    journal = RunJournal(run, far)
    journal.write(opening())
    assert far.text == "", "not before changes begin"
    journal.also_far()
    for name in ("a", "b", "c", "d"):
        far.there = name in {"b", "d"}
        journal.write(step(name, "begin"))
    assert far.text == (run / JOURNAL).read_text()


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "/etc", "a/b", "a b", "a\n", "$(id)", "x" * 5000, "\udcff"]
)
def test_hostile_names_are_no_runs(folder: Path, run: Path, name: str) -> None:
    with pytest.raises(Failure, match="no run") as caught:
        read_run(folder, name)
    assert len(caught.value.message) < 400
    assert "gpmirror runs" in str(caught.value.hint)


def test_a_journal_of_another_run(folder: Path, run: Path) -> None:
    RunJournal(run, None).write(opening(run="20261121T070539Z-000000"))
    with pytest.raises(Failure, match="is the journal of run '20261121T070539Z-000000'"):
        read_run(folder, NAME)


@pytest.mark.parametrize("missing", [JOURNAL, PLAN])
def test_a_run_with_a_file_missing(folder: Path, run: Path, missing: str) -> None:
    RunJournal(run, None).write(opening())
    (run / missing).unlink()
    with pytest.raises(Failure, match=missing):
        read_run(folder, NAME)


def test_a_journal_that_cannot_be_read(run: Path) -> None:
    (run / JOURNAL).mkdir()
    with pytest.raises(Failure, match="cannot be read: Is a directory"):
        RunJournal(run, None)


def test_runs_are_listed_newest_first_and_broken_ones_left_out(folder: Path) -> None:
    for name in ("20260101T000000Z-aaaaaa", "20270101T000000Z-bbbbbb", "broken"):
        RunJournal(create_run(folder, name, "{}"), None).write(opening(run=name))
    (folder / "broken" / JOURNAL).write_text('{"record": "run"}\n')
    (folder / "a file").write_text("")
    assert [found.run for found in list_runs(folder)] == [
        "20270101T000000Z-bbbbbb",
        "20260101T000000Z-aaaaaa",
    ]
    assert list_runs(folder / "nowhere") == []


def test_runs_that_cannot_be_listed_are_not_none(tmp_path: Path) -> None:
    assert list_runs(tmp_path / "never") == []
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(Failure, match="cannot be listed: Not a directory"):
        list_runs(tmp_path / "runs")


def test_steps_of_a_hostile_journal(folder: Path, run: Path) -> None:
    journal = RunJournal(run, None)
    journal.write(opening())
    for name in ("wave-x/native", "wave-/sync", "wave-001/native/..", "/", "wave-002/native"):
        journal.write(step(name, "begin"))
        journal.write(step(name, "done"))
    with (run / JOURNAL).open("a") as file:
        file.write('[]\n"x"\nnull\n{"record": []}\n' + "[" * 100_000 + "\n")
    standing = read_run(folder, NAME)[0]
    assert standing.native_begun == (2,)
    assert standing.waves_done == ()


def test_a_tail_of_any_bytes_is_a_line_cut_off(folder: Path, run: Path) -> None:
    """A power cut leaves NULs where the file had grown and its bytes had not come."""
    RunJournal(run, None).write(opening())
    with (run / JOURNAL).open("ab") as file:
        file.write(b'{"seq":3\0\0\0\xff\x1b[2J')
    far = Far()
    journal = RunJournal(run, far)
    journal.also_far()
    journal.write(end(0, "after"))
    assert far.text.isascii()
    assert [json.loads(line)["record"] for line in far.text.splitlines()] == ["run", "end"]
    assert read_journal(folder, run.name) == far.text
    assert read_run(folder, run.name)[0].exit_code == 0


@pytest.mark.parametrize("what", [".", JOURNAL, PLAN, ".."])
def test_what_others_may_write_is_not_believed(folder: Path, run: Path, what: str) -> None:
    RunJournal(run, None).write(opening())
    path = (run / what).resolve()
    path.chmod(path.stat().st_mode | stat.S_IWGRP)
    with pytest.raises(Failure) as caught:
        read_run(folder, run.name)
    assert str(path) in caught.value.message
    assert "others may write it (mode 0" in caught.value.message
    assert f"chmod go-w {path}" in (caught.value.hint or "")
    if what == "..":
        with pytest.raises(Failure, match="others may write it"):
            create_run(folder, "20261121T070540Z-1f3a9c", "{}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("what", [".", JOURNAL, PLAN, ".."])
def test_what_belongs_to_another_account_is_not_believed(
    folder: Path, run: Path, what: str
) -> None:
    RunJournal(run, None).write(opening())
    path = (run / what).resolve()
    os.chown(path, 65534, -1)
    with pytest.raises(Failure) as caught:
        read_run(folder, run.name)
    assert f"{path} belongs to nobody" in caught.value.message
