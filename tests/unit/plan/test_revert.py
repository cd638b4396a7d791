"""The way back from a run, as a plan."""

from dataclasses import replace

import pytest

from gpmirror.diagnostics import Place
from gpmirror.errors import ExitCode, Failure, InvalidInput, Unsafe
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Role, Status
from gpmirror.plan.exposure import after_wave
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.remaining import enters_old_directory, leaves_directories, site_of
from gpmirror.plan.remaining import plan_back as plan_back_from
from gpmirror.plan.request import Request
from gpmirror.spec.model import Guards, Offset, Pin, Policy, Protection, Survive
from tests.clusters import host, mirrored, planned, spec
from tests.plans import (
    HOSTS,
    adding,
    moving,
    rebalancing,
    recovering,
    seen_before_add,
    seen_before_moves,
    seen_before_return,
    seen_in_trouble,
    swapping,
    unchanged,
)
from tests.simulator import SimulatedCluster, machines

LINE = Place(file="gpmirror.yaml", line=9)


def plan_back(plan: Plan, seen: Observed, request: Request = Request()) -> Plan:  # noqa: B008
    return plan_back_from(plan, seen, "r1", request)


def done(plan: Plan, seen: Observed) -> Observed:
    for wave in plan.waves:
        seen = after_wave(seen, wave)
    return seen


def slots(seen: Observed) -> set[tuple[int, str, int, str | None]]:
    return {(row.content, row.address, row.port, row.directory) for row in seen.segments}


def test_an_addition_has_no_way_back() -> None:
    plan = adding()
    with pytest.raises(Unsafe) as caught:
        plan_back(plan, done(plan, seen_before_add()))
    assert caught.value.exit_code is ExitCode.UNSAFE
    assert "no release of Greenplum can remove mirrors safely" in caught.value.message


@pytest.mark.parametrize(
    ("plan", "seen"),
    [
        (unchanged(), mirrored(HOSTS, 2)),
        (recovering(), seen_in_trouble()),
        (rebalancing(), seen_before_return()),
    ],
    ids=["unchanged", "recovered in place", "returned"],
)
def test_what_moved_nothing_has_no_way_back(plan: Plan, seen: Observed) -> None:
    with pytest.raises(Failure, match="moved nothing"):
        plan_back(plan, done(plan, seen))


@pytest.mark.parametrize(
    ("plan", "seen"),
    [
        (moving(), seen_before_moves()),
        (swapping(), mirrored(HOSTS[:2], 2)),
        (planned(spec(HOSTS, strategy="spread"), mirrored(HOSTS, 2)), mirrored(HOSTS, 2)),
    ],
    ids=["moves", "a cycle", "spread"],
)
def test_there_and_back(plan: Plan, seen: Observed) -> None:
    after = done(plan, seen)
    assert slots(after) != slots(seen)
    back = plan_back(plan, after)
    assert read_plan(plan_text(back).encode(), "back.json") == back
    assert {c.content for c in back.changes} == {
        c.content for c in plan.changes if c.action is Action.MOVE
    }
    assert slots(done(back, after)) == slots(seen)


def test_the_way_back_is_one_that_utilities_can_go() -> None:
    """Old directories pruned; in order, without two copies in one slot, within the limits."""
    plan, seen = moving(), seen_before_moves()
    after = done(plan, seen)
    back = plan_back(plan, after)
    cluster = SimulatedCluster(
        after,
        machines(site_of(back), after.segments),
        back.settings.apply.waves,
        back.settings.allow_same_host,
    )
    assert slots(cluster.apply(back)) == slots(seen)


def test_the_way_back_through_temporary_slots_ends_where_it_began() -> None:
    plan, seen = swapping(), mirrored(HOSTS[:2], 2)
    back = plan_back(plan, done(plan, seen))
    assert any(step.temporary for wave in back.waves for step in wave.steps)


