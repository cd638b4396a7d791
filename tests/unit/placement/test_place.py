"""The placement rules one by one: ring, ports, addresses, directories, stability."""

import re
from dataclasses import replace

import pytest

from gpmirror.diagnostics import Severity
from gpmirror.errors import DiagnosedError, Infeasible, InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Slot
from gpmirror.placement.slots import Figure
from gpmirror.spec.model import Bases, Host, Offset, Pin, Spec
from tests import clusters
from tests.clusters import PLACE, coordinator, host, observed, placed, row, spec
from tests.strategies import applied

HOSTS = ["sdw1", "sdw2", "sdw3", "sdw4"]
OLD_BASES = Bases(mirror_base=7000, replication_base=8000, mirror_replication_base=9000)


def mirrors(wanted: Spec, seen: Observed) -> dict[int, Slot]:
    return {item.content: item.mirror for item in placed(wanted, seen).contents}


def targets(wanted: Spec, seen: Observed) -> list[str]:
    """Target hosts by content, without the common `sdw`."""
    return [slot.host.removeprefix("sdw") for _, slot in sorted(mirrors(wanted, seen).items())]


def codes(wanted: Spec, seen: Observed) -> list[str]:
    with pytest.raises(DiagnosedError) as caught:
        placed(wanted, seen)
    return [found.code for found in caught.value.diagnostics]


def hosts(*weights: int) -> list[Host]:
    return [host(f"sdw{number}", weight=weight) for number, weight in enumerate(weights, 1)]


# --- rule 1: the ring -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "size", "expected"),
    [
        ("group", None, "22 33 44 11"),
        ("spread", None, "23 34 41 12"),
        ("block", 2, "22 11 44 33"),
        ("block", 3, "23 31 12"),
        ("block", 4, "23 34 41 12"),
        ("block", None, "23 34 41 12"),
    ],
)
def test_strategies_on_a_ring(strategy: str, size: int | None, expected: str) -> None:
    names = HOSTS[: len(expected.split())]
    wanted = spec(names, strategy, block_size=size)
    assert targets(wanted, clusters.mirrorless(names, 2)) == list(expected.replace(" ", ""))


def test_the_last_block_may_be_shorter() -> None:
    names = [*HOSTS, "sdw5"]
    wanted = spec(names, "block", block_size=3)
    assert targets(wanted, clusters.mirrorless(names, 2)) == list("2331125544")


def test_the_ring_is_the_order_of_the_spec() -> None:
    seen = clusters.mirrorless(HOSTS)
    assert targets(spec(["sdw3", "sdw1", "sdw4", "sdw2"]), seen) == list("4312")


@pytest.mark.parametrize(
    ("strategy", "weights", "expected"),
    [
        ("group", (1, 0, 1, 1), "3 3 4 1"),
        ("group", (0, 0, 0, 1), "4 4 4 !"),
        ("group", (1, 0, 1, 0), "3 3 1 1"),
        ("spread", (1, 0, 1, 1), "3 3 4 1"),
        ("block", (1, 0, 1, 1), "3 3 4 1"),
    ],
)
def test_hosts_of_weight_0_are_stepped_over(
    strategy: str, weights: tuple[int, ...], expected: str
) -> None:
    wanted, seen = spec(hosts(*weights), strategy), clusters.mirrorless(HOSTS)
    if "!" in expected:
        assert codes(wanted, seen) == ["GPM-P102"]
    else:
        assert targets(wanted, seen) == expected.split()


def test_other_hosts_take_the_mirrors_of_a_drained_ring() -> None:
    """Source i to target i mod n; spread: its k-th to target (i + k - 1) mod n."""
    seen = clusters.mirrorless(["sdw1", "sdw2", "sdw3"], 2)
    drained = hosts(0, 0, 0, 1, 1)
    assert targets(spec(drained, "group"), seen) == list("445544")
    assert targets(spec(drained, "spread"), seen) == list("455445")


def test_drained_ring_without_targets() -> None:
    assert set(codes(spec(hosts(0, 0)), clusters.mirrorless(HOSTS[:2]))) == {"GPM-P102"}
    assert set(codes(spec(hosts(0, 0), "spread"), clusters.mirrorless(HOSTS[:2]))) == {"GPM-P102"}


