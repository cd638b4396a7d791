"""Each row of the table of classes, in its order, and what wins over what."""

from dataclasses import replace

import pytest

from gpmirror.model.content import contents_of
from gpmirror.model.observed import CopyFact, Observed, in_canonical_order
from gpmirror.model.segment import Mode, Role, Segment, Status
from gpmirror.plan.classify import Classified, classify
from gpmirror.plan.model import Action, Change, Method
from gpmirror.plan.request import Request
from gpmirror.spec.model import Pin, Spec
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]
SPEC = clusters.spec(HOSTS)
MIRRORED = clusters.mirrored(HOSTS)
MOVED = replace(SPEC, pins=(Pin(content=0, port=7100, place=clusters.PLACE),))
REPLACED = clusters.spec(["sdw1", clusters.host("sdw9", replaces="sdw2"), "sdw3"])


def hit(fate: str, seen: Observed = MIRRORED) -> Observed:
    """Content 0 (primary on sdw1, mirror on sdw2) in trouble."""
    rows = [item if item.content else _hit(item, fate) for item in seen.segments]
    return replace(seen, segments=in_canonical_order(rows))


def _hit(item: Segment, fate: str) -> Segment:
    primary = item.is_preferred_primary
    acting = primary if fate in {"mirror down", "primary down"} else not primary
    role = item.role if fate == "both down" else Role.PRIMARY if acting else Role.MIRROR
    dead = {
        "mirror down": not primary,
        "primary down": primary,
        "both down": True,
        "failed over": primary,
        "switched": False,
        "switched, acting down": not primary,
    }[fate]
    return replace(
        item,
        role=role,
        status=Status.DOWN if dead else Status.UP,
        mode=Mode.SYNCED if fate == "switched" else Mode.NOT_IN_SYNC,
    )


def _classes(spec: Spec, seen: Observed, request: Request = clusters.EVERYTHING) -> Classified:
    desired = clusters.placed(spec, seen)
    return classify(seen, contents_of(seen, desired.hosts.host_of), desired, request)


def _change(spec: Spec, seen: Observed, request: Request = clusters.EVERYTHING) -> Change:
    found = [change for change in _classes(spec, seen, request).changes if change.content == 0]
    assert len(found) == 1
    return found[0]


ALONE = "start that server alone (`pg_ctl -D /data/"


@pytest.mark.parametrize(
    ("fate", "reason", "way"),
    [
        ("both down", "both copies are down, sdw1:6000 and sdw2:7000: ", ALONE),
        ("primary down", "its acting primary sdw1:6000 is down, and sdw2:7000 is not in ", ALONE),
        ("switched, acting down", "its acting primary sdw2:7000 is down, and sdw1:60", ALONE),
    ],
)
@pytest.mark.parametrize("spec", [SPEC, MOVED])
def test_without_an_acting_primary_nothing_is_done(
    fate: str, reason: str, way: str, spec: Spec
) -> None:
    change = _change(spec, hit(fate))
    assert (change.action, change.to, change.source) == (Action.BLOCKED, None, "catalog")
    assert change.reason.startswith(reason)
    assert way in change.reason
    assert "gprecoverseg cannot help" in change.reason
    assert "do not restart the cluster" in change.reason


def test_a_mirror_in_sync_takes_over_by_itself() -> None:
    seen = hit("primary down")
    rows = [
        replace(r, mode=Mode.SYNCED) if r.content == 0 and not r.is_acting_primary else r
        for r in seen.segments
    ]
    change = _change(SPEC, replace(seen, segments=tuple(rows)))
    assert change.action is Action.BLOCKED
    assert "sdw2:7000 has not taken over" in change.reason
    assert "gp_fts_probe_interval" in change.reason


def test_an_only_copy_that_is_down_is_started_again() -> None:
    rows = [
        replace(r, status=Status.DOWN) if r.content == 0 else r
        for r in clusters.mirrorless(HOSTS).segments
    ]
    change = _change(SPEC, replace(MIRRORED, segments=tuple(rows)))
    assert change.action is Action.BLOCKED
    assert change.reason.startswith("its only copy sdw1:6000 is down, no mirror can take over: ")
    assert ALONE in change.reason


