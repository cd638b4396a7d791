"""After a wave's utilities ended: what the catalog says, why copies failed, and waiting until in sync."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from gpmirror.boundary import Answered, NoAnswer
from gpmirror.errors import Failure, GpmirrorError, Partial, Unverified
from gpmirror.events import NativeSaid, WaveDone
from gpmirror.model.dialect import DIALECTS
from gpmirror.model.names import natural
from gpmirror.model.text import counted, named, spans
from gpmirror.native.process import failed_segments, last_words_script, read_last_words
from gpmirror.plan.model import Action, Method, Wave
from gpmirror.plan.remaining import Arrival, arrivals
from gpmirror.plan.timing import (
    STOPPING,
    pace_after,
    settling_seconds,
    stopping_seconds,
    total,
    waits_of,
)
from gpmirror.run.context import Run
from gpmirror.run.look import lifeless
from gpmirror.run.watch import Watch
from gpmirror.run.wave import Ended, record
from gpmirror.values import dataclass
from gpmirror.verify import BACKUP_RUNS, CopyState, Health

# --- After a wave's utilities ended: what the catalog says of it, and waiting until it is in sync.
#
# An exit status is never believed: a utility that found a lock did nothing and says 0, one that was
# killed may have left copies that go on by themselves (6.24.3, recorded). Neither is the catalog: it
# calls a mirror that never started up and resynchronising (5.8.1, recorded), so hosts are asked too
# whether anything works in a copy that is waited for.


_PROBE_EVERY_SECONDS = 5.0
_START_SECONDS = 300.0
_SHOWN = 8
_HOPELESS_LOOKS = 2
"""With a fault probe between them."""
_FIRST_PULSE_SECONDS = 5.0
_PULSE_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where every content of a wave stands: its arrival, and whether it is in sync, with why not."""

    arrived: dict[int, Arrival]
    synced: frozenset[int]
    reasons: dict[int, str]

    @property
    def waiting(self) -> tuple[int, ...]:
        """Contents that are not both up at their place and in sync."""
        return tuple(
            content
            for content, found in sorted(self.arrived.items())
            if found is not Arrival.UP or content not in self.synced
        )


class Pulses:
    """Asks the hosts of copies that are waited for, once a minute, whether a server or a copy lives
    there. One that was found dead is asked for again soon: twice is enough.
    """

    def __init__(self, run: Run, wave: Wave, watch: Watch) -> None:
        self._run, self._watch, self._wave = run, watch, wave
        self._next = watch.seconds + _FIRST_PULSE_SECONDS
        self._found: dict[int, str] = {}
        self._told: set[int] = set()
        self.dead: dict[int, str] = {}
        self.silent: dict[int, str] = {}
        self._unheard: dict[int, str] = {}
        self._places = {
            step.content: (step.to.host, step.to.directory)
            for step in wave.steps
            if step.to is not None and step.to.directory is not None
        }

    def ask(self, position: Position) -> None:
        """Look again if it is time. `dead` holds why nothing more comes of a content's copy, `silent`
        that its host gave no answer twice: a base backup to it may seem to run for a long time.
        """
        contents = [c for c in position.waiting if c in self._places]
        if self._watch.seconds < self._next or not contents:
            return
        found, unheard = self._look(contents)
        self.silent = {c: why for c, why in unheard.items() if c in self._unheard}
        self._unheard = unheard
        self.dead = {c: why for c, why in found.items() if c in self._found}
        self._found = found
        fresh = found.keys() - self.dead.keys()
        self._next = self._watch.seconds + (_FIRST_PULSE_SECONDS if fresh else _PULSE_EVERY_SECONDS)
        for content in sorted(self.dead.keys() - self._told):
            self._told.add(content)
            said = f"content {content}: {self.dead[content]}"
            self._run.world.reporter.tell(
                NativeSaid(wave=self._wave.number, level="warning", text=said)
            )

    def _look(self, contents: Iterable[int]) -> tuple[dict[int, str], dict[int, str]]:
        places = {content: self._places[content] for content in contents}
        found, replies = lifeless(self._run.world.hosts, places)
        silent = {h: reply.message for h, reply in replies.items() if isinstance(reply, NoAnswer)}
        return found, {c: silent[host] for c, (host, _) in places.items() if host in silent}


