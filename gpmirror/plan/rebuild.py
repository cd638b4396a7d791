"""A plan that was read from a file, made again from what it was made of, and compared.

A plan file says what is run on database hosts, and its id is a checksum that anybody can compute
anew. So nothing in it is believed that follows from the rest: the file holds the catalog, the wanted
layout, the settings and what was asked, and from these the planner makes the plan once more. What
the two differ in is refused by name. What is left to believe is what a reviewer reads: the layout,
the settings, the catalog (apply compares it with the live one), and the words that say why.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from gpmirror.catalog.cells import BadCell, shown
from gpmirror.catalog.cells import directory as checked_directory
from gpmirror.catalog.cells import host as checked_host
from gpmirror.catalog.sanity import check_sane
from gpmirror.diagnostics import Place, Source
from gpmirror.errors import Failure, GpmirrorError
from gpmirror.model.claims import claims, contested
from gpmirror.model.dialect import DIALECTS
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Segment, Slot
from gpmirror.placement.model import Desired
from gpmirror.placement.question import ask, doubts
from gpmirror.plan.build import build_plan
from gpmirror.plan.codes import file_refusal
from gpmirror.plan.model import RUN_NAME, Plan, PlannedCatalog, plain
from gpmirror.plan.remaining import desired_of, request_of, site_of, with_primaries
from gpmirror.spec.document import ApplyPart, ClusterPart, PolicyPart, SshPart
from gpmirror.spec.model import Pin, Site
from gpmirror.spec.words import (
    address_problem,
    coordinator_problem,
    filespace_problem,
    host_name_problem,
    path_problem,
)

_SHOWN = 5

_WORDS = frozenset({"reason", "source"})
"""Keys whose text names lines of a spec that only its author has: they are read, never run."""

_REMADE = "make the plan again with `gpmirror plan -o`, and ask who changed this one"


def checked(plan: Plan, name: str) -> Plan:
    """The plan with what no file keeps: the warnings that do not follow from the rest of it, and all
    hosts whose loss costs most. Raises InvalidInput: a value that no spec and no catalog can hold
    (GPM-P802), a field that does not follow from the rest of the plan (GPM-P804), or a plan without
    the catalog that it was made over, as earlier versions wrote it (GPM-P805).
    """
    if plan.catalog is None or plan.asked is None:
        raise file_refusal(
            "GPM-P805",
            f"plan file {name} does not hold the catalog that it was made over, so it cannot be "
            "checked: an earlier gpmirror wrote it",
            name,
            "make the plan again with `gpmirror plan -o`",
        )
    problems = [*_problems(plan, plan.catalog)]
    if problems:
        raise file_refusal(
            "GPM-P802",
            f"plan file {name} is not a plan: {'; '.join(problems[:_SHOWN])}",
            name,
            _REMADE,
        )
    made = plan
    try:
        made = _made(plan, plan.catalog)
        found = sorted(_differences(plan, made))
    except GpmirrorError as error:
        found = [f"waves ({error.message})"] if plan.certificate is None else [error.message]
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise file_refusal(
            "GPM-P804",
            f"plan file {name} is not what gpmirror makes of its own catalog, layout and settings: "
            f"{', '.join(found[:_SHOWN])}{more}",
            name,
            _REMADE,
        )
    proved = Counter(made.warnings)
    proved.subtract(plan.catalog.notes)  # free words of the file, which the planner passes on
    unproved = tuple(text for text in plan.warnings if proved[text] <= 0)
    return replace(plan, unproved=unproved, exposure=made.exposure)


def observed_of(plan: Plan, catalog: PlannedCatalog) -> Observed:
    """The catalog that the plan was made over."""
    return Observed(
        segments=in_canonical_order(catalog.segments),
        dialect=DIALECTS[plan.dialect],
        dialect_assumed=catalog.dialect_assumed,
        server_version=plan.observed.server_version,
        system_identifier=plan.observed.system_identifier,
        filespaces=catalog.filespaces,
        sizes=dict(catalog.sizes),
        copies=dict(catalog.copies),
        common_ip={(name, address): one for name, address, one in catalog.common_ip},
        disagreements=dict(catalog.disagreements),
        source=plan.observed.source,
        notes=catalog.notes,
        taken=plan.observed.taken,
    )


def _made(plan: Plan, catalog: PlannedCatalog) -> Plan:
    """What the planner makes of the plan's own beginnings."""
    observed = observed_of(plan, catalog)
    site = site_of(plan)
    desired = with_primaries(desired_of(plan, site, observed))
    found = _unproved(plan, site, observed, desired)
    if found:
        raise Failure(f"its certificate does not prove it: {', '.join(found[:_SHOWN])}")
    desired = replace(desired, certificate=plan.certificate)
    return build_plan(site, observed, desired, request_of(plan))


def _unproved(plan: Plan, site: Site, observed: Observed, desired: Desired) -> list[str]:
    """What the certificate claims and does not prove. Only the spec knew the pins: they are believed,
    as the layout is.
    """
    certificate = plan.certificate
    if certificate is None:
        return []
    place = Place(file=plan.spec_file)
    pins = {
        one.content: Pin(content=one.content, host=one.host, place=place)
        for one in certificate.fixed
        if one.rule == "pin"
    }
    lifted = request_of(plan).unprotect
    question = ask(site, observed, desired.hosts, pins, lifted, certificate.minimise)
    number = {name: at for at, name in enumerate(question.names)}
    placed = {one.content: number[one.mirror.host] for one in desired.contents}
    return doubts(question, placed, certificate)


