"""A plan against a newer catalog: is it stale, is it done, what is left."""

from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from gpmirror.diagnostics import Place
from gpmirror.errors import InvalidInput
from gpmirror.model.observed import Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.remaining import (
    foreign_cluster,
    plan_what_is_left,
    site_of,
    stale_rows,
    what_is_beyond,
    what_is_left,
)
from gpmirror.plan.request import Request
from gpmirror.spec.model import (
    ApplyOptions,
    CoordinatorAddress,
    Guards,
    Policy,
    Protection,
    Site,
    SshOptions,
    WaveLimits,
)
from tests.clusters import host, mirrored, planned, row, spec
from tests.plans import (
    HOSTS,
    adding,
    moving,
    recovering,
    seen_before_add,
    seen_before_moves,
    seen_in_trouble,
)

SEEN = replace(mirrored(HOSTS, 2), server_version="6.24.3", system_identifier="1")
SPREAD = spec(HOSTS, strategy="spread", cluster="prod-dwh")
PLAN = planned(SPREAD, SEEN)
MOVED = {change.content for change in PLAN.changes}
FIRST = min(MOVED)
OTHER = min(set(SEEN.pairs()) - MOVED)


def with_row(content: int, role: Role, seen: Observed = SEEN, **facts: object) -> Observed:
    rows = [
        replace(found, **facts)  # type: ignore[arg-type]
        if (found.content, found.role) == (content, role)
        else found
        for found in seen.segments
    ]
    return replace(seen, segments=in_canonical_order(rows))


def switched(content: int, seen: Observed = SEEN) -> Observed:
    """The mirror acts, the preferred primary is down."""
    rows = [_switch(found) if found.content == content else found for found in seen.segments]
    return replace(seen, segments=in_canonical_order(rows))


def _switch(found: Segment) -> Segment:
    if found.role is Role.PRIMARY:
        return replace(found, role=Role.MIRROR, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
    return replace(found, role=Role.PRIMARY, mode=Mode.NOT_IN_SYNC)


def up_again(seen: Observed) -> Observed:
    rows = [replace(found, status=Status.UP, mode=Mode.SYNCED) for found in seen.segments]
    return replace(seen, segments=in_canonical_order(rows))


def down(content: int, seen: Observed = SEEN) -> Observed:
    return with_row(content, Role.MIRROR, seen, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)


# --- stale ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (replace(SEEN, system_identifier="2"), "the system identifier was 1, now 2"),
        (replace(SEEN, server_version="6.25.0"), "the server version was 6.24.3, now 6.25.0"),
        (with_row(-1, Role.PRIMARY, port=5999), "the coordinator was mdw mdw 5432"),
        (with_row(FIRST, Role.MIRROR, port=6999), f"content {FIRST} was p/p"),
        (with_row(FIRST, Role.MIRROR, directory="/x"), f"content {FIRST} was p/p"),
        (
            with_row(FIRST, Role.MIRROR, hostname="sdw4", address="sdw4"),
            f"content {FIRST} was p/p",
        ),
        (switched(FIRST), f"content {FIRST} was to move, now to recover"),
        (down(FIRST), f"content {FIRST} was to move, now to recover"),
        (with_row(OTHER, Role.MIRROR, port=6998), "sdw2:6998 is in use now"),
        (with_row(OTHER, Role.MIRROR, port=6998), "sdw2:7000 is no longer used"),
    ],
)
def test_what_changed_is_told(now: Observed, words: str) -> None:
    told = stale_rows(PLAN, now)
    assert any(words in line for line in told), told


@pytest.mark.parametrize(
    "now",
    [
        SEEN,
        replace(SEEN, system_identifier=None, server_version=None),
        down(OTHER),
        switched(OTHER),
        with_row(OTHER, Role.MIRROR, mode=Mode.NOT_IN_SYNC),
        replace(SEEN, segments=tuple(replace(r, dbid=r.dbid + 90) for r in SEEN.segments)),
    ],
    ids=["nothing", "less is told", "another is down", "another switched", "mode", "dbid"],
)
def test_what_changes_by_itself_makes_no_plan_stale(now: Observed) -> None:
    assert stale_rows(PLAN, now) == ()


