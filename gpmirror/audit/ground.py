"""What a plan stands on: its catalog, its hosts, the wanted layout and the settings.

Everything else follows from these. So they are judged first, and what follows is judged only where
they make sense.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

from gpmirror.audit.claim import Claim, Falsehood, differ, told
from gpmirror.model.dialect import DIALECTS, Dialect, release_of
from gpmirror.model.names import ancestors, normal
from gpmirror.model.observed import CopyFact
from gpmirror.model.segment import MAX_PORT, Mode, Role, Segment, Slot
from gpmirror.model.text import counted
from gpmirror.plan.model import RUN_NAME, Asked, Plan, PlannedCatalog, PlannedContent, PlannedHost
from gpmirror.values import dataclass

Key = tuple[str, int | str]
"""What a server has of its host for itself: (host, port) or (host, directory)."""

_PAIR = 2
_MOST = 1_000_000
_NAME = re.compile(
    r"[^\x00-\x20\x7f!\"#$&'()*,;<=>?@\[\\\]^`{|}~\s-][^\x00-\x20\x7f!\"#$&'()*,;<=>?@\[\\\]^`{|}~\s]*"
)
_STEERS = re.compile(r"/|^\.|\.$")
"""What makes a path of a name."""

_PATH = re.compile(r"/[^\x00-\x20\x7f]+")
_CLUSTER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,62}")
_SOCKET_OR_HOST = re.compile(r"/[^\s]*|[A-Za-z0-9_][A-Za-z0-9._:-]*")
_RATE = re.compile(r"[0-9]{1,7}[kM]?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A content as the catalog has it. `acting` serves queries, `idle` is the other row if there is
    one; slots are told by the plan's hosts. A copy lives where it is up; the idle one beside a
    primary that is up must be in sync too.
    """

    number: int
    acting: Segment
    idle: Segment | None
    acting_slot: Slot
    idle_slot: Slot | None

    @property
    def switched(self) -> bool:
        """Whether the acting primary prefers to be the mirror."""
        return self.acting.role is not self.acting.preferred_role

    @property
    def primary(self) -> Segment:
        """The row that prefers to be the primary."""
        return self.idle if self.switched and self.idle is not None else self.acting

    @property
    def acting_lives(self) -> bool:
        """Whether the acting primary is up."""
        return self.acting.is_up

    @property
    def idle_lives(self) -> bool:
        """Whether the other copy could take over, or is what is left."""
        if self.idle is None or not self.idle.is_up:
            return False
        in_sync = self.acting.mode is Mode.SYNCED and self.idle.mode is Mode.SYNCED
        return in_sync or not self.acting.is_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the plan stands on, looked up by name and by content. `standings` and `wanted` have the
    same contents. `homes` are the
    plan's hosts that mirrors are placed with now. `held` says who holds what when the plan begins: a content's idle copy by its
    number, what never moves by words.
    """

    plan: Plan
    catalog: PlannedCatalog
    asked: Asked
    dialect: Dialect
    hosts: dict[str, PlannedHost]
    standings: dict[int, Standing]
    wanted: dict[int, PlannedContent]
    mirrors: dict[int, Slot]
    held: dict[Key, int | str]
    rank: dict[int, int]
    hostnames: dict[str, str]
    homes: dict[int, str]
    sizes: dict[int, int]
    facts: dict[int, CopyFact]
    disputed: frozenset[int]
    shared: dict[tuple[str, str], bool]

    @property
    def host_order(self) -> list[str]:
        """The plan's hosts in ring order, then by name those that only the catalog has."""
        copies = [one.acting_slot for one in self.standings.values()]
        copies += [one.idle_slot for one in self.standings.values() if one.idle_slot is not None]
        return [*self.hosts, *sorted({slot.host for slot in copies} - self.hosts.keys())]


def keys_of(slot: Slot) -> list[Key]:
    """Everything that a server in this slot has for itself."""
    keys: list[Key] = [(slot.host, slot.port)]
    if slot.replication_port is not None:
        keys.append((slot.host, slot.replication_port))
    return keys + [(slot.host, path) for path in paths_of(slot)]


def paths_of(slot: Slot | Segment) -> list[str]:
    """Its directories, however many slashes they are told with."""
    own = [] if slot.directory is None else [normal(slot.directory)]
    return own + [normal(path) for _, path in slot.filespaces]


