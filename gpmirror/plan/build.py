"""(spec, observed, desired, request) -> Plan."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import Dialect
from gpmirror.model.observed import Observed
from gpmirror.model.text import counted
from gpmirror.native.commands import (
    DEFAULT_PER_HOST,
    SETTINGS,
    UtilityOptions,
    lacking,
    why_not_differential,
)
from gpmirror.placement.hosts import interfaces_remark
from gpmirror.placement.model import Desired
from gpmirror.placement.place import place
from gpmirror.placement.racks import RACKS_NOT_KEPT_APART
from gpmirror.plan.classify import (
    Classified,
    blocked_by,
    classify,
    planned_policy,
    planned_protections,
    same_host_source,
)
from gpmirror.plan.codes import REVIEW_ONLY_WARNING
from gpmirror.plan.exposure import expose, judge_stages
from gpmirror.plan.hazards import Judgement, allowed_names, check_names, find_guards, find_hazards
from gpmirror.plan.model import (
    FORMAT_VERSION,
    Action,
    Asked,
    Change,
    DesiredLayout,
    NamePair,
    ObservedSummary,
    Plan,
    PlannedCatalog,
    PlannedContent,
    PlannedHost,
    Settings,
    Summary,
    catalog_digest,
    fingerprint,
)
from gpmirror.plan.native import NativeContext, Written, write_waves
from gpmirror.plan.request import Request, check_known
from gpmirror.plan.state import State, read_state
from gpmirror.plan.waves import Limits, Phases, arrange
from gpmirror.spec.model import Site, Spec

# --- Roles that go back: the utility switches every pair that it can, so the plan names all of them.


def find_returns(
    classified: Classified, selected: Iterable[Change], state: State, request: Request
) -> frozenset[int]:
    """Contents that are recovered with their roles switched, and go back in the same plan: none
    where no rebalance was asked for or the selection leaves it out.
    """
    left_out = {change.content for change in classified.changes} - {c.content for c in selected}
    if not request.rebalance or any(
        change.action is Action.REBALANCE and change.content in left_out
        for change in classified.changes
    ):
        return frozenset()
    return frozenset(
        change.content
        for change in selected
        if change.action is Action.RECOVER and state.contents[change.content].switched
    )


def staying_single(changes: Iterable[Change], state: State) -> list[int]:
    """Contents that have one copy and do not get the other one back by these changes."""
    fixed = {c.content for c in changes if c.action in {Action.RECOVER, Action.ADD}}
    return sorted(
        content.number
        for content in state.contents.values()
        if len(content.live_hosts) < 2 and content.number not in fixed  # noqa: PLR2004 - both copies
    )


def must_block(phases: Phases, single: Sequence[int], dialect: Dialect) -> bool:
    """Whether no role may return in this plan: `single` contents stay as they are to its end. From 6
    on a plan that does nothing else is left to the gate before its wave, which looks again.
    """
    returning = [wave.action is Action.REBALANCE for wave in phases.waves]
    return bool(single) and any(returning) and (dialect.file_replication or not all(returning))


def block_returns(
    changes: Sequence[Change], single: Sequence[int], dialect: Dialect
) -> list[Change]:
    """Rebalances become blocked, so that the other changes are done."""
    who = "4.3 and 5 switch roles back" if dialect.file_replication else "roles return"
    reason = (
        f"{who} only when all segments are in sync; content {single[0]} is not: bring it in sync "
        "first (`gpmirror plan` without `--rebalance` says how), then plan again"
    )
    return [
        blocked_by(change, reason) if change.action is Action.REBALANCE else change
        for change in changes
    ]


# --- (site, observed, desired, request) -> Plan.


def make_plan(spec: Spec, observed: Observed, request: Request) -> Plan:
    """The plan from what was read. Raises InvalidInput and Infeasible as its parts do."""
    return build_plan(spec, observed, place(spec, observed, request.unprotect), request)


def build_plan(site: Site, observed: Observed, desired: Desired, request: Request) -> Plan:
    """The plan. Pure and deterministic.

    Raises InvalidInput for a selection that names what does not exist (GPM-P302), cuts an add or a
    rebalance (GPM-P304), for unknown names to allow (GPM-P303), for what no utility of the family
    can do (GPM-P306), and for values that the native
    files cannot carry (GPM-N0nn).
    """
    _check_settings(site, observed.dialect)
    _check_method(request, observed)
    state = read_state(observed, desired)
    _check_request(site, state, request)
    classified = classify(observed, state.contents, desired, request)
    selected = _select(classified, request)
    returns = find_returns(classified, selected, state, request)
    phases = _arrange(site, observed, state, classified, selected, returns)
    written = write_waves(phases.waves, _context(site, observed, desired, state))
    changes = _with_hostnames(phases.changes, written.hostnames, observed, state)
    exposure, then = expose(phases, state, site.apply.native.hosts)
    judged = judge_stages(site, state, phases, exposure, then)
    found = Judgement(
        site=site,
        request=request,
        changes=changes,
        waves=written.waves,
        verdicts=judged.verdicts,
        contents=len(desired.contents),
        same_host=_same_host(site, desired, changes),
    )
    return Plan(
        format_version=FORMAT_VERSION,
        cluster=site.cluster,
        dialect=observed.dialect.name,
        spec_file=site.file,
        spec_digest=site.digest,
        observed=_observed(observed),
        fingerprint=fingerprint(observed, changes),
        desired=_desired(site, desired),
        changes=tuple(sorted(changes, key=lambda change: change.content)),
        waves=written.waves,
        exposure=exposure,
        layout=judged.stages,
        policy=judged.verdicts,
        hazards=find_hazards(found),
        guards=find_guards(found),
        allowed=allowed_names(request),
        warnings=(
            *_warnings(site, observed, desired, len(classified.changes) - len(selected)),
            *_about_names(written, observed),
        ),
        summary=_summary(changes, classified),
        switched=classified.switched,
        selection=request.selection,
        settings=_settings(site),
        review_only=not observed.directories_known,
        names=written.names or None,
        catalog=_catalog(observed),
        asked=_asked(request),
        certificate=desired.certificate,
    )


def _arrange(
    site: Site,
    observed: Observed,
    state: State,
    classified: Classified,
    selected: Sequence[Change],
    returns: Collection[int],
) -> Phases:
    given = site.apply.waves
    limits = Limits(
        total=given.max_contents,
        per_source=given.per_source_host,
        per_target=given.per_target_host,
    )
    slots, in_place = state.idle_slots(), classified.in_place
    phases = arrange(selected, slots, state.fixed, limits, in_place, returns)
    single = staying_single(phases.changes, state)
    if not must_block(phases, single, observed.dialect):
        return phases
    rest = block_returns(selected, single, observed.dialect)
    return arrange(rest, slots, state.fixed, limits, in_place)


def _check_request(site: Site, state: State, request: Request) -> None:
    hosts = {host.name for host in site.hosts} | set(state.hostnames)
    problems = check_known(request, state.contents, hosts)
    if problems:
        raise InvalidInput(problems)
    check_names(request, site)


def _select(classified: Classified, request: Request) -> list[Change]:
    chosen = [
        change
        for change in classified.changes
        if request.selects(change.content, (change.from_, change.to))
    ]
    problems = []
    for action in (Action.ADD, Action.REBALANCE):
        total = sum(change.action is action for change in classified.changes)
        taken = sum(change.action is action for change in chosen)
        if taken < total:
            problems.append(_cut(action, taken, total, request))
    if problems:
        raise InvalidInput(problems)
    return chosen


def _cut(action: Action, taken: int, total: int, request: Request) -> Diagnostic:
    utility = "gpaddmirrors" if action is Action.ADD else "gprecoverseg -r"
    return Diagnostic(
        code="GPM-P304",
        message=f"the selection ({request.selection}) takes {taken} of {total} contents to "
        f"{action.value}; {utility} does all of them in one run or none",
        place=Place(file="command line"),
        hint="leave out --content and --host",
    )


def _context(site: Site, observed: Observed, desired: Desired, state: State) -> NativeContext:
    return NativeContext(
        dialect=observed.dialect,
        server_version=observed.server_version,
        filespaces=_filespaces(observed, desired),
        told=_told(site),
        state=state,
        primary_replication={
            placed.content: placed.primary_replication_port for placed in desired.contents
        },
        common_ip=observed.common_ip,
    )


def _told(site: Site) -> UtilityOptions:
    native = site.apply.native
    return UtilityOptions(
        hosts=native.hosts,
        per_host=native.per_host,
        verbose=native.verbose,
        hba_hostnames=bool(native.hba_hostnames),
        max_rate=native.max_rate,
        replay_lag=native.replay_lag,
    )


def _check_settings(site: Site, dialect: Dialect) -> None:
    """What no release of the family has is refused where it stands; for the rest the installed
    utilities are asked in preflight.
    """
    problems = []
    for option in lacking(dialect, _told(site)):
        setting = SETTINGS[option]
        problems.append(
            Diagnostic(
                code="GPM-P306",
                message=f"{setting.key}: no utility of {dialect.title} has {option}; "
                f"{setting.since} have it",
                place=site.place_of(*setting.key.split(".")),
                hint=f"leave {setting.key} out: {setting.default} then",
            )
        )
    if problems:
        raise InvalidInput(problems)


def _check_method(request: Request, observed: Observed) -> None:
    why = why_not_differential(observed.dialect, observed.server_version)
    if request.differential and why is not None:
        raise InvalidInput(
            [
                Diagnostic(
                    code="GPM-P306",
                    message=f"--differential: {why}; {SETTINGS['--differential'].since} have it",
                    place=Place(file="command line"),
                    hint="leave it out, or use --full",
                )
            ]
        )


def _filespaces(observed: Observed, desired: Desired) -> tuple[str, ...]:
    """The catalog's filespaces; where it does not show them, those of the spec."""
    if observed.filespaces or not desired.contents:
        return observed.filespaces
    return tuple(name for name, _ in desired.contents[0].mirror.filespaces)