def test_a_host_that_left_the_spec_takes_its_mirrors_back() -> None:
    seen = mirrored(HOSTS, 2)
    drained = spec([*HOSTS[:3], host("sdw4", weight=0)])
    plan = planned(drained, seen)
    left = {c.reason for c in plan.changes if c.from_ and c.from_.host == "sdw4"}
    assert all(reason.startswith("sdw4 has `weight: 0`; group: ") for reason in left)
    gone = replace(plan, desired=replace(plan.desired, hosts=plan.desired.hosts))
    after = done(gone, seen)
    back = plan_back(gone, after)
    assert {c.reason for c in back.changes} == {"back to where it stood before run r1"}
    assert slots(done(back, after)) == slots(seen)


def test_a_mirror_only_host_that_left_the_spec_takes_its_mirrors_back() -> None:
    rows = mirrored(HOSTS, 2)
    first = planned(spec([*HOSTS, "spare"], strategy="group"), rows)
    seen = done(first, rows)
    assert any(row.hostname == "spare" for row in seen.segments)
    plan = planned(spec(HOSTS), seen)
    assert "spare" not in {known.name for known in plan.desired.hosts}
    after = done(plan, seen)
    back = plan_back(plan, after)
    assert [known.name for known in back.desired.hosts if known.weight == 0] == ["spare"]
    assert slots(done(back, after)) == slots(seen)


def test_back_already_says_so() -> None:
    plan, seen = moving(), seen_before_moves()
    back = plan_back(plan, seen)
    assert back.waves == ()
    assert back.changes == ()
    assert not back.summary.differs


def test_only_what_the_run_moved_goes_back() -> None:
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, strategy="spread"), seen)
    after = done(plan, seen)
    moved = {change.content for change in plan.changes}
    rows = tuple(
        replace(row, port=row.port + 50)
        if row.content not in moved and not row.is_preferred_primary
        else row
        for row in after.segments
    )
    back = plan_back(plan, replace(after, segments=rows))
    assert {change.content for change in back.changes} == moved


def test_what_the_run_left_alone_stays_where_it_stands() -> None:
    """The spec wants content 1 where content 0 stood; the run moved content 0 alone. Its way back is
    a plan file that can be read, and the layout in it is the one from before.
    """
    seen = mirrored(HOSTS[:3], 2)
    pins = (
        Pin(content=0, host="sdw3", port=7100, directory="/data/mirror/gpseg0", place=LINE),
        Pin(content=1, host="sdw2", port=7000, directory="/data/mirror/gpseg1", place=LINE),
    )
    plan = planned(spec(HOSTS[:3], pins=pins), seen, Request(contents=frozenset({0})))
    back = plan_back(plan, done(plan, seen))
    assert read_plan(plan_text(back).encode(), "back.json") == back
    (change,) = back.changes
    assert (change.content, change.action) == (0, Action.MOVE)
    mirrors = {one.content: one.mirror.port for one in back.desired.contents if one.mirror}
    assert (mirrors[0], mirrors[1]) == (7000, 7001)


def test_a_host_with_two_interfaces_that_left_is_listed_with_both() -> None:
    seen = mirrored(HOSTS, 2)
    plan = planned(spec(HOSTS, strategy="spread"), seen)
    changes = tuple(
        replace(
            change,
            from_=replace(
                change.from_, host="old", address=f"old-{number % 2}", port=7100 + number
            ),
        )
        for number, change in enumerate(plan.changes)
        if change.from_ is not None
    )
    back = plan_back(replace(plan, changes=changes), done(plan, seen))
    (old,) = [known for known in back.desired.hosts if known.name == "old"]
    assert old.addresses == ("old-0", "old-1")


# --- judged by the spec's rules -------------------------------------------------------------------


def under_rules() -> tuple[Plan, Observed]:
    """Mirrors beside their primaries leave them, under a policy, a guard and a protection."""
    rows = mirrored(HOSTS, 2).segments
    beside = tuple(
        replace(row, hostname=home.hostname, address=home.address, port=row.port + 50)
        if row.content == 0 and not row.is_preferred_primary
        else row
        for row in rows
        for home in rows
        if (home.content, home.is_preferred_primary) == (row.content, True)
    )
    seen = replace(mirrored(HOSTS, 2), segments=beside)
    wanted = spec(
        HOSTS,
        policy=Policy(
            survive=(Survive(count=1, of="host", place=LINE),),
            max_load_factor=1.5,
            guards=Guards(moves_percent=5, min_contents=1),
        ),
        protect=(Protection(content=0, place=LINE), Protection(host="sdw4", place=LINE)),
    )
    return planned(wanted, seen), seen


