"""A content with its copies: what lives, what a step makes of it, what is at stake."""

import pytest

from gpmirror.model.content import Content, Walk, at_stake, contents_of, rows_of
from gpmirror.model.layout import AtStake, Pair
from gpmirror.model.segment import Role, Segment, Slot
from gpmirror.plan.model import Step
from gpmirror.verify import CopyState, judge_copies
from tests.clusters import observed, row

NEW = Slot(host="sdw3", address="sdw3-1", port=9000, directory="/new")
OTHER = Slot(host="sdw4", address="sdw4", port=9001, directory="/other")


def content(
    *, acts: str = "primary", primary: str = "u", mirror: str | None = "u", mode: str = "s"
) -> Content:
    """Content 0 of primary sdw1 and mirror sdw2; `acts` says which of them serves."""
    roles = ("p", "m") if acts == "primary" else ("m", "p")
    rows = [row(2, 0, roles[0], "sdw1", 6000, prefers="p", status=primary, mode=mode)]
    if mirror is not None:
        rows.append(row(3, 0, roles[1], "sdw2", 7000, prefers="m", status=mirror, mode=mode))
    return contents_of(observed(rows), lambda found: found.hostname)[0]


@pytest.mark.parametrize(
    ("found", "pair", "hosts"),
    [
        (content(), Pair(0, "sdw1", "sdw2"), ("sdw1", "sdw2")),
        (content(mirror="d"), Pair(0, "sdw1", None), ("sdw1",)),
        (content(primary="d"), Pair(0, "sdw2", None), ("sdw2",)),
        (content(primary="d", mirror="d"), Pair(0, "sdw1", None, lives=False), ()),
        (content(mirror=None), Pair(0, "sdw1", None), ("sdw1",)),
        (content(mirror=None, primary="d"), Pair(0, "sdw1", None, lives=False), ()),
        (content(mode="n"), Pair(0, "sdw1", None), ("sdw1",)),
        (content(mode="r"), Pair(0, "sdw1", None), ("sdw1",)),
        (content(mode="n", primary="d"), Pair(0, "sdw2", None), ("sdw2",)),
        (content(acts="mirror"), Pair(0, "sdw1", "sdw2"), ("sdw2", "sdw1")),
        (content(acts="mirror", primary="d"), Pair(0, "sdw2", None), ("sdw2",)),
        (content(acts="mirror", mirror="d"), Pair(0, "sdw1", None), ("sdw1",)),
    ],
)
def test_a_copy_that_is_down_does_not_count(
    found: Content, pair: Pair, hosts: tuple[str, ...]
) -> None:
    assert (found.live, found.live_hosts) == (pair, hosts)


def test_who_acts_and_who_is_preferred_are_told_apart() -> None:
    found = content(acts="mirror")
    assert found.idle is not None
    assert found.mirror is not None
    assert (found.acting.host, found.idle.host, found.switched) == ("sdw2", "sdw1", True)
    assert (found.primary.host, found.mirror.host) == ("sdw1", "sdw2")


@pytest.mark.parametrize(
    ("before", "to", "during", "after"),
    [
        (content(mirror=None), NEW, ("sdw1",), Pair(0, "sdw1", "sdw3")),
        (content(), NEW, ("sdw1",), Pair(0, "sdw1", "sdw3")),
        (content(mirror="d"), NEW, ("sdw1",), Pair(0, "sdw1", "sdw3")),
        # the preferred primary comes back elsewhere: it is that one that stands there
        (content(acts="mirror", primary="d"), NEW, ("sdw2",), Pair(0, "sdw3", "sdw2")),
        # roles return: the utility stops the acting one, the preferred primary is alone
        (content(acts="mirror"), None, ("sdw1",), Pair(0, "sdw1", "sdw2")),
    ],
)
def test_a_step_stops_one_copy_and_leaves_two(
    before: Content, to: Slot | None, during: tuple[str, ...], after: Pair
) -> None:
    while_it_runs = before.during(to)
    assert while_it_runs.live_hosts == during
    assert before.after(to).live == while_it_runs.after(to).live == after


