"""Leftover directories of a run: each proved to be ours, unused and no longer needed, then deleted."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from shlex import quote

from gpmirror.boundary import Answered, Reply
from gpmirror.errors import Declined, Detached, ExitCode, GpmirrorError, Partial, Stale, Unsafe
from gpmirror.model.names import is_tree_of_others, lies_in, natural
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Slot
from gpmirror.native.directories import (
    DirectoryLook,
    Leftover,
    delete_script,
    look_script,
    read_looks,
    read_numbers,
    set_aside_name,
    set_aside_script,
)
from gpmirror.plan.model import Plan
from gpmirror.plan.remaining import hosts_of
from gpmirror.preflight.competing import Runs
from gpmirror.run.context import Outcome, Run
from gpmirror.run.gates import check_competing, look, take_session_lock
from gpmirror.run.record import CLEAR_ASIDE, RunRecord, places, step
from gpmirror.values import dataclass
from gpmirror.verify import CopyState, Health

# --- Which directories of a run may go: each proved to be ours, unused and no longer needed.
#
# Nothing goes on the word of a journal: the catalog must not know the directory, nor one in it or
# around it; no process may work in it or write there, nothing may be mounted there; its system
# identifier must be that of the acting primary. The content of an old directory must be in sync. A
# copy that this run began and that was cut off, at a place that the catalog does not know, is of no
# use whatever the content's state: no server ever started from it, and none can. A filespace's
# directory (4.3, 5) is proved by its data directory, and the two go together.


LOOK_SECONDS = 60

Spot = tuple[str, str]
"""(host, directory)."""

Used = Mapping[str, Sequence[str]]
"""The directories that the catalog knows, by host."""

SILENT = "its host gave no answer"
"""Why a directory stays of which nothing can be known."""

_WHOLE = "no copy can have that place to itself, so nobody looks there and nothing of it is deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What hosts and catalog say: looks by spot, directories in use by host, acting primaries' spots
    and contents in sync.
    """

    looks: Mapping[Spot, DirectoryLook]
    used: Used
    sources: Mapping[int, Spot]
    synced: frozenset[int]


def leftovers(plan: Plan, run: str, begun: Collection[int] = ()) -> tuple[Leftover, ...]:
    """Every directory that a wave of the plan left, temporary ones too, or was to fill if its number
    is in `begun`, at its place and where this run sets it aside; by host and path.
    """
    left: dict[Spot, Leftover] = {}
    filled: dict[Spot, Leftover] = {}
    held: set[Spot] = set()
    for wave in plan.waves:
        for change in wave.steps:
            if change.to is None:
                continue
            new = _of_slot(change.content, change.to)
            old = {} if change.from_ is None else _of_slot(change.content, change.from_)
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


def left_behind(plan: Plan, standing: RunRecord) -> frozenset[Spot]:
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
        for one in leftovers(
            replace(plan, waves=tuple(wave for wave in plan.waves if wave.number in begun)),
            standing.run,
            begun - ended,
        )
    }
    return frozenset(left - held)


def _of_slot(content: int, slot: Slot) -> dict[Spot, Leftover]:
    """Its directories; those of filespaces with the data directory that proves whose they are."""
    return {
        (slot.host, path): Leftover(
            content=content,
            host=slot.host,
            path=path,
            at=path,
            home="" if path == slot.directory else slot.directory or "",
        )
        for path in slot.directories
    }


def leftovers_of(run: Run, standing: RunRecord) -> list[Leftover]:
    """Those of a run, with the cut-off copies that it took over from the run whose rest it is."""
    mine = leftovers(run.plan, run.name, standing.native_begun)
    known = {(one.host, one.at) for one in mine}
    return [*mine, *(one for one in standing.clearing if (one.host, one.at) not in known)]


def believed(standing: RunRecord, plans: Iterable[Plan]) -> RunRecord:
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


def cut_off(run: Run, standing: RunRecord, observed: Observed, health: Health) -> list[Leftover]:
    """The copies that the run's own utilities began and that were cut off at places which the
    catalog does not know, with those that it took over from the run whose rest it is; each proved,
    or with the reason why it stays.
    """
    halves = [one for one in leftovers_of(run, standing) if one.begun]
    return [one for one in prove(run, halves, observed, health) if not one.absent]


