"""A look at the directories of down copies, without a plan: what to ask, what the answers say."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from gpmirror.cluster.observed import CopyFact, Observed
from gpmirror.cluster.segment import Segment
from gpmirror.plan.model import Action
from gpmirror.preflight.copies import Look, copy_fact
from gpmirror.preflight.facts import HostFacts
from gpmirror.preflight.questions import Landing, Questions, Source
from gpmirror.preflight.reading import read_facts
from gpmirror.spec.model import SiteHost

Asked = Mapping[str, Questions]
"""By host."""


def homes_of(hosts: Iterable[SiteHost]) -> dict[str, str]:
    """Every name and address of the spec's hosts -> the host's name."""
    return {name: host.name for host in hosts for name in (*host.addresses, host.name)}


def copy_questions(
    observed: Observed, homes: Mapping[str, str], contents: Collection[int] | None = None
) -> dict[str, Questions]:
    """What to ask the hosts of down copies, and those of their acting primaries. `homes` names the
    host of a hostname or address; a row that it does not know stands on the host of its hostname.
    """
    landings: dict[str, list[Landing]] = {}
    sources: dict[str, list[Source]] = {}
    for down, acting in _pairs(observed, contents):
        landings.setdefault(_home(homes, down), []).append(_landing(down))
        sources.setdefault(_home(homes, acting), []).append(_source(acting))
    return {
        host: _questions(host, landings.get(host, ()), sources.get(host, ()))
        for host in sorted({*landings, *sources})
    }


def copy_facts(asked: Asked, outputs: Mapping[str, str]) -> dict[int, CopyFact]:
    """The facts by dbid, from what the hosts printed; copies that nobody told of are left out."""
    facts = {
        host: found
        for host, text in outputs.items()
        if (found := read_facts(text, asked[host])) is not None
    }
    identifiers = {
        source.content: server.identifier
        for host, found in facts.items()
        for source, server in zip(asked[host].sources, found.servers, strict=False)
    }
    looks = {
        dbid: look
        for host, found in facts.items()
        for dbid, look in _looks(asked[host], found, identifiers)
    }
    return {dbid: copy_fact(look) for dbid, look in sorted(looks.items())}


def _pairs(
    observed: Observed, contents: Collection[int] | None
) -> Iterator[tuple[Segment, Segment]]:
    """Every down copy whose directory is known, with its acting primary."""
    rows = [row for row in observed.segments if row.content >= 0 and row.directory is not None]
    acting = {row.content: row for row in rows if row.is_acting_primary}
    for row in rows:
        wanted = contents is None or row.content in contents
        if wanted and not row.is_up and not row.is_acting_primary and row.content in acting:
            yield row, acting[row.content]


def _home(homes: Mapping[str, str], row: Segment) -> str:
    return homes.get(row.hostname) or homes.get(row.address) or row.hostname


def _landing(row: Segment) -> Landing:
    return Landing(
        content=row.content,
        dbid=row.dbid,
        path=row.directory or "",
        main=True,
        keeps=True,
        freed=False,
        action=Action.RECOVER,
        method=None,
    )


def _source(row: Segment) -> Source:
    return Source(content=row.content, dbid=row.dbid, path=row.directory or "", copied=False)


def _questions(host: str, landings: Iterable[Landing], sources: Iterable[Source]) -> Questions:
    return Questions(
        host=host,
        only_left=False,
        landings=tuple(landings),
        bindings=(),
        sources=tuple(sources),
        names={},
        coordinator=None,
        measured=(),
    )


def _looks(
    asked: Questions, found: HostFacts, identifiers: Mapping[int, str | None]
) -> Iterator[tuple[int, Look]]:
    parents = dict(zip(asked.parents, found.parents, strict=False))
    for landing, place in zip(asked.landings, found.places, strict=False):
        look = Look(
            path=landing.path,
            parent=parents.get(landing.parent),
            place=place,
            processes=found.processes or (),
            primary=identifiers.get(landing.content),
        )
        if landing.dbid is not None:
            yield landing.dbid, look
