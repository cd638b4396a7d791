"""A plan for a person at a terminal: what is at stake, what changes, in which steps."""

import re
from collections.abc import Iterable
from itertools import groupby

from gpmirror.model.names import compress, natural
from gpmirror.model.text import counted, moment_text, named, ranges, size_text, yes
from gpmirror.plan.codes import REVIEW_ONLY, REVIEW_ONLY_WARNING
from gpmirror.plan.hazards import ALLOWABLE, COMMAND_HAZARDS
from gpmirror.plan.model import (
    Action,
    Change,
    Guard,
    Hazard,
    HostLoad,
    Plan,
    Stage,
    Survival,
    Verdict,
)
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.remaining import replaced_hosts, to_forget
from gpmirror.render.folding import Fold, Ruled, parts, remarks
from gpmirror.render.text import (
    BLANK,
    MARKS,
    UNKNOWN_DIRECTORY,
    Line,
    Span,
    Style,
    fitted,
    folded,
    heading,
    line,
    needed,
    painted,
    paragraph,
    proof_text,
    slot_text,
    styled,
    summary_line,
)
from gpmirror.render.waves import exposure_texts, waves_section
from gpmirror.simulate.surveys import times_told

# --- The changes of a plan for a terminal: each rule once, below it its lines, folded to the width.


IN_TURN = (
    "hosts, ports and directories are in the order of the contents; --verbose lists each content"
)


_WHAT = {Action.ADD: "mirror", Action.MOVE: "mirror"}
_STORAGE = 5
"""Which cell of a line holds the directories."""


def changes_section(plan: Plan, *, width: int, verbose: bool = False) -> list[Line]:
    """Every change, none left out; nothing for a plan without any."""
    found = parts(plan, verbose=verbose)
    if not found:
        return []
    lines = heading("Changes")
    for part in found:
        for ruled in part.ruled:
            lines += ruled_lines(part.action, ruled, width=width)
        if part.action is Action.ADD and (told := primary_ports_text(plan)):
            first, *rest = paragraph(told, width=width, hang=2)
            lines += [(Span("  "), Span(first[0].text.strip(), Style.ADD)), *rest]
    folds = (fold for part in found for ruled in part.ruled for fold in ruled.folds)
    if any("[" in fold.hosts for fold in folds):
        lines += paragraph(f"({IN_TURN})", width=width, hang=1, style=Style.FAINT)
    return lines


def primary_ports_text(plan: Plan) -> str:
    """What an addition changes of the primaries themselves (4.3, 5); empty from 6 on."""
    added = {change.content for change in plan.changes if change.action is Action.ADD}
    ports = {
        one.primary.replication_port
        for one in plan.desired.contents
        if one.content in added and one.primary.replication_port is not None
    }
    if not ports:
        return ""
    whose, what = ("primary", "its port") if len(added) == 1 else ("primaries", "their ports")
    return f"+ gpaddmirrors gives {len(added):,} {whose} {what} for replication: {ranges(ports)}"


def change_text(change: Change) -> str:
    """One change in one sentence."""
    places = (slot_text(slot) for slot in (change.from_, change.to) if slot is not None)
    slots = " -> ".join(dict.fromkeys(places))
    parts = (f"content {change.content}: {change.action.value} {slots}".rstrip(), remarks(change))
    return "; ".join(part for part in (*parts, why_text(change)) if part)


def why_text(change: Change) -> str:
    """The reason and the line that asks for it."""
    return f"{change.reason} ({change.source})"


def ruled_lines(action: Action, ruled: Ruled, *, width: int) -> list[Line]:
    """The rule, with what all its lines share, and its lines."""
    rows, shared, storage = list(ruled.folds), "", ""
    if len({row.notes for row in rows}) == 1:
        shared = rows[0].notes
    cells = [_cells(row, notes="" if shared else row.notes) for row in rows]
    if len(rows) > 1 and len({row.pattern for row in rows}) == 1 and needed(cells) > width - 4:
        storage = rows[0].pattern
        cells = [(*row[:_STORAGE], BLANK, *row[_STORAGE + 1 :]) for row in cells]
    lines = _title(action, ruled, shared, width=width)
    for directory in ruled.directories or filter(None, [storage]):
        lines += paragraph(directory_text(directory), width=width, indent=4, hang=2)
    return [*lines, *_table(cells, width=width)]