def prove(
    run: Run, found: Iterable[Leftover], observed: Observed, health: Health
) -> list[Leftover]:
    """The same with verdicts, as hosts and catalog tell now; what the catalog uses (again) is no
    leaving, and neither is what the run was to fill and did, or never began; a set-aside place where
    nothing stands is left out.
    """
    used = used_directories(run.plan, observed)
    left = [one for one in found if one.at not in used.get(one.host, ())]
    # no host is asked about these: the look alone would go through the whole machine
    whole = [replace(one, keep=_WHOLE) for one in left if is_tree_of_others(one.path)]
    free = [one for one in left if not is_tree_of_others(one.path)]
    hosts = hosts_of(run.plan, observed)
    sources = {
        row.content: (hosts.host_of(row), row.directory)
        for row in observed.segments
        if row.content >= 0 and row.is_acting_primary and row.directory is not None
    }
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
    left = [_verdict(one, evidence) for one in free if _is_left(one, evidence)]
    judged = list(_once(left, used))
    aside = {(one.host, one.path): one for one in judged if one.is_aside and not one.absent}
    return _together(
        [one for one in whole if not one.is_aside]
        + [
            _behind(one, aside.get((one.host, one.path)))
            for one in judged
            if not (one.is_aside and one.absent)
        ]
    )


def _once(judged: Iterable[Leftover], used: Used) -> Iterator[Leftover]:
    """Of a host that gave no answer each directory is told once, where it was left: nobody knows
    whether it was set aside. A place that the catalog uses holds a copy in service.
    """
    told: set[Spot] = set()
    for one in judged:
        if one.keep != SILENT:
            yield one
        elif (one.host, one.path) not in told and one.path not in used.get(one.host, ()):
            told.add((one.host, one.path))
            yield replace(one, at=one.path)


def _beside(one: Leftover) -> str:
    """Where its data directory stands if it was set aside like this one, by whatever run."""
    return one.home + one.at[len(one.path) :]


def _together(judged: Sequence[Leftover]) -> list[Leftover]:
    """Nothing of a copy goes while part of it stays: once its data directory is gone nothing proves
    whose the rest is.
    """
    stuck: dict[Spot, Leftover] = {}
    for one in judged:
        if one.keep and not one.absent:
            stuck.setdefault((one.host, one.home or one.path), one)
    return [_with(one, stuck.get((one.host, one.home or one.path))) for one in judged]


def _with(one: Leftover, other: Leftover | None) -> Leftover:
    if other is None or one.keep or one.absent or other.path == one.path:
        return one
    return replace(one, keep=f"it goes together with {other.at}, which stays: {other.keep}")


def _behind(one: Leftover, aside: Leftover | None) -> Leftover:
    """Two directories cannot be set aside under one name."""
    if aside is None or one.is_aside or one.absent or one.keep:
        return one
    return replace(one, keep=f"{aside.at} of an earlier prune goes first: prune once more then")


def _is_left(one: Leftover, evidence: _Evidence) -> bool:
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


def _verdict(one: Leftover, evidence: _Evidence) -> Leftover:
    here = evidence.looks.get((one.host, one.at))
    if here is None:
        return replace(one, keep=SILENT)
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


def _in_use(one: Leftover, here: DirectoryLook, evidence: _Evidence) -> str:
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


def _neighbour(one: Leftover, here: DirectoryLook, used: Sequence[str]) -> str:
    """Who else would go with it, or would lose it: told by names, then by what the host found."""
    for path in used:
        if any(lies_in(path, mine) for mine in (one.path, one.at)):
            return f"{path} stands in it, and the catalog knows that directory"
        if any(lies_in(mine, path) for mine in (one.path, one.at)):
            return f"it stands in {path}, and the catalog knows that directory"
    if here.copies:
        return f"it and the copy at {used[here.copies[0]]} share a place, by links"
    return "another data directory lies in it" if here.nested else ""


def _homes(one: Leftover, evidence: _Evidence) -> list[DirectoryLook]:
    """What stands where the data directory of a filespace's directory was, and set aside beside."""
    beside = set_aside_name(one.home, "")
    return [
        look
        for (host, at), look in evidence.looks.items()
        if one.home and host == one.host and (at == one.home or at.startswith(beside))
    ]


def _homeless(one: Leftover, here: DirectoryLook, own: str | None, evidence: _Evidence) -> str:
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


