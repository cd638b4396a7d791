"""What is done instead of a change whose new slot cannot be had now."""

from dataclasses import replace

import pytest

from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Role, Slot, Status
from gpmirror.plan.model import Action, Change, Method
from gpmirror.plan.request import Request
from gpmirror.plan.temporary import Fallback, Obstacle, TemporarySlots
from gpmirror.spec.model import Pin, Spec
from tests.clusters import PLACE, host, mirrored, observed, planned, spec

FULL = range(1024, 65_536)


def slot(host: str, port: int) -> Slot:
    return Slot(host=host, address=host, port=port, directory=f"/data/mirror/{port}")


def change(action: Action) -> Change:
    return Change(
        content=3,
        action=action,
        primary="sdw9",
        from_=slot("sdw1", 7000),
        to=slot("sdw2", 7100),
        reason="down at sdw1:7000; group",
        source="gpmirror.yaml:9",
        method=Method.FULL if action is Action.RECOVER else None,
    )


IN_PLACE = replace(
    change(Action.RECOVER), to=slot("sdw1", 7000), reason="mirror is down", source="catalog"
)
FREE = TemporarySlots([("sdw2", 7100)], {})
TAKEN = Obstacle("taken", "change the spec")
NONE_FREE = TemporarySlots([("sdw2", port) for port in FULL], {})


def test_a_down_copy_comes_back_where_it_was_if_it_may() -> None:
    found = Fallback(in_place={3: IN_PLACE}, free=FREE).instead(change(Action.RECOVER), TAKEN)
    reason = "mirror is down; to sdw2:7100 in a later plan: taken"
    assert found == replace(IN_PLACE, reason=reason)


def test_else_it_comes_to_another_slot_where_it_is_to_go() -> None:
    found = Fallback(in_place={}, free=FREE).instead(change(Action.RECOVER), TAKEN)
    assert (found.action, found.method) == (Action.RECOVER, Method.FULL)
    assert found.to == replace(slot("sdw2", 7101), directory="/data/mirror/7100")
    assert found.reason == "down at sdw1:7000; group; to sdw2:7100 in a later plan: taken"


def test_without_a_free_port_it_is_blocked() -> None:
    found = Fallback(in_place={}, free=NONE_FREE).instead(change(Action.RECOVER), TAKEN)
    assert (found.action, found.to) == (Action.BLOCKED, None)
    assert found.reason == (
        "taken, and no free port for a temporary slot on sdw2: free one, then plan again"
    )


def test_a_copy_that_lives_stays_where_it_is() -> None:
    found = Fallback(in_place={3: IN_PLACE}, free=FREE).instead(change(Action.MOVE), TAKEN)
    assert (found.action, found.reason) == (Action.BLOCKED, "taken: change the spec")


# --- in a plan ------------------------------------------------------------------------------------


HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"]


def seen_taken() -> Observed:
    """Content 0's mirror on sdw2 is down; content 1 acts on its mirror's slot sdw3:7000."""
    changed = {
        (0, Role.MIRROR): {"status": Status.DOWN, "mode": Mode.NOT_IN_SYNC},
        (0, Role.PRIMARY): {"mode": Mode.NOT_IN_SYNC},
        (1, Role.MIRROR): {"role": Role.PRIMARY},
        (1, Role.PRIMARY): {"role": Role.MIRROR},
    }
    rows = [
        replace(found, **changed.get((found.content, found.role), {}))  # type: ignore[arg-type]
        for found in mirrored(HOSTS).segments
    ]
    return observed(rows)


def wanted_taken(weight: int) -> Spec:
    """Content 0 is to go where content 1 acts, and content 1's mirror to go from there."""
    hosts = [host(name, weight=weight if name == "sdw2" else 1) for name in HOSTS]
    pins = (
        Pin(content=0, host="sdw3", port=7000, place=PLACE),
        Pin(content=1, host="sdw4", port=7500, place=PLACE),
    )
    return spec(hosts, pins=pins)


@pytest.mark.parametrize(
    ("weight", "to", "method"),
    [
        (1, ("sdw2", 7000, "/data/mirror/gpseg0"), Method.INCREMENTAL),
        (0, ("sdw3", 7001, "/data/mirror/gpseg0"), Method.FULL),
    ],
    ids=["in place", "its host is drained"],
)
def test_no_copy_stays_down_for_a_slot_that_is_taken(
    weight: int, to: tuple[str, int, str], method: Method
) -> None:
    plan = planned(wanted_taken(weight), seen_taken(), Request(contents=frozenset({0})))
    (found,) = plan.changes
    assert found.to is not None
    assert (found.to.host, found.to.port, found.to.directory) == to
    assert (found.action, found.method) == (Action.RECOVER, method)
    assert found.reason.endswith(
        "; to sdw3:7000 in a later plan: port 7000 on sdw3 is held by the acting primary of content 1"
    )
    mirrors = {load.host: load.mirrors for load in plan.layout.after.hosts}
    assert mirrors == {"sdw1": 1, "sdw2": 0, "sdw3": 1, "sdw4": 1} | {to[0]: 1 + (to[0] == "sdw3")}


def test_a_temporary_slot_keeps_out_of_an_acting_primarys_directory() -> None:
    pin = Pin(content=0, host="sdw3", port=7100, directory="/data/mirror/gpseg1", place=PLACE)
    wanted = replace(wanted_taken(0), pins=(pin, *wanted_taken(0).pins[1:]))
    plan = planned(wanted, seen_taken(), Request(contents=frozenset({0})))
    assert plan.changes[0].to is not None
    assert plan.changes[0].to.directory == "/data/mirror/gpseg1.gpmirror-temporary"