def _with_hostnames(
    changes: Iterable[Change], hostnames: Mapping[int, str], observed: Observed, state: State
) -> list[Change]:
    """Changes with the hostname that will result where a file sets hostname to the address (6+)."""
    if not observed.dialect.sets_hostname:
        return list(changes)
    result = []
    for change in changes:
        after = hostnames.get(change.content)
        renamed = (
            after is not None
            and change.to is not None
            and after
            not in {state.hostname_of(change.to.host), state.idle_hostname(change.content)}
        )
        result.append(replace(change, hostname_after=after) if renamed else change)
    return result


def _same_host(site: Site, desired: Desired, changes: Iterable[Change]) -> tuple[int, ...]:
    """Mirrors beside their primaries: all where the spec grants it, else those the plan puts there."""
    beside = {
        placed.content
        for placed in desired.contents
        if placed.mirror.host == placed.primary_slot.host
    }
    if not site.allow_same_host:
        beside &= {change.content for change in changes if change.to is not None}
    return tuple(sorted(beside))


def _observed(observed: Observed) -> ObservedSummary:
    pairs = observed.pairs().values()
    return ObservedSummary(
        source=observed.source,
        digest=catalog_digest(observed),
        server_version=observed.server_version,
        system_identifier=observed.system_identifier,
        contents=len(pairs),
        mirrored=sum(mirror is not None for _, mirror in pairs),
        taken=observed.taken,
    )