def key_told(key: Key) -> str:
    """`port 7000 on sdw1`, `directory /data/gpseg0 on sdw1`."""
    host, what = key
    return f"{'port' if isinstance(what, int) else 'directory'} {what} on {host}"


# --- Claims about the ground itself.


def judge_ground(plan: Plan, catalog: PlannedCatalog) -> list[Claim]:
    """The claims that all others need."""
    rows = [one for one in catalog.segments if one.content >= 0]
    contents = len({row.content for row in rows})
    claims = [
        Claim(
            name="settings",
            said="limits and guards are within what a spec may say",
            false=tuple(_settings(plan)),
        ),
        Claim(
            name="catalog",
            said=f"{counted(len(catalog.segments), 'row')} of {counted(contents, 'content')} do not "
            "contradict each other",
            false=tuple(_catalog(plan, catalog)),
        ),
        Claim(
            name="hosts",
            said=f"{counted(len(plan.desired.hosts), 'host')}, and each row belongs to one of them at most",
            false=tuple(_hosts(plan, catalog)),
        ),
    ]
    if all(claim.holds for claim in claims):
        claims.append(
            Claim(
                name="desired",
                said=f"{counted(len(plan.desired.contents), 'mirror')} in legal places, and nothing is used twice",
                false=tuple(_desired(plan, catalog)),
            )
        )
    return claims


def survey_ground(plan: Plan, catalog: PlannedCatalog, asked: Asked) -> Ground:
    """What the plan stands on; the claims of `judge_ground` hold."""
    owner = _Owners(plan.desired.hosts)
    standings = {one.number: one for one in _standings(catalog, owner)}
    wanted = {one.content: one for one in plan.desired.contents}
    held: dict[Key, int | str] = {}
    for row in catalog.segments:
        if row.content < 0:
            held |= dict.fromkeys(keys_of(_slot(row, owner.host_of(row))), f"dbid {row.dbid}")
    for one in standings.values():
        if one.idle_slot is not None:
            held |= dict.fromkeys(keys_of(one.idle_slot), one.number)
    for one in standings.values():
        fixed = f"the acting primary of content {one.number}"
        held |= dict.fromkeys(keys_of(one.acting_slot), fixed)
    ring = {host.name: place for place, host in enumerate(plan.desired.hosts)}
    ordered = sorted(
        wanted.values(),
        key=lambda one: (ring.get(one.primary.host, -1), one.primary.port, one.content),
    )
    return Ground(
        plan=plan,
        catalog=catalog,
        asked=asked,
        dialect=DIALECTS[plan.dialect],
        hosts={host.name: host for host in plan.desired.hosts},
        standings=standings,
        wanted=wanted,
        mirrors={one.content: one.mirror for one in wanted.values() if one.mirror is not None},
        held=held,
        rank={one.content: place for place, one in enumerate(ordered)},
        hostnames=_hostnames(catalog, owner),
        homes=_homes(catalog, owner),
        sizes=dict(catalog.sizes),
        facts=dict(catalog.copies),
        disputed=frozenset(content for content, _ in catalog.disagreements),
        shared={(hostname, address): one for hostname, address, one in catalog.common_ip},
    )


class _Owners:
    """Which host a row belongs to: the one whose name or address is the row's hostname, else its
    address; rows of a dead host that another replaces belong to that one, and stand where they are.
    """

    def __init__(self, hosts: Iterable[PlannedHost]) -> None:
        self.by_name = {name: host for host in hosts for name in (*host.addresses, host.name)}
        self.heirs = {host.replaces: host for host in hosts if host.replaces is not None}

    def host_of(self, row: Segment) -> str:
        """Where it stands."""
        found = self.by_name.get(row.hostname) or self.by_name.get(row.address)
        if found is not None:
            return found.name
        heir = self._heir(row)
        return row.hostname if heir is None or heir.replaces is None else heir.replaces

    def home_of(self, row: Segment) -> PlannedHost | None:
        """The plan's host that it is placed with."""
        found = self.by_name.get(row.hostname) or self.by_name.get(row.address)
        return found or self._heir(row)

    def _heir(self, row: Segment) -> PlannedHost | None:
        return self.heirs.get(row.hostname) or self.heirs.get(row.address)


def _slot(row: Segment, host: str) -> Slot:
    return Slot(
        host=host,
        address=row.address,
        port=row.port,
        directory=row.directory,
        replication_port=row.replication_port,
        filespaces=row.filespaces,
    )


