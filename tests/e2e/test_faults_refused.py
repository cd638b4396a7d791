"""What stands in the way before anything is changed: the exit code, the words, an untouched cluster."""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.attacks import MARKS, Ended, Site, eventually, site_on, terminal
from tests.labs import Practice

pytestmark = [*MARKS, pytest.mark.xdist_group("refused")]


@pytest.fixture(scope="module")
def mirrorless(shared_labs: Callable[..., Practice]) -> Practice:
    practice = shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1)
    practice.reset()
    return practice


@pytest.fixture
def site(mirrorless: Practice, tmp_path: Path) -> Iterator[Site]:
    """A cluster without mirrors, which must be as it was at the end of every test."""
    with site_on(mirrorless, tmp_path) as found:
        before, far = found.catalog(), found.far_runs()
        yield found
        assert found.catalog() == before
        assert found.far_runs() == far


def refused(site: Site, code: int, *words: str) -> Ended:
    """Apply is refused with this code, saying all of this on standard error."""
    done = site.gpmirror("apply", "--yes")
    assert_refused(done, code, *words)
    return done


def assert_refused(done: Ended, code: int, *words: str) -> None:
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    for word in (*words, "hint:"):
        assert word in done.stderr, f"{word!r} is not in:\n{said}"
    assert "Traceback" not in said


# --- hosts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["mdw", "sdw2"])
@pytest.mark.parametrize("kind", ["changed", "unknown"])
def test_a_host_key_that_is_not_trusted(site: Site, host: str, kind: str) -> None:
    known = (site.practice.state / "known_hosts").read_text(encoding="utf-8").splitlines()
    mine = next(line for line in known if f"[{host}]" in line)
    other = next(line for line in known if f"[{host}]" not in line)
    replaced = f"{mine.split()[0]} {' '.join(other.split()[1:])}"
    lines = [line for line in known if line != mine] + ([replaced] if kind == "changed" else [])
    keys = site.folder / "known_hosts"
    keys.write_text("\n".join(lines) + "\n", encoding="utf-8")
    config = site.lab.ssh_config.read_text(encoding="utf-8")
    own = site.folder / "ssh_config"
    own.write_text(config.replace(f"{site.practice.state}/known_hosts", str(keys)))
    site.write_spec(config=str(own))
    if kind == "changed":
        refused(site, 9, host, "host key has changed", "ssh-ed25519 SHA256:", str(keys))
    else:
        refused(site, 9, host, "host key is not known", "ssh-keyscan", str(keys))


def test_a_host_that_is_down(site: Site) -> None:
    site.order("kill", "sdw2")
    try:
        refused(site, 9, "sdw2: reachable: cannot reach sdw2", "connection refused")
    finally:
        site.order("restore", "sdw2")
        site.practice.wait(lambda: _all_up(site))


def _all_up(site: Site) -> bool:
    return site.sql("SELECT count(*) FROM gp_segment_configuration WHERE status <> 'u'") == [(0,)]


def test_a_host_that_goes_down_while_hosts_are_checked(site: Site) -> None:
    """Its SSH server is stopped in mid-word and killed when it has been asked."""
    pid = int((site.host("sdw2").folder / "sshd.pid").read_text(encoding="ascii"))
    os.kill(pid, signal.SIGSTOP)
    running = site.start("apply", "--yes")
    site.wait_step(running, "preflight")
    site.order("kill", "sdw2")
    try:
        assert_refused(running.end(), 9, "sdw2")
    finally:
        site.order("restore", "sdw2")
        site.practice.wait(lambda: _all_up(site))


# --- directories and ports ----------------------------------------------------------------------


def _as_account(site: Site, host: str, script: str) -> None:
    done = site.practice.ssh(host, script)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ("mkdir -p -m 700 {0} && touch {0}/precious", "not empty"),
        ("mkdir -p {0} && chmod 755 {0}", "755"),
        ("touch {0}", "not a directory"),
        ("ln -s / {0}", "{0}"),
    ],
)
def test_a_target_directory_that_will_not_do(site: Site, make: str, words: str) -> None:
    path = f"{site.root('sdw2')}/gpseg0"
    _as_account(site, "sdw2", f"mkdir -p -m 700 {site.root('sdw2')}; " + make.format(path))
    try:
        refused(site, 9, "sdw2", path, words.format(path))
    finally:
        _as_account(site, "sdw2", f"rm -rf {site.root('sdw2')}")