def _foreign(one: Leftover, here: DirectoryLook, own: str | None) -> str:
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


def _pids(here: DirectoryLook) -> str:
    return ", ".join(str(pid) for pid in sorted(set(here.processes)))


def used_directories(plan: Plan, observed: Observed) -> Used:
    """Every directory that the catalog knows, by host."""
    hosts = hosts_of(plan, observed)
    found: dict[str, set[str]] = {}
    for row in observed.segments:
        found.setdefault(hosts.host_of(row), set()).update(row.directories)
    return {host: tuple(sorted(paths)) for host, paths in found.items()}


def _looks(
    run: Run, asked: Sequence[Spot], spaces: Collection[Spot], used: Used
) -> dict[Spot, DirectoryLook]:
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
    found: dict[Spot, DirectoryLook] = {}
    for host, reply in replies.items():
        told = read_looks(reply.out, paths[host]) if isinstance(reply, Answered) else None
        found |= {(host, path): one for path, one in (told or {}).items()}
    return found


# --- Old directories of moved mirrors, and copies that were cut off: proved to be unused, set aside,
# proved again, then deleted.
#
# `prune` deletes both; the rest of a run that was cut off clears the latter out of its way. One that
# was cut off itself is finished by the next: what it set aside bears the run's name, and what it
# deleted half can still be proved.


_DELETE_SECONDS = 7200
_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """Whose work it is: the names of its steps, and the command that goes on with it."""

    aside: str
    delete: str
    command: str
    what: str


_PRUNE = _Work(aside="prune/aside", delete="prune/delete", command="prune", what="old directories")
_CLEAR = _Work(
    aside=CLEAR_ASIDE, delete="clear/delete", command="resume", what="copies that were cut off"
)


def clear(run: Run) -> None:
    """Delete the copies of an earlier run that were cut off, which stand where this run, its rest,
    is to copy. What cannot be proved (any more) stays, and preflight tells where it is in the way.

    Raises Partial (10): some of it was set aside and not deleted.
    """
    with run.phase("clear") as detail:
        observed, health = look(run)
        judged = prove(run, run.wishes.clear, observed, health)
        going, kept = _going(judged), [one for one in judged if one.keep]
        if going:
            _remove(run, going, used_directories(run.plan, observed), _CLEAR)
        detail.append(f"{_copies(going)} deleted")
        detail += [f"{_line(one)}, so it stays" for one in kept]


def _copies(going: Sequence[Leftover]) -> str:
    """Counted by what a person calls a copy: filespaces are part of it."""
    count = len({(one.host, one.home or one.path) for one in going})
    return "1 cut-off copy" if count == 1 else f"{count} cut-off copies"


def prune(run: Run, standing: RunRecord) -> Outcome:
    """Delete what the run's plan left behind, and what its utilities began.

    Raises Unsafe (4): nothing may go, with the reasons; Stale (5): what may go changed while the
    question stood; Declined (8); Partial (10): some of it was set aside and not deleted; Detached
    (130): interrupted.
    """
    judged, _ = judge(run, standing)
    going, kept = _going(judged), [one for one in judged if one.keep]
    if not going:
        return _nothing(run, standing, judged, kept)
    stay = [*map(_line, kept), *_folders(judged, going)]
    run.world.operator.show(_listed(going, stay))
    if not run.world.operator.confirm(f"Delete {_counted(len(going))}? Only 'yes' is accepted:"):
        raise Declined("nothing was deleted: the answer was not yes")
    used = _check_unchanged(run, standing, going)
    with _pruning(run):
        _remove(run, going, used, _PRUNE)
    return Outcome(
        code=ExitCode.OK,
        summary=f"{_counted(len(going))} deleted"
        + (f", {len(stay)} kept" if stay else "")
        + "".join(f"; {told}" for told in _lost(run, kept)),
        next_actions=tuple(stay),
    )


def _lost(run: Run, kept: Iterable[Leftover]) -> list[str]:
    """The way out where hosts gave no answer."""
    hosts = sorted({one.host for one in kept if one.keep == SILENT}, key=natural)
    options = " ".join(f"--forget {host}" for host in hosts)
    what = "a host that never comes back" if len(hosts) == 1 else "hosts that never come back"
    return [f"`gpmirror prune {run.name} {options}` gives up those on {what}"] if hosts else []


