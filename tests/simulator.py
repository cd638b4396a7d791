"""A cluster in memory that runs a plan's native files the way the utilities do, checking all the way.

It reads the very text that the utilities would get, and refuses what they refuse. After and during
every wave it looks at what must never happen, and fails with a `Violation`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.native.lines import AddFile, AddLine, Location, MoveFile, MoveLine
from gpmirror.native.reader import read_native
from gpmirror.plan.model import Action, NativeRun, Plan, Wave
from gpmirror.spec.model import Site, Spec, WaveLimits

Taken = tuple[str, int | str]
"""(machine, port) or (machine, directory)."""


class Violation(AssertionError):
    """The plan did what must never happen, or a utility would have refused its file."""


@dataclass(slots=True)
class SimulatedCluster:
    """Rows by dbid. `machines` maps every hostname and address to its machine; `full` are
    directories that nobody uses any more but that still hold files.
    """

    observed: Observed
    machines: Mapping[str, str]
    limits: WaveLimits
    same_host_allowed: bool
    rows: dict[int, Segment] = field(init=False)
    full: set[Taken] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.rows = {row.dbid: row for row in self.observed.segments}

    def apply(self, plan: Plan) -> Observed:
        """Run all waves; what the catalog says afterwards."""
        for wave in plan.waves:
            self.run_wave(wave)
        return self.now()

    def now(self) -> Observed:
        """What the catalog says."""
        copies = {
            dbid: fact for dbid, fact in self.observed.copies.items() if not self.rows[dbid].is_up
        }
        return replace(
            self.observed, segments=in_canonical_order(self.rows.values()), copies=copies
        )

    def run_wave(self, wave: Wave) -> None:
        """One wave: limits, health, the native runs, then everything that must hold."""
        before = dict(self.rows)
        self._check_limits(wave)
        touched: set[int] = set()
        for run in wave.native:
            touched |= self._run(run)
        _demand(touched == set(wave.contents), f"wave {wave.number} touches {sorted(touched)}")
        self._check_slots(before)
        self._check_hosts(before)

    # --- what must hold -------------------------------------------------------------------------

    def _check_limits(self, wave: Wave) -> None:
        for content in wave.contents:
            _demand(self._acting(content).is_up, f"content {content} has no live copy")
        if wave.action in {Action.ADD, Action.REBALANCE}:
            return
        sources = Counter(self.machine(self._acting(content)) for content in wave.contents)
        targets = Counter(step.to.host for step in wave.steps if step.to is not None)
        _demand(len(wave.contents) <= self.limits.max_contents, "too many contents in a wave")
        _demand(max(sources.values()) <= self.limits.per_source_host, f"sources {sources}")
        _demand(max(targets.values()) <= self.limits.per_target_host, f"targets {targets}")

    def _check_slots(self, before: Mapping[int, Segment]) -> None:
        """Nothing is held twice, counting what is given up only while the wave runs."""
        holders: dict[Taken, int] = {}
        for rows in (self.rows, before):
            for row in rows.values():
                for key in self._keys(row):
                    first = holders.setdefault(key, row.dbid)
                    _demand(first == row.dbid, f"{key} is held by dbids {first} and {row.dbid}")

    def _check_hosts(self, before: Mapping[int, Segment]) -> None:
        """No copy came to stand beside the other one."""
        for dbid, row in self.rows.items():
            old = before.get(dbid)
            moved = old is None or self.machine(old) != self.machine(row)
            if row.content < 0 or not moved or self.same_host_allowed:
                continue
            others = [r for r in self._content(row.content) if r.dbid != dbid]
            _demand(
                all(self.machine(other) != self.machine(row) for other in others),
                f"both copies of content {row.content} on {self.machine(row)}",
            )

    # --- the utilities --------------------------------------------------------------------------

    def _run(self, run: NativeRun) -> set[int]:
        if run.file_text is None:
            _demand("-r" in run.argv, f"{run.argv} has no file")
            return self._rebalance()
        name = run.file_name or ""
        parsed = read_native(run.file_text.encode(), name, self.observed.dialect)
        match parsed:
            case AddFile():
                _demand(run.utility == "gpaddmirrors", run.utility)
                return self._add(parsed)
            case MoveFile():
                _demand(run.utility in parsed.engines, f"{run.utility} cannot read its file")
                return self._move(parsed, run)
            case _:
                raise Violation(f"a plan never writes {parsed}")

    def _add(self, file: AddFile) -> set[int]:
        contents = {row.content for row in self.rows.values() if row.content >= 0}
        given = [line.content for line in file.lines]
        _demand(set(given) == contents and len(given) == len(contents), "one line a content")
        _demand(all(len(self._content(c)) == 1 for c in contents), "mirrors exist")
        dbid = max(self.rows)
        for number, line in enumerate(file.lines, start=1):
            self._add_row(dbid + number, line)
        return set(given)

    def _add_row(self, dbid: int, line: AddLine) -> None:
        primary = self._acting(line.content)
        if line.primary_replication_port is not None:
            self.rows[primary.dbid] = replace(
                primary, replication_port=line.primary_replication_port
            )
        place = Location(
            address=line.address,
            port=line.port,
            directory=line.directory,
            replication_port=line.replication_port,
            filespaces=line.filespaces,
        )
        mirror = replace(primary, dbid=dbid, role=Role.MIRROR, preferred_role=Role.MIRROR)
        self.rows[dbid] = self._at(mirror, place)
        self._enter(self.rows[dbid], None)

    def _move(self, file: MoveFile, run: NativeRun) -> set[int]:
        found = [(self._find(line.old), line) for line in file.lines]
        for row, _ in found:
            _demand(not row.is_acting_primary, f"dbid {row.dbid} is an acting primary")
            _demand(self._acting(row.content).is_up, f"content {row.content} has no live copy")
            if run.utility == "gpmovemirrors":
                _demand(row.is_up, f"gpmovemirrors moves dbid {row.dbid}, which is down")
        for row, line in found:
            self._move_row(row, line, run)
        return {row.content for row, _ in found}

    def _move_row(self, row: Segment, line: MoveLine, run: NativeRun) -> None:
        fact = self.observed.copies.get(row.dbid, "unknown")
        if line.new is None:
            _demand(not row.is_up, f"dbid {row.dbid} is up and to be recovered in place")
            fit = "-F" in run.argv or fact in {"rewindable", "unknown"}
            _demand(fit, f"incremental recovery of dbid {row.dbid}, which is {fact}")
            self.rows[row.dbid] = _synced(row)
        else:
            moved = self._at(row, line.new)
            self._leave(row, moved, run)
            self._enter(moved, row)
            self.rows[row.dbid] = moved
        acting = self._acting(row.content)
        self.rows[acting.dbid] = _synced(acting)

    def _leave(self, row: Segment, moved: Segment, run: NativeRun) -> None:
        """gprecoverseg keeps the old directory, gpmovemirrors deletes it, by address and name."""
        if run.utility == "gpmovemirrors":
            names = {(row.address, path) for path in _directories(row)}
            kept = {(moved.address, path) for path in _directories(moved)}
            deleted = {(self.machines[a], path) for a, path in names - kept}
            lost = deleted & {k for k in self._keys(moved) if isinstance(k[1], str)}
            _demand(not lost, f"gpmovemirrors would delete the new directory {lost}")
        else:
            self.full |= set(self._directory_keys(row)) - set(self._directory_keys(moved))

    def _enter(self, row: Segment, old: Segment | None) -> None:
        own = set(self._directory_keys(old)) if old is not None else set()
        for key in self._directory_keys(row):
            _demand(key in own or key not in self.full, f"directory {key} is not empty")

    def _rebalance(self) -> set[int]:
        contents = sorted({row.content for row in self.rows.values() if row.content >= 0})
        pairs = {content: self._content(content) for content in contents}
        healthy = {c for c, rows in pairs.items() if len(rows) == 2 and all(map(_in_sync, rows))}
        if self.observed.dialect.file_replication:
            _demand(healthy == set(contents), "4.3 and 5 rebalance only when all is in sync")
        switched = {c for c in healthy if any(row.is_switched for row in pairs[c])}
        for content in switched:
            for row in pairs[content]:
                self.rows[row.dbid] = replace(row, role=row.preferred_role)
        return switched

    # --- looking things up ----------------------------------------------------------------------

    def machine(self, row: Segment) -> str:
        """The machine a row stands on."""
        return self.machines[row.hostname]

    def _keys(self, row: Segment) -> Iterator[Taken]:
        machine = self.machine(row)
        yield machine, row.port
        if row.replication_port is not None:
            yield machine, row.replication_port
        yield from self._directory_keys(row)

    def _directory_keys(self, row: Segment) -> list[Taken]:
        return [(self.machine(row), path) for path in _directories(row)]

    def _content(self, content: int) -> list[Segment]:
        return [row for row in self.rows.values() if row.content == content]

    def _acting(self, content: int) -> Segment:
        return next(row for row in self._content(content) if row.is_acting_primary)

    def _find(self, old: Location) -> Segment:
        """By address, port and directory, letter by letter, as all releases do."""
        for row in self.rows.values():
            if (row.address, row.port, row.directory) == (old.address, old.port, old.directory):
                _demand(old.hostname in {None, row.hostname}, f"{old} names another hostname")
                return row
        raise Violation(f"no segment {old.address}|{old.port}|{old.directory}")

    def _at(self, row: Segment, place: Location) -> Segment:
        """The row at another place, in sync. From 6 on the hostname is the file's, else the
        address; before, it is asked of the machine.
        """
        machine = self.machines[place.address]
        hostname = place.hostname or place.address
        if self.observed.dialect.file_replication:
            hostname = self._hostname(machine)
        return _synced(
            replace(
                row,
                address=place.address,
                hostname=hostname,
                port=place.port,
                directory=place.directory,
                replication_port=place.replication_port,
                filespaces=place.filespaces,
            )
        )

    def _hostname(self, machine: str) -> str:
        known = sorted(r.hostname for r in self.rows.values() if self.machine(r) == machine)
        return known[0] if known else machine


def simulate(plan: Plan, spec: Spec, observed: Observed) -> Observed:
    """Apply a plan made from these two; the catalog afterwards. Raises Violation."""
    return SimulatedCluster(
        observed, machines(spec, observed.segments), spec.apply.waves, spec.allow_same_host
    ).apply(plan)


def machines(spec: Site, rows: Iterable[Segment]) -> dict[str, str]:
    """Every hostname and address -> its machine: the spec host that claims it, else the row's
    hostname.
    """
    found = {name: host.name for host in spec.hosts for name in (*host.addresses, host.name)}
    for row in rows:
        owner = found.get(row.hostname) or found.get(row.address) or row.hostname
        found.setdefault(row.hostname, owner)
        found.setdefault(row.address, owner)
    return found


def _synced(row: Segment) -> Segment:
    return replace(row, mode=Mode.SYNCED, status=Status.UP)


def _in_sync(row: Segment) -> bool:
    return row.is_up and row.mode is Mode.SYNCED


def _directories(row: Segment) -> tuple[str, ...]:
    own = () if row.directory is None else (row.directory,)
    return own + tuple(path for _, path in row.filespaces)


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violation(otherwise)
