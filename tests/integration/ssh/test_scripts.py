"""Scripts on a real server: what comes back is what they printed, whatever stands around them."""

import os
import random
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmirror.adapters import ssh_script
from gpmirror.adapters.ssh import SshHosts, open_hosts
from gpmirror.boundary import Silence
from gpmirror.spec.model import SshOptions
from tests.ssh_replies import answered, run, silent
from tests.sshd import USER, Farm, farm

pytestmark = pytest.mark.ssh

NOISE = "ForceCommand echo Welcome; printf 'no newline'; echo mind the step >&2; eval \"$SSH_ORIGINAL_COMMAND\""


@pytest.fixture(scope="module", name="plain")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHosts]:
    """One host that nothing is wrong with."""
    with farm(tmp_path_factory.mktemp("ssh") / "farm") as made:
        made.start("sdw1")
        with open_hosts(SshOptions(config=str(made.config))) as hosts:
            yield hosts


@pytest.mark.parametrize(
    ("script", "status", "out", "err"),
    [
        ("echo hello", 0, "hello\n", ""),
        ("printf x; printf y >&2; exit 7", 7, "x", "y"),
        ("cat; read line; echo $?", 0, "1\n", ""),
        ('echo $#; echo "$*"', 0, "0\n\n", ""),
        (r"printf 'a\377b'", 0, "a\\xffb", ""),
        (r"printf 'a\000b'", 0, "a\0b", ""),
        ("set -e; false; echo not here", 1, "", ""),
        ("trap 'echo cleaned' EXIT; exit 3", 3, "cleaned\n", ""),
        ("cat <<'END'\n$HOME `id`\nEND\necho done", 0, "$HOME `id`\ndone\n", ""),
        ("", 0, "", ""),
        ("# only a comment", 0, "", ""),
        ("echo ä€", 0, "ä€\n", ""),
        ("sleep 60 & echo left one behind; kill $!", 0, "left one behind\n", ""),
    ],
)
def test_a_script_answers_with_what_it_printed(
    plain: SshHosts, script: str, status: int, out: str, err: str
) -> None:
    reply = answered(run(plain, script))
    assert (reply.status, reply.out, reply.err) == (status, out, err)


def test_a_syntax_error_is_an_answer(plain: SshHosts) -> None:
    reply = answered(run(plain, "echo 'no end"))
    assert reply.status != 0
    assert "nterminated" in reply.err or "unexpected EOF" in reply.err


def test_a_process_left_in_the_background_holds_nothing_up(plain: SshHosts) -> None:
    reply = answered(run(plain, "sleep 500 & echo $!", seconds=60))
    os.kill(int(reply.out), 15)


def test_large_scripts_and_outputs_pass(plain: SshHosts) -> None:
    word = "x" * 400_000
    reply = answered(
        run(
            plain,
            f"v={word}\necho ${{#v}}\nhead -c 3000000 /dev/zero\nhead -c 2000000 /dev/zero >&2",
        )
    )
    assert reply.out == "400000\n" + "\0" * 3_000_000
    assert reply.err == "\0" * 2_000_000


@settings(max_examples=5)
@given(st.lists(st.text(st.characters(exclude_characters="\0"), max_size=40), min_size=40))
def test_quoted_values_come_back_unchanged(plain: SshHosts, values: list[str]) -> None:
    words = [value.encode("utf-8", "ignore") for value in values]
    script = "\n".join(f"printf '%s\\0' {shlex.quote(word.decode())}" for word in words)
    reply = answered(run(plain, script))
    assert reply.out.encode() == b"".join(word + b"\0" for word in words)


def test_a_talkative_login_does_not_show(farm: Farm, connect: Callable[[], SshHosts]) -> None:
    banner = farm.folder / "banner"
    banner.write_text("*** authorised use only ***\n")
    farm.start("sdw1", NOISE, f"Banner {banner}")
    reply = answered(run(connect(), "echo only this; echo and this >&2"))
    assert (reply.out, reply.err) == ("only this\n", "and this\n")


def test_a_start_up_file_that_eats_the_script_keeps_it_from_running(
    farm: Farm, connect: Callable[[], SshHosts], tmp_path: Path
) -> None:
    farm.start("sdw1", 'ForceCommand read eaten; eval "$SSH_ORIGINAL_COMMAND"')
    reply = silent(run(connect(), f"touch {tmp_path}/ran"), Silence.LOST)
    assert "not reach" in reply.message
    assert not (tmp_path / "ran").exists()


