"""What a run that went well leaves to a person."""

from dataclasses import replace

import pytest

from gpmirror.plan.model import Action, Change, Plan
from gpmirror.run.outcome import advice
from gpmirror.verify import ContentHealth, CopyState, Health
from tests.plans import adding, moving, recovering, unchanged

PLAN = adding()
BLOCKED = recovering()
"""Content 5 is blocked, both of its copies being down."""
RUN = "20261130T220000Z-0a1b2c"
LACKS = "two copies that are not in sync"


def health(*ailing: ContentHealth) -> Health:
    changed = {one.content: one for one in ailing}
    return Health(contents=tuple(changed.get(c) or content(c) for c in range(8)))


def content(
    number: int, state: CopyState = CopyState.SYNCED, reason: str = "", *, switched: bool = False
) -> ContentHealth:
    return ContentHealth(
        content=number,
        state=state,
        reason=reason,
        switched=switched,
        primary=f"sdw1:600{number}",
        mirror=f"sdw2:700{number}",
    )


def change(number: int, action: Action) -> Change:
    return replace(PLAN.changes[0], content=number, action=action)


def test_nothing_is_left_of_a_cluster_in_sync() -> None:
    assert advice(PLAN, RUN, health(), ()) == ()


@pytest.mark.parametrize(
    ("plan", "found", "words"),
    [
        (
            PLAN,
            (content(5, CopyState.SINGLE, "gone"),),
            "content 5 has one copy only (gone): `gpmirror apply` brings the other one back",
        ),
        (
            PLAN,
            (content(1, CopyState.SINGLE, "down"), content(7, CopyState.SINGLE, "down too")),
            (
                "contents 1, 7 have one copy only (content 1: down; content 7: down too): "
                "`gpmirror apply` brings the other one back"
            ),
        ),
        (
            PLAN,
            tuple(content(c, CopyState.SINGLE, f"down {c}") for c in (1, 2, 4, 5)),
            (
                "contents 1-2, 4-5 have one copy only (content 1: down 1; content 2: down 2; and 2 "
                "more): `gpmirror apply` brings the other one back"
            ),
        ),
        (
            PLAN,
            (content(5, CopyState.SYNCING, "lag"),),
            f"content 5 has {LACKS} (lag): `gpmirror status --wait 2h` waits for them",
        ),
        (
            BLOCKED,
            (content(5, CopyState.NONE, "both down"),),
            "content 5 has no live copy (both down), blocked: `gpmirror plan` says by what",
        ),
    ],
)
def test_contents_out_of_sync_come_first(
    plan: Plan, found: tuple[ContentHealth, ...], words: str
) -> None:
    assert advice(plan, RUN, health(*found), ())[0] == words


def test_roles_return_in_a_quiet_hour_once_all_is_in_sync() -> None:
    switched = content(3, switched=True)
    (alone,) = advice(PLAN, RUN, health(switched), ())
    assert alone == (
        "content 3 is not in its preferred role: return it with `gpmirror apply --rebalance --allow "
        "cancels-queries` in a maintenance window"
    )
    _, later = advice(PLAN, RUN, health(switched, content(4, CopyState.SINGLE, "down")), ())
    assert later == f"{alone}, once every mirror is in sync"


def test_mirrors_that_a_later_plan_moves_are_named() -> None:
    beyond = (change(1, Action.MOVE), change(2, Action.BLOCKED), change(3, Action.MOVE))
    assert advice(PLAN, RUN, health(), beyond) == ("plan again: contents 1, 3 are to move",)
    assert advice(PLAN, RUN, health(), beyond[:1]) == ("plan again: content 1 is to move",)


def test_blocked_contents_are_told_once() -> None:
    down = content(5, CopyState.NONE, "both down")
    (only,) = advice(BLOCKED, RUN, health(down), ())
    assert only.startswith("content 5 has no live copy")
    assert advice(BLOCKED, RUN, health(), ()) == ("1 content is blocked: `gpmirror plan` says why",)


def test_old_directories_of_moves_are_named_with_the_command() -> None:
    (alone,) = advice(moving(), RUN, health(), ())
    assert f"`gpmirror prune {RUN}` deletes them after proof" in alone
    deleted = replace(moving().hazards[0], name="deletes-old-directory", contents=tuple(range(99)))
    assert advice(replace(moving(), hazards=(deleted,)), RUN, health(), ()) == ()


def test_a_replacement_that_is_over_is_to_be_forgotten() -> None:
    """Only when nothing of the catalog is left on the dead host."""
    over = replacing("sdw9")
    (alone,) = advice(over, RUN, health(), ())
    assert alone.startswith("sdw1 holds what sdw9 held: remove `replaces: sdw9` from the spec")
    assert "`Host sdw9`" in alone
    assert advice(replacing("sdw2"), RUN, health(), ()) == ()


def replacing(old: str) -> Plan:
    plan = unchanged()
    first, *rest = plan.desired.hosts
    hosts = (replace(first, replaces=old), *rest)
    return replace(plan, desired=replace(plan.desired, hosts=hosts))