def test_a_single_host_needs_permission() -> None:
    seen = clusters.mirrorless(["sdw1"], 2)
    for strategy in ("group", "spread", "block"):
        assert codes(spec(["sdw1"], strategy), seen) == ["GPM-P102"]
        allowed = spec(["sdw1"], strategy, allow_same_host=True)
        assert targets(allowed, seen) == ["1", "1"]
    assert codes(spec(hosts(0), allow_same_host=True), seen) == ["GPM-P102"]


def test_what_holds_for_several_hosts_is_reported_once() -> None:
    seen = clusters.mirrorless(["sdw1", "sdw2"], 3)
    with pytest.raises(Infeasible) as caught:
        placed(spec(["sdw1", "sdw2"], "spread"), seen)
    (found,) = caught.value.diagnostics
    assert "sdw[1-2] have 3 primaries each and 1 other host may hold mirrors" in found.message


def test_a_host_without_primaries_is_a_target() -> None:
    seen = clusters.mirrorless(HOSTS[:2])
    assert targets(spec(["sdw1", "sdw9", "sdw2"]), seen) == ["9", "1"]


# --- rule 3: ports --------------------------------------------------------------------------------


def _ports(wanted: Spec, seen: Observed) -> list[int]:
    return [slot.port for _, slot in sorted(mirrors(wanted, seen).items())]


def test_ports_count_up_from_the_target_hosts_lowest_primary() -> None:
    rows = [
        row(2, 0, "p", "sdw1", 6000),
        row(3, 1, "p", "sdw1", 6007),
        row(4, 2, "p", "sdw2", 6500),
    ]
    seen = observed([coordinator(), *rows])
    assert _ports(spec(["sdw1", "sdw2"]), seen) == [7500, 7501, 7000]
    assert _ports(spec(["sdw1", "sdw2", "sdw3"]), seen) == [7500, 7501, 7000]
    assert _ports(spec(["sdw1", "sdw2"], ports=Offset(-1000)), seen) == [5500, 5501, 5000]


def test_before_6_the_replication_ports_lie_two_and_three_offsets_away() -> None:
    found = placed(spec(["sdw1", "sdw2"]), clusters.mirrorless(["sdw1", "sdw2"], 2, "gp5")).contents
    assert [(p.mirror.replication_port, p.primary_replication_port) for p in found] == [
        (8000, 9000),
        (8001, 9001),
    ] * 2


def test_bases_shift_the_primarys_own_port() -> None:
    rows = [
        row(2, 0, "p", "sdw1", 6000),
        row(3, 1, "p", "sdw1", 6005),
        row(4, 2, "p", "sdw2", 6001),
    ]
    seen = observed([coordinator(), *rows])
    assert _ports(spec(["sdw1", "sdw2"], ports=Bases(mirror_base=7000)), seen) == [7000, 7005, 7001]


def test_a_port_that_the_bases_find_taken_is_the_lowest_free_one() -> None:
    rows = [
        row(2, 0, "p", "sdw1", 6000),
        row(3, 1, "p", "sdw2", 6000),
        row(4, 2, "p", "sdw3", 7000),
    ]
    seen = observed([coordinator("sdw2", 7000), *rows])
    wanted = spec(["sdw1", "sdw2", "sdw3"], ports=Bases(mirror_base=7000))
    assert _ports(wanted, seen) == [7001, 7001, 8000]


def test_bases_before_6() -> None:
    seen = clusters.mirrorless(["sdw1", "sdw2"], 2, "gp4")
    found = placed(spec(["sdw1", "sdw2"], ports=OLD_BASES), seen).contents
    assert [
        (p.mirror.port, p.mirror.replication_port, p.primary_replication_port) for p in found
    ] == [(7000, 9000, 8000), (7001, 9001, 8001)] * 2


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure(7000), "7000"),
        (Figure(6000, 0, 1, 1000), "6000 + 1000 = 7000"),
        (Figure(6000, 2, 1, 1000), "6000 + 2 + 1000 = 7002"),
        (Figure(40_000, 0, 3, 10_000), "40000 + 3 x 10000 = 70000"),
        (Figure(6000, 0, 1, -7000), "6000 - 7000 = -1000"),
        (Figure(6000, 3), "6000 + 3 = 6003"),
    ],
)
def test_arithmetic_is_shown(figure: Figure, text: str) -> None:
    assert figure.arithmetic() == text


