"""The state of a cluster's copies, and the host checks, for a person: what needs attention first."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

from gpmirror.model.names import natural, one_expression
from gpmirror.model.segment import COORDINATOR_CONTENT, Segment
from gpmirror.model.text import counted, named, size_text
from gpmirror.plan.model import Plan
from gpmirror.preflight.judge import advice_without_silent
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.render.plan import guard_text, hazard_text
from gpmirror.render.text import (
    BLANK,
    Line,
    Span,
    Style,
    folded,
    heading,
    line,
    painted,
    paragraph,
    styled,
)
from gpmirror.run.gates import flags_of, unallowed
from gpmirror.run.look import knowledge_text
from gpmirror.run.status import Reading, hosts_down
from gpmirror.verify import ContentHealth, CopyState, Health

# --- The state of a live cluster's copies for a person: what needs attention, the summary last.


MOST_ROWS = 200
"""Up to so many contents are listed; the rest is counted."""

_HEAD = ("content", "state", "primary", "mirror", "to replay", "why")
_LEAST_WIDTH = 40
_STYLES = {
    CopyState.SYNCED: Style.PLAIN,
    CopyState.SYNCING: Style.CARE,
    CopyState.SINGLE: Style.ALARM,
    CopyState.NONE: Style.ALARM,
}


def status_human(reading: Reading, *, cluster: str | None, width: int, color: bool) -> str:
    """The whole status; the last line is the summary."""
    columns = max(width, _LEAST_WIDTH)
    lines = [
        _title(reading, cluster),
        *_trouble(reading, width=columns),
        *_attention(reading.health, width=columns),
        *heading("Coordinator"),
        *(line(f"  {text}") for text in coordinator_texts(reading)),
        *_copies(reading, width=columns),
        *_help(reading, width=columns),
        *_hosts_down(reading, width=columns),
        *_remarks(reading, width=columns),
        BLANK,
        *paragraph(knowledge(reading), width=columns, indent=0, hang=2, style=Style.FAINT),
        line(styled(_summary(reading), Style.STRONG)),
    ]
    return painted(lines, color=color)


def _summary(reading: Reading) -> str:
    """The last line: to be in sync is not all that is asked where hosts were asked too."""
    told = status_summary(reading.health)
    results = [check.result for check in reading.copies or ()]
    odd = [
        f"{results.count(one):,} {one.value}"
        for one in (Result.BAD, Result.UNKNOWN)
        if one in results
    ]
    return f"{told[:-1]}; copies on their hosts: {', '.join(odd)}." if odd else told


def status_summary(health: Health) -> str:
    """`All 8 contents in sync.`, or how many are in which other state; no count of none."""
    total = len(health.contents)
    states = counts(health)
    number = len(switched_contents(health))
    switched = f"; {number:,} switched" if number else ""
    if health.all_synced:
        return f"All {counted(total, 'content')} in sync{switched}."
    rest = ", ".join(
        f"{states[state]:,} {state.value}"
        for state in CopyState
        if state is not CopyState.SYNCED and states[state]
    )
    return f"{states[CopyState.SYNCED]:,} of {counted(total, 'content')} in sync: {rest}{switched}."


_Figure = tuple[str, Mapping[str, str], float]
"""A metric's name without prefix, its labels besides the cluster, its value."""

METRICS = {
    "up": "1 where the catalog could be read at the last try, else 0.",
    "last_try_timestamp_seconds": "When that was, in seconds since 1970.",
    "in_sync": "1 where every content has two copies in sync, and that is known, else 0.",
    "can_dispatch": "0 where a primary does not answer, so that nobody can tell who streams.",
    "contents": "Contents by the state of their copies.",
    "switched_contents": "Contents whose acting roles are not the preferred ones.",
    "only_copy_contents": "Contents that would be lost with this host now.",
    "replay_lag_bytes": "Most bytes that a mirror still has to replay, where the server tells.",
    "standby_up": "1 where the catalog calls the coordinator's standby up, else 0.",
    "standby_streaming": "1 where the standby follows, else 0, where the server tells.",
}


