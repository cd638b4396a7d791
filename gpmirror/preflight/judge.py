"""Answers -> verdict: every check on every host, dangers that only hosts can tell, and remarks."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from shlex import quote

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.model.text import spans
from gpmirror.native.dryrun import why_not_tried
from gpmirror.native.fields import lines_of
from gpmirror.plan.hazards import HOST_HAZARDS
from gpmirror.plan.model import Action, Change, Hazard, Plan
from gpmirror.preflight.asking import coordinator_host, host_of, questions
from gpmirror.preflight.checks import CHECKS
from gpmirror.preflight.facts import Questions
from gpmirror.preflight.model import Check, HostAnswers, Preflight, Result, Visit, survey, visits
from gpmirror.preflight.reading import read_facts
from gpmirror.preflight.software import remarks
from gpmirror.preflight.space import measured_sizes
from gpmirror.values import dataclass

# --- Dangers that only a look at the hosts can find: one machine under two names, ephemeral ports.


_SHOWN = 6


def live_hazards(found: HostAnswers, allowed: Collection[str]) -> tuple[Hazard, ...]:
    """Every such hazard, sorted by name and then by text."""
    hazards = [*_ephemeral(found, allowed), *_same_machine(found, allowed)]
    return tuple(sorted(hazards, key=lambda hazard: (hazard.name, hazard.message)))


def _hazard(name: str, message: str, contents: Collection[int], allowed: Collection[str]) -> Hazard:
    assert name in HOST_HAZARDS  # noqa: S101 - a name outside the table could not be allowed
    return Hazard(
        name=name,
        message=message,
        flag=f"--allow {name}",
        contents=tuple(sorted(set(contents))),
        allowed=name in allowed,
    )


def _same_machine(found: HostAnswers, allowed: Collection[str]) -> Iterator[Hazard]:
    """Two spec hosts that report one machine-id are one machine: its loss takes both."""
    listed = {host.name for host in found.plan.desired.hosts}
    machines: dict[str, list[str]] = {}
    for visit in visits(found):
        if visit.facts.machine and visit.host in listed:
            machines.setdefault(visit.facts.machine, []).append(visit.host)
    for machine, hosts in machines.items():
        if len(hosts) > 1:
            yield _hazard(
                "same-machine",
                f"{_some(hosts)} report one machine-id ({machine}): they are one machine, and its "
                "loss would take the copies on all of them; where they were cloned from one image, "
                "give each its own /etc/machine-id or set GPMIRROR_MACHINE_ID",
                _both_copies(found, frozenset(hosts)),
                allowed,
            )


def _both_copies(found: HostAnswers, hosts: frozenset[str]) -> list[int]:
    return [
        planned.content
        for planned in found.plan.desired.contents
        if planned.mirror is not None and {planned.primary.host, planned.mirror.host} <= hosts
    ]


def _ephemeral(found: HostAnswers, allowed: Collection[str]) -> Iterator[Hazard]:
    """New ports that the kernel may hand to outgoing connections; hosts with one remedy together."""
    groups: dict[tuple[int, int, str, tuple[int, ...]], list[Visit]] = {}
    for visit in visits(found):
        facts, ports = visit.facts, unreserved_ports(visit)
        if ports and facts.port_range is not None:
            key = (*facts.port_range, facts.reserved_ports or "", ports)
            groups.setdefault(key, []).append(visit)
    for (low, high, reserved, ports), members in groups.items():
        contents = [
            binding.content
            for visit in members
            for binding in visit.asked.bindings
            if binding.port in ports
        ]
        setting = ",".join(filter(None, (reserved, spans(ports))))
        yield _hazard(
            "ephemeral-port",
            f"{_some([visit.host for visit in members])}: port {spans(ports)} lies inside "
            f"ip_local_port_range ({low}-{high}) and is not reserved, so an outgoing connection "
            "may hold it when a mirror starts; reserve it: "
            f"`sysctl -w net.ipv4.ip_local_reserved_ports={setting}`, and in /etc/sysctl.d",
            contents,
            allowed,
        )


def unreserved_ports(visit: Visit) -> tuple[int, ...]:
    """New ports inside the host's range for outgoing connections that are not reserved."""
    span = visit.facts.port_range
    if span is None:
        return ()
    reserved = reserved_spans(visit.facts.reserved_ports or "")
    ports = {binding.port for binding in visit.asked.bindings if binding.new}
    return tuple(
        sorted(
            port
            for port in ports
            if span[0] <= port <= span[1] and not any(low <= port <= high for low, high in reserved)
        )
    )


def reserved_spans(text: str) -> list[tuple[int, int]]:
    """`7000-7003,8080` as inclusive pairs; what is no number is left out."""
    found = []
    for part in text.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdigit() and (high.isdigit() or not high):
            found.append((int(low), int(high or low)))
    return found