def judge(run: Run, standing: RunRecord) -> tuple[list[Leftover], Used]:
    """What the run left and nobody gave up, with verdicts, under the lock; the directories in use.
    Raises Locked.
    """
    take_session_lock(run)
    observed, health = look(run)
    # no utility is to run, so locks that were left keep nothing from being done
    check_competing(run, observed, Runs(dialect=observed.dialect.name, utilities=frozenset()))
    given_up = {(one.host, one.path) for one in standing.given_up}
    left = [one for one in leftovers_of(run, standing) if (one.host, one.path) not in given_up]
    found = prove(run, left, observed, health)
    return found, used_directories(run.plan, observed)


def _going(judged: Sequence[Leftover]) -> list[Leftover]:
    return [one for one in judged if not one.keep and not one.absent]


def _check_unchanged(run: Run, standing: RunRecord, going: Sequence[Leftover]) -> Used:
    """The question takes its time: what is in use by now. Raises Stale."""
    judged, used = judge(run, standing)
    now = _going(judged)
    lost = [one for one in going if one not in now]
    if lost:
        raise Stale(
            f"nothing was deleted: {_line(lost[0])} is no longer what it was when you were asked",
            hint=f"`gpmirror prune {run.name}` looks again",
        )
    return used


@contextmanager
def _pruning(run: Run) -> Iterator[None]:
    """From here on something may be set aside or deleted, and the next prune goes on with it."""
    run.world.journal.also_far()
    again = f"`gpmirror prune {run.name}` goes on where this one ended"
    try:
        yield
    except Partial:
        raise
    except KeyboardInterrupt as interrupt:
        raise Detached(
            "interrupted: hosts may still do what they were told", hint=again
        ) from interrupt
    except GpmirrorError as error:
        hint = f"{error.hint}; then {again}" if error.hint else again
        raise Partial(error.message, hint=hint) from error


def _remove(run: Run, going: Sequence[Leftover], used: Used, work: _Work) -> None:
    """Set aside, prove again, delete; filespaces before the data directories that prove them."""
    _set_aside(run, going, used, work)
    aside = [replace(one, at=_aside(run, one)) for one in going]
    used = _prove_again(run, aside, work)
    run.world.journal.write(step(work.delete, "begin"))
    _delete(run, [one for one in aside if one.home], used, work)
    _delete(run, [one for one in aside if not one.home], used, work)
    run.world.journal.write(step(work.delete, "done"))


def _aside(run: Run, one: Leftover) -> str:
    return one.at if one.is_aside else set_aside_name(one.path, run.name)


def _set_aside(run: Run, going: Sequence[Leftover], used: Used, work: _Work) -> None:
    shown = [_line(one) for one in going]
    both = [*going, *(replace(one, at=_aside(run, one)) for one in going if not one.is_aside)]
    run.world.journal.write(step(work.aside, "begin", paths=shown, places=places(both)))
    proved = _by_host(one for one in going if not one.is_aside)
    scripts = {
        host: set_aside_script(mine, run.name, used.get(host, ())) for host, mine in proved.items()
    }
    replies = run.world.hosts.change(scripts, seconds=LOOK_SECONDS) if scripts else {}
    left = _not_done(replies, "aside", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(going)} could not be set aside: {_named(left)}; "
            "nothing was deleted",
            hint=f"look there, then `gpmirror {work.command} {run.name}` goes on",
        )
    run.world.journal.write(step(work.aside, "done"))


def _prove_again(run: Run, aside: Sequence[Leftover], work: _Work) -> Used:
    """With the directories out of the way all of it must still hold: what is in use by now. Raises
    Partial.
    """
    observed, health = look(run)
    kept = [one for one in prove(run, aside, observed, health) if one.keep]
    if kept:
        raise Partial(
            f"{work.what} are set aside, and were not deleted:\n"
            + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="`gpmirror status` first; rename them back if they are needed, else "
            f"`gpmirror {work.command} {run.name}`",
        )
    return used_directories(run.plan, observed)