def test_a_plan_file_is_as_fresh_as_the_plan() -> None:
    read = read_plan(plan_text(PLAN).encode(), "plan.json")
    assert stale_rows(read, SEEN) == ()
    assert stale_rows(read, down(FIRST)) == stale_rows(PLAN, down(FIRST))


def test_contents_that_are_gone() -> None:
    rows = tuple(found for found in SEEN.segments if found.content != FIRST)
    told = stale_rows(PLAN, replace(SEEN, segments=rows))
    assert told


def test_a_content_that_was_moved_meanwhile_needs_nothing() -> None:
    told = stale_rows(PLAN, cut_after(len(PLAN.waves)))
    assert f"content {FIRST} was to move, now it needs nothing" in told


def blocked_by_a_slot() -> tuple[Plan, Observed]:
    """A mirror whose new place is taken; another is recovered where it is."""
    seen = down(0)
    plan = planned(SPREAD, seen, Request(contents=frozenset({0, 1})))
    assert {c.content: c.action for c in plan.changes} == {
        0: Action.RECOVER,
        1: Action.BLOCKED,
    }
    return plan, seen


def test_what_a_plan_blocks_by_itself_does_not_make_it_stale() -> None:
    plan, seen = blocked_by_a_slot()
    assert "is held by" in plan.changes[1].reason
    assert stale_rows(plan, seen) == ()


# --- left -----------------------------------------------------------------------------------------


def test_a_plan_is_left_until_its_waves_are_done() -> None:
    seen = SEEN
    for wave in PLAN.waves:
        assert set(wave.contents) <= {c.content for c in what_is_left(PLAN, seen).changes}
        seen = after_wave(seen, wave)
    assert what_is_left(PLAN, seen).is_empty


def test_blocked_contents_do_not_count() -> None:
    plan, seen = blocked_by_a_slot()
    assert [change.content for change in what_is_left(plan, seen).changes] == [0]
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(plan, seen).is_empty


def test_a_down_copy_whose_new_place_is_taken_comes_back_where_it_was_and_that_is_all() -> None:
    seen = down(1)
    plan = planned(SPREAD, seen, Request(contents=frozenset({1})))
    (change,) = plan.changes
    assert (change.action, change.to) == (Action.RECOVER, change.from_)
    assert "in a later plan: port 7001 on sdw3 is held by the mirror" in change.reason
    assert what_is_beyond(plan, seen).is_empty
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(plan, seen).is_empty
    assert [(c.content, c.action) for c in what_is_beyond(plan, seen).changes] == [(1, Action.MOVE)]
    assert not what_is_left(plan, down(1, seen)).is_empty


def test_what_is_beyond_a_plan_is_not_in_its_rest() -> None:
    seen = down(0, down(1))
    plan = planned(SPREAD, seen, Request(contents=frozenset({0, 1})))
    assert len(plan.waves) == 2
    seen = next(after_wave(seen, wave) for wave in plan.waves if wave.contents == (1,))
    rest = plan_what_is_left(plan, seen)
    assert [(c.content, c.action) for c in rest.changes] == [(0, Action.RECOVER)]


def test_roles_are_back_though_a_mirror_has_yet_to_move() -> None:
    seen = up_again(switched(FIRST))
    plan = planned(SPREAD, seen, Request(rebalance=True))
    (wave,) = [wave for wave in plan.waves if wave.action is Action.REBALANCE]
    assert wave.contents == (FIRST,)
    for one in plan.waves:
        seen = after_wave(seen, one)
    assert what_is_left(plan, seen).is_empty
    assert [c.content for c in what_is_beyond(plan, seen).changes] == [FIRST]
    assert FIRST in {c.content for c in planned(SPREAD, seen).changes}


def test_a_recovered_copy_with_switched_roles_is_back_though_its_mirror_has_yet_to_move() -> None:
    seen = switched(FIRST)
    plan = planned(SPREAD, seen, Request(contents=frozenset({FIRST})))
    assert [change.action for change in plan.changes] == [Action.RECOVER]
    assert not what_is_left(plan, seen).is_empty
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(plan, seen).is_empty
    after = planned(SPREAD, seen, Request(contents=frozenset({FIRST})))
    assert [change.action for change in after.changes] == [Action.BLOCKED]
    assert "its roles are switched" in after.changes[0].reason