def test_a_mirror_goes_back_beside_its_primary_only_where_that_is_allowed() -> None:
    plan, seen = under_rules()
    back = plan_back(plan, done(plan, seen))
    (found,) = [hazard for hazard in back.hazards if hazard.name == "same-host"]
    assert (found.contents, found.allowed, found.flag) == ((0,), False, "--allow same-host")
    back = plan_back(plan, done(plan, seen), Request(allow=("same-host",)))
    assert [one.allowed for one in back.hazards if one.name == "same-host"] == [True]


def test_what_the_spec_grants_needs_no_flag() -> None:
    plan, seen = under_rules()
    granted = replace(plan, settings=replace(plan.settings, allow_same_host=True))
    back = plan_back(granted, done(plan, seen))
    assert [one.allowed for one in back.hazards if one.name == "same-host"] == [True]


def test_policy_guards_and_protections_judge_the_way_back() -> None:
    plan, seen = under_rules()
    read = read_plan(plan_text(plan).encode(), "plan.json")
    back = plan_back(read, done(plan, seen))
    assert [(one.rule, one.before, one.after, one.source) for one in back.policy] == [
        ("survive any 1 host", True, False, "gpmirror.yaml:9"),
        ("max_load_factor 1.5", False, False, "gpmirror.yaml"),
    ]
    names = {hazard.name: hazard.allowed for hazard in back.hazards}
    assert names == {"same-host": False, "policy": False, "protected:content:0": False}
    assert [(guard.name, guard.limit, guard.exceeded) for guard in back.guards] == [
        ("moves_percent", 5, True)
    ]
    assert back.settings.policy == plan.settings.policy
    assert back.settings.protect == plan.settings.protect
    flags = Request(allow=("same-host", "policy", "guard:moves_percent"), unprotect=("content:0",))
    back = plan_back(read, done(plan, seen), flags)
    assert all(hazard.allowed for hazard in back.hazards)
    assert all(guard.allowed for guard in back.guards)


def test_what_was_unprotected_for_the_way_there_is_protected_on_the_way_back() -> None:
    there = moving(Request(allow=("guard:moves_percent", "guard:bytes"), unprotect=("content:4",)))
    back = plan_back(there, done(there, seen_before_moves()))
    (found,) = [hazard for hazard in back.hazards if hazard.name == "protected:content:4"]
    assert not found.allowed
    assert back.allowed == ()


# --- only what moved ------------------------------------------------------------------------------


def replaced(request: Request = Request()) -> tuple[Plan, Observed]:  # noqa: B008
    """sdw5 takes over what the dead sdw3 held: two preferred primaries and two mirrors."""
    rows = [
        replace(row, status=Status.DOWN) if row.hostname == "sdw3" else row
        for row in mirrored(HOSTS, 2).segments
    ]
    dead = {row.content for row in rows if not row.is_up and row.is_preferred_primary}
    failed_over = tuple(
        replace(row, role=Role.MIRROR if row.is_preferred_primary else Role.PRIMARY)
        if row.content in dead
        else row
        for row in rows
    )
    seen = replace(mirrored(HOSTS, 2), segments=failed_over)
    wanted = spec([*HOSTS[:2], replace(host("sdw5"), replaces="sdw3"), HOSTS[3]])
    return planned(wanted, seen, request), seen


def test_a_primary_that_was_not_recovered_yet_stays_on_its_dead_host() -> None:
    """The way back lists sdw3 again, so the primary of content 5, outside the selection, is its own."""
    plan, seen = replaced(Request(contents=frozenset({2, 3, 4})))
    back = plan_back(plan, done(plan, seen))
    assert read_plan(plan_text(back).encode(), "back.json") == back
    hosts = {one.content: one.primary.host for one in back.desired.contents}
    assert (hosts[4], hosts[5]) == ("sdw5", "sdw3")