def _delete(run: Run, aside: Sequence[Leftover], used: Used, work: _Work) -> None:
    """Raises Partial: hosts did not do it, or did not say so."""
    proved = _by_host(aside)
    scripts = {host: delete_script(mine, used.get(host, ())) for host, mine in proved.items()}
    replies = run.world.hosts.change(scripts, seconds=_DELETE_SECONDS) if scripts else {}
    left = _not_done(replies, "deleted", proved)
    if left:
        raise Partial(
            f"{_counted(len(left))} of {len(aside)} set aside and not deleted: {_named(left)}",
            hint=f"look there, then `gpmirror {work.command} {run.name}` goes on",
        )


def _not_done(
    replies: Mapping[str, Reply], word: str, asked: Mapping[str, Sequence[Leftover]]
) -> list[str]:
    """What hosts did not do, or did not say that they did."""
    left = []
    for host, mine in sorted(asked.items(), key=lambda one: natural(one[0])):
        reply = replies.get(host)
        paths = [one.path for one in mine]
        done = read_numbers(reply.out, word, paths) if isinstance(reply, Answered) else []
        why = "" if isinstance(reply, Answered) or reply is None else f" ({reply.message})"
        left += [f"{host}:{path}{why}" for path in paths if path not in done]
    return left


def _by_host(going: Iterable[Leftover]) -> dict[str, list[Leftover]]:
    found: dict[str, list[Leftover]] = {}
    for one in going:
        found.setdefault(one.host, []).append(one)
    return found


def _nothing(
    run: Run, standing: RunRecord, judged: Sequence[Leftover], kept: Sequence[Leftover]
) -> Outcome:
    if kept:
        raise Unsafe(
            "nothing may be deleted:\n" + "\n".join(f"  {_line(one)}" for one in kept[:_SHOWN]),
            hint="; ".join(
                ("fix what is said, or delete by hand what you know", *_lost(run, kept))
            ),
        )
    if judged:
        return Outcome(code=ExitCode.OK, summary="Nothing to prune: all of it is gone already.")
    if standing.given_up:
        return Outcome(code=ExitCode.OK, summary="Nothing to prune: what was left is given up.")
    return Outcome(code=ExitCode.OK, summary="Nothing to prune: the run left no directory.")


def _folders(judged: Sequence[Leftover], going: Sequence[Leftover]) -> list[str]:
    """Once its links are gone nothing leads to a tablespace's or WAL's folder any more, so it is
    named.
    """
    places = {(one.host, place) for one in judged for place in (one.path, one.at)}
    return [
        f"{one.host}:{folder}: {what} of content {one.content}'s old copy, which no copy there uses; "
        "look at it, then delete it by hand"
        for one in going
        for what, folders in (("a tablespace folder", one.linked), ("the WAL folder", one.wal))
        for folder in folders
        if not any(one.host == host and lies_in(folder, place) for host, place in places)
    ]


def _listed(going: Sequence[Leftover], kept: Sequence[str]) -> str:
    """Every path, however many: nothing is deleted that nobody could see before. What goes stands
    last, next to the question.
    """
    stay = [f"  stays: {one}" for one in kept]
    lines = [f"  {one.host}:{one.at} ({_what(one)})" for one in going]
    head = f"{_counted(len(going))} to delete, proved to be unused:"
    return "\n".join((*stay, head, *lines))


def _what(one: Leftover) -> str:
    return f"content {one.content}" + (", a copy that was cut off" if one.begun else "")


def cleared_first(halves: Sequence[Leftover]) -> str:
    """What a person is told of the copies that are cleared before the rest of a run begins."""
    going, kept = _going(halves), [one for one in halves if one.keep]
    lines = [f"  {one.host}:{one.at} (content {one.content})" for one in going]
    if going:
        lines.insert(
            0,
            f"Cleared first: {_copies(going)} of the run, at places that the catalog does not know, "
            "proved by the system identifier:",
        )
    stay = [f"  stays: {_line(one)}; {_by_hand(one)}" for one in kept]
    return "\n".join([*lines, *stay])


def _by_hand(one: Leftover) -> str:
    aside = f"{one.at}.old"
    return f"if nobody needs it, move it away there: `mv {quote(one.at)} {quote(aside)}`"


def _line(one: Leftover) -> str:
    return f"{one.host}:{one.at}" + (f": {one.keep}" if one.keep else "")


def _named(left: Sequence[str]) -> str:
    more = f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return ", ".join(left[:_SHOWN]) + more


def _counted(number: int) -> str:
    return "1 directory" if number == 1 else f"{number} directories"
