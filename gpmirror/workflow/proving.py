"""Which directories of a run may go: each proved to be ours, unused and no longer needed.

Nothing goes on the word of a journal: the catalog must not know the directory, nor one in it or
around it; no process may work in it or write there, nothing may be mounted there; its system
identifier must be that of the acting primary. The content of an old directory must be in sync. A
copy that this run began and that was cut off, at a place that the catalog does not know, is of no
use whatever the content's state: no server ever started from it, and none can.

A filespace's directory (4.3, 5) is proved by its data directory, and the two go together.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpmirror.boundary import Answered
from gpmirror.cluster.nesting import is_tree_of_others, lies_in
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Slot
from gpmirror.gputils.leavings import Leaving, Look, look_script, read_looks, set_aside_name
from gpmirror.journal.standing import Standing
from gpmirror.plan.model import Plan
from gpmirror.plan.replan import hosts_of
from gpmirror.verify import CopyState, Health
from gpmirror.workflow.running import Run

LOOK_SECONDS = 60

Spot = tuple[str, str]
"""(host, directory)."""

Used = Mapping[str, Sequence[str]]
"""The directories that the catalog knows, by host."""

_WHOLE = "no copy can have that place to itself, so nobody looks there and nothing of it is deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What hosts and catalog say: looks by spot, directories in use by host, acting primaries' spots
    and contents in sync.
    """

    looks: Mapping[Spot, Look]
    used: Used
    sources: Mapping[int, Spot]
    synced: frozenset[int]


def leavings(plan: Plan, run: str, begun: Collection[int] = ()) -> tuple[Leaving, ...]:
    """Every directory that a wave of the plan left, temporary ones too, or was to fill if its number
    is in `begun`, at its place and where this run sets it aside; by host and path.
    """
    left: dict[Spot, Leaving] = {}
    filled: dict[Spot, Leaving] = {}
    held: set[Spot] = set()
    for wave in plan.waves:
        for step in wave.steps:
            if step.to is None:
                continue
            new = _of_slot(step.content, step.to)
            old = {} if step.from_ is None else _of_slot(step.content, step.from_)
            left |= {spot: one for spot, one in old.items() if spot not in new}
            # a good copy stood there: from the start, or since a wave that was followed by another
            held |= old.keys() if wave.number in begun else old.keys() - filled.keys()
            if wave.number in begun:
                filled |= {spot: replace(one, begun=True) for spot, one in new.items()}
    found = left | {spot: one for spot, one in filled.items() if spot not in held}
    return tuple(
        replace(found[spot], at=at)
        for spot in sorted(found)
        for at in (spot[1], set_aside_name(spot[1], run))
    )


def left_behind(plan: Plan, standing: Standing) -> frozenset[Spot]:
    """The places that begun waves left, and those that a wave was to fill which did not end: what the
    journal tells, before any host is asked.
    """
    begun = set(standing.native_begun)
    ended = begun & set(standing.waves_done)
    held = {
        spot
        for wave in plan.waves
        if wave.number in ended
        for step in wave.steps
        if step.to is not None
        for spot in _of_slot(step.content, step.to)
    }
    left = {
        (one.host, one.path)
        for one in leavings(
            replace(plan, waves=tuple(wave for wave in plan.waves if wave.number in begun)),
            standing.run,
            begun - ended,
        )
    }
    return frozenset(left - held)


def _of_slot(content: int, slot: Slot) -> dict[Spot, Leaving]:
    """Its directories; those of filespaces with the data directory that proves whose they are."""
    return {
        (slot.host, path): Leaving(
            content=content,
            host=slot.host,
            path=path,
            at=path,
            home="" if path == slot.directory else slot.directory or "",
        )
        for path in slot.directories
    }


def leavings_of(run: Run, standing: Standing) -> list[Leaving]:
    """Those of a run, with the cut-off copies that it took over from the run whose rest it is."""
    mine = leavings(run.plan, run.name, standing.native_begun)
    known = {(one.host, one.at) for one in mine}
    return [*mine, *(one for one in standing.clearing if (one.host, one.at) not in known)]


def believed(standing: Standing, plans: Iterable[Plan]) -> Standing:
    """The run without cut-off copies at places which none of the plans that it goes on with was to
    fill for that content, with that data directory: a journal alone names no directory that is
    deleted, and mixes none of them.
    """
    filled = {
        (one.content, one.host, one.path, one.home)
        for plan in plans
        for wave in plan.waves
        for step in wave.steps
        if step.to is not None
        for one in _of_slot(step.content, step.to).values()
    }
    return replace(
        standing,
        clearing=tuple(
            one
            for one in standing.clearing
            if (one.content, one.host, one.path, one.home) in filled
            and (one.at == one.path or one.at.startswith(set_aside_name(one.path, "")))
        ),
    )