def directory_text(directory: str) -> str:
    """`directory /data/mirror/gpseg{content}`, `directory unknown -> /data/mirror/gpseg{content}`."""
    return directory if directory.startswith(UNKNOWN_DIRECTORY) else f"directory {directory}"


def _table(rows: list[tuple[Line, ...]], *, width: int) -> list[Line]:
    """The lines under each other; one that is too wide for the screen has its cells below it."""
    lines: list[Line] = []
    for is_long, found in groupby(rows, key=lambda row: needed([row]) > 2 * (width - 4)):
        if is_long:
            for hosts, *others in found:
                lines += paragraph(_plain(hosts), width=width, indent=4, hang=2)
                for cell in filter(None, others):
                    lines += paragraph(_plain(cell), width=width, indent=6, hang=2)
        else:
            alike = list(found)
            table = folded([(BLANK,) * len(alike[0]), *alike], width=width - 4, lead=2)[1:]
            lines += [(Span("    "), *one) for one in table]
    return lines


def _plain(cell: Line) -> str:
    return "".join(span.text for span in cell)


def rule_text(ruled: Ruled) -> str:
    """The rule, in the number of its contents, and the line of the spec that asks for it."""
    source = f" ({ruled.rule.source})" if ruled.rule.source else ""
    told = ruled.rule.text
    if len(ruled.contents) > 1:
        told = told.replace("in its preferred role:", "in their preferred roles:")
        told = f"of each, {told}" if told.startswith("its ") else told
    return f"{told}{source}"


def count_text(action: Action, ruled: Ruled) -> str:
    """`+ add 8 mirrors`."""
    what = counted(len(ruled.contents), _WHAT.get(action, "segment"))
    return f"{MARKS[action].sign} {action.value} {what}"


def _title(action: Action, ruled: Ruled, shared: str, *, width: int) -> list[Line]:
    mark = MARKS[action]
    head = count_text(action, ruled)
    told = "; ".join(part for part in (shared, rule_text(ruled)) if part)
    first, *rest = paragraph(f"{head}  {told}", width=width, hang=4)
    after = first[0].text.removeprefix(f"  {head}")
    return [(Span("  "), Span(head, mark.style), Span(after)), *rest]


def _cells(row: Fold, *, notes: str) -> tuple[Line, ...]:
    return (
        line(row.hosts),
        line(row.named),
        line(row.ports),
        line(row.replication),
        line(row.address),
        line(row.storage),
        line(styled(f"({notes})", Style.FAINT)) if notes else BLANK,
    )


# --- Copies by host and what the layout survives, before, during and after, for a terminal.


HostRow = tuple[str, str, str, str, str]
"""Host, primaries, mirrors before, during, after."""


def layout_section(plan: Plan, *, width: int, verbose: bool = False) -> list[Line]:
    """The table of hosts; hosts with the same figures share a line unless `verbose`."""
    rows = host_rows(plan)
    rows = rows if verbose else folded_hosts(rows)
    head = tuple((Span(word, Style.FAINT),) for word in _HEAD)
    cells = [head, *(_host_cells(row) for row in rows)]
    table = folded(cells, width=width - 2, lead=1, numbers=frozenset({1, 2, 3, 4}))
    return [*heading("Hosts"), *((Span("  "), *one) for one in table)]


_HEAD = ("host", "preferred primaries", "mirrors before", "during", "after")


def host_rows(plan: Plan) -> list[HostRow]:
    """One row a host, sdw2 before sdw10."""
    before, during, after = (
        {load.host: load for load in stage.hosts}
        for stage in (plan.layout.before, plan.layout.during, plan.layout.after)
    )
    return [
        _host_row(host, before.get(host), during.get(host), after.get(host))
        for host in sorted({*after, *before, *during}, key=natural)
    ]