def test_rows_after_a_step_are_what_the_catalog_then_says() -> None:
    moved = {found.dbid: found for found in rows_of(content(mirror="d", mode="n").after(NEW))}
    assert (moved[2].mode, moved[2].status, moved[2].port) == ("s", "u", 6000)
    there = moved[3]
    assert (there.hostname, there.address, there.port) == ("sdw3-1", "sdw3-1", 9000)
    assert (there.directory, there.status, there.role) == ("/new", "u", Role.MIRROR)
    added: list[Segment] = list(rows_of(content(mirror=None).after(NEW, dbid=9)))
    assert (added[1].dbid, added[1].preferred_role, added[1].directory) == (9, Role.MIRROR, "/new")
    back = {found.dbid: found.role for found in rows_of(content(acts="mirror").after(None))}
    assert back == {2: Role.PRIMARY, 3: Role.MIRROR}


def test_roles_return_after_a_recovery_elsewhere() -> None:
    walk = Walk({0: content(acts="mirror", primary="d")})
    recovery = Step(content=0, from_=None, to=NEW)
    walk.begin([recovery])
    assert walk.at_stake.worst() == ("sdw2", 1)
    walk.end([recovery])
    assert walk.at_stake.worst() == (None, 0)
    back = Step(content=0, from_=NEW, to=None)
    walk.begin([back])
    assert (walk.at_stake.worst(), walk.at_stake.single) == (("sdw3", 1), (0,))
    walk.end([back])
    assert walk.contents[0].acting.host == "sdw3"


def test_a_step_aside_is_a_step_like_any_other() -> None:
    walk = Walk({0: content()})
    for slot in (NEW, OTHER):
        walk.begin([Step(content=0, from_=None, to=slot)])
        walk.end([Step(content=0, from_=None, to=slot)])
    assert walk.contents[0].live == Pair(0, "sdw1", "sdw4")


def test_what_is_at_stake_counts_each_content_once() -> None:
    stake = AtStake()
    places: list[tuple[str, ...]] = [("a", "b"), ("a",), ("b",), ("b", "b"), ()]
    for number, hosts in enumerate(places):
        stake.put(number, hosts)
    assert (stake.single, stake.none, stake.single_count) == ((1, 2), (4,), 2)
    assert stake.worst() == ("b", 2), "a host that holds both copies takes both"
    stake.put(2, ("b", "a"))
    stake.put(3, ("a", "b"))
    assert (stake.single, stake.worst()) == ((1,), ("a", 1))
    stake.put(1, ("a", "b"))
    assert (stake.single_count, stake.worst()) == (0, (None, 0))


def test_nothing_is_at_stake_where_every_content_has_two_copies() -> None:
    found = at_stake([content(), content(acts="mirror")])
    assert (found.single, found.none, found.worst()) == ((), (), (None, 0))


@pytest.mark.parametrize("dialect", ["gp5", "gp6"])
@pytest.mark.parametrize("acts", ["primary", "mirror"])
@pytest.mark.parametrize("statuses", ["uu", "ud", "du", "dd"])
@pytest.mark.parametrize("modes", ["ss", "sn", "ns", "nn", "rr", "cs"])
def test_a_plan_counts_copies_as_status_does(
    dialect: str, acts: str, statuses: str, modes: str
) -> None:
    roles = ("p", "m") if acts == "primary" else ("m", "p")
    rows = [
        row(2, 0, roles[0], "sdw1", 6000, prefers="p", status=statuses[0], mode=modes[0]),
        row(3, 0, roles[1], "sdw2", 7000, prefers="m", status=statuses[1], mode=modes[1]),
    ]
    seen = observed(rows, dialect)
    found = contents_of(seen, lambda one: one.hostname)[0]
    state = judge_copies(seen, None).contents[0].state
    live = {CopyState.SYNCED: 2, CopyState.SYNCING: 1, CopyState.SINGLE: 1, CopyState.NONE: 0}
    assert len(found.live_hosts) == live[state]
