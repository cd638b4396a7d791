"""What only hosts can tell a plan: what down copies hold, whether copies that are waited for live, and
which names are one machine.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from gpmirror.boundary import Answered, Catalog, Hosts, NoAnswer, Reply
from gpmirror.cluster.hostlist import natural
from gpmirror.cluster.observed import Observed
from gpmirror.gputils.pipe import reads_hostnames
from gpmirror.gputils.tenants import Pulse, pulse_script, read_pulses
from gpmirror.plan.classify import NOT_INSPECTED
from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.asking import coordinator_host
from gpmirror.preflight.down_copies import Asked, copy_facts, copy_questions, homes_of
from gpmirror.preflight.names import one_machine
from gpmirror.preflight.reading import read_related
from gpmirror.preflight.script import copies_script, related_script
from gpmirror.spec.model import SiteHost, Spec
from gpmirror.verify import resynchronising, way_back
from gpmirror.workflow.measuring import measured
from gpmirror.workflow.plan import make_plan

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
    return replace(observed, copies=facts, notes=(*observed.notes, *_silent(asked, replies)))


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


def _silent(asked: Asked, replies: Mapping[str, Reply]) -> Iterator[str]:
    for host, reply in sorted(replies.items(), key=lambda one: natural(one[0])):
        if isinstance(reply, NoAnswer) and asked[host].landings:
            count = len(asked[host].landings)
            copies = "1 down copy" if count == 1 else f"{count} down copies"
            yield f"the directories of {copies} on {host} were not inspected: {reply.message}"
