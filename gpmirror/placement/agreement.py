"""What spec and catalog must agree on before anything is placed: generation, filespaces, pins."""

from gpmirror.cluster.observed import Observed
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.placement.hosts import name_contents
from gpmirror.spec.model import Bases, Host, Spec


def check_agreement(spec: Spec, observed: Observed) -> None:
    """Raises InvalidInput with every contradiction between spec and catalog."""
    problems = [
        *_generation(spec, observed),
        *_filespaces(spec, observed),
        *_pins(spec, observed),
        *_roots(spec),
    ]
    if problems:
        raise InvalidInput(problems)


def _generation(spec: Spec, observed: Observed) -> list[Diagnostic]:
    ports, dialect = spec.ports, observed.dialect
    if not isinstance(ports, Bases):
        return []
    given = {ports.replication_base, ports.mirror_replication_base} - {None}
    if dialect.has_replication_ports and (
        ports.replication_base is None or ports.mirror_replication_base is None
    ):
        return [
            Diagnostic(
                code="GPM-P003",
                message=f"{dialect.title} needs replication ports, but `ports` gives only "
                "`mirror_base`",
                place=spec.place_of("mirrors", "ports"),
                hint="add `replication_base` and `mirror_replication_base`, or use `offset`",
            )
        ]
    if given and not dialect.has_replication_ports:
        return [
            Diagnostic(
                code="GPM-P003",
                message=f"{dialect.title} has no replication ports, but `ports` gives bases for "
                "them",
                place=spec.place_of("mirrors", "ports"),
                hint="leave out `replication_base` and `mirror_replication_base`",
            )
        ]
    return []


def _filespaces(spec: Spec, observed: Observed) -> list[Diagnostic]:
    problems: list[Diagnostic] = []
    known = set(observed.filespaces)
    for host in spec.hosts:
        if host.weight == 0:
            continue
        given = {name for name, _ in host.filespace_roots}
        problems += [_no_roots(host, name) for name in sorted(known - given)]
        if known or (given and observed.directories_known):
            problems += [_no_filespace(host, name) for name in sorted(given - known)]
    return problems


def _no_roots(host: Host, name: str) -> Diagnostic:
    return Diagnostic(
        code="GPM-P004",
        message=f"the catalog has filespace {name}, but host {host.name} has no roots for it",
        place=host.place,
        hint=f"write `roots: {{pg_system: [...], {name}: [...]}}`",
    )


def _no_filespace(host: Host, name: str) -> Diagnostic:
    return Diagnostic(
        code="GPM-P005",
        message=f"host {host.name} has roots for filespace {name}, which the catalog does not have",
        place=host.place,
        hint="remove it, or create the filespace with gpfilespace first",
    )


def _pins(spec: Spec, observed: Observed) -> list[Diagnostic]:
    contents = sorted({row.content for row in observed.segments if row.content >= 0})
    known = set(contents)
    named = [("pin", pin.content, pin.place) for pin in spec.pins]
    named += [
        ("protection", item.content, item.place)
        for item in spec.protect
        if item.content is not None
    ]
    return [
        Diagnostic(
            code="GPM-P006",
            message=f"{what} of content {content}: the catalog has no such content "
            f"(it has {name_contents(contents, 4)})",
            place=place,
            hint=f"remove the {what} or correct its content ID",
        )
        for what, content, place in named
        if content not in known
    ]


def _roots(spec: Spec) -> list[Diagnostic]:
    pinned = {pin.host for pin in spec.pins if pin.directory is None}
    return [
        Diagnostic(
            code="GPM-P007",
            message=f"a pin puts a mirror on {host.name}, which has no roots",
            place=host.place,
            hint="give the host `roots`, or the pin a `directory`",
        )
        for host in spec.hosts
        if not host.roots and host.name in pinned
    ]