def _standings(catalog: PlannedCatalog, owner: _Owners) -> Iterator[Standing]:
    rows: dict[int, list[Segment]] = {}
    for row in catalog.segments:
        if row.content >= 0:
            rows.setdefault(row.content, []).append(row)
    for number, found in sorted(rows.items()):
        acting = next(row for row in found if row.role is Role.PRIMARY)
        idle = next((row for row in found if row is not acting), None)
        yield Standing(
            number=number,
            acting=acting,
            idle=idle,
            acting_slot=_slot(acting, owner.host_of(acting)),
            idle_slot=None if idle is None else _slot(idle, owner.host_of(idle)),
        )


def _homes(catalog: PlannedCatalog, owner: _Owners) -> dict[int, str]:
    """The plan's host that each content's mirror is placed with now, where there is one."""
    found = (
        (row.content, owner.home_of(row))
        for row in catalog.segments
        if row.content >= 0 and row.preferred_role is Role.MIRROR
    )
    return {content: host.name for content, host in found if host is not None}


def _hostnames(catalog: PlannedCatalog, owner: _Owners) -> dict[str, str]:
    """The hostname that the catalog has for each host: that of most preferred primaries, else the
    host's own name, else the commonest, else the first by name.
    """
    seen: dict[str, dict[str, list[int]]] = {}
    for row in catalog.segments:
        counts = seen.setdefault(owner.host_of(row), {}).setdefault(row.hostname, [0, 0])
        counts[0] += row.preferred_role is Role.PRIMARY
        counts[1] += 1
    return {
        host: sorted(names, key=lambda n: (-names[n][0], n != host, -names[n][1], n))[0]
        for host, names in seen.items()
    }


def _settings(plan: Plan) -> Iterator[Falsehood]:
    apply, policy = plan.settings.apply, plan.settings.policy
    limits: list[tuple[str, float | None, float, float]] = [
        ("apply.waves.max_contents", apply.waves.max_contents, 1, _MOST),
        ("apply.waves.per_source_host", apply.waves.per_source_host, 1, _MOST),
        ("apply.waves.per_target_host", apply.waves.per_target_host, 1, _MOST),
        ("apply.native.hosts", apply.native.hosts, 1, 64),
        ("apply.native.per_host", apply.native.per_host, 1, 128),
        ("apply.native.replay_lag", apply.native.replay_lag, 0, _MOST),
        ("apply.hosts_at_once", apply.hosts_at_once, 1, _MOST),
        ("apply.sync_timeout", apply.sync_timeout, 1, 10**15),
    ]
    if policy is not None:
        guards = policy.guards
        limits += [
            ("policy.max_load_factor", policy.max_load_factor, 1, 1000),
            ("policy.guards.moves_percent", guards.moves_percent, 0, 100),
            ("policy.guards.min_contents", guards.min_contents, 0, _MOST),
            ("policy.guards.max_bytes", guards.max_bytes, 0, 10**31),
        ]
    for where, value, low, high in limits:
        if value is not None and not low <= value <= high:
            yield Falsehood(f"settings.{where}", told(value), f"{low} to {high}")
    yield from _words(plan)
    rate = apply.native.max_rate
    if rate is not None and not _RATE.fullmatch(rate):
        yield Falsehood("settings.apply.native.max_rate", rate, "a number, with k or M")


def _words(plan: Plan) -> Iterator[Falsehood]:
    """Names and words that reach terminals, hosts and paths."""
    settings = plan.settings
    reaches = {
        "coordinator.host": settings.coordinator.host,
        "coordinator.database": settings.coordinator.database,
        "coordinator.user": settings.coordinator.user,
        "ssh.user": settings.ssh.user,
        "ssh.config": settings.ssh.config,
        "reverts": settings.reverts,
    }
    for where, words in reaches.items():
        if words is not None and (not words.isprintable() or words[:1] in {"", "-"}):
            yield Falsehood(f"settings.{where}", repr(words), "words without control characters")
    for where, words, pattern in (
        ("cluster", plan.cluster, _CLUSTER),
        ("settings.coordinator.host", settings.coordinator.host, _SOCKET_OR_HOST),
        ("settings.ssh.user", settings.ssh.user, _ACCOUNT),
        ("settings.reverts", settings.reverts, RUN_NAME),
    ):
        if words is not None and not pattern.fullmatch(words):
            yield Falsehood(where, repr(words), "a name of that kind")
    granted = settings.same_host_source is not None
    yield from differ("settings.same_host_source", granted, settings.allow_same_host)
    if settings.policy is None or settings.protect is None:
        yield Falsehood("settings", "no policy", "the rules that the plan was judged by")


