"""Hit while a native utility runs: what goes on by itself, what is told, and what `resume` fixes."""

import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.e2e.attacks import (
    GROUP,
    MARKS,
    Ended,
    Running,
    Site,
    eventually,
    ssh_sessions,
    terminal,
)

pytestmark = [*MARKS, pytest.mark.xdist_group("running")]
ADD = "wave-001-gpaddmirrors"
COPY_SECONDS = 2.5


def slowly(site: Site, seconds: float = COPY_SECONDS) -> Running:
    """An apply whose utility runs, its copies taking a while."""
    set_faults(site.practice.state, Faults(slow_copy=slow(seconds)))
    running = site.start("apply", "--yes")
    site.wait_native(running, ADD)
    return running


def complete(site: Site, done: Ended) -> None:
    """All mirrors are in sync where the spec wants them, and the utility was started once."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.in_sync(GROUP)
    empty = site.gpmirror("plan", "--detailed-exitcode")
    assert empty.returncode == 0, empty.stdout


def added_once(site: Site) -> bool:
    """Whether gpaddmirrors was started in earnest once, in all runs together."""
    return site.starts("gpaddmirrors") == 1


# --- connections --------------------------------------------------------------------------------


def test_the_database_session_is_lost_and_locked_again(site: Site) -> None:
    # long enough for a look at the locks on a busy machine: they go with the run
    running = slowly(site, 6.0)
    (before,) = eventually(site.sessions, "a session")
    assert site.end_sessions() == 1
    # the first new session may be one that found the lock still held, and is not the last
    held = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted"
    eventually(
        lambda: {pid for (pid,) in site.sql(held)} & ({*site.sessions()} - {before}),
        "the lock in a new session",
    )
    complete(site, running.end())
    assert added_once(site)


def test_the_coordinator_restarts(site: Site) -> None:
    """The utility, too, may lose its session, and fail; nothing is made up either way."""
    running = slowly(site)
    lab = site.lab
    restart = f"{lab.pg_bin}/pg_ctl -D {lab.coordinator_data} -m fast -w restart >/dev/null 2>&1"
    site.practice.ssh("mdw", restart)
    done = running.end()
    assert done.returncode in {0, 10}, done.stdout + done.stderr
    if done.returncode == 10:
        assert f"gpmirror resume {site.run}" in done.stderr
        done = site.gpmirror("resume", "--yes")
    complete(site, done)


def test_ssh_sessions_are_killed(site: Site) -> None:
    running = slowly(site)
    for pid in ssh_sessions(site, "mdw"):
        os.kill(pid, signal.SIGKILL)
    complete(site, running.end())
    assert added_once(site)


def test_a_host_dies(site: Site) -> None:
    """The third host takes the primary of content 2 and the mirror of content 1 with it."""
    running = slowly(site, 4.0)
    begun = Path(site.root("sdw3")) / "gpseg1" / "PG_VERSION"
    eventually(begun.exists, "a copy on the third host")
    site.order("kill", "sdw3")
    done = running.end(120)
    assert done.returncode == 10, done.stdout + done.stderr
    for words in ("NEXT ACTIONS", f"gpmirror resume {site.run}", "sdw3", "content 1"):
        assert words in done.stderr
    states = {content: (mode, status) for content, mode, status, *_ in site.mirrors()}
    assert states[0] == ("s", "u")
    assert states[1] != ("s", "u")
    site.order("restore", "sdw3")
    clear_faults(site.practice.state)
    site.practice.wait(
        lambda: (
            not site.sql("SELECT FROM gp_segment_configuration WHERE role = 'p' AND status <> 'u'")
        )
    )
    complete(site, site.gpmirror("resume", "--yes"))


# --- gpmirror itself ----------------------------------------------------------------------------


def test_killed_while_the_utility_runs(site: Site) -> None:
    running = slowly(site)
    first = site.run
    running.kill()
    locked_out = site.gpmirror("apply", "--yes")
    assert locked_out.returncode == 7, locked_out.stdout + locked_out.stderr
    assert "gpaddmirrors" in locked_out.stderr
    complete(site, site.gpmirror("resume", first))
    assert added_once(site)
    again = site.gpmirror("resume", first)
    assert again.returncode == 1
    assert f"run {first} is complete" in again.stderr


@pytest.mark.parametrize(
    ("step", "state"),
    [
        ("dry-run", "done"),
        ("host-actions", "begin"),
        ("wave-001/native", "begin"),
        ("wave-001/sync", "begin"),
        ("verify", "begin"),
    ],
)
def test_killed_at_a_step(site: Site, step: str, state: str) -> None:
    running = site.start("apply", "--yes")
    site.wait_step(running, step, state)
    running.kill()
    done = site.gpmirror("resume", site.run)
    if done.returncode == 1:
        assert "changed nothing" in done.stderr
        done = site.gpmirror("apply", "--yes")
    complete(site, done)
    assert added_once(site)


def test_a_run_is_not_resumed_while_it_goes_on(site: Site) -> None:
    running = slowly(site, 8.0)
    run = site.run
    before = site.records()
    done = site.gpmirror("resume", run, "--yes")
    assert done.returncode == 7, done.stdout + done.stderr
    assert f"run {run} still goes on in another process" in done.stderr
    assert site.records()[: len(before)] == before
    assert not [record for record in site.records() if record["record"] == "resumed"]
    complete(site, running.end())


def test_a_closed_terminal_detaches(site: Site) -> None:
    running = slowly(site)
    running.interrupt(signal.SIGHUP)
    done = running.end()
    assert done.returncode == 130
    assert f"gpmirror resume {site.run}" in done.stdout + done.stderr
    complete(site, site.gpmirror("resume"))
    assert added_once(site)


def test_two_interrupts_on_a_terminal_detach(site: Site) -> None:
    set_faults(site.practice.state, Faults(slow_copy=slow(COPY_SECONDS)))
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        screen.type("yes\n")
        eventually(lambda: site.begun("wave-001/native"), "the wave")
        eventually(lambda: site.is_native(ADD), "its utility")
        screen.type("\x03")
        screen.wait_for("finishing this wave")
        screen.type("\x03")
        assert screen.end() == 130
        assert f"gpmirror resume {site.run}" in screen.text
        assert "\x1b[?25l" not in screen.text.rpartition("\x1b[?25h")[2], "the cursor is hidden"
    listed = site.gpmirror("runs")
    assert "detached" in listed.stdout
    complete(site, site.gpmirror("resume"))
    assert added_once(site)


def test_yes_on_a_terminal(site: Site) -> None:
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        screen.type("yes\n")
        assert screen.end() == 0, screen.text
        assert "Apply complete: 3 added" in screen.text
        assert "Traceback" not in screen.text
        assert "\x1b[?25l" not in screen.text.rpartition("\x1b[?25h")[2], "the cursor is hidden"
    assert site.in_sync(GROUP)


def test_a_reader_that_goes_away(site: Site) -> None:
    """`gpmirror apply --yes | head -1`: the run goes on."""
    reader, writer = os.pipe()
    with subprocess.Popen(
        site.argv("apply", "--yes"),
        cwd=site.folder,
        env=site.environment(),
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)
        _, err = running.communicate(timeout=300)
    assert running.returncode == 0, err
    assert site.in_sync(GROUP)


# --- the utility --------------------------------------------------------------------------------


def test_one_mirror_fails(site: Site) -> None:
    set_faults(site.practice.state, Faults(fail_copy=(1,)))
    done = site.gpmirror("apply", "--yes")
    assert done.returncode == 10, done.stdout + done.stderr
    run = site.run
    for words in ("NEXT ACTIONS", f"gpmirror resume {run}", "content 1", "exit"):
        assert words in done.stderr
    states = [(mode, status) for _, mode, status, *_ in site.mirrors()]
    assert states == [("s", "u"), ("n", "d"), ("s", "u")]
    clear_faults(site.practice.state)

    asks = site.gpmirror("resume", run)
    assert asks.returncode == 8, "what was not confirmed is asked for"
    assert "1 to recover" in asks.stdout + asks.stderr
    complete(site, site.gpmirror("resume", run, "--yes"))
    assert added_once(site)

    runs = [path.name for path in site.runs()]
    assert runs[0] == run
    for name in runs:
        records = site.records(name)
        assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
        assert records[0]["run"] == name
    assert site.records(runs[-1])[0]["continues"] == run
    assert site.records(run)[-1]["continued_as"] == runs[-1]
    told = site.gpmirror("resume", run)
    assert told.returncode == 1
    assert f"goes on as run {runs[-1]}" in told.stderr


def test_success_without_a_deed(site: Site) -> None:
    site.plan()
    set_faults(site.practice.state, Faults(exit_zero_do_nothing=True))
    done = site.gpmirror("apply", "plan.json", "--yes")
    assert done.returncode in {9, 11}, done.stdout + done.stderr
    assert site.mirrors() == []
    clear_faults(site.practice.state)
    if done.returncode == 11:
        assert "exit 0" in done.stderr
        complete(site, site.gpmirror("resume", "--yes"))
    again = site.gpmirror("apply", "plan.json", "--yes")
    assert (again.returncode, "already applied" in again.stdout) == (0, True), again.stderr
    assert "0 changes" in again.stdout


# --- this machine -------------------------------------------------------------------------------


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_the_journals_disk_fills_up(site: Site) -> None:
    state = site.folder / "state"
    state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(state)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        running = slowly(site)
        found = os.statvfs(state)
        (state / "ballast").write_bytes(b"x" * (found.f_bavail * found.f_frsize))
        journal = site.state / site.run / "journal.jsonl"
        with journal.open("a", encoding="utf-8") as file:  # the last page, too
            file.write(json.dumps({"record": "padding", "of": "x" * 5}) + "\n")
            left = -file.tell() % 4096
            file.write(" " * (left - 1) + "\n")
        done = running.end()
        assert done.returncode == 10, done.stdout + done.stderr
        assert "No space left on device" in done.stderr
        (state / "ballast").unlink()
        complete(site, site.gpmirror("resume"))
        assert added_once(site)
    finally:
        subprocess.run(["umount", str(state)], check=True)
