"""Waiting for the SSH server of a practice cluster's host."""

import socket
from threading import Timer

import pytest

from gpmirror.lab import ssh


@pytest.mark.ssh
def test_a_server_that_takes_its_time_is_let_finish() -> None:
    """On a busy machine its first word took longer than a second, with each login anew."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address, port = listener.getsockname()

        def greet() -> None:
            near, _ = listener.accept()
            with near:
                near.sendall(b"SSH-2.0-late\r\n")

        late = Timer(1.5, greet)
        late.start()
        assert ssh._answers(address, port)
        late.join()
