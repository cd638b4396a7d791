"""Looking at a cluster: catalog and replication together, and what only hosts can tell."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from gpmirror.boundary import Answered, Catalog, Freshness, Hosts, NoAnswer, Reply
from gpmirror.errors import CannotDispatch, ConnectionLost, Failure, Overdue
from gpmirror.model.names import natural
from gpmirror.model.observed import Observed, Replication
from gpmirror.native.directories import Pulse, pulse_script, read_pulses
from gpmirror.native.pipe import reads_hostnames
from gpmirror.plan.build import make_plan
from gpmirror.plan.classify import NOT_INSPECTED
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.asking import coordinator_host
from gpmirror.preflight.copies import Asked, copy_facts, copy_questions, homes_of
from gpmirror.preflight.model import one_machine
from gpmirror.preflight.reading import read_related
from gpmirror.preflight.script import copies_script, related_script
from gpmirror.run.context import measured
from gpmirror.spec.model import SiteHost, Spec
from gpmirror.verify import disagreements, resynchronising, way_back

# --- The catalog and replication in one look, contradictions marked, and how old what it says may be.


def observe(catalog: Catalog) -> Observed:
    """The live catalog for planning, looked at anew first: contents whose rows replication contradicts
    are marked, and before 6 those whose acting primary does not answer.

    Raises as the catalog does; CannotDispatch: from 6 on, a primary does not answer, so that nobody
    can tell who streams.
    """
    refused: CannotDispatch | None = None
    try:
        freshness = catalog.refresh()
    except CannotDispatch as error:
        freshness, refused = Freshness.NOT_ASKED, error
    observed = catalog.observe()
    told = knowledge_text(freshness, interval_of(catalog))
    if refused is not None:
        return replace(observed, disagreements=_silent(refused), knowledge=refused.message)
    streams = replication(catalog, observed)
    return replace(observed, disagreements=disagreements(observed, streams), knowledge=told)


def read_catalog_now(catalog: Catalog) -> tuple[str, Observed]:
    """How old the catalog's word may be, and the catalog alone, looked at anew first: a cluster that
    cannot answer as a whole tells it too. Raises as the catalog does.
    """
    try:
        freshness = catalog.refresh()
    except CannotDispatch as error:
        return error.message, catalog.observe()
    observed = catalog.observe()
    return knowledge_text(freshness, interval_of(catalog)), observed


def replication(
    catalog: Catalog, observed: Observed, *, probe: bool = True
) -> tuple[Replication, ...]:
    """Who streams; where there is no mirror, the primaries alone are asked. A segment that died a
    moment ago fails the question until the prober has seen it, so a probe is asked for (`probe`),
    and the question once more. Raises as the catalog does.
    """
    try:
        return _asked(catalog, observed)
    except (ConnectionLost, Overdue):
        raise
    except Failure:
        if not probe:
            raise
        catalog.request_probe()
        return _asked(catalog, observed)


def _asked(catalog: Catalog, observed: Observed) -> tuple[Replication, ...]:
    if any(mirror is not None for _, mirror in observed.pairs().values()):
        return catalog.replication()
    if observed.dialect.tells_replication:
        catalog.ask_primaries()
    return ()


def _silent(error: CannotDispatch) -> dict[int, str]:
    """Contents whose acting primary does not answer, for a plan. Raises it where it names none."""
    if not error.refused:
        raise error
    return {
        content: f"its acting primary does not answer at {place}: plan again in a minute, when the "
        "fault prober has looked and its mirror acts; else restart the cluster (`gpstop -r`), "
        "gprecoverseg needs a live primary"
        for content, place in error.refused.items()
    }


def interval_of(catalog: Catalog) -> float | None:
    """How often the prober looks; None where that cannot be told now."""
    try:
        return catalog.probe_seconds()
    except ConnectionLost:
        raise
    except Failure:
        return None


def knowledge_text(freshness: Freshness, interval: float | None) -> str:
    """How old what the catalog says may be; `interval`: how often the fault prober looks by itself."""
    old = "some time ago" if interval is None else f"up to {interval:.0f} s ago"
    prober = f"up and down are as the fault prober last saw them, {old}"
    match freshness:
        case Freshness.PROBED:
            return "up to date (the fault prober was asked first)"
        case Freshness.PROBING:
            return f"a fault probe was asked for and has not ended yet: {prober}, or longer"
        case Freshness.REFUSED:
            return f"no fault probe could be asked for (this user may not, or it failed): {prober}"
        case Freshness.PRIMARIES:
            mirrors = (
                f"mirrors are as the fault prober last saw them, {old}, or longer where a host"
            )
            return f"every acting primary answered just now; {mirrors} is silent"
        case Freshness.LATE:
            return f"not every acting primary answered in time: {prober}, or longer"
        case Freshness.NOT_ASKED:
            return f"nobody was asked to look: {prober}"
        case _:
            assert_never(freshness)


# --- What only hosts can tell a plan: what down copies hold, whether copies that are waited for live, and
# which names are one machine.


_SECONDS = 60.0
_PULSE_SECONDS = 30.0
_AGAIN_SECONDS = 4

Pair = tuple[str, str]
"""Hostname and address."""


def inspect_copies(
    observed: Observed,
    hosts: Hosts,
    spec_hosts: Iterable[SiteHost],
    contents: Collection[int] | None = None,
) -> Observed:
    """The same with facts of the down copies of `contents`, None: of all. Every host is asked once;
    one that gives no answer is noted, and nothing is known of its copies.
    """
    asked = copy_questions(observed, homes_of(spec_hosts), contents)
    if not asked:
        return observed
    scripts = {host: copies_script(wanted) for host, wanted in asked.items()}
    replies = hosts.ask(scripts, seconds=_SECONDS)
    outputs = {host: reply.out for host, reply in replies.items() if isinstance(reply, Answered)}
    facts = {**observed.copies, **copy_facts(asked, outputs)}
    return replace(observed, copies=facts, notes=(*observed.notes, *_not_looked_at(asked, replies)))


def plan_inspected(spec: Spec, observed: Observed, request: Request, hosts: Hosts) -> Plan:
    """As `make_plan`; if that means to recover copies in place, their directories are looked at."""
    plan, _ = inspected(observed, hosts, spec.hosts, lambda seen: make_plan(spec, seen, request))
    return plan


def plan_live(
    spec: Spec, observed: Observed, request: Request, hosts: Hosts, catalog: Catalog
) -> Plan:
    """As `plan_inspected`, with sizes wherever the plan copies something whole."""
    return informed(
        observed, hosts, catalog, spec.hosts, lambda seen: make_plan(spec, seen, request)
    )


def informed(
    observed: Observed,
    hosts: Hosts,
    catalog: Catalog,
    spec_hosts: Iterable[SiteHost],
    plan_from: Callable[[Observed], Plan],
) -> Plan:
    """The plan that `plan_from` makes once it is known what the down copies that it brings back hold,
    and how large is what it copies whole.
    """
    plan, seen = inspected(observed, hosts, spec_hosts, plan_from)
    return measured(plan, seen, catalog, plan_from)


def inspected(
    observed: Observed,
    hosts: Hosts,
    spec_hosts: Iterable[SiteHost],
    plan_from: Callable[[Observed], Plan],
) -> tuple[Plan, Observed]:
    """A plan made again with a look at the copies that it would recover in place, and at the names
    that its lines depend on, if there are any; with what is known by then.
    """
    seen = see_lifeless(observed, hosts, spec_hosts)
    plan = plan_from(seen)
    if contents := not_inspected(plan):
        seen = inspect_copies(seen, hosts, spec_hosts, contents)
        plan = plan_from(seen)
    if pairs := not_related(plan):
        seen = relate_names(seen, hosts, coordinator_host(plan, seen), pairs)
        plan = plan_from(seen)
    return plan, seen


def needs_hosts(plan: Plan, observed: Observed) -> bool:
    """Whether hosts can tell something that changes the plan."""
    return bool(not_inspected(plan) or not_related(plan) or resynchronising(observed))


def see_lifeless(observed: Observed, hosts: Hosts, spec_hosts: Iterable[SiteHost]) -> Observed:
    """The same with mirrors told that the catalog calls resynchronising and that are not there, or do not
    replicate: it calls them so until their primaries give up (10 min, 5.8.1, recorded). Their hosts are asked; one that gives no answer is noted.
    """
    lifeless, notes = lifeless_mirrors(observed, hosts, spec_hosts)
    mirrors = resynchronising(observed)
    told = {
        content: f"the catalog calls its mirror {mirrors[content].hostname}:{mirrors[content].port} up "
        f"and resynchronising, but {why}: {way_back(mirrors[content])}"
        for content, why in lifeless.items()
    }
    return replace(
        observed,
        disagreements={**observed.disagreements, **told},
        notes=(*observed.notes, *notes),
    )


def lifeless_mirrors(
    observed: Observed, hosts: Hosts, spec_hosts: Iterable[SiteHost]
) -> tuple[dict[int, str], tuple[str, ...]]:
    """Why nothing comes of mirrors that the catalog calls resynchronising, by content; notes on hosts
    that do not answer.
    """
    homes = homes_of(spec_hosts)
    places = {
        content: (homes.get(row.hostname) or homes.get(row.address) or row.hostname, row.directory)
        for content, row in resynchronising(observed).items()
        if row.directory is not None
    }
    found, replies = lifeless(hosts, places, again=_AGAIN_SECONDS)
    notes = (
        f"whether mirrors that resynchronise are there was not looked at on {host}: {reply.message}"
        for host, reply in sorted(replies.items(), key=lambda one: natural(one[0]))
        if isinstance(reply, NoAnswer)
    )
    return found, tuple(notes)


def lifeless(
    hosts: Hosts, places: Mapping[int, tuple[str, str]], *, again: int = 0
) -> tuple[dict[int, str], Mapping[str, Reply]]:
    """Copies (host and directory by content) in which no server works and into which nothing copies,
    in words, looked at twice with `again` seconds between; with the hosts' replies.
    """
    paths: dict[str, list[str]] = {}
    for host, path in places.values():
        paths.setdefault(host, []).append(path)
    if not paths:
        return {}, {}
    scripts = {host: pulse_script(mine, again=again) for host, mine in paths.items()}
    replies = hosts.ask(scripts, seconds=_PULSE_SECONDS)
    pulses = {
        (host, path): pulse
        for host, reply in replies.items()
        if isinstance(reply, Answered)
        for path, pulse in read_pulses(reply.out, paths[host]).items()
    }
    found = {
        content: _lifeless(*place, pulses[place])
        for content, place in places.items()
        if place in pulses and not pulses[place].alive
    }
    return found, replies


def _lifeless(host: str, path: str, pulse: Pulse) -> str:
    said = f"; its log says: {pulse.said}" if pulse.said else ""
    if pulse.rest is not None:
        said = (
            f"; process {pulse.rest} there is what is left of a base backup that was cut off: end it "
            f"(`kill {pulse.rest}` on {host}), it never ends by itself"
        )
    if pulse.fault:
        return f"the server in {host}:{path} runs and does not replicate ({pulse.fault}){said}"
    return f"no server works in {host}:{path} and nothing copies into it{said}"


def not_related(plan: Plan) -> tuple[Pair, ...]:
    """Hostnames and addresses on which lines of the plan depend and of which nobody told whether
    they are one machine.
    """
    return tuple((pair.hostname, pair.address) for pair in plan.names or () if pair.shared is None)


def relate_names(
    observed: Observed, hosts: Hosts, coordinator: str | None, pairs: Collection[Pair]
) -> Observed:
    """The same, knowing which of these names share an IP in the eyes of the utilities on the
    coordinator's host; where it gives no answer that is noted, and nothing is known.
    """
    if coordinator is None or not pairs:
        return observed
    script = related_script(name for pair in pairs for name in pair)
    reply = hosts.ask({coordinator: script}, seconds=_SECONDS)[coordinator]
    if isinstance(reply, NoAnswer):
        note = f"names were not looked up on {coordinator}: {reply.message}"
        return replace(observed, notes=(*observed.notes, note))
    machines = read_related(reply.out)
    told = {pair: one_machine(machines, *pair) for pair in pairs}
    known = {pair: same for pair, same in told.items() if same is not None}
    return replace(observed, common_ip={**observed.common_ip, **known})


def candidate_pairs(observed: Observed, spec_hosts: Iterable[SiteHost]) -> tuple[Pair, ...]:
    """Every hostname and address that a plan over this cluster could write on one line: those of the
    catalog, and of each spec host; none where the release reads no hostnames.
    """
    if not reads_hostnames(observed.dialect, observed.server_version):
        return ()
    pairs = {(row.hostname, row.address) for row in observed.segments if row.content >= 0}
    for host in spec_hosts:
        names = {host.name, *host.addresses}
        mine = {r.hostname for r in observed.segments if {r.hostname, r.address} & names}
        pairs |= {(hostname, a) for hostname in mine or {host.name} for a in host.addresses}
    return tuple(sorted(pair for pair in pairs if pair[0] != pair[1]))


def not_inspected(plan: Plan) -> frozenset[int]:
    """Contents that are to be recovered in place although nobody looked at their directories."""
    return frozenset(change.content for change in plan.changes if change.note == NOT_INSPECTED)


def _not_looked_at(asked: Asked, replies: Mapping[str, Reply]) -> Iterator[str]:
    for host, reply in sorted(replies.items(), key=lambda one: natural(one[0])):
        if isinstance(reply, NoAnswer) and asked[host].landings:
            count = len(asked[host].landings)
            copies = "1 down copy" if count == 1 else f"{count} down copies"
            yield f"the directories of {copies} on {host} were not inspected: {reply.message}"
