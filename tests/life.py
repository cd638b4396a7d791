"""A cluster in memory that lives: hosts with directories, utilities that take their time and fail
half-way, servers that die, people who edit the catalog; it outlives every process that works on it.

Utilities run the very text of their files (`tests.simulator`). What must never happen is looked at
whenever something changes, and fails with a `Violation`.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Literal

from gpmirror.boundary import (
    Answered,
    Freshness,
    LockHolder,
    NoAnswer,
    OtherWork,
    Reply,
    Silence,
    Sizes,
)
from gpmirror.errors import ConnectionLost
from gpmirror.model.names import lies_in
from gpmirror.model.observed import (
    CopyFact,
    CopyProgress,
    Observed,
    Replication,
    in_canonical_order,
)
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.native.process import Poll, ProcessStage, Utility
from gpmirror.plan.model import Action, NativeRun, Wave
from gpmirror.preflight import shell
from tests.fakes import dry_run
from tests.simulator import SimulatedCluster, Violation

Spot = tuple[str, str]
"""(machine, directory)."""

FateKind = Literal["ok", "nothing", "refused", "some", "vanish", "cut"]
FATES: tuple[FateKind, ...] = ("ok", "nothing", "refused", "some", "vanish", "cut")
"""`cut`: every copy breaks off, and the catalog has it where it was, down (Greengage 6, recorded)."""
FOREIGN = "ff" * 8
_INTERFACE = re.compile(r"-\d+$")
_REACHED = re.compile(r"for h in (.*)\ndo\n")
_CALL = re.compile(r"^(?:look|aside|delete|pulse) \d", re.M)


@dataclass(frozen=True)
class Files:
    """What a directory holds: a system identifier (hex) and whether the copy broke off."""

    identifier: str
    partial: bool = False


@dataclass
class Job:
    """A native utility: what it was given, when it ends and how; `status` None: it vanishes."""

    wave: Wave
    native: NativeRun
    ends: float
    contents: frozenset[int]
    after: Mapping[int, Segment]
    kind: FateKind
    random: Random
    status: int | None = None
    running: bool = True


@dataclass
class Life:
    """Catalog, hosts, directories and native utilities in one, so that they agree."""

    observed: Observed
    same_host: bool
    now: float = 0.0
    rows: dict[int, Segment] = field(init=False)
    files: dict[Spot, Files] = field(init=False, default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    forestalled: set[str] = field(default_factory=set)
    run: str = "r0"
    """Whose run directory the utilities start in."""
    down: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    """Machines that never come back."""
    successors: set[str] = field(default_factory=set)
    """Names of dead hosts that a person let lead to others on the coordinator's host."""
    coming: set[int] = field(default_factory=set)
    """Contents whose copy goes on although its utility is gone."""
    broken: set[int] = field(default_factory=set)
    """Contents to which something happened while a utility worked on them."""
    agenda: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    fate: tuple[FateKind, int] = ("ok", 0)
    seconds: float = 4.0
    """How long a utility takes."""
    lost_until: float = -1.0
    silent_until: float = -1.0
    cut_hosts: int | None = None
    """After so many changing calls to hosts, connections are lost: the call may have been done."""
    locked: bool = False
    stranger: LockHolder | None = None
    edits: int = 0
    """How often anything changed that gpmirror did not see happen."""
    seen: int = -1
    started_now: int = 0

    def __post_init__(self) -> None:
        self.rows = {row.dbid: row for row in self.observed.segments}
        for row in self.rows.values():
            self._fill(row)

    # --- time -----------------------------------------------------------------------------------

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        while True:
            times = [time for time, _ in self.agenda]
            times += [job.ends for job in self.jobs.values() if job.running]
            if not times or min(times) > until:
                break
            self.now = max(min(times), self.now)
            self._happen()
        self.now = until

    def _happen(self) -> None:
        due = [item for item in self.agenda if item[0] <= self.now]
        self.agenda = [item for item in self.agenda if item[0] > self.now]
        for _, action in due:
            action()
        for job in self.jobs.values():
            if job.running and job.ends <= self.now:
                self._finish(job)
        self.check()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen."""
        self.agenda.append((self.now + seconds, action))

    # --- what must always hold ------------------------------------------------------------------

    def check(self) -> None:
        """No content without a live copy; nothing held twice; no copy of nothing."""
        for content, mine in self.by_content().items():
            if not any(row.is_up and row.is_acting_primary for row in mine):
                raise Violation(f"content {content} has no live copy: {mine}")
            if sum(row.is_acting_primary for row in mine) != 1:
                raise Violation(f"content {content} has two primaries")
        for row in self.rows.values():
            if row.content >= 0 and row.is_up:
                held = self.files.get(self._spot(row))
                if held is None or held.partial or held.identifier != ident(row.content):
                    raise Violation(f"content {row.content} is up in {self._spot(row)}: {held}")

    def by_content(self) -> dict[int, list[Segment]]:
        found: dict[int, list[Segment]] = {}
        for row in self.rows.values():
            if row.content >= 0:
                found.setdefault(row.content, []).append(row)
        return found

    def acting(self, content: int) -> Segment:
        return next(r for r in self.by_content()[content] if r.is_acting_primary)

    def idle(self, content: int) -> Segment | None:
        return next((r for r in self.by_content()[content] if not r.is_acting_primary), None)

    def is_synced(self, content: int) -> bool:
        mine = self.by_content()[content]
        return len(mine) == 2 and all(r.is_up and r.mode is Mode.SYNCED for r in mine)

    def busy_sessions(self) -> int | None:
        return 0

    def busy(self) -> set[int]:
        """Contents that a utility works on now."""
        return {c for job in self.jobs.values() if job.running for c in job.contents}

    # --- catalog --------------------------------------------------------------------------------

    def truth(self) -> Observed:
        """The catalog now, whoever looks."""
        return replace(self.observed, segments=in_canonical_order(self.rows.values()), copies={})

    def sizes(self) -> Sizes:
        self._session()
        contents = {row.content for row in self.rows.values() if row.content >= 0}
        return Sizes(by_content={c: (c % 4 + 1) * 10**6 for c in contents}, note=None)

    def observe(self) -> Observed:
        self._session()
        self.seen = self.edits
        return self.truth()

    def replication(self) -> tuple[Replication, ...]:
        self._session()
        if self.observed.dialect.file_replication:
            return ()
        return tuple(
            Replication(
                content=content,
                application_name="gp_walreceiver",
                state="streaming",
                sync_state="sync",
            )
            for content, mine in sorted(self.by_content().items())
            if len(mine) == 2 and all(row.is_up for row in mine)
        )

    def copying(self) -> tuple[CopyProgress, ...]:
        return ()

    def request_probe(self) -> None:
        self._session()

    def probe_seconds(self) -> float:
        return 10.0

    def refresh(self) -> Freshness:
        self.request_probe()
        return Freshness.PROBED

    def ask_primaries(self) -> bool:
        return True

    def other_work(self) -> OtherWork:
        busy = any(job.running for job in self.jobs.values())
        return OtherWork(in_the_way=("gprecoverseg is at work",) if busy else ())

    def lock(self, name: str) -> LockHolder | None:
        del name
        self._session()
        if self.stranger is None:
            self.locked = True
        return self.stranger

    def reconnect(self) -> None:
        self._session()

    def _session(self) -> None:
        if self.now < self.lost_until:
            self.locked = False
            raise ConnectionLost("mdw:5432 does not answer", hint="wait")

    # --- hosts ----------------------------------------------------------------------------------

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        return {host: self._answer(host, script) for host, script in scripts.items()}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        if self.cut_hosts is None:
            return {host: self._answer(host, script) for host, script in scripts.items()}
        found: dict[str, Reply] = {}
        for host, script in scripts.items():
            self.cut_hosts -= 1
            if self.cut_hosts > 0:
                found[host] = self._answer(host, script)
                continue
            if self.cut_hosts == 0:
                self._answer(host, script)  # done, and nobody hears of it
            found[host] = _silence(host)
        return found

    def _answer(self, host: str, script: str) -> Reply:
        machine = machine_of(host)
        if machine in self.down:
            return _silence(host)
        if _CALL.search(script):
            out = "".join(self._call(machine, shlex.split(line)) for line in calls_in(script))
            return Answered(host=host, status=0, out=f"{out}end\n", err="")
        if shell.VERSION in script:
            return Answered(host=host, status=0, out=self._facts(machine, script), err="")
        if (asked := _REACHED.match(script)) is not None:
            names = [name for name in shlex.split(asked[1]) if self._leads_somewhere(name)]
            return Answered(
                host=host, status=0, out="".join(f"reached {name}\n" for name in names), err=""
            )
        return Answered(host=host, status=0, out="", err="")

    def _leads_somewhere(self, name: str) -> bool:
        return name in self.successors or machine_of(name) not in self.down

    def _facts(self, machine: str, script: str) -> str:
        lines = [shell.VERSION, "software t/usr/local/gp/bin", "version t6.24.3"]
        for path in _looped(script, shell.PLACE):
            held = self.files.get((machine, path))
            flags = "-" if held is None else "-edrb" if held.partial else "-edr"
            lines.append(f"place {flags} {0 if held is None else 3} tPG_VERSION")
        servers = [(machine, path) in self.files for path in _looped(script, shell.SERVER)]
        lines += ["server -e 1" if found else "server - 0" for found in servers]
        heads = []
        for path in _looped(script, shell.CONTROL):
            held = self.files.get((machine, path))
            lines.append("control -c" if held else "control -")
            heads += [held.identifier] if held else []
        lines += [" " + " ".join(re.findall("..", head + "00" * 8)) for head in heads]
        return "\n".join([*lines, shell.END, ""])

    def _call(self, machine: str, words: Sequence[str]) -> str:
        name, number, path = words[0], words[1], words[2]
        held = self.files.get((machine, path))
        if name == "pulse":
            return f"{number} process 4711\n" if self._lives(machine, path) else ""
        if name == "look":
            told = self._look(machine, number, path)
            if words[-1] != "space":
                return told
            # nothing in a filespace's directory says whose it is
            lines = [line for line in told.splitlines(keepends=True) if " identifier " not in line]
            return "".join(lines)
        if name == "aside":
            new, identifier = words[3], words[4]
            if held is None or (machine, new) in self.files:
                return ""
            if words[-1] != "space" and held.identifier != identifier:
                return ""
            self._check_unused(machine, path)
            self.files[machine, new] = self.files.pop((machine, path))
            return f"aside {number}\n"
        if held is not None:
            if held.identifier == FOREIGN:
                raise Violation(f"prune deletes what is not ours: {machine}:{path}")
            self._check_unused(machine, path)
            del self.files[machine, path]
        return f"deleted {number}\n"

    def _lives(self, machine: str, path: str) -> bool:
        """Whether a server works there, or a copy that goes on by itself."""
        return any(
            self._spot(row) == (machine, path) and (row.is_up or row.content in self.coming)
            for row in self.rows.values()
        )

    def _look(self, machine: str, number: str, path: str) -> str:
        held = self.files.get((machine, path))
        if held is None:
            return f"{number} kind absent\n"
        out = f"{number} kind directory\n{number} identifier {held.identifier}\n"
        out += f"{number} unfinished\n" if held.partial else ""
        if any(self._spot(row) == (machine, path) and row.is_up for row in self.rows.values()):
            out += f"{number} process 4711\n"
        return out

    def _check_unused(self, machine: str, path: str) -> None:
        for row in self.rows.values():
            theirs = _directories(row) if machine_of(row.hostname) == machine else ()
            if any(path == mine or lies_in(mine, path) for mine in theirs):
                raise Violation(f"prune touches {machine}:{path}, which the catalog uses: {row}")

    # --- native utilities -----------------------------------------------------------------------

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        del files

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        if self.now < self.silent_until:
            return _silence("mdw")
        key = self._key(utility.name)
        if key in self.jobs or key in self.forestalled:
            return None
        native = next(n for n in wave.native if utility.name.endswith(f"-{n.utility}"))
        self._check_start(wave)
        self.jobs[key] = self._begin(wave, native)
        self.started_now += 1
        return None

    def _check_start(self, wave: Wave) -> None:
        if not self.locked:
            raise Violation(f"wave {wave.number} starts without the lock")
        if any(job.running for job in self.jobs.values()):
            raise Violation(f"wave {wave.number} starts while another utility runs")
        for content in wave.contents:
            if not self.acting(content).is_up:
                raise Violation(f"wave {wave.number} takes content {content}, which is down")

    def _begin(self, wave: Wave, native: NativeRun) -> Job:
        kind, seed = self.fate
        self.fate = ("ok", 0)
        try:
            after = self._simulated(native)
        except Violation:
            if self.seen == self.edits:
                raise
            # the world moved on between the last look and the start: the utility refuses
            kind, after = "refused", self.rows
        contents = frozenset(
            row.content
            for dbid, row in after.items()
            if row.content >= 0 and row != self.rows.get(dbid)
        )
        job = Job(
            wave=wave,
            native=native,
            ends=self.now + self.seconds,
            contents=contents or frozenset(wave.contents),
            after=after,
            kind=kind,
            random=Random(seed),
        )
        self.broken -= job.contents
        if kind in {"ok", "some", "vanish", "cut"} and wave.action in {Action.MOVE, Action.RECOVER}:
            for content in job.contents:
                self._kill_idle(content)
        return job

    def _simulated(self, native: NativeRun) -> dict[int, Segment]:
        """The rows as the utility makes them if all goes well. Raises Violation."""
        told = replace(self.truth(), copies=self._copy_facts())
        sim = SimulatedCluster(
            told,
            _Machines(),
            limits=None,  # type: ignore[arg-type]  # limits are looked at elsewhere
            same_host_allowed=self.same_host,
        )
        sim.full = set(self.files)
        sim._run(native)
        return sim.rows

    def _copy_facts(self) -> dict[int, CopyFact]:
        return {row.dbid: self._fact(row) for row in self.rows.values() if not row.is_up}

    def _fact(self, row: Segment) -> CopyFact:
        held = self.files.get(self._spot(row))
        if held is None:
            return "absent"
        if held.identifier != ident(row.content):
            return "foreign"
        return "backup_label" if held.partial else "rewindable"

    def _finish(self, job: Job) -> None:
        job.running = False
        if job.kind in {"nothing", "refused"}:
            job.status = 0 if job.kind == "nothing" else 2
            return
        statuses = [self._end_of(content, job) for content in sorted(job.contents)]
        job.status = None if job.kind == "vanish" else max(statuses)

    def _end_of(self, content: int, job: Job) -> int:
        """Bring one content to its end; 0: as it should."""
        fine = content not in self.broken and self._targets_up(content, job.after)
        fate = "done" if job.kind == "ok" else job.random.choice(["done", "half", "none"])
        fate = "none" if job.kind == "cut" else fate
        if fate == "done" and not fine:
            fate = "half"
        if job.wave.action is Action.REBALANCE:
            if fate == "done":
                self.rows |= {d: row for d, row in job.after.items() if row.content == content}
        else:
            # gpaddmirrors writes all rows or none
            fate = "half" if job.wave.action is Action.ADD and fate == "none" else fate
            self._take(content, fate, job)
        return 0 if fate == "done" else 1

    def _targets_up(self, content: int, after: Mapping[int, Segment]) -> bool:
        return all(
            machine_of(row.hostname) not in self.down
            for row in after.values()
            if row.content == content
        )

    def _take(self, content: int, fate: str, job: Job) -> None:
        now = {dbid: row for dbid, row in job.after.items() if row.content == content}
        idle = next((row for row in now.values() if not row.is_acting_primary), None)
        if idle is None:
            return
        old = self.rows.get(idle.dbid)
        if fate == "none":
            if job.kind == "cut" or job.random.random() < 0.3:
                self._leave_half(idle, old)
            return
        if fate == "done" and job.native.utility == "gpmovemirrors" and old is not None:
            for spot in self._spots(old) - self._spots(idle):
                self.files.pop(spot, None)
        self.files |= dict.fromkeys(
            self._spots(idle), Files(ident(content), partial=fate == "half")
        )
        self.rows |= now
        if fate == "half":
            self._kill_idle(content)
            if job.kind == "vanish" and job.random.random() < 0.5:
                self.coming.add(content)
                self.later(job.random.uniform(1, 12), lambda: self._come_up(content))

    def _leave_half(self, idle: Segment, old: Segment | None) -> None:
        """A copy that broke off before the catalog was changed."""
        if old is None or self._spot(old) == self._spot(idle):
            return
        if self._spot(idle) not in self.files:
            self.files[self._spot(idle)] = Files(ident(idle.content), partial=True)

    def _come_up(self, content: int) -> None:
        """A copy that was going on all the time is complete."""
        self.coming.discard(content)
        idle = self.idle(content)
        if idle is None or idle.is_up or content in self.busy():
            return
        spots = self._spots(idle)
        if {machine for machine, _ in spots} & self.down or not spots <= self.files.keys():
            return
        for spot in spots:
            self.files[spot] = Files(ident(content))
        self.edits += 1
        for row in (idle, self.acting(content)):
            self.rows[row.dbid] = replace(row, mode=Mode.SYNCED, status=Status.UP)

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        if self.now < self.silent_until:
            return _silence("mdw")
        job = self.jobs.get(self._key(name))
        if job is None:
            return Poll(stage=ProcessStage.ABSENT, status=None, text="", offset=offset)
        if job.running:
            return Poll(stage=ProcessStage.RUNNING, status=None, text="", offset=offset)
        stage = ProcessStage.LOST if job.status is None else ProcessStage.ENDED
        return Poll(stage=stage, status=job.status, text="", offset=offset)

    def forestall(self, name: str) -> bool | NoAnswer:
        if self.now < self.silent_until:
            return _silence("mdw")
        if self._key(name) in self.jobs:
            return False
        self.forestalled.add(self._key(name))
        return True

    def try_out(self, utility: Utility) -> Reply:
        return dry_run(utility.file_text)

    def _key(self, name: str) -> str:
        return f"{self.run}/{name}"

    # --- what happens to a cluster --------------------------------------------------------------

    def mirror_dies(self, content: int) -> None:
        """The idle copy of a content."""
        if self.idle(content) is not None:
            self.edits += 1
            self.broken.add(content)
            self._kill_idle(content)

    def fail_over(self, content: int) -> None:
        """The acting primary dies and its mirror takes over, if it can."""
        if not self.is_synced(content) or content in self.busy():
            return
        self.edits += 1
        acting, idle = self.acting(content), self.idle(content)
        assert idle is not None
        self.rows[acting.dbid] = replace(
            acting, role=Role.MIRROR, status=Status.DOWN, mode=Mode.NOT_IN_SYNC
        )
        self.rows[idle.dbid] = replace(idle, role=Role.PRIMARY, mode=Mode.NOT_IN_SYNC)

    def host_dies(self, machine: str) -> None:
        """With all that it holds, unless that would lose a content, which is not our subject."""
        mine = [r for r in self.rows.values() if machine_of(r.hostname) == machine]
        if any(r.content < 0 for r in mine) or machine in self.down:
            return
        acts = [r.content for r in mine if r.is_acting_primary]
        if any(not self.is_synced(c) or c in self.busy() for c in acts):
            return
        if any(machine_of(self.idle(c).hostname) == machine for c in acts):  # type: ignore[union-attr]
            return
        for content in acts:
            self.fail_over(content)
        for row in mine:
            if not self.rows[row.dbid].is_acting_primary:
                self.mirror_dies(row.content)
        self.edits += 1
        self.down.add(machine)

    def host_returns(self, machine: str) -> None:
        if machine in self.gone:
            return
        self.edits += 1
        self.down.discard(machine)

    def somebody_moves(self, content: int) -> None:
        """Another person gives a mirror another port, and the catalog says so."""
        idle = self.idle(content)
        if idle is None or content in self.busy():
            return
        self.edits += 1
        taken = {row.port for row in self.rows.values()}
        port = next(p for p in range(19_000, 19_999) if p not in taken)
        self.rows[idle.dbid] = replace(idle, port=port)

    def somebody_deletes(self, spot: Spot) -> None:
        """An old directory."""
        if all(self._spot(row) != spot for row in self.rows.values()):
            self.files.pop(spot, None)

    def somebody_fills(self, spot: Spot) -> None:
        """Something else takes an old directory's place."""
        held = any(
            (machine_of(row.hostname), path) == spot
            for row in self.rows.values()
            for path in _directories(row)
        )
        if not held:
            self.files[spot] = Files(FOREIGN)

    def leftovers(self) -> list[Spot]:
        """Directories that no row uses."""
        used = {(machine_of(r.hostname), p) for r in self.rows.values() for p in _directories(r)}
        return sorted(set(self.files) - used)

    def killed(self) -> None:
        """The process that worked on it is gone, with its session."""
        self.locked = False

    def _kill_idle(self, content: int) -> None:
        idle = self.idle(content)
        if idle is None:
            return
        acting = self.acting(content)
        self.rows[idle.dbid] = replace(idle, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        self.rows[acting.dbid] = replace(acting, mode=Mode.NOT_IN_SYNC)

    def _fill(self, row: Segment) -> None:
        self.files |= dict.fromkeys(self._spots(row), Files(ident(row.content)))

    def _spots(self, row: Segment) -> set[Spot]:
        return {(machine_of(row.hostname), path) for path in _directories(row)}

    def _spot(self, row: Segment) -> Spot:
        return machine_of(row.hostname), row.directory or ""


class _Machines(dict[str, str]):
    """Every name's machine."""

    def __missing__(self, name: str) -> str:
        return machine_of(name)


def machine_of(name: str) -> str:
    """`sdw1` for `sdw1` and its interfaces `sdw1-1`, `sdw1-2`."""
    return _INTERFACE.sub("", name)


def ident(content: int) -> str:
    """A system identifier as it lies in pg_control; every content has its own."""
    return f"{content + 16:016x}"


def content_of(identifier: str) -> int:
    """Whose system identifier it is."""
    return int(identifier, 16) - 16


def calls_in(script: str) -> list[str]:
    """The calls of a script about old directories, without the functions before them."""
    return [line for line in script.splitlines() if _CALL.match(line)]


def _looped(script: str, body: str) -> Iterable[str]:
    """The paths that a script goes through with this body."""
    head, found, _ = script.partition(f"; do{body}done")
    return shlex.split(head.rpartition("for d in ")[2]) if found else []


def _silence(host: str) -> NoAnswer:
    return NoAnswer(
        host=host, why=Silence.UNREACHABLE, message=f"{host} does not answer", hint="wait"
    )


def _directories(row: Segment) -> tuple[str, ...]:
    own = () if row.directory is None else (row.directory,)
    return own + tuple(path for _, path in row.filespaces)
