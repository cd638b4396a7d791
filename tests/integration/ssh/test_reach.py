"""Hosts that cannot be reached, that go away, or that stand behind others."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gpmirror.adapters.ssh import SshHosts
from gpmirror.boundary import Answered, Silence
from tests.ssh_replies import answered, run, silent
from tests.sshd import USER, Farm, free_place

pytestmark = pytest.mark.ssh

Connect = Callable[[], SshHosts]


@contextmanager
def peer(greeting: bytes | None) -> Iterator[tuple[str, int]]:
    """Accepts connections; sends the greeting and hangs up, or never says a word."""
    kept: list[socket.socket] = []
    with socket.create_server(free_place()) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    kept.append(near)
                    if greeting is not None:
                        near.sendall(greeting)
                        near.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for each in kept:
        each.close()


def point_at(farm: Farm, place: tuple[str, int], more: str = "") -> None:
    address, port = place
    farm.write_config(f"Host sdw1\n  HostName {address}\n  Port {port}\n{more}")


def test_a_name_that_does_not_resolve(farm: Farm, connect: Connect) -> None:
    farm.write_config("Host sdw1\n  HostName no-such-host.invalid\n")
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert "no-such-host.invalid does not resolve" in reply.message


def test_a_port_where_nobody_listens(farm: Farm, connect: Connect) -> None:
    address, port = free_place()
    point_at(farm, (address, port))
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert f"{address} port {port}" in reply.message
    assert "connection refused" in reply.message
    assert "sshd" in reply.hint


def test_a_peer_that_never_speaks(farm: Farm, connect: Connect) -> None:
    with peer(None) as place:
        point_at(farm, place, "  ConnectTimeout 1\n")
        reply = silent(run(connect(), "echo no"), Silence.TIMED_OUT)
        assert "no SSH server spoke within 1 s" in reply.message


def test_a_host_that_hangs_is_waited_for_once(farm: Farm, connect: Connect) -> None:
    with peer(None) as place:
        point_at(farm, place, "  ConnectTimeout 2\n")
        hosts = connect()
        first = silent(run(hosts, "echo no"), Silence.TIMED_OUT)
        began = time.monotonic()
        again = [silent(run(hosts, "echo no"), Silence.TIMED_OUT) for _ in range(20)]
        assert time.monotonic() - began < 20
        assert {one.message for one in again} == {first.message}
        silent(run(connect(), "echo no"), Silence.TIMED_OUT)  # another command asks for itself


def test_an_address_that_swallows_packets(farm: Farm, connect: Connect) -> None:
    """A full listen queue on loopback behaves like a firewall that drops."""
    with socket.socket() as listener:
        listener.bind(free_place())
        listener.listen(0)
        place = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for each in fillers:
            each.setblocking(False)
            each.connect_ex(place)
        point_at(farm, place, "  ConnectTimeout 1\n")
        reply = run(connect(), "echo no")
        for each in fillers:
            each.close()
    assert "no answer within 1 s" in silent(reply, Silence.UNREACHABLE).message


def test_a_peer_that_is_no_ssh_server(farm: Farm, connect: Connect) -> None:
    with peer(b"220 mail.example ESMTP\r\n" * 200) as place:
        point_at(farm, place)
        reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert "no SSH server" in reply.message


def test_a_peer_that_hangs_up_at_once_is_asked_again(farm: Farm, connect: Connect) -> None:
    with peer(b"") as place:
        point_at(farm, place)
        reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert "closed the connection before its greeting" in reply.message
    assert "MaxStartups" in reply.hint


def test_throttled_logins_succeed_in_the_end(farm: Farm, connect: Connect) -> None:
    server = farm.start("gate", "MaxStartups 2:50:4")
    names = [f"sdw{number}" for number in range(12)]
    farm.write_config(
        "".join(
            f"Host {name}\n  HostName {server.address}\n  Port {server.port}\n" for name in names
        )
    )
    replies = connect().ask(dict.fromkeys(names, "echo yes"), seconds=30)
    assert [answered(replies[name]).out for name in names] == ["yes\n"] * len(names)


def test_one_connection_serves_all_scripts(farm: Farm, connect: Connect) -> None:
    server = farm.start("sdw1")
    hosts = connect()
    assert server.log().count("Accepted publickey") == 0
    for _ in range(3):
        answered(run(hosts, "echo x"))
    assert server.log().count("Accepted publickey") == 1


def test_every_host_is_asked_at_once_and_has_its_own_reply(farm: Farm, connect: Connect) -> None:
    for number in range(6):
        farm.start(f"sdw{number}", known=number != 3)
    farm.servers["sdw4"].stop()
    scripts = {f"sdw{number}": f"sleep 1; echo {number}" for number in range(6)}
    replies = connect().ask(scripts, seconds=30)
    assert list(replies) == sorted(scripts)
    assert {host: type(reply).__name__ for host, reply in replies.items()} == {
        host: "NoAnswer" if host in {"sdw3", "sdw4"} else "Answered" for host in scripts
    }


def test_a_connection_lost_in_a_script(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    hosts = connect()
    # the shell's grandparents are timeout's shell and the server's process of this session
    script = "p=$(ps -o ppid= -p $(ps -o ppid= -p $$)); kill -9 $p; sleep 600"
    reply = silent(run(hosts, script, seconds=120), Silence.LOST)
    assert "the connection was closed" in reply.message
    assert answered(run(hosts, "echo back")).out == "back\n"


def test_a_connection_lost_between_scripts(farm: Farm, connect: Connect) -> None:
    server = farm.start("sdw1")
    hosts = connect()
    answered(run(hosts, "echo x"))
    for pid in server.sessions():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert answered(run(hosts, "echo back")).out == "back\n"


def test_a_server_that_stops_serving_between_scripts(farm: Farm, connect: Connect) -> None:
    server = farm.start("sdw1")
    hosts = connect()
    answered(run(hosts, "echo x"))
    server.stop()
    silent(run(hosts, "echo no"), Silence.UNREACHABLE)


def test_a_shell_killed_from_outside(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    reply = silent(run(connect(), "kill -9 $$"), Silence.LOST)
    assert "ended from outside" in reply.message


def test_jump_hosts_are_shared(farm: Farm, connect: Connect) -> None:
    outer, inner = farm.start("outer"), farm.start("inner")
    names = [f"sdw{number}" for number in range(4)]
    for name in names:
        farm.start(name)
    through = f"{USER}@outer,{USER}@{inner.address}:{inner.port}"
    farm.write_config(f"Host sdw*\n  ProxyJump {through}\n")
    replies = connect().ask(dict.fromkeys(names, "echo $SSH_CLIENT"), seconds=30)
    assert all(isinstance(reply, Answered) for reply in replies.values()), replies
    assert outer.log().count("Accepted publickey") == 1
    assert inner.log().count("Accepted publickey") == 1


def test_a_jump_host_behind_a_jump_host(farm: Farm, connect: Connect) -> None:
    outer = farm.start("outer")
    farm.start("inner")
    farm.start("sdw1")
    farm.write_config("Host sdw1\n  ProxyJump inner\nHost inner\n  ProxyJump outer\n")
    answered(run(connect(), "echo yes"))
    assert outer.log().count("Accepted publickey") == 1


def test_a_jump_host_with_an_unknown_key(farm: Farm, connect: Connect) -> None:
    farm.start("outer", known=False)
    farm.start("sdw1")
    farm.write_config("Host sdw1\n  ProxyJump outer\n")
    reply = silent(run(connect(), "echo no"), Silence.UNKNOWN_KEY)
    assert "outer" in reply.message


def test_a_host_that_its_jump_host_cannot_reach(farm: Farm, connect: Connect) -> None:
    farm.start("outer")
    address, port = free_place()
    point_at(farm, (address, port), "  ProxyJump outer\n")
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert f"{address} port {port} through outer" in reply.message
    assert "Connect failed" in reply.message


def test_jumping_in_circles(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    farm.write_config("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\nHost sdw1\n  ProxyJump a\n")
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert "jump" in reply.message


def test_a_proxy_command(farm: Farm, connect: Connect) -> None:
    farm.start("outer")
    farm.start("sdw1")
    inner = f"ssh -F {farm.config} -W %h:%p outer"
    farm.config.write_text(f"Host sdw1\n  ProxyCommand {inner}\n" + farm.config.read_text())
    hosts = connect()
    assert answered(run(hosts, "echo yes")).out == "yes\n"
    hosts.close()


def test_a_proxy_command_gets_no_password(
    farm: Farm, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "SECRET")
    seen = tmp_path / "seen"
    farm.write_config(
        f'Match exec "env >>{seen}"\n  ServerAliveInterval 7\n'
        f"Host sdw1\n  ProxyCommand env >>{seen}; exit 1\n"
    )
    run(connect(), "true")
    assert "HOME=" in seen.read_text()
    assert "SECRET" not in seen.read_text()


def test_a_proxy_command_that_fails(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    farm.write_config("Host sdw1\n  ProxyCommand echo no way to %h >&2; exit 1\n")
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert f"no way to {farm.servers['sdw1'].address}" in reply.message


def test_include_and_match(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    real = farm.folder / "included"
    real.write_text("Match originalhost sdw1 exec true\n" + farm.config.read_text())
    farm.config.write_text(f"Include {real}\n")
    answered(run(connect(), "echo yes"))


@pytest.mark.parametrize("name", ["-oProxyCommand=touch${IFS}x", "sdw1;id", "a b", "", "root@sdw1"])
def test_names_that_are_no_names(farm: Farm, connect: Connect, name: str) -> None:
    farm.start("sdw1")
    reply = silent(run(connect(), "echo no", host=name), Silence.UNREACHABLE)
    assert repr(name) in reply.message


def test_an_interrupt_gets_through(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    farm.start("sdw2")
    hosts = connect()
    answered(run(hosts, "echo x"))
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        hosts.ask({"sdw1": "sleep 300", "sdw2": "sleep 300"}, seconds=600)
    assert time.monotonic() - began < 120, "it waits for the scripts"
    timer.join()