def test_a_port_beside_the_coordinators() -> None:
    seen = observed([coordinator("sdw2", 7000), *clusters.primaries(["sdw1", "sdw2"])])
    assert codes(spec(["sdw1", "sdw2"]), seen) == ["GPM-P111"]


def test_a_directory_beside_the_coordinators() -> None:
    seen = observed([coordinator("sdw2"), *clusters.primaries(["sdw1", "sdw2"])])
    pin = Pin(content=0, directory="/data/master/gpseg-1", place=PLACE)
    assert codes(spec(["sdw1", "sdw2"], pins=(pin,)), seen) == ["GPM-P112"]


def inside(seen: Observed, *pins: Pin) -> list[str]:
    """What is said of new places that lie in others."""
    with pytest.raises(InvalidInput) as caught:
        placed(spec(["sdw1", "sdw2"], pins=pins), seen)
    assert {found.code for found in caught.value.diagnostics} == {"GPM-P113"}
    return [found.message for found in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        ("/data/primary/gpseg1/m", "inside /data/primary/gpseg1: the mirror of content 0 is to"),
        ("/data/mirror/gpseg0/m", "inside /data/mirror/gpseg0: the mirror of content 0 is to"),
        ("/data/master/gpseg-1/x/y", "and the coordinator (dbid 1) stands there"),
        ("/data/primary", "inside /data/primary: a copy of content 1 (dbid 3) stands there, and"),
    ],
    ids=["in a primary's", "in its own old one", "in the coordinator's", "around a primary's"],
)
def test_no_copy_is_placed_in_another_or_around_it(directory: str, words: str) -> None:
    seen = clusters.mirrored(["sdw1", "sdw2"], 1)
    rows = (coordinator("sdw2"), *(row for row in seen.segments if row.content >= 0))
    pin = Pin(content=0, directory=directory, place=replace(PLACE, line=12))
    found = inside(replace(seen, segments=rows), pin)
    assert len(found) == 1
    assert words in found[0]


def test_two_new_places_one_in_the_other() -> None:
    pins = [
        Pin(content=0, directory="/m/a", place=PLACE),
        Pin(content=2, host="sdw2", directory="/m/a/b", place=replace(PLACE, line=9)),
    ]
    seen = clusters.mirrorless(["sdw1", "sdw2", "sdw3"], 1)
    with pytest.raises(InvalidInput) as caught:
        placed(spec(["sdw1", "sdw2", "sdw3"], pins=tuple(pins)), seen)
    (found,) = caught.value.diagnostics
    assert found.place is not None
    assert (found.code, found.place.line) == ("GPM-P113", 9)
    assert [one.label for one in found.related] == ["the mirror of content 0 is to stand there"]


def test_what_stands_nested_already_is_left_in_peace() -> None:
    seen = clusters.mirrored(["sdw1", "sdw2"], 1)
    rows = [
        replace(one, directory="/data/primary/gpseg1/m")
        if one.content == 0 and not one.is_preferred_primary
        else one
        for one in seen.segments
    ]
    pin = Pin(content=0, directory="/data/primary/gpseg1/m", place=PLACE)
    wanted = spec(["sdw1", "sdw2"], pins=(pin,))
    assert mirrors(wanted, replace(seen, segments=tuple(rows)))[0].directory == pin.directory


def test_illegal_ports_are_told_once_a_host_and_kind() -> None:
    wanted = spec(["sdw1", "sdw2"], ports=Offset(60_000))
    assert codes(wanted, clusters.mirrorless(["sdw1", "sdw2"], 4)) == ["GPM-P110"] * 2


def test_a_pinned_port_is_judged_where_it_is_written() -> None:
    pin = Pin(content=0, port=6001, place=replace(PLACE, line=12))
    wanted = spec(["sdw1", "sdw2"], pins=(pin,))
    with pytest.raises(InvalidInput) as caught:
        placed(wanted, clusters.mirrorless(["sdw1", "sdw2"], 2))
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P111"
    assert found.place is not None
    assert found.place.line == 12