def _catalog(observed: Observed) -> PlannedCatalog:
    return PlannedCatalog(
        segments=observed.segments,
        dialect_assumed=observed.dialect_assumed,
        filespaces=observed.filespaces,
        sizes=tuple(sorted(observed.sizes.items())),
        copies=tuple(sorted(observed.copies.items())),
        common_ip=tuple(sorted((*names, one) for names, one in observed.common_ip.items())),
        disagreements=tuple(sorted(observed.disagreements.items())),
        notes=observed.notes,
    )


def _asked(request: Request) -> Asked:
    return Asked(
        contents=None if request.contents is None else tuple(sorted(request.contents)),
        hosts=None if request.hosts is None else tuple(sorted(request.hosts)),
        full=request.full,
        rebalance=request.rebalance,
        differential=request.differential or None,
    )


def _settings(site: Site) -> Settings:
    return Settings(
        coordinator=site.coordinator,
        ssh=site.ssh,
        apply=site.apply,
        allow_same_host=site.allow_same_host,
        policy=planned_policy(site),
        protect=planned_protections(site),
        same_host_source=same_host_source(site),
    )


def _desired(site: Site, desired: Desired) -> DesiredLayout:
    return DesiredLayout(
        hosts=tuple(
            PlannedHost(
                name=host.name,
                addresses=host.addresses,
                rack=host.rack,
                weight=host.weight,
                replaces=host.replaces,
            )
            for host in site.hosts
        ),
        contents=tuple(
            PlannedContent(
                content=placed.content, primary=placed.primary_slot, mirror=placed.mirror
            )
            for placed in sorted(desired.contents, key=lambda placed: placed.content)
        ),
    )


