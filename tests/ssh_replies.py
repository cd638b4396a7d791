"""What tests ask of replies from hosts."""

from gpmirror.adapters.ssh import SshHosts
from gpmirror.boundary import Answered, NoAnswer, Reply, Silence


def run(hosts: SshHosts, script: str, host: str = "sdw1", seconds: float = 20) -> Reply:
    """One script on one host."""
    return hosts.ask({host: script}, seconds=seconds)[host]


def answered(reply: Reply) -> Answered:
    """The reply, which must be an answer."""
    assert isinstance(reply, Answered), reply
    return reply


def silent(reply: Reply, why: Silence) -> NoAnswer:
    """The reply, which must be silence of this kind."""
    assert isinstance(reply, NoAnswer), reply
    assert reply.why is why, reply
    return reply