def test_primaries_that_meet_on_the_heir_of_a_dead_host_keep_their_ports() -> None:
    seen = clusters.mirrorless(["sdw1", "sdw2", "sdw3"])
    wanted = spec(["sdw1", host("sdw3", replaces="sdw2")])
    with pytest.raises(InvalidInput) as caught:
        placed(wanted, seen)
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P111"
    assert found.hint == (
        "primaries keep their ports: `replaces` needs a host with port 6000 free, not sdw3"
    )


# --- rules 4 and 5: addresses and directories ------------------------------------------------------


def _two(name: str, *addresses: str) -> Host:
    return host(name, addresses=addresses)


@pytest.mark.parametrize(
    ("address", "list_of_target", "expected"),
    [
        ("sdw1-1", ("sdw2-1", "sdw2-2"), "sdw2-2"),
        ("sdw1-2", ("sdw2-1", "sdw2-2"), "sdw2-1"),
        ("sdw1-2", ("sdw2",), "sdw2"),
        ("sdw1-2", ("sdw2-1", "sdw2-2", "sdw2-3"), "sdw2-3"),
        ("sdw1", ("sdw2-1", "sdw2-2"), "sdw2-1"),
    ],
)
def test_the_mirror_is_on_the_next_interface(
    address: str, list_of_target: tuple[str, ...], expected: str
) -> None:
    rows = [row(2, 0, "p", "sdw1", 6000, address=address)]
    wanted = spec([_two("sdw1", "sdw1-1", "sdw1-2"), _two("sdw2", *list_of_target)])
    assert mirrors(wanted, observed(rows))[0].address == expected


def test_roots_are_used_in_turn_and_may_repeat() -> None:
    wanted = spec([host("sdw1", ["/a"]), host("sdw2", ["/a", "/b", "/b"])])
    found = mirrors(wanted, clusters.mirrorless(["sdw1", "sdw2"], 4))
    assert [found[n].directory for n in range(4)] == [
        "/a/gpseg0",
        "/b/gpseg1",
        "/b/gpseg2",
        "/a/gpseg3",
    ]


def test_the_template_takes_host_and_prefix() -> None:
    wanted = spec(["sdw1", "sdw2"], directory="{root}/{host}/x{prefix}{content}")
    found = mirrors(wanted, clusters.mirrorless(["sdw1", "sdw2"]))
    assert found[0].directory == "/data/mirror/sdw2/xgpseg0"


@pytest.mark.parametrize(
    ("coordinators", "primary", "prefix"),
    [
        ("/data/master/abc-1", "/p/gpseg0", "abc"),
        ("/data/master/gp-1-1", "/p/gpseg0", "gp-1"),
        ("/data/master/coordinator", "/p/demo0", "demo"),
        ("/data/master/-1", "/p/demo0", "demo"),
        (None, "/p/demo0/", "demo"),
        (None, "/p/0", "gpseg"),
        (None, "/p/other", "gpseg"),
        (None, None, "gpseg"),
    ],
)
def test_the_prefix_is_the_coordinators_else_the_primaries(
    coordinators: str | None, primary: str | None, prefix: str
) -> None:
    rows = [
        row(1, -1, "p", "mdw", 5432, coordinators),
        row(2, 0, "p", "sdw1", 6000, primary),
    ]
    found = placed(spec(["sdw1", "sdw2"]), observed(rows))
    assert found.contents[0].mirror.directory == f"/data/mirror/{prefix}0"
    guessed = [item for item in found.warnings if item.code == "GPM-P201"]
    assert bool(guessed) is (prefix == "gpseg")
    assert all(item.severity is Severity.WARNING for item in guessed)


def test_a_template_without_prefix_needs_no_guess() -> None:
    wanted = spec(["sdw1", "sdw2"], directory="{root}/m{content}")
    seen = observed([row(2, 0, "p", "sdw1", 6000, None)])
    assert placed(wanted, seen).warnings == ()


def test_each_filespace_has_its_roots() -> None:
    names = ["sdw1", "sdw2"]
    listed = [host(n, ["/m"], filespace_roots=(("fast", ("/f1", "/f2")),)) for n in names]
    seen = replace(clusters.mirrorless(names, 2, "gp5"), filespaces=("fast",))
    found = mirrors(spec(listed), seen)
    assert found[0].filespaces == (("fast", "/f1/gpseg0"),)
    assert found[1].filespaces == (("fast", "/f2/gpseg1"),)