def test_what_others_need_is_not_ours() -> None:
    seen = SEEN
    for wave in PLAN.waves:
        seen = after_wave(seen, wave)
    assert what_is_left(PLAN, down(OTHER, seen)).is_empty
    assert not what_is_left(PLAN, down(FIRST, seen)).is_empty


def test_a_row_on_an_unknown_host_is_told() -> None:
    with pytest.raises(InvalidInput):
        what_is_left(PLAN, with_row(FIRST, Role.PRIMARY, hostname="who", address="who"))


# --- plans for the rest ---------------------------------------------------------------------------


def cut_after(number: int) -> Observed:
    seen = SEEN
    for wave in PLAN.waves[:number]:
        seen = after_wave(seen, wave)
    return seen


@pytest.mark.parametrize("number", range(len(PLAN.waves) + 1))
def test_the_rest_of_a_plan_is_its_last_waves(number: int) -> None:
    rest = plan_what_is_left(PLAN, cut_after(number))
    want = {c.content: c.to for c in PLAN.changes}
    assert {c.content for c in rest.changes} == {
        content for wave in PLAN.waves[number:] for content in wave.contents
    }
    assert all(change.to == want[change.content] for change in rest.changes)
    reasons = {c.content: c.reason for c in PLAN.changes}
    assert {
        change.reason == reasons[change.content]
        for change in rest.changes
        if change.from_ and change.to and change.from_.host != change.to.host  # no stop-over
    } <= {True}
    assert rest.settings == PLAN.settings
    assert stale_rows(rest, cut_after(number)) == ()


def test_the_rest_keeps_to_the_plans_contents() -> None:
    rest = plan_what_is_left(PLAN, down(OTHER, cut_after(1)))
    assert OTHER not in {change.content for change in rest.changes}


def test_half_an_addition_becomes_a_recovery() -> None:
    plan, seen = adding(), seen_before_add()
    rest = plan_what_is_left(plan, down(5, after_wave(seen, plan.waves[0])))
    assert [(c.content, c.action) for c in rest.changes] == [(5, Action.RECOVER)]


def test_what_was_allowed_stays_allowed() -> None:
    plan = replace(PLAN, allowed=("guard:moves_percent", "unprotect:content:0"))
    rest = plan_what_is_left(plan, cut_after(1))
    assert rest.allowed == ("deletes-old-directory", "guard:moves_percent")


@pytest.mark.parametrize(
    ("make", "seen"),
    [(adding, seen_before_add()), (recovering, seen_in_trouble()), (lambda: PLAN, SEEN)],
)
def test_the_rest_of_what_was_not_begun_is_all_of_it(
    make: Callable[[], Plan], seen: Observed
) -> None:
    plan = make()
    rest = plan_what_is_left(plan, seen)
    now = {(c.content, c.action, c.to) for c in rest.changes}
    reasons = {c.content: c.reason for c in plan.changes}
    assert all(c.reason == reasons[c.content] for c in rest.changes), "also of what is down"
    assert now == {
        (c.content, c.action, c.to) for c in plan.changes if c.action is not Action.BLOCKED
    }
    assert [wave.contents for wave in rest.waves] == [wave.contents for wave in plan.waves]


def test_an_extra_standby_row_is_nothing_to_a_plan() -> None:
    standby = row(77, -1, "m", "smdw", 5432)
    seen = replace(SEEN, segments=in_canonical_order([*SEEN.segments, standby]))
    assert stale_rows(PLAN, seen) == (
        "smdw:/data/master/gpseg-1 is in use now",
        "smdw:5432 is in use now",
    )


# --- the rest of what was begun -------------------------------------------------------------------


