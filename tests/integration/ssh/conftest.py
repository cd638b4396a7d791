"""Servers and ways to ask them, for the tests of this folder."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gpmirror.adapters.ssh import SshHosts, open_hosts
from gpmirror.spec.model import SshOptions
from tests.sshd import Farm, available, farm


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)


@pytest.fixture(name="farm")
def _farm(tmp_path: Path) -> Iterator[Farm]:
    """No server yet: a test starts what it needs."""
    assert available(), "the tests need OpenSSH's server"
    with farm(tmp_path / "farm") as made:
        yield made


@pytest.fixture
def connect(farm: Farm) -> Iterator[Callable[[], SshHosts]]:
    """Opens hosts with the farm's configuration as it is at that moment; closed at the end."""
    with ExitStack() as stack:

        def opened() -> SshHosts:
            return stack.enter_context(open_hosts(SshOptions(config=str(farm.config))))

        yield opened
