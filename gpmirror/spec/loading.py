"""Bytes to spec: read, check the shape, judge the meaning, report everything at once."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import PurePath

from pydantic import ValidationError

from gpmirror.diagnostics import Diagnostic, Severity
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DialectName
from gpmirror.spec import words
from gpmirror.spec.complaints import (
    MAX_FINDINGS,
    Findings,
    Repaired,
    complaint_of,
    diagnose,
    repair,
)
from gpmirror.spec.document import ClusterPart, SpecPart, SshPart
from gpmirror.spec.hosts import check_filespaces, check_hosts, compile_hosts
from gpmirror.spec.model import CoordinatorAddress, Spec, SshOptions, Strategy
from gpmirror.spec.reader import Document, read
from gpmirror.spec.rules import (
    check_directory,
    check_strategy,
    compile_apply,
    compile_pins,
    compile_policy,
    compile_ports,
    compile_protection,
)
from gpmirror.spec.source import Places, decode
from gpmirror.spec.writing import digest


def load_spec(data: bytes, file: str) -> Spec:
    """The spec in `data`. Raises `InvalidInput` with every finding, in the order of the text."""
    with _collection_paused():
        document = read(decode(data, file))
        spec, found = _judge(document)
    if spec is None or found or document.found:
        raise InvalidInput(_in_order(document, found))
    return replace(spec, digest=digest(spec))


@contextmanager
def _collection_paused() -> Iterator[None]:
    """Reading makes many objects and no garbage: collecting meanwhile only costs time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _judge(document: Document) -> tuple[Spec | None, list[Diagnostic]]:
    repaired = Repaired(data=document.data)
    found: list[Diagnostic] = []
    try:
        part: SpecPart | None = SpecPart.model_validate(document.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        faults = [complaint_of(one, document.data) for one in details]
        found = [diagnose(one, document.places) for one in faults[:MAX_FINDINGS]]
        repaired = repair(document.data, faults)
        part = _second_look(repaired)
    if part is None:
        return None, found
    findings = Findings(places=document.places, repaired=repaired)
    spec = _compile(part, findings)
    return spec, found + findings.found


def _second_look(repaired: Repaired) -> SpecPart | None:
    """The repaired document, or None where so little is left that nothing can be judged."""
    try:
        return SpecPart.model_validate(repaired.data)
    except ValidationError:
        return None


def _compile(part: SpecPart, findings: Findings) -> Spec:
    dialect = None if part.cluster.dialect is None else DialectName(part.cluster.dialect)
    hosts = compile_hosts(part.hosts, findings)
    check_hosts(hosts, findings)
    check_filespaces(part.hosts, dialect, findings)
    check_strategy(part.mirrors, findings)
    check_directory(part.mirrors.directory, findings)
    return Spec(
        cluster=part.cluster.name,
        hosts=hosts,
        strategy=Strategy(part.mirrors.strategy),
        ports=compile_ports(part.mirrors.ports, dialect, findings),
        directory=part.mirrors.directory,
        block_size=part.mirrors.block_size,
        minimise=part.mirrors.minimise or "moves",
        pins=compile_pins(part.mirrors.pins or [], hosts, dialect, findings),
        allow_same_host=part.mirrors.allow_same_host,
        dialect=dialect,
        coordinator=_coordinator(part.cluster, findings),
        ssh=_ssh(part.ssh),
        policy=compile_policy(part.policy, hosts, findings),
        protect=compile_protection(part.protect or [], hosts, findings),
        apply=compile_apply(part.apply),
        snapshot=_snapshot(part.snapshot, findings),
        notify=()
        if part.apply is None or part.apply.notify is None
        else tuple(part.apply.notify.command),
        file=PurePath(findings.places.source.file).name,
        places=findings.places,
    )


def _coordinator(cluster: ClusterPart, findings: Findings) -> CoordinatorAddress:
    given = cluster.coordinator
    if given is None:
        return CoordinatorAddress()
    problem = None if given.host is None else words.coordinator_problem(given.host)
    if problem is not None:
        findings.add(("cluster", "coordinator", "host"), problem)
    return CoordinatorAddress(
        host=given.host, port=given.port, database=given.database, user=given.user
    )


def _ssh(given: SshPart | None) -> SshOptions:
    return SshOptions() if given is None else SshOptions(user=given.user, config=given.config)


def _snapshot(given: str | None, findings: Findings) -> str | None:
    problem = None if given is None else words.snapshot_problem(given)
    if problem is not None:
        findings.add(("snapshot",), problem)
    return given


def _in_order(document: Document, judged: list[Diagnostic]) -> list[Diagnostic]:
    """All findings by place, each once. A look-alike explains what else is wrong with its text."""
    first = document.found
    explaining = [one for one in first if one.code in {"GPM-V002", "GPM-V006"}]
    kept = [one for one in judged if not any(_covers(one, other) for other in explaining)]
    found = sorted(dict.fromkeys([*first, *kept]), key=_position)
    if len(found) < MAX_FINDINGS:
        return found
    return [*found[:MAX_FINDINGS], _not_shown(document.places)]


def _not_shown(places: Places) -> Diagnostic:
    return Diagnostic(
        code="GPM-V003",
        message=f"only the first {MAX_FINDINGS} findings are shown",
        severity=Severity.NOTE,
        place=places.source.place(len(places.source.lines), 1),
        hint="fix those first",
    )


def _covers(judged: Diagnostic, first: Diagnostic) -> bool:
    one, other = judged.place, first.place
    if one is None or other is None:
        return False
    return one.line == other.line and one.column <= other.column < one.column + one.width


def _position(found: Diagnostic) -> tuple[int, int, str]:
    place = found.place
    return (0, 0, found.code) if place is None else (place.line, place.column, found.code)