def status_metrics(reading: Reading | None, *, cluster: str, seconds: float) -> str:
    """The figures of a status in the text format of Prometheus, for its textfile collector. `seconds`
    since 1970 is when it was read. None: the catalog could not be read, which is a figure too.
    """
    figures: list[_Figure] = [("up", {}, reading is not None)]
    figures.append(("last_try_timestamp_seconds", {}, int(seconds)))
    if reading is not None:
        figures += _figures(reading)
    lines: list[str] = []
    for name, group in groupby(figures, key=itemgetter(0)):
        lines += [f"# HELP gpmirror_{name} {METRICS[name]}", f"# TYPE gpmirror_{name} gauge"]
        for _, labels, value in group:
            shown = ",".join(
                f'{label}="{_escaped(text)}"'
                for label, text in {"cluster": cluster, **labels}.items()
            )
            lines.append(f"gpmirror_{name}{{{shown}}} {value:d}")
    return "\n".join([*lines, ""])


def is_metrics(text: str) -> bool:
    """Whether `status_metrics` wrote this."""
    return text.startswith("# HELP gpmirror_up ")


def _figures(reading: Reading) -> Iterator[_Figure]:
    health = reading.health
    states = counts(health)
    yield "in_sync", {}, reading.is_sound
    yield "can_dispatch", {}, reading.trouble is None
    for state in CopyState:
        yield "contents", {"state": state.value}, states[state]
    yield "switched_contents", {}, len(switched_contents(health))
    alone = Counter(
        found.primary.rpartition(":")[0]
        for found in health.contents
        if found.state in {CopyState.SINGLE, CopyState.SYNCING}
    )
    for host in sorted(alone, key=natural):
        yield "only_copy_contents", {"host": host}, alone[host]
    lags = [found.lag_bytes for found in health.contents if found.lag_bytes is not None]
    if lags:
        yield "replay_lag_bytes", {}, max(lags)
    if (standby := standby_of(reading)) is not None:
        yield "standby_up", {}, standby.is_up
        if (streams := standby_streams(reading)) is not None:
            yield "standby_streaming", {}, streams


def _escaped(text: str) -> str:
    """As a label's value is written."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def status_changes(before: Reading | None, now: Reading) -> list[str]:
    """What changed between two readings, a line a content, and the new summary; for a first
    reading the summary alone, for an unchanged one nothing.
    """
    if before is None:
        return [status_summary(now.health)]
    known = {found.content: found for found in before.health.contents}
    lines = [
        text
        for found in now.health.contents
        if (text := _change(known.get(found.content), found)) is not None
    ]
    return [*lines, status_summary(now.health)] if lines else []


def counts(health: Health) -> Counter[CopyState]:
    """How many contents are in each state."""
    return Counter(found.state for found in health.contents)


def switched_contents(health: Health) -> list[int]:
    """Contents whose acting roles are not the preferred ones."""
    return [found.content for found in health.contents if found.switched]


def standby_of(reading: Reading) -> Segment | None:
    """The coordinator's standby, if there is one."""
    rows = (row for row in reading.observed.segments if row.content == COORDINATOR_CONTENT)
    return next((row for row in rows if not row.is_acting_primary), None)


def standby_streams(reading: Reading) -> bool | None:
    """Whether the standby follows; None where the server does not show."""
    known = [one for one in reading.replication if one.content == COORDINATOR_CONTENT]
    return any(one.is_streaming_mirror for one in known) if known else None


def coordinator_texts(reading: Reading) -> list[str]:
    """The coordinator and its standby, a line each."""
    rows = (row for row in reading.observed.segments if row.content == COORDINATOR_CONTENT)
    acting = next((row for row in rows if row.is_acting_primary), None)
    standby = standby_of(reading)
    first = "not in the catalog" if acting is None else f"{acting.hostname}:{acting.port}"
    if standby is None:
        return [f"coordinator  {first}", "standby      none"]
    follows = {True: ", streaming", False: ", not streaming", None: ""}[standby_streams(reading)]
    up = "up" if standby.is_up else "down"
    return [
        f"coordinator  {first}",
        f"standby      {standby.hostname}:{standby.port}, {up}{follows}",
    ]


def _title(reading: Reading, cluster: str | None) -> Line:
    found = reading.observed
    server = found.dialect.name.value
    if found.server_version is not None:
        server += f" ({found.server_version})"
    parts = [part for part in (cluster, server, found.source) if part]
    return (Span("gpmirror status", Style.STRONG), *line(f"  {', '.join(parts)}"))


def _attention(health: Health, *, width: int) -> Iterator[Line]:
    """The table of contents that are not in sync."""
    ailing = [found for found in health.contents if found.state is not CopyState.SYNCED]
    if not ailing:
        return
    if all(found.mirror is None for found in health.contents):
        yield BLANK
        yield from paragraph("no content has a mirror: `gpmirror plan` shows how", width=width)
        return
    yield from heading("Needs attention")
    head = tuple(line(styled(word, Style.FAINT)) for word in _HEAD)
    cells = [head, *map(_cells, ailing[:MOST_ROWS])]
    table = folded(cells, width=width - 2, lead=2, numbers=frozenset({0, 4}))
    yield from ((Span("  "), *one) for one in table)
    if len(ailing) > MOST_ROWS:
        rest = counted(len(ailing) - MOST_ROWS, "content")
        yield from paragraph(f"... {rest} not listed here; `--json` lists all", width=width)