def _catalog(plan: Plan, catalog: PlannedCatalog) -> Iterator[Falsehood]:
    rows = catalog.segments
    yield from _identities(rows)
    yield from _pairs(rows)
    yield from _row_values(rows)
    yield from _twice(
        "catalog.segments",
        ((keys_of(_slot(row, row.hostname)), f"dbid {row.dbid}") for row in rows),
    )
    numbers = {row.content for row in rows if row.content >= 0}
    for where, known in (
        ("catalog.sizes", [content for content, _ in catalog.sizes]),
        ("catalog.disagreements", [content for content, _ in catalog.disagreements]),
    ):
        if known != sorted(numbers & set(known)):
            yield Falsehood(where, "contents", "contents of the catalog, each once, in order")
    for content, size in catalog.sizes:
        if size < 0:
            yield Falsehood("catalog.sizes", f"content {content}: {size} bytes", "0 or more")
    dbids = [dbid for dbid, _ in catalog.copies]
    if dbids != sorted({row.dbid for row in rows} & set(dbids)):
        yield Falsehood("catalog.copies", "dbids", "dbids of the catalog, each once, in order")
    if list(catalog.common_ip) != sorted(set(catalog.common_ip)):
        yield Falsehood("catalog.common_ip", "pairs of names", "each once, in order")
    mirrored = sum(row.preferred_role is Role.MIRROR for row in rows if row.content >= 0)
    yield from differ("observed.contents", plan.observed.contents, len(numbers))
    yield from differ("observed.mirrored", plan.observed.mirrored, mirrored)
    yield from differ("observed.digest", plan.observed.digest, _digest(plan, catalog))
    major = DIALECTS[plan.dialect].major
    release = release_of(plan.observed.server_version)
    if major and release is not None and release[0] != int(major):
        yield Falsehood("dialect", plan.dialect.value, f"release {release[0]}.{release[1]}")


def _identities(rows: Sequence[Segment]) -> Iterator[Falsehood]:
    twice = sorted(dbid for dbid, n in Counter(row.dbid for row in rows).items() if n > 1)
    for dbid in twice:
        yield Falsehood("catalog.segments", f"dbid {dbid} twice", "each dbid once")
    if not any(row.content >= 0 for row in rows):
        yield Falsehood("catalog.segments", "no segment", "at least one content")
    numbers = sorted({-1, *(row.content for row in rows)})
    if numbers[0] < -1:
        yield Falsehood("catalog.segments", f"content {numbers[0]}", "contents from -1 on")
    for before, after in pairwise(numbers):
        if after > before + 1:
            gap = f"no row of content {before + 1}"
            yield Falsehood("catalog.segments", gap, f"contents 0 to {numbers[-1]} without a gap")
    order = [(row.content, row.preferred_role is Role.MIRROR, row.dbid) for row in rows]
    if order != sorted(order):
        yield Falsehood("catalog.segments", "another order", "by content, primary first, by dbid")


def _pairs(rows: Sequence[Segment]) -> Iterator[Falsehood]:
    found: dict[int, list[Segment]] = {}
    for row in rows:
        found.setdefault(row.content, []).append(row)
    for content, pair in sorted(found.items()):
        preferred = sum(row.preferred_role is Role.PRIMARY for row in pair)
        acting = sum(row.role is Role.PRIMARY for row in pair)
        if (preferred, acting) != (1, 1) or len(pair) > _PAIR:
            claimed = f"{len(pair)} rows, {preferred} preferred and {acting} acting primaries"
            true = "one or two rows, one of them preferred and one acting primary"
            yield Falsehood(f"catalog.segments, content {content}", claimed, true)


def _row_values(rows: Iterable[Segment]) -> Iterator[Falsehood]:
    for row in rows:
        where = f"catalog.segments, dbid {row.dbid}"
        for name in (row.hostname, row.address):
            if not _NAME.fullmatch(name):
                yield Falsehood(where, repr(name), "a host name or an address")
        yield from _ports_legal(where, (row.port, row.replication_port))


def _ports_legal(where: str, ports: Iterable[int | None]) -> Iterator[Falsehood]:
    for port in ports:
        if port is not None and not 1 <= port <= MAX_PORT:
            yield Falsehood(where, f"port {port}", f"1 to {MAX_PORT}")


