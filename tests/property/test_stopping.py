"""What may be stopped, against its own definition and against every possible way of grouping hosts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpmirror.model.layout import Layout, Pair
from gpmirror.model.observed import Observed
from gpmirror.run.status import answer_stop, saved_reading
from gpmirror.simulate.grouping import fewest_groups
from gpmirror.simulate.stopping import Unit, WhyLeftOut, maintenance
from tests.clusters import observed, row

NAMES = ("sdw1", "sdw2", "sdw3", "sdw4", "sdw5", "sdw6")


def partitions(items: Sequence[int]) -> Iterator[list[list[int]]]:
    """Every way to put items into groups."""
    if not items:
        yield []
        return
    first, *rest = items
    for found in partitions(rest):
        for at, group in enumerate(found):
            yield [*found[:at], [first, *group], *found[at + 1 :]]
        yield [[first], *found]


# --- ok-to-stop against its definition ------------------------------------------------------------


@st.composite
def catalogs(draw: st.DrawFn) -> Observed:
    """A catalog with copies up and down, in sync and not, switched roles, missing mirrors."""
    hosts = NAMES[: draw(st.integers(1, 5))]
    dialect = draw(st.sampled_from(["gp5", "gp6", "gp7"]))
    modes = st.sampled_from("ssscr" if dialect == "gp5" else "sssn")
    rows = [row(1, -1, "p", draw(st.sampled_from(["mdw", hosts[0]])), 5432)]
    for content in range(draw(st.integers(1, 7))):
        switched = draw(st.booleans())
        alone = draw(st.integers(0, 5)) == 0
        for number, role in enumerate("p" if alone else "pm"):
            rows.append(
                row(
                    2 * content + number + 2,
                    content,
                    role,
                    draw(st.sampled_from(hosts)),
                    6000 + 100 * number + content,
                    prefers="pm"[number] if alone or not switched else "mp"[number],
                    mode=draw(modes),
                    status=draw(st.sampled_from("uuud")),
                )
            )
    return observed(rows, dialect)


def keeps_a_copy(rows: Observed, content: int, stopped: set[str]) -> bool:
    """The definition: some copy elsewhere is up, and has all that was committed."""
    mine = [one for one in rows.segments if one.content == content]
    (acting,) = (one for one in mine if one.role.value == "p")
    others = [one for one in mine if one is not acting]
    serving = [acting] if acting.is_up else []
    for other in others:
        if not other.is_up or other.mode.value != "s":
            continue
        if not acting.is_up or acting.mode.value == "s":
            serving.append(other)
    return any(one.hostname not in stopped for one in serving)


@given(catalogs(), st.sets(st.sampled_from(NAMES), min_size=1))
@settings(max_examples=300)
def test_the_answer_is_its_definition(seen: Observed, wished: set[str]) -> None:
    hosts = {one.hostname for one in seen.segments if one.content >= 0}
    stopped = wished & hosts
    assume(stopped)
    answer = answer_stop(saved_reading(seen), None, sorted(stopped), allowed=True)
    contents = {one.content for one in seen.segments if one.content >= 0}
    lost = {one for one in contents if not keeps_a_copy(seen, one, stopped)}
    assert set(answer.stop.lost) == lost
    assert answer.is_ok == (not lost)
    assert set(answer.stop.single) <= contents - lost
    told = {content for why in answer.stop.lost_by_reason().values() for content in why}
    assert told == lost
    # what failure simulation calls lost is what was not lost already
    now = {one for one in contents if not keeps_a_copy(seen, one, set())}
    assert set(answer.stop.loss.contents_lost) == lost - now
    # who takes over: primaries move to survivors, and none is counted twice
    gained = sum(load.after - load.before for load in answer.stop.loss.loads)
    assert gained <= len(contents - lost)
    assert not {load.host for load in answer.stop.loss.loads} & stopped


@given(catalogs(), st.sets(st.sampled_from(NAMES), min_size=1), st.sampled_from(NAMES))
def test_who_may_not_stop_few_may_not_stop_more(
    seen: Observed, wished: set[str], another: str
) -> None:
    hosts = {one.hostname for one in seen.segments if one.content >= 0}
    assume(wished & hosts and another in hosts)
    reading = saved_reading(seen)
    few = answer_stop(reading, None, sorted(wished & hosts), allowed=False)
    more = answer_stop(reading, None, sorted((wished & hosts) | {another}), allowed=False)
    assert few.is_ok or not more.is_ok
    assert set(few.stop.lost) <= set(more.stop.lost)


# --- groups against every possible way ------------------------------------------------------------


@st.composite
def tasks(draw: st.DrawFn) -> tuple[list[int], list[dict[str, int]], dict[str, int]]:
    count = draw(st.integers(0, 7))
    apart = [0] * count
    for one in range(count):
        for other in range(one):
            if draw(st.integers(0, 2)) == 0:
                apart[one] |= 1 << other
                apart[other] |= 1 << one
    places = ["x", "y"][: draw(st.integers(0, 2))]
    room = {place: draw(st.integers(1, 4)) for place in places}
    takes = [
        {place: draw(st.integers(0, most)) for place, most in room.items() if draw(st.booleans())}
        for _ in range(count)
    ]
    return apart, takes, room


def fits(
    group: Sequence[int],
    apart: Sequence[int],
    takes: Sequence[Mapping[str, int]],
    room: Mapping[str, int],
) -> bool:
    taken: Counter[str] = Counter()
    for item in group:
        taken.update(takes[item])
        if any(apart[item] >> other & 1 for other in group):
            return False
    return all(taken[place] <= most for place, most in room.items())


@given(tasks(), st.sampled_from([0, 40, 200, 1000]))
@settings(max_examples=300, deadline=None)
def test_groups_are_the_fewest(
    task: tuple[list[int], list[dict[str, int]], dict[str, int]], little: int
) -> None:
    apart, takes, room = task
    found = fewest_groups(apart, takes, room)
    assert sorted(item for group in found.groups for item in group) == list(range(len(apart)))
    assert all(fits(group, apart, takes, room) for group in found.groups)
    fewest = min(
        len(way)
        for way in partitions(range(len(apart)))
        if all(fits(group, apart, takes, room) for group in way)
    )
    assert (len(found.groups), found.bound) == (fewest, fewest)
    # with few steps to spend it is still a way, and the bound is still one
    poor = fewest_groups(apart, takes, room, effort=little)
    assert sorted(item for group in poor.groups for item in group) == list(range(len(apart)))
    assert all(fits(group, apart, takes, room) for group in poor.groups)
    assert poor.bound <= fewest <= len(poor.groups)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    hosts = NAMES[: draw(st.integers(1, 6))]
    spots = st.sampled_from(hosts)
    homes = draw(st.lists(st.tuples(spots, spots), max_size=9))
    if draw(st.integers(0, 2)):  # else some stand beside their primary, and keep hosts out
        homes = [home for home in homes if home[0] != home[1]]
    singles = draw(st.sets(st.integers(0, 8), max_size=2)) if draw(st.booleans()) else set()
    racks = {host: draw(st.sampled_from("ab")) for host in hosts} if draw(st.booleans()) else {}
    pairs = tuple(
        Pair(content, home, None if content in singles else other)
        for content, (home, other) in enumerate(homes)
    )
    return Layout(pairs=pairs, hosts=hosts, racks=racks)


def is_safe(layout: Layout, group: set[str], limit: float | None) -> bool:
    """The definition: no content has all of its copies in the group, no survivor carries too much."""
    before = Counter(pair.primary for pair in layout.pairs)
    after = Counter(before)
    for pair in layout.pairs:
        if {pair.primary, pair.mirror or pair.primary} <= group:
            return False
        if pair.primary in group:
            assert pair.mirror is not None
            after[pair.mirror] += 1
    if limit is None:
        return True
    mean = len(layout.pairs) / len(before)
    return all(
        after[host] / (before[host] or mean) <= limit + 1e-9
        for host in after
        if host not in group and after[host] > before[host]
    )


@given(
    layouts(),
    st.sampled_from([None, None, 1.0, 1.25, 1.5, 2.0, 3.0]),
    st.sampled_from([None, "mdw", "sdw1"]),
    st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_maintenance_groups_are_the_fewest(
    layout: Layout, limit: float | None, coordinator: str | None, racks_survive: bool
) -> None:
    found = maintenance(
        layout, coordinator=coordinator, limit=limit, survives_racks=racks_survive, unit=None
    )
    holders = {h for pair in layout.pairs for h in (pair.primary, pair.mirror) if h is not None}
    out = {one.host: one for one in found.left_out}
    grouped = [host for group in found.groups for host in group.hosts]
    assert sorted([*grouped, *out]) == sorted(holders)
    for host, one in out.items():
        if one.why is WhyLeftOut.COORDINATOR:
            assert host == coordinator
        else:
            assert not is_safe(layout, {host}, limit)
    assert all(is_safe(layout, set(group.hosts), limit) for group in found.groups)
    hosts = sorted(grouped)
    fewest = min(
        len(way)
        for way in partitions(range(len(hosts)))
        if all(is_safe(layout, {hosts[item] for item in group}, limit) for group in way)
    )
    assert (found.bound, found.by_host) == (fewest, fewest)
    if found.unit is Unit.HOST:
        assert found.is_proven
    else:
        # whole racks, as many as the policy is ready to pay for
        assert racks_survive or len(found.groups) == fewest
        for group in found.groups:
            assert {layout.racks[host] for host in group.hosts} == set(group.racks)
        assert (
            Counter(rack for group in found.groups for rack in group.racks).most_common(1)[0][1]
            == 1
        )


@given(layouts(), st.randoms(use_true_random=False))
def test_the_order_of_contents_does_not_matter(layout: Layout, random: object) -> None:
    pairs = list(layout.pairs)
    random.shuffle(pairs)  # type: ignore[attr-defined]
    shuffled = Layout(pairs=tuple(pairs), hosts=layout.hosts, racks=layout.racks)
    one, other = (
        maintenance(each, coordinator=None, limit=1.5, survives_racks=False, unit=None)
        for each in (layout, shuffled)
    )
    assert [group.hosts for group in one.groups] == [group.hosts for group in other.groups]