def folded_hosts(rows: Iterable[HostRow]) -> list[HostRow]:
    """Hosts in a row with the same figures as one, `sdw[1-4]`: the figures are those of each."""
    figures = {row[0]: row for row in rows}
    folds: list[HostRow] = []
    for text, hosts in compress((host, row[1:]) for host, row in figures.items()):
        _, *told = figures[hosts[0]]
        primaries, before, during, after = told
        name = f"{text}, each" if len(hosts) > 1 else text
        folds.append((name, primaries, before, during, after))
    return folds


def survival_texts(plan: Plan) -> list[str]:
    """What is survived and what losses cost, `before -> after`, a line each."""
    before, after = plan.layout.before.survival, plan.layout.after.survival
    texts = [f"Survives any 1 host: {yes(before.any_host)} -> {yes(after.any_host)}"]
    if before.pairs or after.pairs:
        texts.append(f"Two-host failures that lose data: {_pairs(before)} -> {_pairs(after)}")
    if before.single or after.single:
        texts.append(f"segments without a synchronized mirror: {before.single} -> {after.single}")
    if before.none or after.none:
        texts.append(f"segments with no live copy: {before.none or 0} -> {after.none or 0}")
    if before.any_rack is not None or after.any_rack is not None:
        texts.insert(1, f"Survives any 1 rack: {yes(before.any_rack)} -> {yes(after.any_rack)}")
    return [*texts, *_loads(plan.layout.before, plan.layout.after)]


def _loads(before: Stage, after: Stage) -> list[str]:
    then, now = _load(before), _load(after)
    if then == now:
        return [f"worst load after losing one host: {now}"]
    return [
        f"worst load after losing one host, before: {then}",
        f"worst load after losing one host, after: {now}",
    ]


def _pairs(found: Survival) -> str:
    return f"{found.fatal_pairs} of {found.pairs}"


def _load(stage: Stage) -> str:
    found = stage.survival
    if found.worst_load is None:
        what = "other host" if any(one.mirrors for one in stage.hosts) else "mirrors"
        return f"no {what} to fail over to"
    lost, survivor, before, after = found.worst_load
    told = f"lose {lost}: {survivor} {before} -> {after} primaries"
    return (
        told if found.worst_factor is None else f"{told} ({times_told(before, found.worst_factor)})"
    )


def _host_row(
    host: str, before: HostLoad | None, during: HostLoad | None, after: HostLoad | None
) -> HostRow:
    old, new = _primaries(before), _primaries(after)
    primaries = new if old == new else f"{old} -> {new}"
    return (host, primaries, _mirrors(before), _mirrors(during), _mirrors(after))


def _primaries(load: HostLoad | None) -> str:
    return "0" if load is None else str(load.primaries)


def _mirrors(load: HostLoad | None) -> str:
    return "0" if load is None else str(load.mirrors)


def _host_cells(row: HostRow) -> tuple[Line, ...]:
    style = Style.PLAIN if row[2] == row[4] else Style.STRONG
    return (*(line(text) for text in row[:4]), (styled(row[4], style),))


# --- Policy, hazards, guards, protections and warnings of a plan for a terminal.


_NO_PRIMARIES = re.compile(r"(?<![0-9])(0 -> [0-9]+ primaries \(x[0-9.]+)\)")
"""Evidence of a host that had no primaries: its load is compared with the other hosts' mean."""

_NONE_FATAL = re.compile(r"fatal (?:host|rack)(?:s| pairs): 0 of [0-9]+")
"""What a verdict that is kept says already."""

_UNPROTECT, _UNCHECKED = "unprotect:", "unchecked:"

SWITCHED_HINT = "plan with `--rebalance` to return them"


def hazards_section(plan: Plan, *, width: int) -> list[Line]:
    """Hazards and exceeded guards; first those that still need allowing."""
    entries = [
        *((hazard_text(one), one.allowed) for one in plan.hazards),
        *((guard_text(one), one.allowed) for one in plan.guards if one.exceeded),
    ]
    entries.sort(key=lambda entry: entry[1])
    told = allowance_texts(plan)
    lines = heading("Hazards and guards") if entries or told else []
    for text, is_allowed in entries:
        style = Style.PLAIN if is_allowed else Style.ALARM
        lines += paragraph(text, width=width, hang=2, style=style)
    for text in told:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines


