"""Recoveries, returns of roles and moves, killed before and after every record of their journal."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gpmirror.boundary import World
from gpmirror.errors import ExitCode, Failure, GpmirrorError, NotReady
from gpmirror.model.observed import Observed
from gpmirror.plan.hazards import HAZARDS
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_id
from gpmirror.plan.remaining import what_is_left
from gpmirror.plan.request import Request
from gpmirror.run.apply import apply
from gpmirror.run.context import Outcome, Run, Wishes
from gpmirror.run.look import plan_inspected
from gpmirror.run.record import Opening, RunRecord, read_standing
from gpmirror.run.resume import check_resumable, resume
from gpmirror.spec.model import Spec
from tests.clusters import mirrored, spec
from tests.fakes import FakeOperator, Killed, MemoryJournal, Reporter
from tests.life import FateKind, Files, Life, ident
from tests.plans import HOSTS
from tests.unchecked import UNCHECKED

ALLOW = (*(name for name in UNCHECKED if name != "unchecked:directories"), *HAZARDS)
Scene = tuple[Life, Spec, Request]
Records = list[Mapping[str, object]]


def fresh(strategy: str = "group") -> tuple[Life, Spec]:
    seen: Observed = replace(mirrored(HOSTS, 2), server_version="6.24.3")
    return Life(seen, same_host=False), spec(HOSTS, strategy=strategy, cluster="prod-dwh")


def mirrors_down() -> Scene:
    """Of four down mirrors one is half a copy and one is gone: incremental and full waves."""
    life, wanted = fresh()
    for content in (0, 2, 4, 6):
        life.mirror_dies(content)
    half, gone = life.idle(2), life.idle(4)
    assert half is not None
    assert gone is not None
    life.files[half.hostname, half.directory or ""] = Files(ident(2), partial=True)
    del life.files[gone.hostname, gone.directory or ""]
    return life, wanted, Request()


def host_replaced() -> Scene:
    """A dead host's copies come back on its heir: mirrors and preferred primaries."""
    life, wanted = fresh()
    life.host_dies("sdw2")
    heir = replace(
        next(host for host in wanted.hosts if host.name == "sdw2"),
        name="sdw9",
        addresses=("sdw9",),
        replaces="sdw2",
    )
    hosts = tuple(heir if host.name == "sdw2" else host for host in wanted.hosts)
    life.successors.add("sdw2")
    return life, replace(wanted, hosts=hosts), Request()


def roles_switched() -> Scene:
    """Three primaries failed over and were recovered since."""
    life, wanted = fresh()
    for content in (1, 3, 5):
        life.fail_over(content)
        life._come_up(content)
    return life, wanted, Request(rebalance=True)


def down_and_switched() -> Scene:
    """Primaries that failed over are recovered, then take their roles back, in one plan."""
    life, wanted = fresh()
    for content in (1, 3):
        life.fail_over(content)
    life.mirror_dies(6)
    return life, wanted, Request(rebalance=True)


def other_layout() -> Scene:
    """Group becomes spread, through temporary slots."""
    life, wanted = fresh("spread")
    return life, wanted, Request()


SCENES: dict[str, tuple[Callable[[], Scene], set[Action]]] = {
    "recover": (mirrors_down, {Action.RECOVER}),
    "recover elsewhere": (host_replaced, {Action.RECOVER}),
    "rebalance": (roles_switched, {Action.REBALANCE}),
    "recover and rebalance": (down_and_switched, {Action.RECOVER, Action.REBALANCE}),
    "move": (other_layout, {Action.MOVE}),
}


def in_world(
    life: Life, plan: Plan, name: str, records: Records, *, before: int | None, after: int | None
) -> Run:
    life.run = name
    journal = MemoryJournal(records=records, die_before=before, die_after=after)
    world = World(
        catalog=life,
        hosts=life,
        natives=life,
        journal=journal,
        clock=life,
        operator=FakeOperator(),
        reporter=Reporter(),
        coordinator="mdw",
    )
    wishes = Wishes(allow=ALLOW)
    return Run(name=name, plan=plan, world=world, wishes=wishes, started=life.now)


def opening(plan: Plan, name: str) -> Records:
    head = Opening(
        run=name, plan_id=plan_id(plan), cluster=plan.cluster, by="me", version="0"
    ).record()
    return [head]


def standing(records: Records) -> RunRecord:
    return read_standing("\n".join(json.dumps(record) for record in records), "journal")


def carried_out(
    life: Life, plan: Plan, name: str, before: int | None = None, after: int | None = None
) -> tuple[Records, Outcome | GpmirrorError | None]:
    """Apply; the journal, and how it ended (None: killed)."""
    records = opening(plan, name)
    run = in_world(life, plan, name, records, before=before, after=after)
    try:
        return records, apply(run, "?")
    except Killed:
        return records, None
    except GpmirrorError as error:
        return records, error
    finally:
        life.killed()


def go_on(life: Life, plan: Plan, records: Records, name: str = "r1") -> None:
    """What a person does, at most five times: resume, and where nothing was changed, apply."""
    ended: Outcome | GpmirrorError | None = None
    for number in range(2, 7):
        told = standing(records)
        rest: Plan | None = plan
        try:
            check_resumable(told)
        except Failure:
            if told.exit_code == ExitCode.OK:
                return
        else:
            run = in_world(life, plan, name, records, before=None, after=None)
            rest = resume(run, told, "me").remaining
            life.killed()
        if rest is None:
            return
        plan, name = rest, f"r{number}"
        records, ended = carried_out(life, plan, name)
        if isinstance(ended, NotReady):
            make_room(life, ended)
    raise AssertionError(f"resuming five times was not enough: {ended}")


def make_room(life: Life, refusal: NotReady) -> None:
    """Move away what a message names: half copies that no row knows."""
    for spot in life.leftovers():
        if spot[1] in refusal.message:
            life.somebody_deletes(spot)


@pytest.mark.long
@pytest.mark.parametrize("fate", ["ok", "vanish", "some"])
@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("scene", SCENES)
def test_killed_at_every_record(scene: str, side: str, fate: FateKind) -> None:
    make, actions = SCENES[scene]
    life, wanted, request = make()
    plan = plan_inspected(wanted, life.truth(), request, life)
    assert {wave.action for wave in plan.waves} == actions
    whole, ended = carried_out(life, plan, "r1")
    assert isinstance(ended, Outcome), ended
    assert what_is_left(plan, life.truth()).is_empty
    cases = 0
    for number in range(2, len(whole) + 1):
        life, wanted, request = make()
        life.fate = (fate, number)
        where = {side: number}
        records, ended = carried_out(life, plan, "r1", **where)
        if ended is not None:
            assert fate != "ok", ended
        go_on(life, plan, records)
        assert what_is_left(plan, life.truth()).is_empty, f"{side} record {number}"
        assert all(life.is_synced(content) for content in life.by_content())
        second = plan_inspected(wanted, life.truth(), request, life)
        assert not second.waves, f"{side} record {number}: {second.summary}"
        cases += 1
    assert cases == len(whole) - 1 >= 15
    sys.stdout.write(f"{scene}: killed {side} each of {cases} records, utilities {fate}\n")
