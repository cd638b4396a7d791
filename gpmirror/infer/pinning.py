"""A pinned spec from mirrors alone: a native file that does not show the primaries."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.segment import Mode, Role, Segment, Status
from gpmirror.diagnostics import Place
from gpmirror.gputils import Grammar
from gpmirror.infer.directories import root_of, template_of
from gpmirror.infer.machines import find_machines
from gpmirror.infer.model import Inferred, PortRule
from gpmirror.infer.proof import SPEC_NAME
from gpmirror.infer.roots import Turn, roots_by_host
from gpmirror.infer.writing import spec_text
from gpmirror.placement.names import DirectoryTemplate
from gpmirror.spec import load
from gpmirror.spec.model import Bases, Host, Offset, Pin, Spec, Strategy

_USUAL_OFFSET = 1000

_ONE_HOST = (
    "the file names one host only and no primaries: on a single-host system add "
    "`allow_same_host: true` under `mirrors`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where a file puts one content's mirror. Ports are TCP ports."""

    content: int
    hostname: str
    address: str
    port: int
    directory: str
    replication_port: int | None
    primary_replication_port: int | None
    filespaces: tuple[tuple[str, str], ...]


def pinned_spec(
    source: str, name: str, grammar: Grammar, wishes: Sequence[Wish], remarks: tuple[str, ...]
) -> Inferred:
    """The spec. It is loaded, but without primaries there is no plan to prove it with."""
    machines = find_machines([_row(wish) for wish in wishes])
    owners = {alias: host for host in machines.hosts for alias in (host.name, *host.addresses)}
    directory = template_of([(wish.directory, wish.content) for wish in wishes], "")
    ring = sorted(machines.hosts, key=lambda host: natural(host.name))
    hosts = _with_roots(ring, owners, wishes, directory)
    draft = Spec(
        cluster=name,
        hosts=hosts,
        strategy=Strategy.PINNED,
        ports=_ports(grammar, wishes),
        directory=directory.text,
        pins=tuple(_pin(wish, owners) for wish in sorted(wishes, key=lambda w: w.content)),
    )
    if len(hosts) == 1:
        remarks = (*remarks, _ONE_HOST)
    header = [_origin(source, wishes), _NOT_PROVED, *(f"Note: {one}." for one in remarks)]
    text = spec_text(draft, header)
    spec = load(text.encode(), SPEC_NAME)
    return Inferred(
        text=text,
        spec=spec,
        strategy=spec.strategy,
        pins=len(spec.pins),
        remarks=remarks,
        plan=None,
    )


def _row(wish: Wish) -> Segment:
    return Segment(
        dbid=wish.content,
        content=wish.content,
        role=Role.MIRROR,
        preferred_role=Role.MIRROR,
        mode=Mode.SYNCED,
        status=Status.UP,
        port=wish.port,
        hostname=wish.hostname,
        address=wish.address,
        directory=wish.directory,
    )


def _with_roots(
    hosts: Sequence[Host],
    owners: dict[str, Host],
    wishes: Sequence[Wish],
    directory: DirectoryTemplate,
) -> tuple[Host, ...]:
    turns: dict[str, dict[str, list[Turn]]] = {"": {}}
    for wish in sorted(wishes, key=lambda one: one.port):
        host = owners[wish.hostname].name
        for name, path in (("", wish.directory), *wish.filespaces):
            listed = turns.setdefault(name, {}).setdefault(host, [])
            listed.append((len(listed), _root(directory, path, wish.content, host)))
    by_filespace = {name: roots_by_host(found) for name, found in turns.items()}
    system = by_filespace.pop("")
    return tuple(
        replace(
            host,
            roots=system[host.name],
            filespace_roots=tuple(
                (name, found.get(host.name) or next(iter(found.values())))
                for name, found in sorted(by_filespace.items())
            ),
        )
        for host in hosts
    )


def _root(directory: DirectoryTemplate, path: str, content: int, host: str) -> str:
    return root_of(directory, path, content, host) or path.rpartition("/")[0] or path


def _ports(grammar: Grammar, wishes: Sequence[Wish]) -> PortRule:
    lowest = min(wish.port for wish in wishes)
    if grammar is Grammar.PIPE:
        return Bases(mirror_base=lowest)
    mirrors = [one.replication_port for one in wishes if one.replication_port]
    primaries = [one.primary_replication_port for one in wishes if one.primary_replication_port]
    if not mirrors or not primaries:
        return Offset(_USUAL_OFFSET)
    return Bases(
        mirror_base=lowest,
        replication_base=min(primaries),
        mirror_replication_base=min(mirrors),
    )


def _pin(wish: Wish, owners: dict[str, Host]) -> Pin:
    host = owners[wish.hostname]
    return Pin(
        content=wish.content,
        host=host.name,
        address=wish.address if len(host.addresses) > 1 else None,
        port=wish.port,
        directory=wish.directory,
        replication_port=wish.replication_port,
        filespaces=wish.filespaces,
        place=Place(file=""),
    )


def _origin(source: str, wishes: Sequence[Wish]) -> str:
    count = len(wishes)
    name = source.rpartition("/")[2]
    return f"Written by `gpmirror import` from {name}: {count} mirror{'s' * (count != 1)}."


_NOT_PROVED = "Checked for form only: plan it against a catalog to see what it does."