def test_nothing_that_was_confirmed_once_is_refused_half_way() -> None:
    """Guards, policy and protections were allowed on the command line of the apply that was cut off;
    what is left is half done, and another copy has died since.
    """
    plan, seen = moving(), seen_before_moves()
    broken = {h.name for h in plan.hazards if not h.allowed}
    assert {"policy", "protected:content:4"} <= broken
    assert [g.name for g in plan.guards if g.exceeded and not g.allowed] == [
        "moves_percent",
        "bytes",
    ]
    seen = after_wave(seen, plan.waves[0])
    seen = down(plan.waves[1].contents[0], down(plan.waves[2].contents[0], seen))
    rest = plan_what_is_left(plan, seen)
    assert rest.waves
    assert [h.name for h in rest.hazards if not h.allowed] == []
    assert [g.name for g in rest.guards if g.exceeded and not g.allowed] == []
    assert "unprotect:content:4" in rest.allowed
    assert rest.settings == plan.settings


def test_of_a_run_that_nobody_here_confirmed_only_what_is_said_now_is_allowed() -> None:
    """That it was begun is its journal's word alone."""
    plan = moving()
    seen = after_wave(seen_before_moves(), plan.waves[0])
    rest = plan_what_is_left(plan, seen, allow=())
    assert {name for name in rest.allowed if name not in plan.allowed} == set()
    assert [h.name for h in rest.hazards if not h.allowed] == ["policy", "protected:content:4"]
    said = ("guard:bytes", "policy", "protected:content:4")
    rest = plan_what_is_left(plan, seen, allow=said)
    assert {"guard:bytes", "policy"} <= set(rest.allowed)


def test_a_protection_that_nobody_lifted_holds_in_the_rest() -> None:
    protect = (
        Protection(content=OTHER, place=Place(file="s", line=3)),
        Protection(content=FIRST, place=Place(file="s", line=4)),
    )
    wanted = spec(HOSTS, strategy="spread", cluster="prod-dwh", protect=protect)
    plan = planned(wanted, SEEN, Request(unprotect=(f"content:{FIRST}",)))
    rest = plan_what_is_left(plan, SEEN)
    assert f"unprotect:content:{FIRST}" in rest.allowed
    assert f"unprotect:content:{OTHER}" not in rest.allowed


def test_the_rest_of_a_way_back_knows_whose_way_it_is() -> None:
    back = replace(PLAN, settings=replace(PLAN.settings, reverts="r1"))
    assert plan_what_is_left(back, SEEN).settings.reverts == "r1"


@pytest.mark.parametrize(
    ("now", "foreign"),
    [
        (SEEN, False),
        (replace(SEEN, system_identifier="2"), True),
        # after its standby took over it is the same cluster; the changed row is told as such
        (with_row(-1, Role.PRIMARY, port=5999), False),
        (replace(with_row(-1, Role.PRIMARY, port=5999), system_identifier=None), True),
        (replace(SEEN, system_identifier=None), False),
        (replace(SEEN, server_version="7.0.0"), False),
    ],
)
def test_another_cluster_is_told_from_a_changed_one(now: Observed, foreign: bool) -> None:
    told = foreign_cluster(PLAN, now)
    assert (told is not None) is foreign
    if told is not None:
        assert "made for prod-dwh, coordinator mdw:5432 (system identifier 1)" in told


def test_a_plan_file_tells_the_site_that_it_was_planned_for() -> None:
    """Field by field what the spec said, and nothing of where mirrors go."""
    wanted = spec(
        [host(name, rack=rack) for name, rack in zip(HOSTS, "aabb", strict=True)],
        coordinator=CoordinatorAddress(host="mdw", port=6543),
        ssh=SshOptions(user="gpadmin"),
        policy=Policy(max_load_factor=3.0, guards=Guards(moves_percent=7)),
        protect=(Protection(content=3, place=Place(file="gpmirror.yaml", line=9)),),
        apply=ApplyOptions(waves=WaveLimits(max_contents=5)),
        digest="abc",
    )
    plan = planned(wanted, mirrored(HOSTS, 2))
    site = site_of(read_plan(plan_text(plan).encode(), "plan.json"))
    assert type(site) is Site
    for name in {one.name for one in fields(Site)} - {"hosts", "places", "dialect", "protect"}:
        assert getattr(site, name) == getattr(wanted, name), name
    assert [one.name for one in site.protect] == ["content:3"]
    told = [(one.name, one.addresses, one.rack, one.weight) for one in site.hosts]
    assert told == [(one.name, one.addresses, one.rack, one.weight) for one in wanted.hosts]
