"""Scripts on this machine: the same contract as over SSH, by real `sh`."""

import os
import pwd
import socket
import time
from pathlib import Path

import pytest

from gpmirror.adapters.ssh_failures import Unanswered
from gpmirror.adapters.ssh_script import is_this_machine, run_here
from gpmirror.adapters.ssh_target import SshTarget
from gpmirror.boundary import Silence

ME = pwd.getpwuid(os.geteuid()).pw_name


def target(address: str, **changes: object) -> SshTarget:
    fields: dict[str, object] = {"alias": "mdw", "address": address, "port": 22, "user": ME}
    return SshTarget(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ["localhost", "127.0.0.1", "::1", "LOCALHOST"])
def test_loopback_is_here(address: str) -> None:
    assert is_this_machine(target(address))


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"port": 2222},
        {"user": "somebody-else"},
        {"jumps": ("bastion",)},
        {"proxy_command": "nc %h %p"},
    ],
)
def test_anything_out_of_the_ordinary_goes_through_ssh(elsewhere: dict[str, object]) -> None:
    assert not is_this_machine(target("localhost", **elsewhere))


@pytest.mark.parametrize("address", ["127.0.0.2", "sdw1.invalid", "", "10.11.12.13"])
def test_other_addresses_are_elsewhere(address: str) -> None:
    assert not is_this_machine(target(address))


def test_our_name_must_lead_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "mdw")
    found = {"mdw": "127.0.0.1"}
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda name, *_, **__: [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", (found[name], 0))],
    )
    assert is_this_machine(target("mdw"))
    found["mdw"] = "192.0.2.7"
    assert not is_this_machine(target("mdw"))


@pytest.mark.parametrize(
    ("script", "status", "out", "err"),
    [
        ("echo hello; echo you >&2; exit 3", 3, "hello\n", "you\n"),
        ("cat; echo $?", 0, "0\n", ""),
        (r"printf 'a\377b\000'", 0, "a\\xffb\0", ""),
        ("sleep 50 & kill $!; printf x", 0, "x", ""),
        ("head -c 2000000 /dev/zero | tr '\\0' y; : " + "x" * 300_000, 0, "y" * 2_000_000, ""),
    ],
)
def test_the_contract_is_that_of_ssh(script: str, status: int, out: str, err: str) -> None:
    reply = run_here("mdw", script, 20)
    assert (reply.host, reply.status, reply.out, reply.err) == ("mdw", status, out, err)


def test_the_environment_stays_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", "secret")
    monkeypatch.setenv("GPHOME", "/usr/local/gp")
    out = run_here("mdw", "env", 20).out
    assert "secret" not in out
    assert "GPHOME" not in out
    assert f"HOME={os.environ['HOME']}\n" in out


def test_no_descriptor_leaks() -> None:
    with Path("/dev/null").open() as kept:
        os.set_inheritable(kept.fileno(), True)
        before = len(list(Path("/proc/self/fd").iterdir()))
        out = run_here("mdw", f"test -e /proc/self/fd/{kept.fileno()} && echo leaked", 20).out
        assert out == ""
        assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_script_that_runs_too_long(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    with pytest.raises(Unanswered) as caught:
        run_here("mdw", f"sleep 300 & echo $! >{pids}; sleep 300", 2)
    assert caught.value.why is Silence.TIMED_OUT
    assert "mdw (this machine)" in caught.value.message
    assert not _alive(pids.read_text().strip())


def test_an_answer_without_end_is_cut_off() -> None:
    with pytest.raises(Unanswered, match="an answer of more than 16 MB"):
        run_here("mdw", "yes", 60)


def test_a_shell_killed_from_outside() -> None:
    with pytest.raises(Unanswered) as caught:
        run_here("mdw", "kill -9 $$", 20)
    assert caught.value.why is Silence.LOST


def _alive(pid: str) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return False
        except (FileNotFoundError, ProcessLookupError):
            return False
        time.sleep(0.02)
    return True
