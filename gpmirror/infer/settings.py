"""A spec from a gpinitsystem configuration, which names no hosts: bases, roots, strategy."""

from collections.abc import Iterable

from gpmirror.diagnostics import Place
from gpmirror.gputils import InitSystem
from gpmirror.infer.model import Inferred, PortRule
from gpmirror.infer.proof import SPEC_NAME
from gpmirror.infer.writing import spec_text
from gpmirror.spec import load
from gpmirror.spec.model import Bases, Host, Offset, Spec, Strategy

_USUAL_OFFSET = 1000
_UNKNOWN_ROOTS = ("/data/mirror",)


def spec_of_settings(found: InitSystem, name: str) -> Inferred:
    """The spec, with placeholders for hosts: they stand in another file, or nowhere."""
    strategy = _strategy(found)
    count = max(2, len(found.data_directories) + 1)
    roots = found.mirror_directories or tuple(_guessed(found.data_directories)) or _UNKNOWN_ROOTS
    hosts = tuple(_placeholder(f"sdw{number}", roots) for number in range(1, count + 1))
    draft = Spec(cluster=name, hosts=hosts, strategy=strategy, ports=_ports(found))
    remarks = tuple(_remarks(found))
    text = spec_text(
        draft,
        [_origin(found), *(f"{one[0].upper()}{one[1:]}." for one in remarks)],
        guessed=() if found.mirror_directories else [host.name for host in hosts],
    )
    spec = load(text.encode(), SPEC_NAME)
    return Inferred(
        text=text, spec=spec, strategy=spec.strategy, pins=0, remarks=remarks, plan=None
    )


def _strategy(found: InitSystem) -> Strategy:
    is_spread = (found.mirror_type or "").lower() == "spread"
    return Strategy.SPREAD if is_spread else Strategy.GROUP


def _guessed(directories: Iterable[str]) -> Iterable[str]:
    for path in directories:
        above = path.rpartition("/")[0]
        yield path.replace("primary", "mirror") if "primary" in path else f"{above}/mirror"


def _placeholder(name: str, roots: tuple[str, ...]) -> Host:
    return Host(name=name, addresses=(name,), roots=roots, place=Place(file=""))


def _ports(found: InitSystem) -> PortRule:
    if found.mirror_port_base is None:
        return Offset(_USUAL_OFFSET)
    both = found.replication_port_base and found.mirror_replication_port_base
    return Bases(
        mirror_base=found.mirror_port_base,
        replication_base=found.replication_port_base if both else None,
        mirror_replication_base=found.mirror_replication_port_base if both else None,
    )


def _remarks(found: InitSystem) -> Iterable[str]:
    listed = f" of {found.machine_list_file}" if found.machine_list_file else ""
    yield f"the file names no hosts: put the hosts{listed} in place of sdw[...], in ring order"
    if not found.mirror_directories:
        yield "the file has no MIRROR_DATA_DIRECTORY: the roots are guessed"
    if found.mirror_port_base is None:
        yield "the file has no MIRROR_PORT_BASE: the offset is the usual 1000"
    yield "checked for form only: plan it against a catalog to see what it does"


def _origin(found: InitSystem) -> str:
    name = found.name.rpartition("/")[2]
    return f"Written by `gpmirror import` from {name}, settings of gpinitsystem."