def settled(run: Run, wave: Wave, ended: Ended, *, known: bool = False) -> dict[int, int] | None:
    """As `settle`, with its steps in the journal: a wave that was given up is not waited for again."""
    record(run, wave, "sync", "begin")
    try:
        copied = settle(run, wave, ended, known=known)
    except (Partial, Unverified) as error:
        record(run, wave, "sync", "failed", error=error.message[:500])
        raise
    record(run, wave, "sync", "done")
    return copied


def settle(run: Run, wave: Wave, ended: Ended, *, known: bool = False) -> dict[int, int] | None:
    """Wait until every content of the wave is up at its place and in sync; the bytes that were
    copied whole, by content, None where that is not known. `known`: it was waited for before, in
    vain.

    Raises Unverified (11): the utility claims success and the catalog disagrees. Raises Partial
    (10): it failed, and what it left does not come up by itself.
    """
    watch = Watch(run, wave)
    pulses = Pulses(run, wave, watch)
    probe = run.probe_round_seconds()
    last: Position | None = None
    changed = probed = watch.seconds
    hopeless = 0
    while True:
        observed, health, trouble = watch.glance()
        watch.tell(trouble, utility_running=ended.running)
        if observed is not None and health is not None:
            position = _position(arrivals(wave, observed), health)
            if not position.waiting:
                return watch.copied
            if (
                last is None
                or position != last
                or _is_copying(position, pulses)
                or watch.grew(position.waiting)
            ):
                last, changed = position, watch.seconds
            _check_nothing_done(run, wave, ended, position)
            pulses.ask(position)
            hopeless = hopeless + 1 if _is_hopeless(ended, position, pulses, known=known) else 0
        if (
            watch.expired
            or hopeless >= _HOPELESS_LOOKS
            or watch.seconds - changed > _patience(run, ended, last, probe)
        ):
            raise _given_up(run, wave, ended, last, trouble, {**pulses.silent, **pulses.dead})
        if (hopeless or watch.seconds - probed >= _PROBE_EVERY_SECONDS) and not trouble:
            watch.request_probe()
            probed = watch.seconds
        watch.rest()


def _is_hopeless(ended: Ended, position: Position, pulses: Pulses, *, known: bool) -> bool:
    """Whether nothing more comes of any content that is waited for: no process works on its copy;
    or its mirror did not start, or was left out, as the utility said, and it is still not up. The
    same where it was waited for before.
    """
    given_up = known or bool(ended.left_out)

    def lost(content: int) -> bool:
        if content in pulses.dead:
            return True
        if _backup_runs(position, content):
            return False
        down = position.arrived[content] is not Arrival.UP
        return content in ended.not_started or (given_up and down)

    return all(lost(content) for content in position.waiting)


def _is_copying(position: Position, pulses: Pulses) -> bool:
    """Whether a base backup of a content that is waited for still runs: a killed utility does not
    end those (6.24.3 and 7.0.0, recorded), and they may take hours. The primary goes on showing one
    whose other end is gone, until its connection times out: bytes that arrive tell of it, or its host.
    """
    return any(
        _backup_runs(position, content)
        for content in position.waiting
        if content not in pulses.silent
    )


def _backup_runs(position: Position, content: int) -> bool:
    reason = position.reasons.get(content, "")
    return "base backup" in reason and BACKUP_RUNS in reason


