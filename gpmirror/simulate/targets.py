"""What the user wants to lose: `host:NAME` and `rack:NAME` read against a layout."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.layout import Layout
from gpmirror.simulate.codes import BAD_TARGET
from gpmirror.simulate.loss import (
    Copies,
    Loss,
    copies_of,
    lose_from,
    quoted,
    rack_names,
    unknown_host,
    unknown_rack,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTarget:
    """Hosts to lose at once; `label` is `sdw3` for a host, `rack a` for a rack."""

    label: str
    hosts: tuple[str, ...]


def parse_targets(texts: Sequence[str], layout: Layout) -> tuple[LossTarget, ...]:
    """Read `host:NAME` and `rack:NAME`, in order, each once.

    Raises InvalidInput with every text that is neither (GPM-P902), names an unknown host
    (GPM-P901) or an unknown rack (GPM-P903).
    """
    copies = copies_of(layout)
    parsed = [_parse(text, layout, copies) for text in dict.fromkeys(texts)]
    problems = [found for found in parsed if isinstance(found, Diagnostic)]
    if problems:
        raise InvalidInput(problems)
    return tuple(found for found in parsed if isinstance(found, LossTarget))


def lose_targets(layout: Layout, targets: Sequence[LossTarget]) -> Loss:
    """Lose all targets together, labelled `sdw3 + rack a`."""
    hosts = {host for target in targets for host in target.hosts}
    label = " + ".join(target.label for target in targets)
    return lose_from(copies_of(layout), hosts, label=label)


def _parse(text: str, layout: Layout, copies: Copies) -> LossTarget | Diagnostic:
    kind, colon, name = text.partition(":")
    if colon and name and kind == "host":
        return _host(name, copies)
    if colon and name and kind == "rack":
        return _rack(name, layout)
    return _bad(text, copies)


def _host(name: str, copies: Copies) -> LossTarget | Diagnostic:
    if name not in copies.rank:
        return unknown_host(name, copies.hosts)
    return LossTarget(label=name, hosts=(name,))


def _rack(name: str, layout: Layout) -> LossTarget | Diagnostic:
    hosts = tuple(host for host in layout.hosts if layout.racks.get(host) == name)
    if not hosts:
        return unknown_rack(name, rack_names(layout))
    return LossTarget(label=f"rack {name}", hosts=hosts)


def _bad(text: str, copies: Copies) -> Diagnostic:
    meant = text if text in copies.rank else "NAME"
    return Diagnostic(
        code=BAD_TARGET,
        message=f"{quoted(text)} names neither a host nor a rack to lose",
        hint=f"write `host:{meant}`, or `rack:NAME`",
    )