def test_a_recovered_primary_stays_and_is_named() -> None:
    plan, seen = replaced()
    assert {c.content for c in plan.changes} == {2, 3, 4, 5}
    after = done(plan, seen)
    back = plan_back(plan, after)
    assert {c.content for c in back.changes} == {2, 3}
    assert {c.to.host for c in back.changes if c.to is not None} == {"sdw3"}
    remarks = [line for line in back.warnings if "preferred primary was recovered" in line]
    assert [line.partition(":")[0] for line in remarks] == ["content 4", "content 5"]
    assert "sdw5:" in remarks[0]


def test_a_run_that_recovered_primaries_alone_has_no_way_back() -> None:
    plan, seen = replaced()
    only = replace(plan, changes=tuple(c for c in plan.changes if c.content in {4, 5}))
    with pytest.raises(Unsafe, match="preferred primaries of content 4, 5") as caught:
        plan_back(only, done(plan, seen))
    assert caught.value.hint is not None


# --- what is in the way ---------------------------------------------------------------------------


def mirror_down(seen: Observed, content: int) -> Observed:
    rows = tuple(
        replace(row, status=Status.DOWN)
        if row.content == content and not row.is_acting_primary
        else row
        for row in seen.segments
    )
    return replace(seen, segments=rows)


def test_a_lost_new_host_names_what_to_set_aside() -> None:
    """Prune deletes nothing of a content with one copy: its old directory has to step aside."""
    plan, seen = moving(), seen_before_moves()
    after = done(plan, seen)
    lost = plan.changes[0]
    back = plan_back(plan, mirror_down(after, lost.content))
    (change,) = [c for c in back.changes if c.content == lost.content]
    assert change.action is Action.RECOVER
    (told,) = [line for line in back.warnings if "set it aside" in line]
    assert lost.from_ is not None
    old = lost.from_.directory
    assert told.startswith(f"content {lost.content} has one copy, so `gpmirror prune r1` keeps")
    assert f"on {lost.from_.host}, set it aside there: `mv {old} {old}.gpmirror-r1`" in told
    assert back.settings.reverts == "r1"
    assert not [line for line in plan_back(plan, after).warnings if "set it aside" in line]


def test_a_copy_that_is_at_home_keeps_its_directory() -> None:
    """The run was cut short, and the mirror that it had not moved yet went down where it was."""
    plan, seen = moving(), seen_before_moves()
    lost = plan.changes[0]
    back = plan_back(plan, mirror_down(seen, lost.content))
    (change,) = [c for c in back.changes if c.content == lost.content]
    assert (change.action, change.from_) == (Action.RECOVER, change.to)
    assert not [line for line in back.warnings if "set it aside" in line]


def test_an_old_place_that_lies_in_another_copy_by_now_is_refused() -> None:
    plan, seen = moving(), seen_before_moves()
    after = done(plan, seen)
    home = plan.changes[0].from_
    assert home is not None
    rows = tuple(
        replace(row, hostname=home.host, address=home.address, port=9999, directory="/data/mirror")
        if row.content == 11 and not row.is_preferred_primary
        else row
        for row in after.segments
    )
    with pytest.raises(InvalidInput) as caught:
        plan_back(plan, replace(after, segments=rows))
    assert {found.code for found in caught.value.diagnostics} == {"GPM-P113"}


def test_only_what_comes_back_to_a_directory_that_it_left_finds_it_in_the_way() -> None:
    """Another port alone leaves no old directory, so nothing is to be pruned first."""
    seen = seen_before_moves()
    there = planned(spec(HOSTS, ports=Offset(1100)), mirrored(HOSTS, 2))
    port_only = plan_back(there, done(there, mirrored(HOSTS, 2)))
    assert port_only.summary.move == 8
    assert not any(enters_old_directory(change) for change in port_only.changes)
    assert not leaves_directories(port_only.changes), "nor is anything to be pruned at the end"
    back = plan_back(moving(), done(moving(), seen))
    assert leaves_directories(back.changes)
    assert [c.content for c in back.changes if enters_old_directory(c)] == [
        c.content for c in back.changes if c.action is Action.MOVE
    ]
