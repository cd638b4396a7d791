"""Free slots on a host, for copies that must step aside for a while."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gpmirror.cluster.claims import on_disk
from gpmirror.cluster.segment import Slot
from gpmirror.placement.figures import MAX_PORT
from gpmirror.plan.occupancy import Key, Relocation, keys_of

_LOWEST_PORT = 1024
"""Ports below belong to the system."""

_SUFFIX = ".gpmirror-temporary"


class TemporarySlots:
    """Gives each temporary slot once. `taken` is everything in use at any time of the plan, `held`
    what the copies hold now, by content.
    """

    def __init__(self, taken: Iterable[Key], held: Mapping[Key, int]) -> None:
        self._held = held
        self._taken: set[Key] = set()
        self._ports: dict[str, set[int]] = {}
        self._take(taken)

    def slot(self, item: Relocation) -> Slot | None:
        """A free slot on the wanted host: ports above (else below) all that are in use there; the
        final directory itself unless another copy holds it now, else one beside it. None when the
        host has no free port.
        """
        wanted = item.to
        ports = self._free_ports(wanted.host, len(wanted.ports))
        if ports is None:
            return None
        replication = ports[1] if wanted.replication_port is not None else None
        aside = replace(wanted, port=ports[0], replication_port=replication)
        paths = wanted.directories
        holders = {self._held.get(on_disk(wanted.host, path), item.content) for path in paths}
        found = aside if holders <= {item.content} else self._beside(aside)
        self._take(keys_of(found))
        return found

    def _take(self, keys: Iterable[Key]) -> None:
        for host, what in keys:
            self._taken.add((host, what))
            if isinstance(what, int):
                self._ports.setdefault(host, set()).add(what)

    def _free_ports(self, host: str, count: int) -> list[int] | None:
        busy = self._ports.get(host, set())
        above = range(max(busy, default=_LOWEST_PORT - 1) + 1, MAX_PORT + 1)
        below = range(min(busy, default=_LOWEST_PORT) - 1, _LOWEST_PORT - 1, -1)
        free = [*above[:count], *below[:count]][:count]
        return free if len(free) == count else None

    def _beside(self, aside: Slot) -> Slot:
        number = 0
        while any(
            on_disk(aside.host, path + _suffix(number)) in self._taken for path in aside.directories
        ):
            number += 1
        return replace(
            aside,
            directory=None if aside.directory is None else aside.directory + _suffix(number),
            filespaces=tuple((name, path + _suffix(number)) for name, path in aside.filespaces),
        )


def _suffix(number: int) -> str:
    return f"{_SUFFIX}{number or ''}"