def test_mirrors_are_added_to_all_contents_or_none() -> None:
    """A file of gpaddmirrors without a line for every primary is refused by the utility."""
    rows = [
        replace(r, status=Status.DOWN) if r.content == 1 else r
        for r in clusters.mirrorless(HOSTS).segments
    ]
    found = _classes(SPEC, replace(MIRRORED, segments=tuple(rows)))
    assert [change.action for change in found.changes] == [Action.BLOCKED] * 3
    assert found.changes[0].to is None
    assert "all contents in one run, and content 1 cannot get one now" in found.changes[0].reason


def test_no_mirror_row_anywhere_is_add() -> None:
    found = _classes(SPEC, clusters.mirrorless(HOSTS))
    assert [change.action for change in found.changes] == [Action.ADD] * 3
    assert all(change.from_ is None for change in found.changes)


def test_mirror_rows_for_some_contents_only_are_blocked() -> None:
    rows = tuple(r for r in MIRRORED.segments if r.content or r.is_preferred_primary)
    change = _change(SPEC, replace(MIRRORED, segments=rows))
    assert change.action is Action.BLOCKED
    assert "no mirror row" in change.reason
    assert "have the lost row restored" in change.reason
    assert len(_classes(SPEC, replace(MIRRORED, segments=rows)).unchanged) == 2


@pytest.mark.parametrize(
    ("fate", "reason", "host"),
    [
        ("mirror down", "mirror is down", "sdw2"),
        ("failed over", "preferred primary is down", "sdw1"),
    ],
)
def test_a_down_copy_at_its_desired_slot_is_recovered_there(
    fate: str, reason: str, host: str
) -> None:
    change = _change(SPEC, hit(fate))
    assert (change.action, change.reason) == (Action.RECOVER, reason)
    assert change.to == change.from_
    assert change.to is not None
    assert change.to.host == host
    assert (change.method, change.note) == (Method.INCREMENTAL, "directory not inspected")


@pytest.mark.parametrize(
    ("fact", "method", "note"),
    [
        ("rewindable", Method.INCREMENTAL, None),
        ("unknown", Method.INCREMENTAL, "directory not inspected"),
        ("absent", Method.FULL, "its directory is absent"),
        ("backup_label", Method.FULL, "its directory holds a partial base backup"),
        ("no_pg_control", Method.FULL, "its directory has no pg_control"),
        ("no_filespace", Method.FULL, "the directory of a filespace is absent"),
        ("foreign", Method.FULL, "its directory belongs to another system"),
    ],
)
def test_facts_choose_the_method(fact: CopyFact, method: Method, note: str | None) -> None:
    seen = hit("mirror down")
    dbid = next(r.dbid for r in seen.segments if r.content == 0 and not r.is_up)
    change = _change(SPEC, replace(seen, copies={dbid: fact}))
    assert (change.action, change.method, change.note) == (Action.RECOVER, method, note)


def test_a_full_recovery_can_be_asked_for() -> None:
    change = _change(SPEC, hit("mirror down"), Request(full=True))
    assert (change.method, change.note) == (Method.FULL, "asked for")


@pytest.mark.parametrize("spec", [SPEC, MOVED])
def test_a_running_base_backup_is_waited_for(spec: Spec) -> None:
    seen = hit("mirror down")
    dbid = next(r.dbid for r in seen.segments if r.content == 0 and not r.is_up)
    change = _change(spec, replace(seen, copies={dbid: "copying"}))
    assert change.action is Action.BLOCKED
    assert "wait until it ends, then plan again" in change.reason
    assert "end that process on sdw2" in change.reason


def test_a_down_mirror_whose_slot_changed_is_recovered_elsewhere() -> None:
    change = _change(MOVED, hit("mirror down"))
    assert (change.action, change.method) == (Action.RECOVER, Method.FULL)
    assert change.to is not None
    assert change.to.port == 7100
    assert change.reason.startswith("down at sdw2:7000; port on sdw2 ")


