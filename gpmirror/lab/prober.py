"""The fault prober of the practice cluster: `python -m gpmirror.lab.prober STATE`.

It looks at every server once in `probe_interval`, and at once when a probe is requested, and keeps
the catalog true. Whatever goes wrong with a server or with the coordinator is waited out.
"""

import asyncio
import sys
import time
import traceback
from collections.abc import Iterable
from pathlib import Path

import psycopg
from psycopg import AsyncConnection

from gpmirror.cluster.segment import Role
from gpmirror.errors import Failure
from gpmirror.lab.faults import read_faults
from gpmirror.lab.judgement import Look, Row, Verdict, habit_of, judge
from gpmirror.lab.layout import Lab, read_lab
from gpmirror.lab.probe_catalog import ProbeCatalog
from gpmirror.lab.sight import Sight, Watch, seen_from

_SETTLE = 0.05
_ROUNDS = 20
_MEASURE_EVERY = 10
_AGAIN = 0.3

Pair = tuple[Row, Row | None]


class Prober:
    """Remembers between probes who has been silent since when."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._habit = habit_of(old=lab.release.old)
        self._watches: dict[tuple[str, int], Watch] = {}
        self._silent: dict[tuple[int, Role], float] = {}

    async def serve(self) -> None:
        """Probe until the coordinator goes away. Raises psycopg.Error then."""
        address = self._lab.conninfo(connect_timeout=2, application_name="fts probe")
        server = await AsyncConnection.connect(**address, autocommit=True)  # type: ignore[arg-type]
        async with server:
            catalog = ProbeCatalog(server, self._habit)
            while True:
                number = await catalog.begin()
                await self._probe(catalog, number)
                await catalog.done(number)
                await catalog.rest(self._lab.probe_interval)

    async def _probe(self, catalog: ProbeCatalog, number: int) -> None:
        """Look until nothing moves: turning a mirror in sync takes two looks."""
        pairs: list[Pair] = []
        for _ in range(_ROUNDS):
            pairs = _pairs(await catalog.rows())
            sights = await asyncio.gather(*(self._watch(primary).look() for primary, _ in pairs))
            verdicts = [
                await self._settle(catalog, pair, sight)
                for pair, sight in zip(pairs, sights, strict=True)
            ]
            await catalog.show(self._connections(pairs, sights))
            if not any(verdicts):
                break
            await asyncio.sleep(_SETTLE)
        else:
            sights = []
        if read_faults(self._lab.state).refuse_dispatch:
            await catalog.refuse(self._orphaned(pairs, sights))
        else:
            await catalog.refuse({})
        if number % _MEASURE_EVERY == 0:
            sizes = [(primary.content, await self._watch(primary).size()) for primary, _ in pairs]
            await catalog.measure((content, size) for content, size in sizes if size is not None)

    def _orphaned(self, pairs: Iterable[Pair], sights: Iterable[Sight | None]) -> dict[int, str]:
        """Acting primaries that have been silent for too long for their mirrors to take over still."""
        found = {}
        for (primary, _), sight in zip(pairs, sights, strict=False):
            since = self._silent.get((primary.dbid, primary.role))
            late = since is not None and time.monotonic() - since > self._habit.primary_grace + 1
            if sight is None and late:
                found[primary.content] = f"{self._ip(primary)}:{primary.port}"
        return found

    async def _settle(self, catalog: ProbeCatalog, pair: Pair, sight: Sight | None) -> bool:
        """Do what one pair needs; whether it needs another look."""
        primary, mirror = pair
        watch = self._watch(primary)
        if sight is not None and sight.in_recovery:
            await watch.promote()
            return True
        verdict = judge(primary, mirror, await self._look(pair, sight), self._habit)
        match verdict, mirror:
            case (Verdict.WAIT_FOR_MIRROR, _):
                await watch.wait_for_mirror()
            case (Verdict.FREE_COMMITS, _):
                await watch.free_commits()
            case (Verdict.MARK_IN_SYNC, Row()):
                await catalog.mark_in_sync(primary, mirror)
            case (Verdict.MARK_DOWN, Row()):
                await catalog.mark_down(primary, mirror)
            case (Verdict.FAIL_OVER, Row()):
                await catalog.fail_over(primary, mirror)
            case _:
                return False
        return True

    async def _look(self, pair: Pair, sight: Sight | None) -> Look:
        primary, mirror = pair
        streams = sight is not None and sight.streams
        primary_silent = self._silence(primary, answers=sight is not None)
        if sight is None:
            serves = mirror is not None and await self._serves(mirror)
            return Look(primary_silent=primary_silent, mirror_serves=serves)
        return Look(
            mirror_silent=self._silence(mirror, answers=streams) if mirror else 0.0,
            copying=sight.copying,
            waits=sight.waits,
            in_sync=sight.in_sync,
        )

    async def _serves(self, mirror: Row) -> bool:
        sight = await self._watch(mirror).look()
        return sight is not None and sight.in_recovery

    def _silence(self, row: Row, *, answers: bool) -> float:
        """For how many seconds a copy has been silent: more than 0 from the first time on."""
        key = (row.dbid, row.role)
        if answers:
            self._silent.pop(key, None)
            return 0.0
        now = time.monotonic()
        return now - self._silent.setdefault(key, now) + sys.float_info.epsilon

    def _watch(self, row: Row) -> Watch:
        try:
            ip = self._lab.resolve(row.address)
        except Failure:
            ip = row.address  # written by hand: it answers or it does not
        key = (ip, row.port)
        if key not in self._watches:
            self._watches[key] = Watch(ip, row.port, self._lab.user)
        return self._watches[key]

    def _connections(
        self, pairs: Iterable[Pair], sights: Iterable[Sight | None]
    ) -> dict[int, tuple[tuple[str | None, ...], ...]]:
        shown = {}
        for (primary, mirror), sight in zip(pairs, sights, strict=True):
            if mirror is not None and sight is not None:
                ip = self._ip(mirror)
                shown[primary.content] = tuple(seen_from(c, ip) for c in sight.connections)
        return shown

    def _ip(self, row: Row) -> str:
        try:
            return self._lab.resolve(row.address)
        except Failure:
            return "127.0.0.1"


def _pairs(rows: Iterable[Row]) -> list[Pair]:
    by_content: dict[int, dict[Role, Row]] = {}
    for row in rows:
        by_content.setdefault(row.content, {})[row.role] = row
    return [
        (copies[Role.PRIMARY], copies.get(Role.MIRROR))
        for copies in by_content.values()
        if Role.PRIMARY in copies
    ]


async def _watch_over(lab: Lab) -> None:
    """Probe for ever; begin again after every failure."""
    while True:
        try:
            await Prober(lab).serve()
        except (psycopg.OperationalError, OSError):
            await asyncio.sleep(_AGAIN)  # the coordinator is away: a restart, for example
        except Exception:  # noqa: BLE001 a prober that ends would leave the catalog untrue
            sys.stderr.write(traceback.format_exc())
            await asyncio.sleep(_AGAIN)


def main() -> None:
    """Probe the lab whose state folder is the first argument."""
    asyncio.run(_watch_over(read_lab(Path(sys.argv[1]))))


if __name__ == "__main__":
    main()