def _warning_text(found: Diagnostic) -> str:
    remedy = f"; {found.hint}" if found.code == RACKS_NOT_KEPT_APART else ""
    return f"{found.message} ({found.code}){remedy}"


def _warnings(site: Site, observed: Observed, desired: Desired, left_out: int) -> tuple[str, ...]:
    warnings = [*observed.notes]
    if not observed.dialect.knows_per_host and site.apply.native.per_host != DEFAULT_PER_HOST:
        place = site.place_of("apply", "native", "per_host").line_text
        warnings.append(
            f"apply.native.per_host ({place}) is not used: the utilities of "
            f"{observed.dialect.title} have no -b, and their -B counts segments (apply.native.hosts)"
        )
    warnings += map(_warning_text, desired.warnings)
    if (alike := interfaces_remark(host.name for host in site.hosts)) is not None:
        warnings.append(alike)
    if left_out:
        warnings.append(f"{counted(left_out, 'further change')} outside the selection")
    if not observed.directories_known:
        warnings.append(REVIEW_ONLY_WARNING)
    return tuple(warnings)


def _about_names(written: Written, observed: Observed) -> Iterator[str]:
    """Why hostnames become addresses where the release could keep them."""
    unknown = [pair for pair in written.names if pair.shared is None]
    if unknown:
        first = unknown[0]
        yield (
            f"whether {first.hostname} and {first.address} share an IP on the coordinator's host "
            f"{_and_more(unknown)}is not known from {observed.source}: lines with three fields are "
            "written, and the address becomes the hostname; plan over the live catalog or a "
            "snapshot of it, which asks"
        )
    for content, name in sorted(written.unfit.items()):
        yield (
            f"content {content}: its host is called {name}, which gprecoverseg reads as a kind of "
            "recovery: a line with three fields is written, and the address becomes the hostname"
        )


def _and_more(pairs: Sequence[NamePair]) -> str:
    return f"(and {counted(len(pairs) - 1, 'further pair')}) " if len(pairs) > 1 else ""


def _summary(changes: Sequence[Change], classified: Classified) -> Summary:
    counts = {action: sum(c.action is action for c in changes) for action in Action}
    return Summary(
        add=counts[Action.ADD],
        move=counts[Action.MOVE],
        recover=counts[Action.RECOVER],
        rebalance=counts[Action.REBALANCE],
        blocked=counts[Action.BLOCKED],
        unchanged=len(classified.unchanged),
        switched=len(classified.switched) - counts[Action.REBALANCE],
    )