def cut_off(run: Run, standing: Standing, observed: Observed, health: Health) -> list[Leaving]:
    """The copies that the run's own utilities began and that were cut off at places which the
    catalog does not know, with those that it took over from the run whose rest it is; each proved,
    or with the reason why it stays.
    """
    halves = [one for one in leavings_of(run, standing) if one.begun]
    return [one for one in prove(run, halves, observed, health) if not one.absent]


def prove(run: Run, found: Iterable[Leaving], observed: Observed, health: Health) -> list[Leaving]:
    """The same with verdicts, as hosts and catalog tell now; what the catalog uses (again) is no
    leaving, and neither is what the run was to fill and did, or never began; a set-aside place where
    nothing stands is left out.
    """
    used = used_directories(run.plan, observed)
    left = [one for one in found if one.at not in used.get(one.host, ())]
    # no host is asked about these: the look alone would go through the whole machine
    whole = [replace(one, keep=_WHOLE) for one in left if is_tree_of_others(one.path)]
    free = [one for one in left if not is_tree_of_others(one.path)]
    sources = _sources(run.plan, observed)
    homes = {
        (one.host, at)
        for one in free
        if one.home
        for at in (one.home, set_aside_name(one.home, run.name), _beside(one))
    }
    spots = {(one.host, one.at) for one in free} | homes | set(sources.values())
    spaces = {(one.host, one.at) for one in free if one.home}
    synced = [one.content for one in health.contents if one.state is CopyState.SYNCED]
    evidence = _Evidence(
        looks=_looks(run, sorted(spots), spaces, used),
        used=used,
        sources=sources,
        synced=frozenset(synced),
    )
    judged = [_verdict(one, evidence) for one in free if _is_left(one, evidence)]
    aside = {(one.host, one.path): one for one in judged if one.is_aside and not one.absent}
    return _together(
        [one for one in whole if not one.is_aside]
        + [
            _behind(one, aside.get((one.host, one.path)))
            for one in judged
            if not (one.is_aside and one.absent)
        ]
    )


def _beside(one: Leaving) -> str:
    """Where its data directory stands if it was set aside like this one, by whatever run."""
    return one.home + one.at[len(one.path) :]


def _together(judged: Sequence[Leaving]) -> list[Leaving]:
    """Nothing of a copy goes while part of it stays: once its data directory is gone nothing proves
    whose the rest is.
    """
    stuck: dict[Spot, Leaving] = {}
    for one in judged:
        if one.keep and not one.absent:
            stuck.setdefault((one.host, one.home or one.path), one)
    return [_with(one, stuck.get((one.host, one.home or one.path))) for one in judged]


def _with(one: Leaving, other: Leaving | None) -> Leaving:
    if other is None or one.keep or one.absent or other.path == one.path:
        return one
    return replace(one, keep=f"it goes together with {other.at}, which stays: {other.keep}")


def _behind(one: Leaving, aside: Leaving | None) -> Leaving:
    """Two directories cannot be set aside under one name."""
    if aside is None or one.is_aside or one.absent or one.keep:
        return one
    return replace(one, keep=f"{aside.at} of an earlier prune goes first: prune once more then")


def _is_left(one: Leaving, evidence: _Evidence) -> bool:
    """Whether it is a leaving at all: a place that was to be filled holds half a copy, or nothing
    but directories.
    """
    if not one.begun or one.is_aside:
        return True
    here = evidence.looks.get((one.host, one.at))
    if here is None:
        return False
    if one.home and all(home.kind == "absent" for home in _homes(one, evidence)):
        return here.kind == "directory" and not here.empty
    unfinished = any(home.unfinished for home in _homes(one, evidence) or [here])
    return unfinished and (here.hollow or not here.empty)


def _verdict(one: Leaving, evidence: _Evidence) -> Leaving:
    here = evidence.looks.get((one.host, one.at))
    if here is None:
        return replace(one, keep="its host gave no answer")
    if here.kind == "absent":
        return replace(one, absent=True)
    source = evidence.sources.get(one.content)
    primary = None if source is None else evidence.looks.get(source)
    own = None if primary is None else primary.identifier
    keep = _in_use(one, here, evidence)
    keep = keep or (_homeless(one, here, own, evidence) if one.home else _foreign(one, here, own))
    return replace(
        one,
        keep=keep,
        identifier=here.identifier or "",
        linked=tuple(sorted(set(here.linked))),
        wal=tuple(sorted(set(here.wal))),
    )


