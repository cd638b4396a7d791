"""Hosts for a rehearsal: questions are asked for real, changes are told and not made."""

from collections.abc import Callable, Mapping

from gpmirror.boundary import Answered, Hosts, Reply
from gpmirror.events import Rehearsed


class RehearsalHosts:
    """Fulfils `boundary.Hosts` without ever changing a host."""

    def __init__(self, real: Hosts, tell: Callable[[Rehearsed], None]) -> None:
        self._real = real
        self._tell = tell

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Run scripts that change nothing, on the real hosts."""
        return self._real.ask(scripts, seconds=seconds)

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        """Tell what would run, by host name in order; every host answers 0 and says nothing."""
        del seconds  # nothing runs
        for host in sorted(scripts):
            self._tell(Rehearsed(host=host, script=scripts[host]))
        return {host: Answered(host=host, status=0, out="", err="") for host in sorted(scripts)}