def _cells(found: ContentHealth) -> Sequence[Line]:
    lag = "" if found.lag_bytes is None else size_text(found.lag_bytes)
    return (
        line(str(found.content)),
        line(styled(found.state.value, _STYLES[found.state])),
        line(found.primary),
        line(found.mirror or "none"),
        line(lag),
        line(found.reason),
    )


def _remarks(reading: Reading, *, width: int) -> Iterator[Line]:
    switched = switched_contents(reading.health)
    if switched:
        yield from heading("Switched roles")
        first = "`gpmirror apply` first, until all contents are in sync; then "
        if reading.health.all_synced:
            first = ""
        elif hosts_down(reading):
            first = "once all contents are in sync "
        yield from paragraph(
            f"{named(switched)}: {first}`gpmirror apply --rebalance --allow cancels-queries` "
            "returns the roles",
            width=width,
            hang=2,
        )
    for note in reading.observed.notes:
        yield from paragraph(f"note: {note}", width=width, indent=0, hang=2)


def knowledge(reading: Reading) -> str:
    """How old what is shown may be."""
    told = knowledge_text(reading.freshness, reading.interval)
    if reading.trouble is None:
        return told
    return f"{told}; nobody can tell who streams, so copies are judged by the catalog alone"


def _trouble(reading: Reading, *, width: int) -> Iterator[Line]:
    """The server's own words where a primary does not answer it."""
    if reading.trouble is not None:
        yield BLANK
        yield from paragraph(
            reading.trouble.message, width=width, indent=0, hang=2, style=Style.ALARM
        )


def _copies(reading: Reading, *, width: int) -> Iterator[Line]:
    """What hosts say of their copies, where they were asked: all that is otherwise, then what is not."""
    checks = reading.copies
    if checks is None:
        return
    yield from heading("Copies on their hosts")
    for check in checks:
        style = Style.PLAIN if check.result is Result.OK else Style.ALARM
        yield from paragraph(f"{check.host}: {check.detail}", width=width, hang=2, style=style)
        if check.remedy:
            yield from paragraph(f"-> {check.remedy}", width=width, indent=4, hang=3)


def _help(reading: Reading, *, width: int) -> Iterator[Line]:
    """What brings back a copy that can serve, for contents that have none."""
    found: dict[str, list[int]] = {}
    for one in reading.health.contents:
        if one.help:
            found.setdefault(one.help, []).append(one.content)
    if found:
        yield from heading("What helps")
    shown = list(found.items())[:MOST_ROWS]
    for words, contents in shown:
        yield from paragraph(f"{named(contents)}: {words}", width=width, hang=2)


_LISTED = 6
"""Up to so many hosts are written out; more are folded."""


def _hosts_down(reading: Reading, *, width: int) -> Iterator[Line]:
    """The ways out of the loss of whole hosts."""
    found = hosts_down(reading)
    if not found:
        return
    yield from heading("Hosts that are down")
    if len(found) == 1:
        ((host, copies),) = found.items()
        told = (
            f"host {host}: all its {copies:,} copies are down. If it comes back soon: `gpmirror apply` "
            f"once it answers. If it is lost: write `replaces: {host}` in the spec, at the host that takes "
            "its place; `gpmirror plan` then says what is to be done"
        )
    else:
        hosts = ", ".join(found) if len(found) <= _LISTED else one_expression([*found])
        told = (
            f"hosts {hosts}: all their {sum(found.values()):,} copies are down. If they come back soon: "
            "`gpmirror apply` once they answer. If one is lost: write `replaces: HOST` in the spec, at the "
            "host that takes its place; `gpmirror plan` then says what is to be done"
        )
    yield from paragraph(told, width=width, hang=2)


def _change(before: ContentHealth | None, now: ContentHealth) -> str | None:
    """None where neither state, reason nor roles changed."""
    if before is not None and (before.state, before.reason, before.switched) == (
        now.state,
        now.reason,
        now.switched,
    ):
        return None
    was = "unknown" if before is None else before.state.value
    roles = ", roles switched" if now.switched else ""
    why = f" ({now.reason})" if now.reason else ""
    return f"content {now.content}: {was} -> {now.state.value}{roles}{why}"