def allowance_texts(plan: Plan) -> list[str]:
    """What the plan allows of which it shows no hazard or guard: the look at the hosts may find it,
    and then nobody is asked. Names of checks are free words, so they stand last.
    """
    shown = {one.flag for one in plan.hazards} | {one.flag for one in plan.guards if one.exceeded}
    names = [name for name in plan.allowed if _flag(name) not in shown]
    names.sort(key=lambda name: (name.startswith(_UNCHECKED), name))
    return [f"{name}: allowed in advance by the plan: {_meaning(name)}" for name in names]


def shown_warnings(plan: Plan) -> list[str]:
    """All but what the banner of the plan says already."""
    return [text for text in plan.warnings if text != REVIEW_ONLY_WARNING]


def warning_texts(plan: Plan) -> tuple[list[str], list[str]]:
    """The planner's warnings, each once, and those that nothing but the plan file says."""
    foreign = dict.fromkeys(plan.unproved)
    own = [text for text in dict.fromkeys(plan.warnings) if text not in foreign]
    return own, [f"from the file: {text}" for text in foreign]


def _flag(name: str) -> str:
    lifted = name.removeprefix(_UNPROTECT)
    return f"--allow {name}" if lifted == name else f"--unprotect {lifted}"


def _meaning(name: str) -> str:
    kind, _, what = name.partition(":")
    if name in COMMAND_HAZARDS:
        return "it counts on the command line alone"
    if name in ALLOWABLE:
        return ALLOWABLE[name].title
    if name.startswith(_UNCHECKED):
        return f"go on although the check {what} could not be made"
    return (
        f"go on beyond the limit {what}" if kind == "guard" else f"move {what}, which is protected"
    )


def to_allow(plan: Plan) -> int:
    """How many hazards and guards need allowing before the plan can be applied."""
    hazards = sum(not one.allowed for one in plan.hazards)
    return hazards + sum(one.exceeded and not one.allowed for one in plan.guards)


def policy_section(plan: Plan, *, width: int) -> list[Line]:
    """What is survived, the spec's policy, guards within their limits, switched roles and warnings;
    sections without content are left out.
    """
    survival = [(text, _survival_style(text)) for text in survival_texts(plan)]
    verdicts = [(verdict_text(one), Style.ADD if one.after else Style.ALARM) for one in plan.policy]
    policy = plan.settings.policy
    least = None if policy is None else policy.guards.min_contents
    guards = [(guard_text(one, least), Style.PLAIN) for one in _guards(plan) if not one.exceeded]
    entries = (
        ("Survival and policy", [*survival, *verdicts, *guards]),
        ("Switched roles", [(text, Style.ROLE) for text in switched_texts(plan)]),
        ("Warnings", [(text, Style.CARE) for text in shown_warnings(plan)]),
        ("Next actions", [(text, Style.PLAIN) for text in next_action_texts(plan)]),
    )
    lines: list[Line] = []
    for title, texts in entries:
        if texts:
            lines += heading(title)
        for text, style in texts:
            lines += paragraph(text, width=width, hang=2, style=style)
    return lines


def hazard_text(hazard: Hazard) -> str:
    """Name, contents, message, and whether it is allowed or which flag does."""
    contents = f" ({named(hazard.contents)})" if hazard.contents else ""
    allowed = _permission(hazard.flag, is_allowed=hazard.allowed)
    return f"{hazard.name}{contents}: {hazard.message}; {allowed}"


def guard_text(guard: Guard, least: int | None = None) -> str:
    """The plan's figure against the limit; for an exceeded one also the flag. `least` is the number of
    contents from which on the limit applies, None where the plan does not say.
    """
    value = "unknown" if guard.value is None else _amount(guard.value, guard.unit)
    limit = f"limit {_amount(guard.limit, guard.unit)}"
    if guard.exceeded:
        allowed = _permission(guard.flag, is_allowed=guard.allowed)
        return f"{guard.name}: {value} exceeds {limit}; {allowed}"
    if guard.value is None or guard.value > guard.limit:
        why = (
            "not judged: too few contents"
            if least is None
            else f"applies from {counted(least, 'content')} on"
        )
        return f"{guard.name}: {value}, {limit} {why}"
    return f"{guard.name}: {value} within {limit}"


