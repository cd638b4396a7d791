"""The plan: a value that says everything `apply` will do and everything a reviewer asks.

With it: what it takes from the spec, and its canonical JSON, the same value the same text.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Literal

from gpmirror.model.certificate import Certificate
from gpmirror.model.dialect import DialectName
from gpmirror.model.observed import CopyFact, Observed
from gpmirror.model.segment import UNWRITTEN, Segment, Slot
from gpmirror.spec.model import ApplyOptions, CoordinatorAddress, Guards, SshOptions
from gpmirror.values import dataclass

# --- Frozen values to canonical JSON: sorted keys, no blanks, the same value the same bytes.
#
# Written without pydantic: building its serialiser costs more than the whole plan of a small cluster.


LATER = {"later": True}
"""Metadata of a field that format 1.0 did not have from the start; None is not written."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Dataclasses to dicts, tuples to lists; a trailing underscore of a field name is dropped, and so
    are later fields that say nothing: a plan of an earlier version keeps its bytes and its id.
    """
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    kind: type = type(value)
    keys = _keys(kind)
    if keys is None:
        return value
    body = {key: plain(getattr(value, name)) for name, key in keys}
    for key in _later(kind):
        if body[key] is None:
            del body[key]
    return body


@cache
def _keys(kind: type) -> tuple[tuple[str, str], ...] | None:
    if not is_dataclass(kind):
        return None
    written = (field for field in fields(kind) if not field.metadata.get("unwritten"))
    return tuple((field.name, field.name.rstrip("_")) for field in written)


@cache
def _later(kind: type) -> tuple[str, ...]:
    """The keys that format 1.0 did not have from the start."""
    marked = (field for field in fields(kind) if field.metadata.get("later"))
    return tuple(field.name.rstrip("_") for field in marked)


def compact(body: dict[str, Any]) -> str:
    """The canonical text of a body: what its digest is taken of."""
    return _encode(body)


def lines(body: dict[str, Any]) -> str:
    """The same JSON, reviewable as a diff: a key a line, an item of a list of objects a line."""
    members = [f"{_encode(key)}:{_member(body[key])}" for key in sorted(body)]
    return "{\n" + ",\n".join(members) + "\n}\n"


def _member(value: Any) -> str:  # noqa: ANN401 - JSON has no narrower type
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(_encode(item) for item in value) + "\n]"
    if isinstance(value, dict) and any(isinstance(item, list) for item in value.values()):
        return lines(value).rstrip("\n")
    return _encode(value)


# --- What a plan takes from the spec, so that apply, resume and revert need nothing but the plan file.


RUN_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
"""What a run may be called: the name stands in paths and in commands to copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoss:
    """A loss that the spec's policy wants survived: any `count` hosts or racks."""

    count: Literal[1, 2]
    of: Literal["host", "rack"]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPolicy:
    """The spec's policy, so that whatever is made of the plan is judged alike."""

    survive: tuple[PlannedLoss, ...]
    max_load_factor: float | None
    load_source: str
    guards: Guards


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProtection:
    """A content or a host that the spec protects against moves; exactly one of the two is set."""

    content: int | None
    host: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the plan is carried out, as the spec says: apply needs nothing but the plan file.
    `policy` and `protect` None: an earlier version wrote the plan. `reverts` names the run whose
    moves the plan takes back. `same_host_source` is the line that allows mirrors beside primaries.
    """

    coordinator: CoordinatorAddress
    ssh: SshOptions
    apply: ApplyOptions
    allow_same_host: bool
    policy: PlannedPolicy | None = field(default=None, metadata=LATER)
    protect: tuple[PlannedProtection, ...] | None = field(default=None, metadata=LATER)
    same_host_source: str | None = field(default=None, metadata=LATER)
    reverts: str | None = field(default=None, metadata=LATER)


# --- The plan: a value that says everything `apply` will do and everything a reviewer must know.
#
# Field names are the keys of the plan file (`from_` is written `from`). All tuples are sorted or in
# execution order, so that the same input gives the same bytes. Sizes are bytes, times seconds; None
# means unknown.


FORMAT_VERSION = "1.0"
"""A new key is a new minor version: gpmirror refuses a key that it does not know, for a reviewer
might believe it. Other readers ignore those, and refuse another major version.
"""


class Action(StrEnum):
    """What happens to a content. Unchanged and switched contents have no change."""

    ADD = "add"
    RECOVER = "recover"
    MOVE = "move"
    REBALANCE = "rebalance"
    BLOCKED = "blocked"


class Method(StrEnum):
    """How a down copy is brought back: what the log tells to differ, what file by file differs, or
    everything.
    """

    INCREMENTAL = "incremental"
    DIFFERENTIAL = "differential"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One content's way from observed to desired.

    `primary` is the acting primary's host. `from_` is the copy that changes (None for `add`), `to`
    its place afterwards (None for `blocked` and `rebalance`). `source` is `file:line` of the spec
    line that asks for it, or `catalog`. `hostname_after` is what the catalog's hostname will become
    where the native file sets it to the address and that differs from the host. `method` belongs to
    `recover`, `note` is a remark such as `directory not inspected`.
    """

    content: int
    action: Action
    primary: str
    from_: Slot | None
    to: Slot | None
    reason: str
    source: str
    hostname_after: str | None = None
    method: Method | None = None
    note: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One copy's relocation inside a wave; `temporary` marks a slot that only breaks a cycle."""

    content: int
    from_: Slot | None
    to: Slot | None
    temporary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeRun:
    """One run of a native utility: argv, and the exact text of its input file if it has one."""

    utility: str
    argv: tuple[str, ...]
    file_name: str | None
    file_text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAction:
    """Something done on a host before the native run: `make-parent` creates `path` with `mode`."""

    host: str
    action: str
    path: str
    mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """Contents treated together, waiting for sync at the end. `number` counts from 1."""

    number: int
    action: Action
    contents: tuple[int, ...]
    steps: tuple[Step, ...]
    native: tuple[NativeRun, ...]
    host_actions: tuple[HostAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveExposure:
    """What is at stake while a wave runs: its contents have one live copy (`newly_single` of them
    only because of the wave), `already_single` others have one anyway; and how many contents losing
    the worst single host would lose meanwhile; `worst_hosts` are all whose loss costs as many, which
    no file keeps: whoever reads one works them out again. `bytes` is what the wave copies whole, `chain_bytes`
    the part of it that is copied one after the other, and `seconds` how long that takes at the
    plan's rate. `catching_up` contents only fetch what changed: nobody knows how much that is.
    """

    wave: int
    single: tuple[int, ...]
    newly_single: int
    already_single: int
    worst_host: str | None
    worst_host_loses: int
    bytes: int | None
    chain_bytes: int | None
    seconds: int | None
    catching_up: int
    worst_hosts: tuple[str, ...] = field(default=(), compare=False, metadata=UNWRITTEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """Exposure of the whole plan. `bytes`, `seconds` and `catching_up` are those of all waves;
    `rate` is an assumption: bytes a second that a host sends, and receives. `bound` is the fewest
    move waves that the limits allow (König), `depth` the longest chain of slots that must be freed
    one after the other. `none` are contents without any live copy, which no plan brings back, and
    which none of the figures counts; None: there are none.
    """

    waves: tuple[WaveExposure, ...]
    most_single: int
    most_lost_with_one_host: int
    bytes: int | None
    seconds: int | None
    rate: int
    catching_up: int
    bound: int
    depth: int
    none: tuple[int, ...] | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLoad:
    """Copies on one host, by preferred role; for `during` the fewest live mirrors in any wave."""

    host: str
    primaries: int
    mirrors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """What a layout survives. `worst_load` is `(lost host, survivor, before, after)`; `single`
    contents have one live copy, `none` (None: 0) have no live copy at all.
    """

    single: int
    any_host: bool
    any_rack: bool | None
    fatal_pairs: int
    pairs: int
    worst_load: tuple[str, str, int, int] | None
    worst_factor: float | None
    none: int | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The layout at one moment: copies by host in ring order, and what it survives."""

    hosts: tuple[HostLoad, ...]
    survival: Survival


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """Before the plan, at its weakest moment, after it."""

    before: Stage
    during: Stage
    after: Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """A named danger. `flag` is what allows it; `allowed` whether the plan already does."""

    name: str
    message: str
    flag: str
    contents: tuple[int, ...]
    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A blast-radius limit and the plan's own figure. `value` None: unknown, counts as exceeded."""

    name: str
    value: int | None
    limit: int
    unit: str
    exceeded: bool
    flag: str
    allowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedHost:
    """A host of the spec, in ring order; `replaces` is the dead host whose segments it takes."""

    name: str
    addresses: tuple[str, ...]
    rack: str | None
    weight: int
    replaces: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedContent:
    """A content's preferred primary and desired mirror."""

    content: int
    primary: Slot
    mirror: Slot | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DesiredLayout:
    """The layout that the spec and the observed primaries compile to."""

    hosts: tuple[PlannedHost, ...]
    contents: tuple[PlannedContent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamePair:
    """A new place's hostname and address that differ: `shared` says whether both lead to one IP on
    the coordinator's host, where gprecoverseg takes the hostname only then. None: nobody asked.
    """

    hostname: str
    address: str
    shared: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedSummary:
    """What the plan was made from. `digest` is the sha256 of the catalog's facts, `taken` the time of a
    snapshot that tells it.
    """

    source: str
    digest: str
    server_version: str | None
    system_identifier: str | None
    contents: int
    mirrored: int
    taken: str | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """How many contents fall into each class."""

    add: int = 0
    move: int = 0
    recover: int = 0
    rebalance: int = 0
    unchanged: int = 0
    blocked: int = 0
    switched: int = 0

    @property
    def differs(self) -> bool:
        """Whether there is anything to do or anything blocked; switched roles are no difference."""
        return bool(self.add or self.move or self.recover or self.rebalance or self.blocked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A rule of the spec's policy, judged before and after."""

    rule: str
    before: bool
    after: bool
    evidence: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintRow:
    """A touched content as it was planned: both rows without what changes by itself."""

    content: int
    action: Action
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What must still hold when the plan is applied. `digest` covers all of it; `in_use` is every
    host:port and host:directory of the catalog.
    """

    digest: str
    coordinator: str
    system_identifier: str | None
    server_version: str | None
    contents: tuple[FingerprintRow, ...]
    in_use: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCatalog:
    """The catalog that the plan was made over, whole: whoever reads the plan makes it again from
    this and compares. `sizes` are (content, bytes), `copies` (dbid, fact), `disagreements`
    (content, sentence), `common_ip` (hostname, address, whether they are one machine), each sorted.
    """

    segments: tuple[Segment, ...]
    dialect_assumed: bool
    filespaces: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    copies: tuple[tuple[int, CopyFact], ...]
    common_ip: tuple[tuple[str, str, bool], ...]
    disagreements: tuple[tuple[int, str], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked of the plan beside the spec; what is allowed stands in `allowed`. None: all."""

    contents: tuple[int, ...] | None
    hosts: tuple[str, ...] | None
    full: bool
    rebalance: bool
    differential: bool | None = field(default=None, metadata=LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The whole plan. `plan_id` is not part of it: it is computed from it (`planfile.plan_id`).
    `names` None: no line of a native file depends on what names resolve to. `certificate` proves the
    layout of strategy balanced.
    """

    format_version: str
    cluster: str
    dialect: DialectName
    spec_file: str
    spec_digest: str
    observed: ObservedSummary
    fingerprint: Fingerprint
    desired: DesiredLayout
    changes: tuple[Change, ...]
    waves: tuple[Wave, ...]
    exposure: Exposure
    layout: Stages
    policy: tuple[Verdict, ...]
    hazards: tuple[Hazard, ...]
    guards: tuple[Guard, ...]
    allowed: tuple[str, ...]
    warnings: tuple[str, ...]
    summary: Summary
    switched: tuple[int, ...]
    selection: str | None
    settings: Settings
    review_only: bool
    names: tuple[NamePair, ...] | None = field(default=None, metadata=LATER)
    catalog: PlannedCatalog | None = field(default=None, metadata=LATER)
    asked: Asked | None = field(default=None, metadata=LATER)
    certificate: Certificate | None = field(default=None, metadata=LATER)
    unproved: tuple[str, ...] = field(default=(), compare=False, metadata=UNWRITTEN)
    """Warnings of a plan file that the planner does not make again from the rest of it."""


# --- What must still hold when a plan is applied, and the digest of an observed catalog.


def fingerprint(observed: Observed, changes: Sequence[Change]) -> Fingerprint:
    """The rows of every touched content with its class, and everything in use. Not dbid, mode or
    the status of other contents: those change by themselves and are judged by the health gate.
    """
    pairs = observed.pairs()
    contents = tuple(
        FingerprintRow(
            content=change.content,
            action=change.action,
            rows=tuple(_row(row) for row in pairs[change.content] if row is not None),
        )
        for change in sorted(changes, key=lambda change: change.content)
    )
    coordinator = observed.coordinator
    told = _place(coordinator) if coordinator is not None else ""
    in_use = tuple(sorted({item for row in observed.segments for item in _uses(row)}))
    facts = [told, observed.system_identifier or "", observed.server_version or ""]
    facts += [f"{item.content} {item.action} {' '.join(item.rows)}" for item in contents]
    return Fingerprint(
        digest=_sha256([*facts, *in_use]),
        coordinator=told,
        system_identifier=observed.system_identifier,
        server_version=observed.server_version,
        contents=contents,
        in_use=in_use,
    )


def catalog_digest(observed: Observed) -> str:
    """sha256 over all facts of the catalog, without line numbers, file name and notes."""
    rows = [
        f"{row.dbid} {row.content} {row.mode} {row.status} {row.replication_port} {_row(row)}"
        for row in observed.segments
    ]
    sizes = [f"{content} {size}" for content, size in sorted(observed.sizes.items())]
    copies = [f"{dbid} {fact}" for dbid, fact in sorted(observed.copies.items())]
    head = [observed.dialect.name, observed.server_version or "", observed.system_identifier or ""]
    return _sha256([*head, *observed.filespaces, "rows", *rows, "sizes", *sizes, "copies", *copies])


def _row(row: Segment) -> str:
    return f"{row.preferred_role}/{row.role} {_place(row)}"


def _place(row: Segment) -> str:
    directories = " ".join((row.directory or "?", *(f"{n}={p}" for n, p in row.filespaces)))
    return f"{row.hostname} {row.address} {row.port} {directories}"


def _uses(row: Segment) -> Iterable[str]:
    yield f"{row.hostname}:{row.port}"
    if row.replication_port is not None:
        yield f"{row.hostname}:{row.replication_port}"
    for path in (row.directory, *(path for _, path in row.filespaces)):
        if path is not None:
            yield f"{row.hostname}:{path}"


def _sha256(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