def _twice(where: str, uses: Iterable[tuple[list[Key], str]]) -> Iterator[Falsehood]:
    first: dict[Key, str] = {}
    for keys, who in uses:
        for key in keys:
            if key in first:
                both = f"{first[key]} and {who} both have {key_told(key)}"
                yield Falsehood(where, both, "one of them")
            first.setdefault(key, who)


def _digest(plan: Plan, catalog: PlannedCatalog) -> str:
    """sha256 over all facts of the catalog, a line each."""
    observed = plan.observed
    lines = [plan.dialect.value, observed.server_version or "", observed.system_identifier or ""]
    lines += [*catalog.filespaces, "rows"]
    for row in catalog.segments:
        state = f"{row.dbid} {row.content} {row.mode} {row.status} {row.replication_port}"
        lines.append(f"{state} {row_told(row)}")
    lines += ["sizes", *(f"{content} {size}" for content, size in catalog.sizes)]
    lines += ["copies", *(f"{dbid} {fact}" for dbid, fact in catalog.copies)]
    return digest_of(lines)


def row_told(row: Segment) -> str:
    """A row without what changes by itself."""
    return f"{row.preferred_role}/{row.role} {place_told(row)}"


def place_told(row: Segment) -> str:
    """Where it stands, as digests have it."""
    paths = [row.directory or "?", *(f"{name}={path}" for name, path in row.filespaces)]
    return f"{row.hostname} {row.address} {row.port} {' '.join(paths)}"


def digest_of(lines: Iterable[str]) -> str:
    """sha256 (hex) of lines."""
    return sha256("\n".join(lines).encode()).hexdigest()


def _hosts(plan: Plan, catalog: PlannedCatalog) -> Iterator[Falsehood]:
    names = Counter(host.name for host in plan.desired.hosts)
    for name, count in names.items():
        if count > 1:
            yield Falsehood("desired.hosts", f"{name} {count} times", "each host once")
    called: dict[str, str] = {}
    for host in plan.desired.hosts:
        for name in dict.fromkeys((host.name, *host.addresses)):
            if not _NAME.fullmatch(name) or _STEERS.search(name):
                yield Falsehood("desired.hosts", repr(name), "a host name or an address")
            if called.setdefault(name, host.name) != host.name:
                both = f"{called[name]} and {host.name} are both called {name}"
                yield Falsehood("desired.hosts", both, "one of them")
        if not host.addresses or host.weight < 0:
            yield Falsehood(
                "desired.hosts",
                f"{host.name}: weight {host.weight}",
                "a host with an address and a weight of 0 or more",
            )
    back = plan.settings.reverts is not None  # the way back may lead to the host that was replaced
    heirs = Counter(host.replaces for host in plan.desired.hosts if host.replaces is not None)
    for name, count in heirs.items():
        if not _NAME.fullmatch(name) or _STEERS.search(name):
            yield Falsehood("desired.hosts", f"{name!r} is replaced", "a host name")
        if count > 1 or (name in names and not back):
            claimed = f"{name} is replaced"
            yield Falsehood("desired.hosts", claimed, "by one host, and is none itself")
    yield from _belonging(plan, catalog)


def _belonging(plan: Plan, catalog: PlannedCatalog) -> Iterator[Falsehood]:
    owner = _Owners(plan.desired.hosts)
    for row in catalog.segments:
        one, other = owner.by_name.get(row.hostname), owner.by_name.get(row.address)
        where = f"catalog.segments, dbid {row.dbid}"
        if one is not None and other is not None and one is not other:
            yield Falsehood(where, f"on {one.name} and on {other.name}", "on one host")
        if row.content >= 0 and row.preferred_role is Role.PRIMARY and owner.home_of(row) is None:
            yield Falsehood(where, f"a primary on {row.hostname}", "on one of the plan's hosts")