def _in_use(one: Leaving, here: Look, evidence: _Evidence) -> str:
    """Why it may still be needed; the first reason that holds."""
    needed = not one.begun and one.content not in evidence.synced
    # a filespace's directory shows nothing of it, its data directory does
    standing = [home for home in _homes(one, evidence) if home.kind == "directory"]
    copies = standing if one.home else [here]
    started = one.begun and bool(copies) and not any(copy.unfinished for copy in copies)
    reasons = (
        (needed, f"content {one.content} is not in sync"),
        (here.kind == "unreadable", "the login user may not look at it"),
        (here.kind != "directory", f"it is no directory of its own ({here.kind})"),
        (bool(here.processes), f"process {_pids(here)} works in it"),
        (here.mounted, "a file system is mounted in it"),
        (started, "a server started from it"),
    )
    first = next((reason for holds, reason in reasons if holds), "")
    return first or _neighbour(one, here, evidence.used.get(one.host, ()))


def _neighbour(one: Leaving, here: Look, used: Sequence[str]) -> str:
    """Who else would go with it, or would lose it: told by names, then by what the host found."""
    for path in used:
        if any(lies_in(path, mine) for mine in (one.path, one.at)):
            return f"{path} stands in it, and the catalog knows that directory"
        if any(lies_in(mine, path) for mine in (one.path, one.at)):
            return f"it stands in {path}, and the catalog knows that directory"
    if here.copies:
        return f"it and the copy at {used[here.copies[0]]} share a place, by links"
    return "another data directory lies in it" if here.nested else ""


def _homes(one: Leaving, evidence: _Evidence) -> list[Look]:
    """What stands where the data directory of a filespace's directory was, and set aside beside."""
    beside = set_aside_name(one.home, "")
    return [
        look
        for (host, at), look in evidence.looks.items()
        if one.home and host == one.host and (at == one.home or at.startswith(beside))
    ]


def _homeless(one: Leaving, here: Look, own: str | None, evidence: _Evidence) -> str:
    """Why a filespace's directory cannot be proved to be ours: its data directory must be there, at
    its place or set aside.
    """
    if here.empty and (one.is_aside or one.begun):
        return ""
    if own is None:
        return "the system identifier of its primary could not be read"
    homes = _homes(one, evidence)
    if any(home.identifier == own or (one.begun and home.blank) for home in homes):
        return ""
    return f"no data directory stands at {one.home} that proves whose it is"


def _foreign(one: Leaving, here: Look, own: str | None) -> str:
    """Why it cannot be proved to be ours. The name alone proves what was emptied after it was set
    aside; directories without a file at a place that this run was to fill need no proof, and of a
    base backup that began there and brought no WAL yet nothing more can be proved: preflight found
    the place empty before.
    """
    if here.empty and (one.is_aside or one.begun):
        return ""
    if one.begun and here.blank and own is not None:
        return ""
    reasons = (
        (here.identifier is None, "it has no global/pg_control or WAL that proves whose it is"),
        (own is None, "the system identifier of its primary could not be read"),
        (here.identifier != own, "it belongs to another system"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _pids(here: Look) -> str:
    return ", ".join(str(pid) for pid in sorted(set(here.processes)))


def used_directories(plan: Plan, observed: Observed) -> Used:
    """Every directory that the catalog knows, by host."""
    hosts = hosts_of(plan, observed)
    found: dict[str, set[str]] = {}
    for row in observed.segments:
        paths = (row.directory, *(path for _, path in row.filespaces))
        found.setdefault(hosts.host_of(row), set()).update(path for path in paths if path)
    return {host: tuple(sorted(paths)) for host, paths in found.items()}


def _sources(plan: Plan, observed: Observed) -> dict[int, Spot]:
    hosts = hosts_of(plan, observed)
    return {
        row.content: (hosts.host_of(row), row.directory)
        for row in observed.segments
        if row.content >= 0 and row.is_acting_primary and row.directory is not None
    }


def _looks(
    run: Run, asked: Sequence[Spot], spaces: Collection[Spot], used: Used
) -> dict[Spot, Look]:
    paths: dict[str, list[str]] = {}
    for host, path in asked:
        paths.setdefault(host, []).append(path)
    scripts = {
        host: look_script(
            mine, used.get(host, ()), {path for path in mine if (host, path) in spaces}
        )
        for host, mine in paths.items()
    }
    replies = run.world.hosts.ask(scripts, seconds=LOOK_SECONDS)
    found: dict[Spot, Look] = {}
    for host, reply in replies.items():
        told = read_looks(reply.out, paths[host]) if isinstance(reply, Answered) else None
        found |= {(host, path): one for path, one in (told or {}).items()}
    return found
