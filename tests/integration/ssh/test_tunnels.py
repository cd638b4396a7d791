"""Tunnels: byte streams to where a host can reach, many at once, and after a lost connection."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from gpmirror.adapters.ssh import SshHosts
from gpmirror.errors import ConnectionLost
from tests.sshd import Farm, free_place

pytestmark = pytest.mark.ssh

Connect = Callable[[], SshHosts]


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that answers a stream in capitals, and ends it when the caller ends his."""
    with socket.create_server(free_place()) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    near, _ = listener.accept()
                    threading.Thread(target=answer, args=(near,)).start()

        def answer(near: socket.socket) -> None:
            with near, suppress(OSError):
                while data := near.recv(65536):
                    near.sendall(data.upper())

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(place: tuple[str, int], words: bytes) -> bytes:
    with socket.create_connection(place, timeout=120) as stream:

        def send() -> None:
            with suppress(OSError):
                stream.sendall(words)
                stream.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        got = b""
        with suppress(ConnectionResetError):
            while data := stream.recv(65536):
                got += data
        sender.join()
        return got


def as_another_account(script: str, place: tuple[str, int]) -> list[str]:
    """The command that runs a script as nobody, with a place as its two arguments."""
    # what the script may need is imported before it can no longer be read
    head = "import encodings.idna, os, socket, sys\nos.setuid(65534)\n"
    return [sys.executable, "-c", head + script, *map(str, place)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_account_of_this_machine_does_not_get_through(
    farm: Farm, connect: Connect, echo: tuple[str, int]
) -> None:
    """The server would take it for the host, and may trust that."""
    farm.start("sdw1")
    near = connect().tunnel("sdw1", echo)
    words = as_another_account(
        "stream = socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=120)\n"
        "try:\n"
        "    stream.sendall(b'drop table')\n"
        "    stream.shutdown(socket.SHUT_WR)\n"
        "    print(stream.recv(100))\n"
        "except OSError: print(b'')\n",
        near,
    )
    done = subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == "b''\n"
    assert ask(near, b"mine") == b"MINE"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_account_that_calls_from_the_same_port_elsewhere_is_not_in_the_way(
    farm: Farm, connect: Connect, echo: tuple[str, int]
) -> None:
    """Linux gives one port to two callers whose connections end in two places."""
    farm.start("sdw1")
    near = connect().tunnel("sdw1", echo)
    words = as_another_account(
        "streams = []\n"
        "for _ in range(40):\n"
        "    stream = socket.socket()\n"
        "    stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
        "    stream.bind(('127.0.0.1', 0))\n"
        "    stream.connect((sys.argv[1], int(sys.argv[2])))\n"
        "    streams.append(stream)\n"
        "print(*(stream.getsockname()[1] for stream in streams), flush=True)\n"
        "sys.stdin.read()\n",
        echo,
    )
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        for port in map(int, other.stdout.readline().split()):
            with socket.socket() as stream:
                stream.settimeout(120)
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                stream.bind(("127.0.0.1", port))
                stream.connect(near)
                stream.sendall(b"mine")
                assert stream.recv(10) == b"MINE"
        other.communicate(timeout=120)


def test_a_tunnel_carries_many_connections(
    farm: Farm, connect: Connect, echo: tuple[str, int]
) -> None:
    server = farm.start("sdw1")
    near = connect().tunnel("sdw1", echo)
    assert near[0] == "127.0.0.1"
    assert near != echo
    assert [ask(near, b"hello %d" % n) for n in range(5)] == [b"HELLO %d" % n for n in range(5)]
    assert ask(near, b"x" * 3_000_000) == b"X" * 3_000_000
    streams = [socket.create_connection(near, timeout=120) for _ in range(8)]
    for number, stream in enumerate(streams):
        stream.sendall(b"a%d" % number)
    assert [stream.recv(10) for stream in streams] == [b"A%d" % number for number in range(8)]
    for stream in streams:
        stream.close()
    assert server.log().count("Accepted publickey") == 1


def test_a_tunnel_survives_its_connection(
    farm: Farm, connect: Connect, echo: tuple[str, int]
) -> None:
    server = farm.start("sdw1")
    near = connect().tunnel("sdw1", echo)
    assert ask(near, b"a") == b"A"
    for pid in server.sessions():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # the first connection afterwards may still meet the dying one
    deadline = time.monotonic() + 30
    while ask(near, b"b") != b"B":
        assert time.monotonic() < deadline


def test_a_tunnel_that_leads_nowhere_is_told_at_once(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    address, port = free_place()
    with pytest.raises(ConnectionLost) as caught:
        connect().tunnel("sdw1", (address, port))
    assert farm.servers["sdw1"].address in caught.value.message
    assert f"{address} port {port}" in caught.value.message


def test_a_tunnel_over_an_unknown_host(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    with pytest.raises(ConnectionLost) as caught:
        connect().tunnel("sdw1", ("127.0.0.1", 5432))
    assert "host key is not known" in caught.value.message
    assert caught.value.hint


def test_closing_the_hosts_closes_the_tunnel(
    farm: Farm, connect: Connect, echo: tuple[str, int]
) -> None:
    farm.start("sdw1")
    hosts = connect()
    near = hosts.tunnel("sdw1", echo)
    hosts.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(near, timeout=5)