def test_a_replaced_host_takes_the_mirror_over() -> None:
    change = _change(REPLACED, hit("mirror down"))
    assert change.action is Action.RECOVER
    assert change.to is not None
    assert (change.to.host, change.to.address, change.to.port) == ("sdw9", "sdw9", 7000)


def test_a_replaced_host_takes_the_failed_primary_over() -> None:
    spec = clusters.spec([clusters.host("sdw9", replaces="sdw1"), "sdw2", "sdw3"])
    change = _change(spec, hit("failed over"))
    assert change.action is Action.RECOVER
    assert change.to is not None
    assert (change.to.host, change.to.port) == ("sdw9", 6000)
    assert change.to.directory == "/data/primary/gpseg0"


def test_a_primary_that_is_up_is_never_moved() -> None:
    spec = clusters.spec([clusters.host("sdw9", replaces="sdw1"), "sdw2", "sdw3"])
    change = _change(spec, MIRRORED)
    assert change.action is Action.BLOCKED
    assert "sdw9 is to replace that host" in change.reason


def test_recovery_never_puts_both_copies_on_one_host() -> None:
    """After failing over, the copy acts on sdw2; its primary's home is replaced by sdw2 itself."""
    rows = [clusters.row(2, 0, "p", "sdw1", 6000), clusters.row(3, 0, "m", "sdw2", 7000)]
    spec = clusters.spec([clusters.host("sdw2", replaces="sdw1"), "sdw3"])
    change = _change(spec, hit("failed over", clusters.observed([clusters.coordinator(), *rows])))
    assert change.action is Action.BLOCKED
    assert "would put both copies on that host" in change.reason
    assert "or grant `mirrors.allow_same_host`" in change.reason


def test_switched_roles_are_counted_but_no_change() -> None:
    found = _classes(SPEC, hit("switched"))
    assert found.changes == ()
    assert found.switched == (0,)
    assert found.unchanged == (1, 2)


def test_switched_roles_go_back_when_asked() -> None:
    change = _change(SPEC, hit("switched"), Request(rebalance=True))
    assert (change.action, change.reason) == (Action.REBALANCE, "acts on sdw2, prefers sdw1")
    assert change.to is None
    assert change.note is None


def test_switched_roles_block_a_move_until_they_are_back() -> None:
    change = _change(MOVED, hit("switched"))
    assert change.action is Action.BLOCKED
    assert "`gpmirror apply --rebalance`" in change.reason
    asked = _change(MOVED, hit("switched"), Request(rebalance=True))
    assert asked.action is Action.REBALANCE
    assert asked.note is not None
    assert "sdw2:7100: plan again" in (asked.note or "")


def test_a_mirror_that_is_up_at_another_slot_is_moved() -> None:
    change = _change(MOVED, MIRRORED)
    assert change.action is Action.MOVE
    assert change.from_ is not None
    assert change.to is not None
    assert (change.from_.port, change.to.port) == (7000, 7100)
    assert change.method is None


def test_a_mirror_at_its_slot_needs_nothing() -> None:
    found = _classes(SPEC, MIRRORED)
    assert (found.changes, found.unchanged, found.switched) == ((), (0, 1, 2), ())


def test_a_syncing_mirror_at_its_slot_needs_nothing() -> None:
    rows = [replace(r, mode=Mode.NOT_IN_SYNC) for r in MIRRORED.segments]
    assert not _classes(SPEC, replace(MIRRORED, segments=tuple(rows))).changes


def test_the_reason_of_a_pin_is_told() -> None:
    pin = Pin(content=0, host="sdw3", reason="ticket 812", place=clusters.PLACE)
    change = _change(replace(SPEC, pins=(pin,)), MIRRORED)
    assert change.reason == "pinned (ticket 812)"
    assert change.source == "gpmirror.yaml:1"


def test_what_differs_is_named() -> None:
    spec = clusters.spec([clusters.host(name, ["/other"]) for name in HOSTS])
    assert _change(spec, MIRRORED).reason.startswith("directory on sdw2 ")


def test_sizes_go_with_the_change() -> None:
    assert _change(MOVED, replace(MIRRORED, sizes={0: 42})).size == 42
