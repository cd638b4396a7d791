"""What gpaddmirrors and gprecoverseg share: who copies what from whom, and doing it."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gpmirror.cluster.segment import Segment
from gpmirror.lab.utilities.progress import Progress
from gpmirror.lab.utilities.remote import Remote, in_parallel
from gpmirror.lab.utilities.session import Session
from gpmirror.lab.utilities.tasks import Action, Outcome, Request, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """One mirror to make: `target` is its row as it will be, `failed` its row as it is (None: it
    is new), `source` the acting primary's row.
    """

    target: Segment
    source: Segment
    failed: Segment | None = None
    full: bool = True

    @property
    def in_place(self) -> bool:
        """Whether the mirror stays where it is."""
        return self.failed is not None and _spot(self.failed) == _spot(self.target)


def _spot(segment: Segment) -> tuple[str, int, str | None]:
    return segment.address, segment.port, segment.directory


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """How a run reaches the hosts: `hosts` at a time, `per_host` segments on each."""

    session: Session
    remote: Remote
    hosts: int
    per_host: int

    def all_do(
        self, action: Action, tasks: Sequence[tuple[str, Task]]
    ) -> dict[int, tuple[str, Outcome]]:
        """Every host does its tasks; addresses and outcomes by dbid. A task's address says its
        host.
        """
        grouped: dict[str, list[Task]] = {}
        for address, task in tasks:
            grouped.setdefault(address, []).append(task)

        def one(address: str) -> list[Outcome]:
            return self.remote.ask(address, self._request(action, address, grouped[address]))

        answers = in_parallel(one, list(grouped), self.hosts)
        pairs = zip(grouped, answers, strict=True)
        return {o.dbid: (address, o) for address, outcomes in pairs for o in outcomes}

    def _request(self, action: Action, address: str, tasks: list[Task]) -> Request:
        host = self.remote.host(address)
        return Request(
            action=action,
            state=str(self.session.lab.state),
            host=host.name if host else address,
            at_once=self.per_host,
            tasks=tuple(tasks),
        )


def task_of(session: Session, recovery: Recovery, stamp: str = "") -> Task:
    """What the target's host is asked to do, with the faults of this run."""
    target, source, faults = recovery.target, recovery.source, session.faults
    host = Remote(session.lab).host(target.address)
    kind = "pg_basebackup" if recovery.full else "pg_rewind"
    log = f"{host.home if host else ''}/gpAdminLogs/{kind}.{stamp}.dbid{target.dbid}.out"
    wanted = Task(
        content=target.content,
        dbid=target.dbid,
        directory=target.directory or "",
        port=target.port,
        source=(session.lab.resolve(source.address), source.port),
        full=recovery.full,
        overwrite=session.old or recovery.failed is not None,
        seconds=faults.delay(target.content, host.name if host else ""),
        log=log,
        filespaces=tuple(path for _, path in target.filespaces),
    )
    if target.content in faults.fail_copy:
        return replace(wanted, fault="copy")
    if target.content in faults.fail_replication and session.old:
        return replace(wanted, fault="mirroring")
    return replace(wanted, fault="start") if target.content in faults.fail_start else wanted


def copy_all(crew: Crew, recoveries: Sequence[Recovery]) -> list[tuple[Recovery, Task, Outcome]]:
    """Copy and start every mirror, telling how it goes meanwhile; in the recoveries' order."""
    stamp = time.strftime("%Y%m%d_%H%M%S")
    tasks = [task_of(crew.session, recovery, stamp) for recovery in recoveries]
    shown = sorted(zip(recoveries, tasks, strict=True), key=lambda pair: pair[1].dbid)
    rows = [(f"{r.target.hostname} (dbid {t.dbid})", t) for r, t in shown]
    with Progress(crew.session, rows):
        placed = [(r.target.address, t) for r, t in zip(recoveries, tasks, strict=True)]
        outcomes = crew.all_do("copy", placed)
    return [(r, t, outcomes[t.dbid][1]) for r, t in zip(recoveries, tasks, strict=True)]


def resynchronise(crew: Crew, recoveries: Sequence[Recovery]) -> None:
    """Full copies, made in the background (5)."""
    stamp = time.strftime("%Y%m%d_%H%M%S")
    crew.all_do("resync", [(r.target.address, task_of(crew.session, r, stamp)) for r in recoveries])


def stand_still(session: Session) -> None:
    """The fault that makes a utility wait just before it writes to the catalog."""
    time.sleep(session.faults.hang_before_catalog)


def era() -> str:
    """The line that names the cluster's era."""
    return f"era is 8ee3ebb3041964e3_{time.strftime('%y%m%d%H%M%S')}"


def table(rows: Iterable[tuple[str, object]]) -> list[str]:
    """`   key   = value` lines, keys as wide as the widest."""
    found = list(rows)
    width = max(len(key) for key, _ in found) + 3
    return [f"   {key:<{width}}= {value}" for key, value in found]


def instance(kind: str, segment: Segment) -> list[tuple[str, object]]:
    """The rows that describe one segment in a summary."""
    rows: list[tuple[str, object]] = [
        (f"{kind} instance host", segment.hostname),
        (f"{kind} instance address", segment.address),
        (f"{kind} instance directory", segment.directory),
        (f"{kind} instance port", segment.port),
    ]
    if segment.replication_port is not None:
        rows.append((f"{kind} instance replication port", segment.replication_port))
    return rows + [(f"{kind} instance {name} directory", path) for name, path in segment.filespaces]