def test_a_parent_that_cannot_be_written(site: Site) -> None:
    parent = Path(site.root("sdw2")).parent
    _as_account(site, "sdw2", f"chmod 555 {parent}")
    try:
        refused(site, 9, "sdw2", str(parent))
    finally:
        _as_account(site, "sdw2", f"chmod 755 {parent}")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
def test_a_disk_that_is_too_small(site: Site) -> None:
    root = Path(site.root("sdw2"))
    _as_account(site, "sdw2", f"mkdir -p -m 700 {root}")
    owner = root.stat()
    options = f"size=1m,mode=700,uid={owner.st_uid},gid={owner.st_gid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(root)], check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        refused(site, 9, "sdw2", str(root), "space")
    finally:
        subprocess.run(["umount", str(root)], check=True)
        root.rmdir()


@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "own"), (socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")],
)
def test_a_port_that_is_taken(site: Site, family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as taken:
        if family == socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        port = _bound(taken, site.host("sdw2").ip if address == "own" else address)
        taken.listen()
        site.write_spec(offset=port - site.lab.primary_port)
        refused(site, 9, "sdw2", f"{port}")


def _bound(taken: socket.socket, address: str) -> int:
    """A port below the ephemeral ones that nobody uses: other clusters are on this machine."""
    for port in range(28000, 32000):
        with contextlib.suppress(OSError):
            taken.bind((address, port))
            return port
    raise AssertionError("no port is free")


# --- competition --------------------------------------------------------------------------------


def test_a_second_apply_names_the_first(site: Site) -> None:
    with terminal(site, "apply") as first:
        first.wait_for("Only 'yes'")
        eventually(lambda: site.begun("confirm"), "the question")
        run = site.run
        refused(site, 7, "practice is locked by", f"gpmirror {run}", "session")
        resumed = site.gpmirror("resume", run, "--yes")
        assert_refused(resumed, 1, run, "changed nothing")
        first.type("no\n")
        assert first.end() == 8
        assert "not applied: the answer was not yes" in first.text


def test_an_expansion_that_runs(site: Site) -> None:
    """A process by the utility's name on the coordinator's host, with its environment."""
    data = site.lab.coordinator_data
    script = f"MASTER_DATA_DIRECTORY={data} exec bash -c 'echo $$; sleep 600; :' gpexpand"
    with subprocess.Popen(
        ["ssh", "-F", str(site.lab.ssh_config), "mdw", script], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        pid = int(running.stdout.readline())
        try:
            refused(site, 7, "gpexpand runs on mdw", f"pid {pid}", "wait until it ends")
        finally:
            os.killpg(os.getpgid(pid), signal.SIGKILL)


# --- plans --------------------------------------------------------------------------------------


def test_a_plan_that_is_stale(site: Site) -> None:
    site.plan()
    site.sql("UPDATE gp_segment_configuration SET port = port + 7 WHERE content = 1")
    try:
        done = site.gpmirror("apply", "plan.json", "--yes")
        before = site.lab.primary_port
        assert_refused(done, 5, "content 1", str(before), str(before + 7), "plan again")
    finally:
        site.sql("UPDATE gp_segment_configuration SET port = port - 7 WHERE content = 1")


def _bigger_port(text: str) -> str:
    return text.replace('"max_contents":16', '"max_contents":17', 1)


@pytest.mark.parametrize(
    "edit",
    [_bigger_port, lambda text: text[:-400], lambda text: "{" * 100_000, lambda _: "{}"],
    ids=["edited", "cut off", "nested", "empty"],
)
def test_a_plan_file_that_was_edited(site: Site, edit: Callable[[str], str]) -> None:
    site.plan()
    file = site.folder / "plan.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(edit(text), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text
    assert_refused(site.gpmirror("apply", "plan.json", "--yes"), 3, "plan.json")


# --- people and terminals -----------------------------------------------------------------------


def test_nobody_to_ask(site: Site) -> None:
    assert_refused(site.gpmirror("apply"), 8, "there is no terminal to ask on", "--yes")


def test_standard_input_closed(site: Site) -> None:
    line = " ".join(site.argv("apply"))
    done = subprocess.run(
        ["sh", "-c", f"exec {line} <&-"],
        cwd=site.folder,
        env=site.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert_refused(done, 8, "there is no terminal to ask on", "--yes")


@pytest.mark.parametrize("answer", ["\n", "y\n", "\x04", "\xff\n", "yes please\n"])
def test_an_answer_that_is_not_yes(site: Site, answer: str) -> None:
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        os.write(screen.master, answer.encode("latin-1"))
        assert screen.end() == 8, screen.text
        assert "not applied" in screen.text
        assert "nothing was changed" in screen.text


def test_an_interrupt_before_changes(site: Site) -> None:
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        screen.type("\x03")
        assert screen.end() == 130
        assert "nothing was changed" in screen.text
        assert "\x1b[?25l" not in screen.text.rpartition("\x1b[?25h")[2], "the cursor is hidden"
    assert site.gpmirror("runs", site.run).stdout


@pytest.mark.parametrize("step", ["lock", "preflight"])
def test_an_interrupt_while_checking(site: Site, step: str) -> None:
    running = site.start("apply", "--yes")
    site.wait_step(running, step)
    running.interrupt()
    done = running.end()
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "nothing was changed" in done.stdout + done.stderr


# --- the coordinator ----------------------------------------------------------------------------


def test_the_session_ends_while_a_person_thinks(site: Site) -> None:
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        assert site.end_sessions() == 1
        screen.type("yes\n")
        assert screen.end() == 1, screen.text
        assert "the session with" in screen.text
        assert "run the command again" in screen.text


def test_the_lock_is_lost_and_taken_while_a_person_thinks(site: Site) -> None:
    """Without a session there is no lock; nobody applies on the strength of an old one."""
    with terminal(site, "apply") as screen:
        screen.wait_for("Only 'yes'")
        site.end_sessions()
        with terminal(site, "apply") as other:
            other.wait_for("Only 'yes'")
            screen.type("yes\n")
            assert screen.end() == 1, screen.text
            other.type("no\n")
            assert other.end() == 8


def test_the_session_ends_while_hosts_are_checked(site: Site) -> None:
    running = site.start("apply", "--yes")
    site.wait_step(running, "preflight")
    eventually(site.end_sessions, "a session to end")
    assert_refused(running.end(), 1, "the session with", "run the command again")


# --- this machine -------------------------------------------------------------------------------


def test_a_state_directory_that_cannot_be_made(site: Site) -> None:
    (site.folder / "state").write_text("in the way", encoding="utf-8")
    refused(site, 1, str(site.state), "XDG_STATE_HOME")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
@pytest.mark.parametrize("left", [0, 8192])
def test_a_state_directory_without_space(site: Site, left: int) -> None:
    """Full from the start, or with room for the plan and the journal's first words."""
    state = site.folder / "state"
    state.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(state)], check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    try:
        found = os.statvfs(state)
        ballast = found.f_bavail * found.f_frsize - left
        (state / "ballast").write_bytes(b"x" * ballast)
        done = site.gpmirror("apply", "--yes")
        assert done.returncode == 1, done.stdout + done.stderr
        assert str(site.state) in done.stderr
        assert "No space left on device" in done.stderr
        assert "hint:" in done.stderr
    finally:
        subprocess.run(["umount", str(state)], check=True)


# --- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["../../etc", "/etc", "..", ".", "", "$(touch pwned)", "a\nb", "`id`", "a" * 5000, "\udcff"],
)
@pytest.mark.parametrize("command", ["resume", "runs"])
def test_a_run_by_a_hostile_name(site: Site, command: str, name: str) -> None:
    done = subprocess.run(
        site.argv(command, name),
        cwd=site.folder,
        env=site.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    err = done.stderr.decode()
    assert done.returncode == 1, err
    assert "run" in err
    assert "hint:" in err
    assert len(err) < 1000
    assert not (site.folder / "pwned").exists()


def test_json_tells_a_refusal_as_an_event(site: Site) -> None:
    site.order("kill", "sdw2")
    try:
        done = site.gpmirror("apply", "--json", "--yes")
    finally:
        site.order("restore", "sdw2")
        site.practice.wait(lambda: _all_up(site))
    assert done.returncode == 9
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "run_ended"
    assert events[-1]["exit_code"] == 9


def test_nobody_to_ask_is_said_before_a_run_begins(site: Site) -> None:
    done = site.gpmirror("apply", "--json")
    assert (done.returncode, done.stdout) == (8, "")
    assert "there is no terminal to ask on" in done.stderr