# --- rule 6: stability -----------------------------------------------------------------------------


def _after(wanted: Spec, bare: Observed) -> Observed:
    return applied(bare, placed(wanted, bare))


def test_what_is_right_stays() -> None:
    names = HOSTS[:3]
    seen = _after(spec(names, ports=Offset(1200)), clusters.mirrorless(names, 2))
    assert set(_ports(spec(names, ports=Offset(1000)), seen)) == {7200, 7201}
    assert set(_ports(spec(names, ports=Offset(1201)), seen)) == {7201, 7202}


def test_a_kept_mirror_holds_its_index() -> None:
    """The moved one takes the lowest index that nobody holds."""
    names = HOSTS[:2]
    seen = _after(spec(names), clusters.mirrorless(names, 3))
    rows = tuple(
        replace(r, port=7009) if r.content == 1 and not r.is_preferred_primary else r
        for r in seen.segments
    )
    pin = Pin(content=0, directory="/new/gpseg0", place=PLACE)
    wanted = spec(names, pins=(pin,))
    found = mirrors(wanted, replace(seen, segments=rows))
    assert [found[n].port for n in range(3)] == [7000, 7009, 7002]


def test_another_root_of_the_host_is_as_good() -> None:
    names = HOSTS[:2]
    seen = _after(spec(names), clusters.mirrorless(names))
    more = [host(n, ["/other", "/data/mirror"]) for n in names]
    assert mirrors(spec(more), seen)[0].directory == "/data/mirror/gpseg0"
    other = [host(n, ["/other"]) for n in names]
    assert mirrors(spec(other), seen)[0].directory == "/other/gpseg0"


def test_filespaces_are_kept_or_made_anew() -> None:
    names = HOSTS[:2]
    listed = [host(n, filespace_roots=(("fast", ("/f",)),)) for n in names]
    bare = replace(clusters.mirrorless(names, dialect="gp5"), filespaces=("fast",))
    seen = _after(spec(listed), bare)
    assert mirrors(spec(listed), seen)[0].filespaces == (("fast", "/f/gpseg0"),)
    other = [host(n, filespace_roots=(("fast", ("/g",)),)) for n in names]
    assert mirrors(spec(other), seen)[0].filespaces == (("fast", "/g/gpseg0"),)
    pin = Pin(content=0, filespaces=(("fast", "/f/gpseg0"),), place=PLACE)
    assert mirrors(spec(other, pins=(pin,)), seen)[0].filespaces == pin.filespaces


def test_adding_a_host_renumbers_nobody_who_stays() -> None:
    names = HOSTS[:3]
    seen = _after(spec(names), clusters.mirrorless(names, 2))
    before, after = mirrors(spec(names), seen), mirrors(spec(HOSTS), seen)
    assert [n for n in before if before[n] != after[n]] == [4, 5]


def test_an_observed_replication_port_is_kept_with_a_warning() -> None:
    names = ["sdw1", "sdw2"]
    seen = observed([coordinator(), *clusters.primaries(names, 2, old=True)], "gp5")
    found = placed(spec(names, ports=Offset(1100)), seen)
    assert [item.primary_replication_port for item in found.contents] == [9000, 9001] * 2
    assert [item.code for item in found.warnings] == ["GPM-P203"]
    ports = _bases(found.warnings[0].message)
    assert ports == _bases(found.warnings[0].hint)
    assert placed(spec(names, ports=ports), seen) == replace(found, warnings=())


def _bases(text: str | None) -> Bases:
    """Those of the line that a hint says to write."""
    line = re.search(r"`ports: \{([^}]*)\}`", text or "")
    assert line is not None, text
    return Bases(**{key: int(port) for key, port in re.findall(r"(\w+): (\d+)", line[1])})