def _differences(plan: Plan, made: Plan) -> Iterator[str]:
    """The fields in which the plan is not what the planner makes of its own beginnings."""
    made = replace(
        made,
        settings=replace(made.settings, reverts=plan.settings.reverts),
        # remarks of those who placed the mirrors may stand beside those that follow
        warnings=plan.warnings if set(made.warnings) <= set(plan.warnings) else made.warnings,
    )
    yield from _differ(plain(plan), plain(made), "")


def _differ(stated: Any, made: Any, path: str) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(stated, dict) and isinstance(made, dict):
        for key in sorted({*stated, *made}):
            if key not in _WORDS:
                yield from _differ(stated.get(key), made.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(stated, list) and isinstance(made, list) and len(stated) == len(made):
        for number, (one, other) in enumerate(zip(stated, made, strict=True)):
            yield from _differ(one, other, f"{path}[{number}]")
    elif stated != made or type(stated) is not type(made):
        yield path


def _problems(plan: Plan, catalog: PlannedCatalog) -> Iterator[str]:
    """What no spec and no catalog can hold, in the parts of the plan that nothing else proves."""
    yield from _catalog_problems(plan, catalog)
    yield from _layout_problems(plan, catalog)
    yield from _settings_problems(plan)


def _catalog_problems(plan: Plan, catalog: PlannedCatalog) -> Iterator[str]:
    for row in catalog.segments:
        try:
            _check_row(row)
        except BadCell as problem:
            yield f"catalog: dbid {row.dbid}: {problem.message}"
    source = Source(file=plan.observed.source, lines=[])
    for found in check_sane(source, catalog.segments, ""):
        yield f"catalog: {found.message}"


def _check_row(row: Segment) -> None:
    checked_host(row.hostname)
    checked_host(row.address)
    for path in row.directories:
        checked_directory(path)
    ports = (row.port,) if row.replication_port is None else (row.port, row.replication_port)
    if not all(1 <= port <= 65_535 for port in ports):  # noqa: PLR2004 - TCP
        raise BadCell("", f"port {row.port} is outside 1..65535")


def _layout_problems(plan: Plan, catalog: PlannedCatalog) -> Iterator[str]:
    names = [host.name for host in plan.desired.hosts]
    if len(set(names)) < len(names):
        yield "desired: a host is listed twice"
    known = {name for row in catalog.segments for name in (row.hostname, row.address)}
    for host in plan.desired.hosts:
        yield from _names(host.name, host.addresses, known)
        if not host.addresses:
            yield f"desired: host {shown(host.name)} has no address"
    rows = {row.content for row in catalog.segments if row.content >= 0}
    contents = [one.content for one in plan.desired.contents]
    if sorted(contents) != sorted(rows):
        yield "desired: its contents are not those of the catalog"
    told = {path for row in catalog.segments for path in row.directories}
    mirrors = [one.mirror for one in plan.desired.contents if one.mirror is not None]
    if len(mirrors) < len(contents):
        yield "desired: a content has no mirror"
    for slot in mirrors:
        if slot.host not in names:
            yield f"desired: mirror host {slot.host!r} is no host of the plan"
        yield from _names(slot.host, (slot.address,), known)
        yield from _path_problems(slot, told)
    twice = contested((key, slot) for slot in mirrors for key in claims(slot.host, slot))
    yield from (f"desired: two mirrors want {key}" for key, _, _ in twice)


def _names(name: str, addresses: Iterable[str], known: set[str]) -> Iterator[str]:
    found = [host_name_problem(name)] if name not in known else []
    found += [address_problem(one) for one in addresses if one not in known]
    yield from (f"desired: {problem.message}" for problem in found if problem is not None)


def _path_problems(slot: Slot, told: set[str]) -> Iterator[str]:
    """A directory that the catalog tells is one that the servers live with."""
    found = [path_problem(path) for path in slot.directories if path not in told]
    found += [filespace_problem(name) for name, _ in slot.filespaces]
    yield from (f"desired: {problem.message}" for problem in found if problem is not None)
    if not all(1 <= port <= 65_535 for port in slot.ports):  # noqa: PLR2004 - TCP
        yield f"desired: {slot.host}: port {slot.port} is outside 1..65535"


def _settings_problems(plan: Plan) -> Iterator[str]:
    """The settings under the limits of the spec, which they were taken from."""
    from pydantic import ValidationError

    settings, policy = plain(plan.settings), plain(plan.settings.policy)
    host = plan.settings.coordinator.host
    if host is not None and (problem := coordinator_problem(host)) is not None:
        yield f"settings.coordinator.host: {problem.message}"
    reverts = plan.settings.reverts
    if reverts is not None and not RUN_NAME.fullmatch(reverts):  # it stands in commands to copy
        yield f"settings.reverts: {shown(reverts)} is not the name of a run"
    for group in ("coordinator", "ssh"):
        for key, value in settings[group].items():
            if isinstance(value, str) and not value.isprintable():
                yield f"settings.{group}.{key}: {shown(value)} holds a character that no terminal shows"
    apply = settings["apply"]
    apply = {**apply, "sync_timeout": f"{apply['sync_timeout']}s"}
    cluster = {"name": plan.cluster, "coordinator": settings["coordinator"]}
    judged: list[tuple[str, type[Any], Any]] = [
        ("cluster", ClusterPart, cluster),
        ("settings.ssh", SshPart, settings["ssh"]),
        ("settings.apply", ApplyPart, apply),
    ]
    if policy is not None:
        survive = [{"any": one["count"], "of": one["of"]} for one in policy["survive"]]
        guards = {("bytes" if k == "max_bytes" else k): v for k, v in policy["guards"].items()}
        factor = policy["max_load_factor"]
        whole = {"survive": survive, "max_load_factor": factor, "guards": guards}
        judged.append(("settings.policy", PolicyPart, whole))
    for where, part, value in judged:
        try:
            part.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(step) for step in first["loc"])
            yield f"{where}.{field}: {first['msg']}"