def _some(hosts: Sequence[str]) -> str:
    rest = len(hosts) - _SHOWN
    return ", ".join(hosts[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


# --- Answers -> verdict: every check on every host, hazards and remarks.


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """A host that gave no answer: why, and what to do."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What all hosts said, read: their questions, why some said nothing, and the survey of the
    others.
    """

    asked: Mapping[str, Questions]
    silence: Mapping[str, Silent]
    found: HostAnswers


def read_answers(
    plan: Plan, observed: Observed, outputs: Mapping[str, str], silent: Mapping[str, Silent]
) -> Answers:
    """`outputs` are what the scripts printed, by host; `silent` the hosts that did not answer; a
    host in neither did not answer either.
    """
    asked = questions(plan, observed)
    answers = {host: read_facts(outputs[host], asked[host]) for host in asked if host in outputs}
    facts = {host: found for host, found in answers.items() if found is not None}
    silence = {
        host: silent.get(host, _garbled(outputs.get(host))) for host in asked if host not in facts
    }
    return Answers(asked=asked, silence=silence, found=survey(plan, observed, asked, facts))


def judge(answers: Answers, *, allowed: Collection[str] = ()) -> Preflight:
    """The verdict. `allowed` adds to what the plan allows."""
    found, silence = answers.found, answers.silence
    by_host = {visit.host: visit for visit in visits(found)}
    checks = [
        check
        for host, question in answers.asked.items()
        for check in _checks(question, by_host.get(host), silence.get(host))
    ]
    return Preflight(
        # a copy that steps aside enters its directory twice
        checks=tuple(dict.fromkeys(checks)),
        hazards=live_hazards(found, {*found.plan.allowed, *allowed}),
        sizes=measured_sizes(found),
        notes=(
            *_left(answers.asked, silence),
            *(note for v in by_host.values() for note in remarks(v)),
        ),
    )


def _garbled(output: str | None) -> Silent:
    if output is None:
        return Silent(reason="was not asked", remedy="run the checks again")
    first = next((line for line in output.split("\n") if line.strip()), "")[:80]
    return Silent(
        reason=f"answered, but not with what the script prints: {first!r}",
        remedy="log in there and run `sh`: see what its shell or start-up files do",
    )


def _checks(asked: Questions, visit: Visit | None, silent: Silent | None) -> Iterator[Check]:
    if visit is None:
        if not asked.only_left and silent is not None:
            yield Check(
                host=asked.host,
                name="reachable",
                result=Result.BAD,
                detail=silent.reason,
                remedy=silent.remedy,
            )
        return
    names = ("reachable",) if asked.only_left else tuple(CHECKS)
    for name in names:
        for finding in CHECKS[name].judge(visit):
            yield Check(
                host=asked.host,
                name=name,
                result=finding.result,
                detail=finding.detail,
                remedy=finding.remedy,
                override=finding.override,
            )


def _left(asked: Mapping[str, Questions], silence: Mapping[str, Silent]) -> Iterator[str]:
    for host, silent in silence.items():
        if asked[host].only_left:
            yield (
                f"{host} did not answer ({silent.reason}); copies only go away from it, and "
                "their old directories stay there"
            )


# --- Hosts that copies leave and that do not answer. 6.24.3 leaves out every copy whose old host it
# cannot reach, up or down, also where it is to go elsewhere, and exits with 0 (recorded); 7.0.0 goes on
# without it (recorded). Where gprecoverseg has a dry run, that tells; elsewhere the name is asked.


_YES = "reached"

Left = Mapping[str, str]
"""Hostname in the catalog -> the host that its name may lead to meanwhile, as the plan has it."""


def left_behind(plan: Plan, observed: Observed, silent: Collection[str]) -> Left:
    """The silent hosts that copies leave, where that may keep the utility from moving them and no
    dry run will tell.
    """
    dialect = observed.dialect
    tried = why_not_tried("gprecoverseg", dialect.name, observed.server_version) is None
    if dialect.file_replication or tried or dialect.needs_old_name is False:
        return {}
    names = dict.fromkeys(
        row.hostname
        for row, target in _going(plan, observed)
        if target != (old := host_of(plan, row)) and old in silent
    )
    return {name: stand_in(plan, observed, name)[0] for name in names}


def foretold(plan: Plan) -> list[str]:
    """What may be needed of the names of dead hosts that others replace, for reviewers: before
    anybody asks the hosts, and only where a release of the family is known to leave such copies out.
    """
    dialect = DIALECTS[plan.dialect]
    if plan.catalog is None or not dialect.needs_old_name:
        return []
    observed = Observed(segments=plan.catalog.segments, dialect=dialect)
    lives = {row.hostname for row in observed.segments if row.is_up}
    replaced = {host.replaces for host in plan.desired.hosts if host.replaces is not None}
    names = dict.fromkeys(
        row.hostname
        for row, target in _going(plan, observed)
        if row.hostname not in lives and target != host_of(plan, row)
        if not replaced.isdisjoint({row.hostname, row.address})
    )
    return [
        f"{dialect.title} may leave out the copies of {name} where that name does not answer over SSH "
        "(6.24.3 does); `apply` finds out before anything is changed, and refuses then (9). The "
        f"way round: {way_round(name, *stand_in(plan, observed, name))}"
        for name in names
    ]


def _going(plan: Plan, observed: Observed) -> Iterator[tuple[Segment, str]]:
    """The rows of copies that the plan takes somewhere, with the hosts they go to."""
    idle = {row.content: row for row in observed.segments if not row.is_acting_primary}
    for step in (step for wave in plan.waves for step in wave.steps):
        row = idle.get(step.content)
        if row is not None and step.to is not None:
            yield row, step.to.host


def stand_in(plan: Plan, observed: Observed, hostname: str) -> tuple[str, str]:
    """Where a dead host's name may lead meanwhile, and the coordinator's host, where that is to be
    set: the host that replaces it, else one that gets its copies. The utility stops whatever server
    runs there in the old directories (6.24.3, recorded), so none of them may be a segment's; where
    one is, the coordinator's host, which has none.
    """
    rows = [(row, target) for row, target in _going(plan, observed) if row.hostname == hostname]
    old = host_of(plan, rows[0][0]) if rows else hostname
    named = [host.name for host in plan.desired.hosts if host.replaces == old]
    paths = {path for row, _ in rows for path in row.directories}
    taken = {
        host_of(plan, row)
        for row in observed.segments
        if row.hostname != hostname and not paths.isdisjoint(row.directories)
    }
    wanted = [*named, *sorted({target for _, target in rows} - {old})]
    coordinator = coordinator_host(plan, observed) or "localhost"
    return next((host for host in wanted if host not in taken), coordinator), coordinator


def way_round(name: str, successor: str, coordinator: str) -> str:
    """What to do where a utility leaves out the copies of a host that does not answer."""
    return (
        f"only while the copies are carried away, let the name lead elsewhere: on {coordinator}, at "
        f"the top of ~/.ssh/config of the account that runs Greenplum, `Host {name}`, `HostName "
        f"{successor}`, `HostKeyAlias {successor}` (for HostName the address that `ssh -G {successor}` "
        "prints, where only an SSH configuration knows the name); take these lines out again afterwards"
    )


def reach_script(names: Iterable[str]) -> str:
    """Ask the coordinator's host as the utility does: does the name answer over SSH? Changes
    nothing; prints a line for each name that does.
    """
    words = " ".join(quote(name) for name in sorted(names))
    ssh = "ssh -n -o BatchMode=yes -o ConnectTimeout=10"
    return (
        f'for h in {words}\ndo\n  (a=$({ssh} -- "$h" "echo {_YES}" 2>/dev/null | tail -n 1); '
        f'[ "$a" = {_YES} ] && echo "{_YES} $h") &\ndone\nwait\n'
    )


def judge_left(left: Left, coordinator: str, answer: str, dialect: DialectName) -> Iterator[Check]:
    """A check for each name, from what the script printed: bad where the utility is known to need
    it, else unknown.
    """
    reached = {line.removeprefix(f"{_YES} ") for line in lines_of(answer)}
    known = DIALECTS[dialect].needs_old_name
    leaves = (
        "gprecoverseg leaves out every copy whose old host does not answer it"
        if known
        else "whether gprecoverseg of this release carries copies away from it all the same is on "
        "no record"
    )
    for name, successor in sorted(left.items()):
        if name in reached:
            yield Check(
                host=name,
                name="reachable",
                result=Result.OK,
                detail=f"the name answers on {coordinator}",
            )
        else:
            yield Check(
                host=name,
                name="reachable",
                result=Result.BAD if known else Result.UNKNOWN,
                detail=f"`ssh {name}` does not answer on {coordinator}, and {leaves}",
                remedy=way_round(name, successor, coordinator),
            )


# --- What of a plan needs none of the hosts that do not answer.


def advice_without_silent(plan: Plan, checks: Iterable[Check]) -> str | None:
    """The selection that brings back what can come back meanwhile, a sentence; None: every host
    answers, or nothing can. Recoveries alone: mirrors move only while all else is in sync, and
    neither an `add` nor a rebalance can be cut.
    """
    silent = {c.host for c in checks if c.name == "reachable" and c.result is Result.BAD}
    changes = [change for change in plan.changes if change.action is not Action.BLOCKED]
    if any(change.action in {Action.ADD, Action.REBALANCE} for change in changes):
        return None
    recoveries = [change for change in changes if change.action is Action.RECOVER]
    spared = sorted(change.content for change in recoveries if not silent & _needed(change))
    if not silent or not spared or len(spared) == len(changes):
        return None
    spec = "" if plan.spec_file == "gpmirror.yaml" else f" {quote(plan.spec_file)}"
    return (
        f"`gpmirror apply{spec} --content {spans(spared)}` brings back what does not need "
        f"{', '.join(sorted(silent))}"
    )


def _needed(change: Change) -> set[str]:
    """From 6 on a copy leaves a silent host only where its name answers all the same."""
    slots = (change.from_, change.to)
    return {change.primary, *(slot.host for slot in slots if slot is not None)}