def _patience(run: Run, ended: Ended, position: Position | None, probe: float) -> float:
    """Seconds without any change after which nothing more is expected. Copies that are up may catch
    up until the deadline. One that is down comes up with the next look of the fault prober
    (`probe`); a server that was started may first have a lot to replay.
    """
    if not ended.well or run.world.operator.stop_asked():
        return probe
    if position is None or Arrival.DOWN not in position.arrived.values():
        return float(run.plan.settings.apply.sync_timeout)
    # before 6 a mirror is started before it is filled: one that is down has failed
    starts = ended.done and not DIALECTS[run.plan.dialect].starts_before_copy
    return max(probe, _START_SECONDS) if starts else probe


def _position(arrived: dict[int, Arrival], health: Health) -> Position:
    mine = {found.content: found for found in health.contents if found.content in arrived}
    return Position(
        arrived=arrived,
        synced=frozenset(c for c, found in mine.items() if found.state is CopyState.SYNCED),
        reasons={content: found.reason for content, found in mine.items()},
    )


def _check_nothing_done(run: Run, wave: Wave, ended: Ended, position: Position) -> None:
    """Whatever a utility says, rows that it did not write by its end it never will."""
    missing = [
        content
        for content, found in sorted(position.arrived.items())
        if found in {Arrival.ABSENT, Arrival.ELSEWHERE}
    ]
    if not missing:
        return
    if not ended.well and len(missing) < len(position.arrived):
        return  # the rest may still come up; it is all told at the end
    turn = "but" if ended.well else "and"
    raise _told(
        run, wave, ended, f"wave {wave.number}: {_claim(ended)}, {turn} {_untold(wave, missing)}"
    )


def _untold(wave: Wave, missing: list[int]) -> str:
    if wave.action is Action.REBALANCE:
        return f"the catalog still shows switched roles of {named(missing)}"
    return f"the catalog does not show {named(missing)} at the new place"


def _given_up(
    run: Run,
    wave: Wave,
    ended: Ended,
    position: Position | None,
    trouble: str | None,
    dead: Mapping[int, str],
) -> GpmirrorError:
    if position is None:
        unread = f"the catalog could not be read since: {trouble}"
        return _told(run, wave, ended, f"wave {wave.number}: {_claim(ended)}, and {unread}")
    waiting = position.waiting
    reasons = "; ".join(
        f"content {content}: "
        + (dead.get(content) or position.reasons.get(content) or _where(wave, position, content))
        for content in waiting[:_SHOWN]
    )
    return _told(
        run,
        wave,
        ended,
        f"wave {wave.number}: {_claim(ended)}; {len(wave.contents) - len(waiting)} of "
        f"{counted(len(wave.contents), 'content')} in sync, {named(waiting)} not: {reasons}",
    )


def _where(wave: Wave, position: Position, content: int) -> str:
    """Why a content that is in sync is waited for."""
    switched = wave.action is Action.REBALANCE
    return "its roles are still switched" if switched else position.arrived[content].value


def _told(run: Run, wave: Wave, ended: Ended, message: str) -> GpmirrorError:
    words = list(dict.fromkeys([*ended.said[-3:], *ended.left_out[-3:]]))
    said = f"; it said: {'; '.join(words)}" if words else ""
    states = {} if run.health is None else {c.content: c.state for c in run.health.contents}
    waiting = [c for c in wave.contents if states.get(c) is not CopyState.SYNCED]
    found = causes(run, wave, ended.log, waiting)
    why = f"; their logs: {'; '.join(found)}" if found else ""
    kind = Unverified if ended.well else Partial
    return kind(
        message + said + why,
        hint=f"read the utility's log, then `gpmirror resume {run.name}` plans what is left"
        + _full_instead(run, wave),
    )


def _full_instead(run: Run, wave: Wave) -> str:
    """What cannot be rewound is not, however often it is tried."""
    caught_up = [
        change.content
        for change in run.plan.changes
        if change.content in wave.contents
        and change.method in {Method.INCREMENTAL, Method.DIFFERENTIAL}
    ]
    if not caught_up:
        return ""
    return (
        "; what cannot be caught up needs a full copy: `gpmirror plan --full --content "
        f"{spans(caught_up)}`"
    )