def test_a_start_up_file_that_hangs_keeps_the_script_from_running_ever(
    farm: Farm, connect: Callable[[], SshHosts], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ssh_script, "_LEAST_START_SECONDS", 1.0)
    gate, over = tmp_path / "gate", tmp_path / "over"
    wait = f"until test -e {gate}; do sleep 0.05; done"
    farm.start("sdw1", f'ForceCommand {wait}; eval "$SSH_ORIGINAL_COMMAND"; touch {over}')
    reply = silent(run(connect(), f"touch {tmp_path}/ran", seconds=1), Silence.TIMED_OUT)
    assert "start-up file" in reply.hint
    assert "did not run" in reply.message
    gate.touch()
    _until(over.exists)
    assert not (tmp_path / "ran").exists()


def test_a_shell_that_runs_nothing(farm: Farm, connect: Callable[[], SshHosts]) -> None:
    farm.start("sdw1", "ForceCommand echo This account is currently not available.; exit 1")
    reply = silent(run(connect(), "echo hello"), Silence.NO_LOGIN)
    assert "This account is currently not available." in reply.message
    assert USER in reply.message


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "csh", "tcsh", "fish"])
def test_every_login_shell_will_do(farm: Farm, connect: Callable[[], SshHosts], shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    farm.start("sdw1", f'ForceCommand exec {program} -c "$SSH_ORIGINAL_COMMAND"')
    reply = answered(run(connect(), "echo \"it's\" '$5!'; exit 9"))
    assert (reply.status, reply.out, reply.err) == (9, "it's $5!\n", "")


def test_a_script_that_runs_too_long_is_ended_over_there(plain: SshHosts, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    script = f"trap '' TERM HUP; sleep 77 & echo $! $$ >{pids}; while :; do sleep 77; done"
    began = time.monotonic()
    reply = silent(run(plain, script, seconds=2), Silence.TIMED_OUT)
    assert "sdw1" in reply.message
    assert "within 2 s" in reply.message
    assert time.monotonic() - began >= 2
    _gone(pids)
    assert answered(run(plain, "echo still here")).out == "still here\n"


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_a_host_that_answers_without_end_is_hung_up_on(plain: SshHosts, stream: str) -> None:
    reply = silent(run(plain, f"yes{stream}"), Silence.LOST)
    assert "an answer of more than 16 MB, and was hung up on" in reply.message
    assert answered(run(plain, "echo again")).out == "again\n"


def test_a_login_that_prints_without_end_is_hung_up_on(
    farm: Farm, connect: Callable[[], SshHosts]
) -> None:
    farm.start("sdw1", "ForceCommand yes")
    reply = silent(run(connect(), "echo hello"), Silence.LOST)
    assert "more than 64 KB before the script began" in reply.message


@pytest.mark.parametrize("old", ["absent", "without -k"])
def test_the_deadline_holds_without_timeout(
    farm: Farm, connect: Callable[[], SshHosts], tmp_path: Path, old: str
) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cat", "sleep", "echo", "kill"):
        (tools / name).symlink_to(str(shutil.which(name)))
    if old == "without -k":
        (tools / "timeout").write_text("#!/bin/sh\nexit 125\n")
        (tools / "timeout").chmod(0o755)
    farm.start("sdw1", f'ForceCommand export PATH={tools}; eval "$SSH_ORIGINAL_COMMAND"')
    hosts = connect()
    reply = answered(run(hosts, "echo $PATH; exit 5"))
    assert (reply.status, reply.out, reply.err) == (5, f"{tools}\n", "")
    pids = tmp_path / "pids"
    nap = random.randint(100_000, 999_999)
    script = f"sleep {nap} & echo $! $$ >{pids}; sleep {nap}"
    silent(run(hosts, script, seconds=2), Silence.TIMED_OUT)
    _gone(pids)
    assert str(nap) not in _sleepers()


def test_the_environment_of_the_caller_stays_here(
    plain: SshHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    assert "secret" not in answered(run(plain, "env; ps -o args= -p $$")).out


def test_many_scripts_leave_no_descriptor_open(plain: SshHosts) -> None:
    run(plain, ":")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        answered(run(plain, "echo x"))
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _gone(pids: Path) -> None:
    """The processes in a file must end soon: a forced end comes 5 s after the polite one."""
    for pid in pids.read_text().split():
        _until(lambda pid=pid: not _alive(pid))  # type: ignore[misc]


def _alive(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _sleepers() -> list[str]:
    """The argument of every sleep that runs."""
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return [line.split()[1] for line in lines.stdout.splitlines() if line.startswith("sleep ")]