@pytest.mark.parametrize("old", [True, False], ids=["gp5", "gp6"])
@pytest.mark.parametrize("lowest", [6000, 40_000, 64_900])
@pytest.mark.parametrize(
    "ports", [Offset(60_000), Offset(-64_950), Bases(mirror_base=65_534)], ids=str
)
def test_the_bases_of_a_port_hint_do(old: bool, lowest: int, ports: Offset | Bases) -> None:
    """What the hint says to write is free, whole, and works at the first try."""
    names = HOSTS[:2]
    rows = [
        replace(one, port=one.port - 6000 + lowest, replication_port=None)
        for one in clusters.primaries(names, 4)
    ]
    rows.append(replace(coordinator("sdw1"), port=50_002))
    seen = observed(rows, "gp5" if old else "gp6")
    with pytest.raises(InvalidInput) as caught:
        placed(spec(names, ports=ports), seen)
    for bases in {_bases(one.hint) for one in caught.value.diagnostics}:
        assert (bases.mirror_replication_base is not None) is old
        wanted = placed(spec(names, ports=bases), seen)
        assert [one.code for one in wanted.warnings if one.code != "GPM-P202"] == []


def test_a_port_hint_gives_the_usual_bases_where_they_are_free() -> None:
    rows = [replace(one, port=one.port + 34_000) for one in clusters.primaries(HOSTS[:2], 2)]
    with pytest.raises(InvalidInput) as caught:
        placed(spec(HOSTS[:2], ports=Offset(10_000)), observed([coordinator(), *rows], "gp5"))
    assert _bases(caught.value.diagnostics[0].hint) == Bases(
        mirror_base=50_000, replication_base=41_000, mirror_replication_base=51_000
    )
    ports = Bases(mirror_base=47_000)
    with pytest.raises(InvalidInput) as caught:
        placed(spec(HOSTS[:2], ports=ports), observed([coordinator(), *rows], "gp5"))
    assert _bases(caught.value.diagnostics[0].hint) == Bases(
        mirror_base=47_000, replication_base=41_000, mirror_replication_base=51_000
    )


def test_a_port_hint_moves_no_mirror_that_stands() -> None:
    names = HOSTS[:2]
    seen = _after(spec(names), clusters.mirrorless(names, 2, dialect="gp5"))
    with pytest.raises(InvalidInput) as caught:
        placed(spec(names, ports=Offset(60_000)), seen)
    bases = _bases(caught.value.diagnostics[0].hint)
    assert mirrors(spec(names, ports=bases), seen) == mirrors(spec(names), seen)


# --- pins ------------------------------------------------------------------------------------------


def test_a_pin_wins_and_what_it_leaves_out_follows_the_rules() -> None:
    pin = Pin(content=0, host="sdw3", place=PLACE)
    found = mirrors(spec(HOSTS, pins=(pin,)), clusters.mirrorless(HOSTS))
    assert (found[0].host, found[0].port, found[0].directory) == (
        "sdw3",
        7000,
        "/data/mirror/gpseg0",
    )
    assert found[1].port == 7001


def test_a_pin_may_fix_everything() -> None:
    pin = Pin(
        content=0,
        host="sdw3",
        address="nic9",
        port=41_022,
        directory="/data9/x",
        replication_port=42_022,
        place=PLACE,
    )
    slot = mirrors(spec(HOSTS, pins=(pin,)), clusters.mirrorless(HOSTS, dialect="gp5"))[0]
    assert slot == Slot(
        host="sdw3", address="nic9", port=41_022, directory="/data9/x", replication_port=42_022
    )


def test_a_pinned_replication_port_moves_an_observed_mirror() -> None:
    names = HOSTS[:2]
    seen = _after(spec(names), clusters.mirrorless(names, dialect="gp5"))
    pin = Pin(content=0, replication_port=8500, place=PLACE)
    slot = mirrors(spec(names, pins=(pin,)), seen)[0]
    assert slot.ports == (7000, 8500)


def test_pinned_and_bases_go_together() -> None:
    pin = Pin(content=0, port=7777, place=PLACE)
    wanted = spec(HOSTS[:2], ports=OLD_BASES, pins=(pin,))
    slot = mirrors(wanted, clusters.mirrorless(HOSTS[:2], dialect="gp5"))[0]
    assert slot.ports == (7777, 9000)