def verdict_text(verdict: Verdict) -> str:
    """The rule, before and after, with the evidence and where the rule stands."""
    passed = f"{_kept(verdict.before)} -> {_kept(verdict.after)}"
    told = _NO_PRIMARIES.sub(r"\1 of the average host's)", verdict.evidence)
    told = "" if verdict.after and _NONE_FATAL.fullmatch(told) else told
    evidence = f": {told}" if told else ""
    return f"{verdict.rule}: {passed}{evidence} ({verdict.source})"


def switched_texts(plan: Plan) -> list[str]:
    """The contents whose roles are switched and stay so, with the next action."""
    if not plan.switched:
        return []
    returned = {wave_content for wave in plan.waves for wave_content in wave.contents}
    left = [content for content in plan.switched if content not in returned]
    return [f"{named(left)}: {SWITCHED_HINT}"] if left else []


def next_action_texts(plan: Plan) -> list[str]:
    """The ways out of the loss of a host, and what a replacement that is over leaves in the spec."""
    lost = [
        f"every segment on {host} is down. If the host comes back, apply this plan then. If it is "
        f"lost, list a new host with `replaces: {host}` in its place. To go on without it for now, "
        f"give it `weight: 0`: its mirrors move to other hosts. Then plan again"
        for host in _dead_hosts(plan)
    ]
    replaced = list(replaced_hosts(plan))
    over = [to_forget(new, old) for new, old, there in replaced if not there]
    names = []
    if any(there for _, _, there in replaced):
        # what asks hosts is loaded for such a plan only
        from gpmirror.preflight.judge import foretold

        names = foretold(plan)
    return [*lost, *names, *over]


def _dead_hosts(plan: Plan) -> list[str]:
    """Hosts of the spec that the plan recovers in place, or cannot, and on which nothing is up."""
    if plan.catalog is None:
        return []
    waiting = {
        change.from_.host
        for change in plan.changes
        if change.action in {Action.RECOVER, Action.BLOCKED}
        if change.from_ is not None and change.to in {change.from_, None}
    }
    up: dict[str, bool] = {}
    for row in plan.catalog.segments:
        for name in (row.hostname, row.address) if row.content >= 0 else ():
            up[name] = up.get(name, False) or row.is_up
    dead = []
    for host in plan.desired.hosts:
        told = [up[name] for name in (host.name, *host.addresses) if name in up]
        if host.weight and host.name in waiting and told and not any(told):
            dead.append(host.name)
    return dead


def _guards(plan: Plan) -> tuple[Guard, ...]:
    """A plan without changes has nothing to guard, and a figure of 0 breaks no limit."""
    return tuple(one for one in plan.guards if one.value != 0) if plan.changes else ()


def _kept(kept: bool) -> str:  # noqa: FBT001 - the answer is the value to be worded
    return "kept" if kept else "VIOLATED"


def _permission(flag: str, *, is_allowed: bool) -> str:
    return f"allowed by {flag}" if is_allowed else f"not allowed yet, {flag} allows it"


def _amount(value: int, unit: str) -> str:
    match unit:
        case "bytes" | "B":
            return size_text(value)
        case "percent" | "%":
            return f"{value} %"
        case _:
            return f"{value:,} {unit}".rstrip()


def _survival_style(text: str) -> Style:
    if not text.startswith("Survives"):
        return Style.PLAIN
    return Style.ADD if text.endswith("-> yes") else Style.ALARM


# --- A plan for a person at a terminal: what is at stake, what changes, in which steps; the summary last.


LEAST_WIDTH = 40
"""Narrower terminals get text for this width."""