def _desired(plan: Plan, catalog: PlannedCatalog) -> Iterator[Falsehood]:
    owner = _Owners(plan.desired.hosts)
    primaries = {
        row.content: row
        for row in catalog.segments
        if row.content >= 0 and row.preferred_role is Role.PRIMARY
    }
    numbers = [one.content for one in plan.desired.contents]
    if numbers != sorted(primaries):
        missing = sorted(primaries.keys() - set(numbers))
        more = f", content {missing[0]} is missing" if missing else ""
        claimed = f"{len(numbers)} contents{more}"
        yield Falsehood(
            "desired.contents", claimed, f"contents 0 to {len(primaries) - 1}, in order"
        )
        return
    dialect, names = DIALECTS[plan.dialect], {host.name for host in plan.desired.hosts}
    known = all(row.directory is not None for row in catalog.segments if row.content >= 0)
    for one in plan.desired.contents:
        yield from _primary(one, primaries[one.content], owner)
        yield from _mirror(dialect, [*catalog.filespaces], names, one)
        if known and one.mirror is not None and one.mirror.directory is None:
            where = f"desired.contents, mirror of content {one.content}"
            yield Falsehood(where, "no directory", "one, for the catalog tells directories")
    uses = _uses(plan, catalog, owner)
    yield from _twice("desired.contents", ((keys_of(slot), who) for slot, who in uses))
    yield from _nested(plan, catalog, owner)


def _primary(one: PlannedContent, row: Segment, owner: _Owners) -> Iterator[Falsehood]:
    """A primary stays where it is, or is to stand on the host that replaces its own. One without a
    replication port gets it with its mirror (4.3, 5).
    """
    home, host = owner.home_of(row), owner.host_of(row)
    expected = _slot(row, host if home is None else home.name)
    if home is not None and home.name != host:
        expected = replace(expected, address=home.addresses[0])
    if row.replication_port is None:
        expected = replace(expected, replication_port=one.primary.replication_port)
    where = f"desired.contents, primary of content {one.content}"
    yield from differ(where, one.primary, expected)
    yield from _ports_legal(where, (one.primary.replication_port,))


def _mirror(
    dialect: Dialect, filespaces: list[str], names: set[str], one: PlannedContent
) -> Iterator[Falsehood]:
    where = f"desired.contents, mirror of content {one.content}"
    mirror = one.mirror
    if mirror is None:
        yield Falsehood(where, "none", "a place")
        return
    if mirror.host not in names:
        yield Falsehood(where, f"on {mirror.host}", "on one of the plan's hosts")
    if not _NAME.fullmatch(mirror.address) or _STEERS.search(mirror.address):
        yield Falsehood(where, repr(mirror.address), "an address")
    yield from _ports_legal(where, (mirror.port, mirror.replication_port))
    if dialect.has_replication_ports is (mirror.replication_port is None):
        needed = "a replication port" if dialect.has_replication_ports else "no replication port"
        yield Falsehood(where, told(mirror), needed)
    given = [name for name, _ in mirror.filespaces]
    if given != filespaces and (filespaces or not dialect.has_filespaces):
        yield Falsehood(where, f"filespaces {told(given)}", f"filespaces {told(filespaces)}")
    for path in (mirror.directory, *(path for _, path in mirror.filespaces)):
        if path is not None and (not _PATH.fullmatch(path) or ".." in path.split("/")):
            yield Falsehood(where, repr(path), "an absolute path without `..` and blanks")


def _uses(plan: Plan, catalog: PlannedCatalog, owner: _Owners) -> Iterator[tuple[Slot, str]]:
    """Who is to stand where when the plan is done."""
    for row in catalog.segments:
        if row.content < 0:
            yield _slot(row, owner.host_of(row)), f"the coordinator (dbid {row.dbid})"
    for one in plan.desired.contents:
        yield one.primary, f"the primary of content {one.content}"
    for one in plan.desired.contents:
        if one.mirror is not None:
            yield one.mirror, f"the mirror of content {one.content}"


def _nested(plan: Plan, catalog: PlannedCatalog, owner: _Owners) -> Iterator[Falsehood]:
    """No new directory lies in another copy's, or holds one: what is done to the outer one happens to
    the inner one too. What stands so already is left in peace.
    """
    uses: dict[tuple[str, str], tuple[str, bool]] = {}
    for row in catalog.segments:
        for path in paths_of(row):
            uses[owner.host_of(row), path] = (f"dbid {row.dbid}", False)
    for slot, who in _uses(plan, catalog, owner):
        for path in paths_of(slot):
            uses.setdefault((slot.host, path), (who, True))
    for (host, path), (inner, new) in uses.items():
        for above in ancestors(path):
            outer = uses.get((host, above))
            if outer is not None and (new or outer[1]):
                claimed = f"{path} of {inner} in {above} of {outer[0]} on {host}"
                yield Falsehood("desired.contents", claimed, "side by side")