def test_strategy_pinned_places_by_pins_alone() -> None:
    names = HOSTS[:2]
    pins = (Pin(content=0, host="sdw2", place=PLACE), Pin(content=1, host="sdw1", place=PLACE))
    assert targets(spec(names, "pinned", pins=pins), clusters.mirrorless(names)) == ["2", "1"]
    assert codes(spec(names, "pinned", pins=pins[:1]), clusters.mirrorless(names)) == ["GPM-P106"]


def test_a_pin_beside_the_primary_needs_permission() -> None:
    pin = Pin(content=0, host="sdw1", place=PLACE)
    seen = clusters.mirrorless(HOSTS)
    assert codes(spec(HOSTS, pins=(pin,)), seen) == ["GPM-P104"]
    assert targets(spec(HOSTS, pins=(pin,), allow_same_host=True), seen)[0] == "1"


# --- which host a row belongs to --------------------------------------------------------------------


def test_a_row_belongs_to_the_host_that_claims_hostname_else_address() -> None:
    rows = [
        row(2, 0, "p", "sdw1", 6000),
        row(3, 1, "p", "unknown", 6000, address="nic2"),
        row(4, 0, "m", "sdw2", 7000),
        row(5, 1, "m", "gone", 7000),
    ]
    found = placed(spec(["sdw1", _two("sdw2", "nic2")]), observed(rows))
    assert [found.hosts.host_of(item) for item in rows] == ["sdw1", "sdw2", "sdw2", "gone"]
    assert found.hosts.home_of(rows[3]) is None


def test_an_unlisted_host_with_primaries_is_refused_with_a_guess() -> None:
    with pytest.raises(InvalidInput) as caught:
        placed(spec(["sdw1", "sdw22"]), clusters.mirrorless(["sdw1", "sdw2"], 12))
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P002"
    assert "of contents 12-23 but" in found.message
    assert found.hint is not None
    assert found.hint.startswith("did you mean that sdw22 is this host?")


def test_a_long_name_is_known_by_its_first_part() -> None:
    """The spec says sdw1, the catalog sdw1.dc.example at the addresses of its interfaces."""
    rows = [
        row(2, 0, "p", "sdw1.dc.example", 6000, address="sdw1-x1"),
        row(3, 1, "p", "sdw1.dc.example", 6001, address="sdw1-x2"),
        row(4, 2, "p", "10.0.0.7", 6000),
    ]
    with pytest.raises(InvalidInput) as caught:
        placed(spec(["sdw1", "sdw2", "10.0.0.8x"]), observed(rows))
    first, second = caught.value.diagnostics
    assert first.hint is not None
    assert first.hint.startswith(
        "did you mean that sdw1 is this host? then give it "
        '`addresses: ["{host}.dc.example", "{host}-x1", "{host}-x2"]`; else list it; '
    )
    assert "addresses" not in (second.hint or "")
    templates = ("sdw1.dc.example", "sdw1-x1", "sdw1-x2")
    named: list[Host | str] = [
        host("sdw1", addresses=templates),
        "sdw2",
        host("sdw3", addresses=("10.0.0.7",)),
    ]
    assert {placed(spec(named), observed(rows)).hosts.host_of(one) for one in rows} == {
        "sdw1",
        "sdw3",
    }


def test_a_replacing_host_takes_the_dead_ones_place() -> None:
    seen = _after(spec(HOSTS), clusters.mirrorless(HOSTS))
    heir = host("new", ["/data/mirror"], addresses=("new-1",), replaces="sdw2")
    found = placed(spec(["sdw1", heir, "sdw3", "sdw4"]), seen).by_content()
    assert (found[0].mirror.host, found[0].mirror.address) == ("new", "new-1")
    assert (found[0].mirror.port, found[0].mirror.directory) == (7000, "/data/mirror/gpseg0")
    assert (found[1].primary_slot.host, found[1].primary_slot.address) == ("new", "new-1")


def test_a_pin_to_a_host_without_roots_needs_a_directory() -> None:
    bare = host("sdw9", [])
    wanted = spec(
        [*HOSTS, replace(bare, weight=0)], pins=(Pin(content=0, host="sdw9", place=PLACE),)
    )
    assert codes(wanted, clusters.mirrorless(HOSTS)) == ["GPM-P007"]


def test_no_primaries_at_all_need_no_mirrors() -> None:
    assert placed(spec(HOSTS), observed([coordinator()])).contents == ()