# --- The host checks for a terminal: a line per host, what blocks with its remedy, dangers, a verdict.


_RESULT_STYLES = {Result.OK: Style.ADD, Result.BAD: Style.ALARM, Result.UNKNOWN: Style.CARE}


def preflight_text(plan: Plan, found: Preflight, *, width: int, color: bool) -> str:
    """The whole report; ok checks are counted, not listed."""
    by_host = _by_host(found.checks)
    hazards = (*(one for one in plan.hazards if not one.allowed), *found.hazards)
    guards = [one for one in plan.guards if one.exceeded and not one.allowed]
    dangers = [*map(hazard_text, hazards), *map(guard_text, guards)]
    lines = [*_table(by_host)]
    for host, checks in by_host.items():
        troubles = [check for check in checks if check.result is not Result.OK]
        lines += heading(host) if troubles else []
        for check in troubles:
            lines += _check_lines(check, plan, width)
    lines += _section("Hazards", dangers, width)
    lines += _section("Notes", found.notes, width)
    return painted([*lines, (), *_verdict(plan, found, width)], color=color)


def summary(plan: Plan, found: Preflight) -> str:
    """One line: `Preflight: 45 checks on 5 hosts: 44 ok, 1 bad. Not ready.` and so on. It is ready only where `apply` of the same plan would not refuse either."""
    counts = {result: sum(c.result is result for c in found.checks) for result in Result}
    told = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
    if counts[Result.OK] == len(found.checks):
        told = "all ok"
    hosts = counted(len(_by_host(found.checks)), "host")
    return (
        f"Preflight: {counted(len(found.checks), 'check')} on {hosts}: {told}. "
        f"{_readiness(plan, found)}"
    )


def _readiness(plan: Plan, found: Preflight) -> str:
    refused = unallowed(plan, found)
    if found.blocking(plan.allowed):
        return "Not ready." + (f" It also needs {flags_of(refused)}." if refused else "")
    if refused:
        return f"Not ready: apply refuses (4) without {flags_of(refused)}."
    over = sorted({one.override for one in found.overridden(plan.allowed)})
    return f"Ready, over what {', '.join(over)} allows." if over else "Ready."


def _by_host(checks: Iterable[Check]) -> dict[str, list[Check]]:
    found: dict[str, list[Check]] = {}
    for check in checks:
        found.setdefault(check.host, []).append(check)
    return found


def _table(by_host: Mapping[str, list[Check]]) -> list[Line]:
    head = [styled(word, Style.STRONG) for word in ("host", "ok", "bad", "unknown")]
    rows: list[list[Line]] = [[(word,) for word in head]]
    for host, checks in by_host.items():
        results = [check.result for check in checks]
        rows.append([line(host), *(_count(results, result) for result in Result)])
    return folded(rows, width=1_000, lead=1, numbers=frozenset({1, 2, 3}))


def _count(results: list[Result], result: Result) -> Line:
    number = results.count(result)
    style = _RESULT_STYLES[result] if number else Style.FAINT
    return (Span(str(number), style),)


def _check_lines(check: Check, plan: Plan, width: int) -> list[Line]:
    text = f"{check.result.value}  {check.name}: {check.detail}"
    lines = paragraph(text, width=width, hang=2, style=_RESULT_STYLES[check.result])
    if check.remedy:
        lines += paragraph(f"-> {check.remedy}", width=width, indent=4, hang=3)
    if check.override and check.result is Result.BAD:
        allows = "allowed by" if check.override in plan.allowed else "or go on all the same:"
        flag = f"-> {allows} `--allow {check.override}`"
        lines += paragraph(flag, width=width, indent=4, hang=3)
    if check.result is Result.UNKNOWN:
        flag = f"-> or accept it: `--allow unchecked:{check.name}` when planning or applying"
        lines += paragraph(flag, width=width, indent=4, hang=3)
    return lines


def _section(title: str, texts: Iterable[str], width: int) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        lines += paragraph(text, width=width, hang=2, style=Style.CARE)
    return [*heading(title), *lines] if lines else []


def _verdict(plan: Plan, found: Preflight, width: int) -> list[Line]:
    refused = found.blocking(plan.allowed) or unallowed(plan, found)
    style = Style.ALARM if refused else Style.ADD
    lines = paragraph(summary(plan, found), width=width, indent=0, style=style)
    if spared := advice_without_silent(plan, found.checks):
        lines += paragraph(f"Until then {spared}.", width=width, indent=0)
    return lines