def _claim(ended: Ended) -> str:
    if ended.running:
        return "the utility still runs, but a mirror that it waits for did not start"
    if ended.status is None:
        return "the utility vanished without an exit status"
    if ended.well:
        return "the utility ended with exit 0"
    return f"the utility failed (exit {ended.status})"


# --- What a wave took, and what the rest is reckoned with from then on.


_LEAST_SECONDS = 10.0
"""Shorter copies show no rate: where one began is known to some seconds only."""


def tell_done(run: Run, wave: Wave, copied: Mapping[int, int] | None, begin: float) -> None:
    """The wave, begun at that time, is in sync; `copied` are bytes by content, None: not known. The
    rate is that of the copying: what the utility waited for the fault prober before is told apart.
    """
    now = run.world.clock.monotonic()
    seconds, stopping = now - begin, 0.0
    if stopping_seconds(wave) and run.landed is not None:
        run.stopping = stopping = max(run.landed - begin, 0.0)
    copying = seconds - stopping - settling_seconds(run.plan, wave)
    copying = max(copying, min(seconds, _LEAST_SECONDS))
    pace = pace_after(run.plan, wave, copied, copying)
    run.rate = run.rate if pace is None else pace.rate
    if pace is not None and pace.seconds_left is not None:
        ahead = [one for one in run.plan.waves if one.number > wave.number]
        waits = waits_of(run.plan, ahead)
        each = 1.0 if run.stopping is None else run.stopping / STOPPING
        waiting = round(waits.stopping * each) + waits.settling
        pace = replace(pace, seconds_left=pace.seconds_left + waiting)
    run.world.reporter.tell(
        replace(
            _done(run, wave, seconds),
            syncing=None if run.ended is None else now - run.ended,
            bytes=None if copied is None else sum(copied.values()),
            rate=None if pace is None else pace.rate,
            seconds_left=None if pace is None else pace.seconds_left,
        )
    )


def tell_followed(run: Run, wave: Wave, seconds: float) -> None:
    """A wave that was followed for a while is in sync: when it began, and so what it copied in what
    time, nobody knows any more.
    """
    run.world.reporter.tell(_done(run, wave, seconds))


def _done(run: Run, wave: Wave, seconds: float) -> WaveDone:
    later = (told for told in run.plan.exposure.waves if told.wave > wave.number)
    return WaveDone(
        wave=wave.number,
        waves=len(run.plan.waves),
        seconds=seconds,
        bytes_left=total(told.bytes for told in later),
    )


# --- Why a wave failed, asked of the hosts: the logs of its failed copies, in one round trip.


_SECONDS = 20.0
_CAUSES_SHOWN = 4


def causes(run: Run, wave: Wave, log: str, waiting: Collection[int]) -> tuple[str, ...]:
    """What the hosts' logs say, `HOST: FILE: words`: the files that the utility names, and the server
    logs of the copies that are waited for. Never fails: a host that is silent tells nothing.
    """
    names = {
        name: host.name for host in run.plan.desired.hosts for name in (*host.addresses, host.name)
    }
    files: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    for failed in failed_segments(log):
        files.setdefault(names.get(failed.host, failed.host), []).append(failed.file)
    for step in wave.steps:
        if step.content in waiting and step.to is not None and step.to.directory is not None:
            folders.setdefault(step.to.host, []).append(step.to.directory)
    scripts = {
        host: last_words_script(files.get(host, ()), folders.get(host, ()))
        for host in sorted({*files, *folders}, key=natural)
    }
    if not scripts:
        return ()
    try:
        replies = run.world.hosts.ask(scripts, seconds=_SECONDS)
    except Failure:
        return ()
    found = [
        f"{host}: {words}"
        for host, reply in replies.items()
        if isinstance(reply, Answered)
        for words in read_last_words(reply.out)
    ]
    more = len(found) - _CAUSES_SHOWN
    return (*found[:_CAUSES_SHOWN], *((f"and {more} more",) if more > 0 else ()))