def plan_human(plan: Plan, *, width: int, color: bool, verbose: bool = False) -> str:
    """The whole plan in lines of `width` terminal columns; a longer name or path goes on below.
    `verbose`: a line for each content, host and wave.

    The last line is the fixed summary; the plan's id stands on the line before it.
    """
    columns = max(width, LEAST_WIDTH)
    lines = [
        *_header(plan, width=columns),
        *hazards_section(plan, width=columns),
        *exposure_section(plan, width=columns),
        *changes_section(plan, width=columns, verbose=verbose),
        *waves_section(plan, width=columns, verbose=verbose),
        *layout_section(plan, width=columns, verbose=verbose),
        *policy_section(plan, width=columns),
        BLANK,
        *_proof(plan, width=columns),
        line(styled(f"plan {plan_id(plan)}", Style.FAINT)),
    ]
    text = fitted(painted(lines, color=color), width=columns)
    return text + painted([line(styled(summary_line(plan), Style.STRONG))], color=color)


def _proof(plan: Plan, *, width: int) -> list[Line]:
    told = proof_text(plan)
    return [] if told is None else paragraph(told, width=width, indent=0, hang=2)


def gist(plan: Plan) -> str:
    """The plan in one sentence: what, in how many steps, how much, what needs allowing."""
    found = plan.summary
    counts = {
        "to add": found.add,
        "to move": found.move,
        "to recover": found.recover,
        "to rebalance": found.rebalance,
        "blocked": found.blocked,
    }
    told = [f"{number:,} {what}" for what, number in counts.items() if number]
    if not told:
        return "no changes" if plan.selection is None else f"no changes in {plan.selection}"
    text = ", ".join(told)
    if plan.waves:
        text += f"; {counted(len(plan.waves), 'wave')}"
    if plan.exposure.bytes:
        text += f", {size_text(plan.exposure.bytes)} to copy"
    number = to_allow(plan)
    if number:
        return f"{text}; {number} {'hazard needs' if number == 1 else 'hazards need'} --allow"
    if plan.review_only:
        return f"{text}; for review only"
    return f"{text}; no --allow needed" if plan.waves else text


def exposure_section(plan: Plan, *, width: int) -> list[Line]:
    """What is exposed while the plan runs, and for how long; nothing without waves."""
    texts = exposure_texts(plan)
    lines = heading("Exposure") if texts else []
    for text in texts:
        lines += paragraph(text, width=width, hang=2)
    return lines


def server_text(plan: Plan) -> str:
    """Dialect and, where known, the server's version: `gp6 (6.24.3)`."""
    version = plan.observed.server_version
    return plan.dialect.value if version is None else f"{plan.dialect.value} ({version})"


def banners(plan: Plan) -> list[str]:
    """What limits this plan: part of the cluster only, review only."""
    texts: list[str] = []
    if plan.selection is not None:
        texts.append(f"PARTIAL PLAN: only {plan.selection}; the rest of the cluster is left out")
    if plan.review_only:
        texts.append(
            "REVIEW ONLY: the catalog text does not show the directories, so lines are incomplete and "
            f"`gpmirror apply` refuses this plan. {REVIEW_ONLY.fix}"
        )
    return texts


def catalog_text(plan: Plan) -> str:
    """Where the observed state came from and how many contents it mirrors."""
    found = plan.observed
    mirrored = f"{found.mirrored:,} of them mirrored"
    if found.mirrored in {0, found.contents}:
        mirrored = "all mirrored" if found.mirrored else "none mirrored"
    counts = f"{counted(found.contents, 'content')}, {mirrored}"
    if found.taken is None:
        return f"{found.source}, {counts}"
    return f"{found.source}, taken {moment_text(found.taken)}, {counts}"


def title_lines(word: str, plan: Plan, *, width: int) -> list[Line]:
    """The line that opens a screen: what it is, of which cluster, and the plan in one sentence."""
    found = paragraph(f"{word}  {plan.cluster}: {gist(plan)}", width=width, indent=0, hang=2)
    after = found[0][0].text.removeprefix(word)
    return [(Span(word, Style.STRONG), *line(after)), *found[1:]]


def _header(plan: Plan, *, width: int) -> list[Line]:
    lines = title_lines("gpmirror plan", plan, width=width)
    facts = {"server": server_text(plan), "spec": plan.spec_file, "catalog": catalog_text(plan)}
    for key, text in facts.items():
        lines += paragraph(f"{key:<7}  {text}", width=width, hang=9)
    for text in banners(plan):
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return lines
