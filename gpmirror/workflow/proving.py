"""Which old directories of a run may go: each proved to be ours, unused and no longer needed.

Nothing goes on the word of a journal: the catalog must not know the directory, nor one in it or
around it; no process may work in it, nothing may be mounted there; its content must be in sync, and
its system identifier must be that of the acting primary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gpmirror.boundary import Answered
from gpmirror.cluster.nesting import lies_in
from gpmirror.cluster.observed import Observed
from gpmirror.gputils.leavings import Look, look_script, read_looks, set_aside_name
from gpmirror.plan.model import Plan
from gpmirror.plan.replan import hosts_of
from gpmirror.verify import CopyState, Health
from gpmirror.workflow.running import Run

LOOK_SECONDS = 60

Spot = tuple[str, str]
"""(host, directory)."""

Used = Mapping[str, Sequence[str]]
"""The directories that the catalog knows, by host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A directory that a content left: `path` is its old place, `at` where it stands now, which
    differs where a prune has set it aside. `begun`: a place that the run was to fill, where a copy
    was cut off before any server started from it. `keep` says why it stays; empty: it may go. `identifier`
    is what was proved (empty: no file is left in it). `linked` are the tablespace folders that only
    it led to: they are no part of it and stay.
    """

    content: int
    host: str
    path: str
    at: str
    begun: bool = False
    keep: str = ""
    absent: bool = False
    identifier: str = ""
    linked: tuple[str, ...] = ()

    @property
    def is_aside(self) -> bool:
        """Whether a prune set it aside."""
        return self.at != self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What hosts and catalog say: looks by spot, directories in use by host, acting primaries' spots
    and contents in sync.
    """

    looks: Mapping[Spot, Look]
    used: Used
    sources: Mapping[int, Spot]
    synced: frozenset[int]


def leavings(plan: Plan, run: str) -> tuple[Leaving, ...]:
    """Every directory that a wave of the plan left, temporary ones too, or was to fill, at its place
    and where a prune of this run sets it aside; by host and path.
    """
    left = {
        (step.from_.host, path): step.content
        for wave in plan.waves
        for step in wave.steps
        if step.from_ is not None and step.to is not None
        for path in step.from_.directories
        if step.from_.host != step.to.host or path not in step.to.directories
    }
    begun = {
        (step.to.host, step.to.directory): step.content
        for wave in plan.waves
        for step in wave.steps
        if step.to is not None and step.to.directory is not None
    }
    found = begun | left
    return tuple(
        Leaving(content=found[spot], host=spot[0], path=spot[1], at=at, begun=spot not in left)
        for spot in sorted(found)
        for at in (spot[1], set_aside_name(spot[1], run))
    )


def prove(run: Run, found: Iterable[Leaving], observed: Observed, health: Health) -> list[Leaving]:
    """The same with verdicts, as hosts and catalog tell now; what the catalog uses (again) is no
    leaving, and neither is what the run was to fill and did, or never began; a set-aside place where
    nothing stands is left out.
    """
    used = used_directories(run.plan, observed)
    free = [one for one in found if one.at not in used.get(one.host, ())]
    sources = _sources(run.plan, observed)
    spots = {(one.host, one.at) for one in free} | set(sources.values())
    synced = [one.content for one in health.contents if one.state is CopyState.SYNCED]
    evidence = _Evidence(
        looks=_looks(run, sorted(spots), used),
        used=used,
        sources=sources,
        synced=frozenset(synced),
    )
    judged = [_verdict(one, evidence) for one in free if _is_left(one, evidence)]
    aside = {(one.host, one.path): one for one in judged if one.is_aside and not one.absent}
    return [
        _behind(one, aside.get((one.host, one.path)))
        for one in judged
        if not (one.is_aside and one.absent)
    ]


def _behind(one: Leaving, aside: Leaving | None) -> Leaving:
    """Two directories cannot be set aside under one name."""
    if aside is None or one.is_aside or one.absent or one.keep:
        return one
    return replace(one, keep=f"{aside.at} of an earlier prune goes first: prune once more then")


def _is_left(one: Leaving, evidence: _Evidence) -> bool:
    if not one.begun:
        return True
    here = evidence.looks.get((one.host, one.at))
    return here is not None and (one.is_aside or (here.unfinished and not here.empty))


def _verdict(one: Leaving, evidence: _Evidence) -> Leaving:
    here = evidence.looks.get((one.host, one.at))
    if here is None:
        return replace(one, keep="its host gave no answer")
    if here.kind == "absent":
        return replace(one, absent=True)
    source = evidence.sources.get(one.content)
    primary = None if source is None else evidence.looks.get(source)
    own = None if primary is None else primary.identifier
    keep = _in_use(one, here, evidence) or _foreign(one, here, own)
    return replace(
        one, keep=keep, identifier=here.identifier or "", linked=tuple(sorted(set(here.linked)))
    )


def _in_use(one: Leaving, here: Look, evidence: _Evidence) -> str:
    """Why it may still be needed; the first reason that holds."""
    reasons = (
        (one.content not in evidence.synced, f"content {one.content} is not in sync"),
        (here.kind == "unreadable", "the login user may not look at it"),
        (here.kind != "directory", f"it is no directory of its own ({here.kind})"),
        (bool(here.processes), f"process {_pids(here)} works in it"),
        (here.mounted, "a file system is mounted in it"),
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


def _foreign(one: Leaving, here: Look, own: str | None) -> str:
    """Why it cannot be proved to be ours. The name alone proves what a prune emptied."""
    if one.is_aside and here.empty:
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


def _looks(run: Run, asked: Sequence[Spot], used: Used) -> dict[Spot, Look]:
    paths: dict[str, list[str]] = {}
    for host, path in asked:
        paths.setdefault(host, []).append(path)
    scripts = {host: look_script(mine, used.get(host, ())) for host, mine in paths.items()}
    replies = run.world.hosts.ask(scripts, seconds=LOOK_SECONDS)
    found: dict[Spot, Look] = {}
    for host, reply in replies.items():
        told = read_looks(reply.out, paths[host]) if isinstance(reply, Answered) else None
        found |= {(host, path): one for path, one in (told or {}).items()}
    return found
