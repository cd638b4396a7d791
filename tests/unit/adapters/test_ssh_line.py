"""The way to a host that hangs: waited for once, asked again after a rest."""

from collections.abc import Callable
from typing import Any

import pytest

from gpmirror.adapters.ssh import HostConnection
from gpmirror.adapters.ssh_failures import HungUp, Unanswered
from gpmirror.adapters.ssh_target import SshTarget
from gpmirror.boundary import Silence

TARGET = SshTarget(alias="sdw1", address="192.0.2.1", port=2222, user="gpadmin")


class Far:
    """A host whose connection fails after some seconds, or is there."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.asked = 0
        self.takes = 10.0
        self.error: Unanswered | None = Unanswered(Silence.TIMED_OUT, "sdw1: no answer", "wait")

    def now(self) -> float:
        return self.seconds

    def connect(self, target: SshTarget) -> Any:
        self.asked += 1
        self.seconds += self.takes
        if self.error is not None:
            raise self.error
        return self

    is_connected = True


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def ask(far: Far) -> Callable[[], Any]:
    return HostConnection("sdw1", lambda: TARGET, far.connect, far.now).connected


def test_a_host_that_hangs_is_not_asked_again_at_once(far: Far, ask: Callable[[], Any]) -> None:
    for _ in range(5):
        with pytest.raises(Unanswered, match="no answer"):
            ask()
        far.seconds += 5
    assert far.asked == 1


def test_it_is_asked_again_after_a_rest_and_its_return_is_seen(
    far: Far, ask: Callable[[], Any]
) -> None:
    with pytest.raises(Unanswered):
        ask()
    far.seconds += 61
    far.error = None
    assert ask() is far
    assert far.asked == 2


@pytest.mark.parametrize(
    ("takes", "error"),
    [
        (0.1, Unanswered(Silence.UNREACHABLE, "refused", "start sshd")),
        (12.0, HungUp(Silence.UNREACHABLE, "hung up", "MaxStartups")),
    ],
)
def test_a_host_that_refuses_costs_nothing_and_is_asked_again(
    far: Far, ask: Callable[[], Any], takes: float, error: Unanswered
) -> None:
    far.takes, far.error = takes, error
    for _ in range(3):
        with pytest.raises(Unanswered):
            ask()
    assert far.asked == 3
