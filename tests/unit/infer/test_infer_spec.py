"""From catalogs to specs: what the saved ones give, and that every random one comes back."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings

from gpmirror.catalog import read_catalog
from gpmirror.errors import GpmirrorError, InvalidInput
from gpmirror.infer import Inferred, infer_spec
from gpmirror.infer.codes import CODES
from gpmirror.model.observed import Observed
from gpmirror.placement.hosts import look_alikes
from gpmirror.placement.place import place
from gpmirror.plan.model import Action
from gpmirror.spec import load
from gpmirror.spec.model import Bases, Offset, Strategy
from tests.clusters import coordinator, mirrored, mirrorless, observed, row, spec
from tests.strategies import RANDOMS, applied, damaged
from tests.strategies import mirrorless as random_cluster
from tests.strategies import spec as random_spec

CATALOGS = Path(__file__).parents[2] / "fixtures" / "catalogs"
EXAMPLES = Path(__file__).parents[3] / "examples"


def imported(path: Path, *, table: int | None = None) -> Inferred:
    return infer_spec(read_catalog(path.read_bytes(), path.name, table=table), name="x")


SAVED = [
    # file, table, strategy, ports, pins
    ("01-gp4.3.6.1-single-host-23x.txt", None, "group", Offset(1000), 0),
    (
        "03-gp5-2sdw-group.txt",
        None,
        "group",
        Bases(mirror_base=50000, replication_base=41000, mirror_replication_base=51000),
        0,
    ),
    (
        "04-gp4-singlehost-2x.txt",
        None,
        "group",
        Bases(mirror_base=63000, replication_base=62000, mirror_replication_base=61000),
        0,
    ),
    ("05-gp6.23.3-4sdw-ring-all-notinsync.txt", None, "group", Offset(1000), 0),
    ("07-gp7.2.0-failover-3-states.md", 1, "group", Offset(500), 0),
    ("07-gp7.2.0-failover-3-states.md", 2, "group", Offset(500), 0),
    ("07-gp7.2.0-failover-3-states.md", 3, "group", Offset(500), 0),
    ("11-cloudberry1.0-demo.txt", None, "group", Offset(3), 0),
    ("12-cloudberry1.6-demo.txt", None, "group", Offset(3), 0),
    ("14-cloudberry2-3sdw-2x-spread.txt", None, "spread", Bases(mirror_base=7000), 0),
    ("16-gp6.4.0-after-host-failure.txt", None, "group", Offset(1000), 0),
    ("21-gp6.17.0-2x2-all-roles-switched.txt", None, "group", Offset(1000), 0),
    ("22-gp6.17.0-4x3-reversed-port-ranges.txt", None, "balanced", Bases(mirror_base=5000), 0),
    ("25-greengage7-unbalanced.array", None, "group", Bases(mirror_base=8000), 0),
    ("26-greengage7-role-mismatch.array", None, "group", Bases(mirror_base=50000), 1),
    ("28-greengage7-segment-down.array", None, "group", Bases(mirror_base=50000), 0),
    ("30-gp7-2x3-excerpt.txt", None, "group", Offset(1000), 0),
]


@pytest.mark.parametrize(("file", "table", "strategy", "ports", "pins"), SAVED)
def test_a_saved_catalog_comes_back_as_its_design(
    file: str, table: int | None, strategy: str, ports: Offset | Bases, pins: int
) -> None:
    inferred = imported(CATALOGS / file, table=table)
    assert (inferred.strategy.value, inferred.spec.ports, inferred.pins) == (strategy, ports, pins)
    assert inferred.plan is not None
    summary = inferred.plan.summary
    assert (summary.add, summary.move) == (0, 0)


@pytest.mark.parametrize("strategy", ["group", "spread"])
def test_old_clusters_with_two_interfaces_keep_their_strategy(strategy: str) -> None:
    inferred = imported(CATALOGS / f"09-gp4.3-3hosts-multihome-{strategy}.txt")
    assert inferred.strategy.value == strategy
    # /data/m1 and /data/m2 hold no content id, so most directories need a pin of their own
    assert all(pin.host is None for pin in inferred.spec.pins)
    assert [host.addresses[-1][-2:] for host in inferred.spec.hosts] == ["-2"] * 3


def test_a_single_host_is_accepted_and_the_rest_is_the_default() -> None:
    inferred = imported(CATALOGS / "01-gp4.3.6.1-single-host-23x.txt")
    assert inferred.spec.allow_same_host
    assert inferred.spec.hosts[0].roots == ("/data/mirror",)
    assert any("`roots` are not observed" in remark for remark in inferred.remarks)


def test_what_remains_is_listed() -> None:
    inferred = imported(CATALOGS / "28-greengage7-segment-down.array")
    assert inferred.remarks == ("1 blocked: content 0",)
    assert "# Left: 1 blocked: content 0." in inferred.text
    switched = imported(CATALOGS / "21-gp6.17.0-2x2-all-roles-switched.txt")
    assert switched.remarks == ("4 with switched roles: content 0, 1, 2, 3",)


def test_pins_say_what_deviates_and_nothing_else() -> None:
    inferred = imported(EXAMPLES / "block-of-4" / "catalog.txt")
    assert (inferred.strategy, inferred.spec.block_size) == (Strategy.BLOCK, 4)
    assert [(pin.content, pin.host) for pin in inferred.spec.pins] == [
        (1, "sdw4"),
        (3, "sdw6"),
        (11, "sdw1"),
    ]
    assert "    - {content: 1, host: sdw4}\n" in inferred.text


def test_a_mirrorless_catalog_gets_a_first_spec() -> None:
    inferred = imported(EXAMPLES / "spread-4x4" / "catalog.txt")
    assert (inferred.strategy, inferred.spec.ports) == (Strategy.GROUP, Offset(1000))
    assert inferred.plan is not None
    assert {change.action for change in inferred.plan.changes} == {Action.ADD}
    assert "# Nothing is mirrored yet: the plan would add 16 mirrors." in inferred.text


def test_a_first_offset_that_collides_is_replaced() -> None:
    rows = [coordinator("sdw1", 7000), *(row(n + 2, n, "p", f"sdw{n + 1}", 6000) for n in range(2))]
    inferred = infer_spec(observed(rows), name="x")
    assert inferred.spec.ports == Offset(2000)
    assert "# not the usual 1000" in inferred.text


def test_high_primaries_get_a_negative_offset() -> None:
    rows = [coordinator(), *(row(n + 2, n, "p", f"sdw{n + 1}", 65000) for n in range(2))]
    assert infer_spec(observed(rows), name="x").spec.ports == Offset(-1000)


def test_ranges_keep_zeros_and_split_where_hosts_differ() -> None:
    hosts = [f"sdw{number:02}" for number in range(8, 13)]
    inferred = infer_spec(mirrored(hosts, 2), name="x")
    assert "  - name: sdw[08-12]\n" in inferred.text
    assert [host.name for host in load(inferred.text.encode(), "x.yaml").hosts] == hosts


def test_hosts_with_primaries_only_are_drained() -> None:
    rows = [coordinator(), *(row(n + 2, n, "p", f"sdw{n + 1}", 6000) for n in range(2))]
    rows += [row(n + 4, n, "m", f"mir{n + 1}", 7000) for n in range(2)]
    inferred = infer_spec(observed(rows), name="x")
    assert inferred.pins == 0
    weights = {host.name: host.weight for host in inferred.spec.hosts}
    assert weights == {"sdw1": 0, "sdw2": 0, "mir1": 1, "mir2": 1}


def test_mirrors_without_any_order_are_pinned() -> None:
    hosts = [f"sdw{n}" for n in range(6)]
    targets = [3, 5, 1, 4, 0, 2, 4, 2, 5, 1, 3, 0, 5, 4, 1, 2, 2, 3]
    rows = [coordinator(), *(row(n + 2, n, "p", hosts[n % 6], 6000 + n) for n in range(18))]
    rows += [
        row(n + 20, n, "m", hosts[target if target != n % 6 else (n + 1) % 6], 7100 + n)
        for n, target in enumerate(targets)
    ]
    inferred = infer_spec(observed(rows), name="x")
    assert inferred.plan is not None
    assert not inferred.plan.summary.differs


def test_a_name_that_no_spec_can_carry_is_refused() -> None:
    seen = mirrored(["sdw1", "sdw2"])
    broken = tuple(
        replace(item, directory="/data/mir ror/gpseg0") if item.preferred_role == "m" else item
        for item in seen.segments
    )
    with pytest.raises(InvalidInput) as caught:
        infer_spec(replace(seen, segments=broken), name="x")
    assert {found.code for found in caught.value.diagnostics} == {"GPM-P401"}


def test_a_coordinator_alone_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        infer_spec(observed([coordinator()]), name="x")
    assert caught.value.diagnostics[0].code == "GPM-P402"


@pytest.mark.parametrize("hosts", [1, 2, 5, 11])
def test_the_order_of_rows_does_not_matter(hosts: int) -> None:
    seen = mirrorless([f"sdw{n + 1}" for n in range(hosts)], 2)
    turned = replace(seen, segments=tuple(reversed(seen.segments)))
    assert infer_spec(turned, name="x").text == infer_spec(seen, name="x").text


def case(random: Random) -> tuple[Observed, int] | None:
    """A cluster as some spec with some pins left it, and the most pins that should say so."""
    bare = random_cluster(random)
    wanted = random_spec(random, bare)
    try:
        seen = applied(bare, place(wanted, bare))
    except GpmirrorError:
        return None
    # from a catalog nobody can tell a drained host or a new one from one without a mirror by chance
    shares_show = wanted.strategy is not Strategy.BALANCED or all(
        host.weight and not host.name.startswith("new") for host in wanted.hosts
    )
    return seen, len(wanted.pins) if shares_show else len(seen.segments)


@given(RANDOMS)
@settings(max_examples=100)
def test_whatever_a_spec_placed_comes_back(random: Random) -> None:
    found = case(random)
    if found is None:
        return
    inferred = infer_spec(found[0], name="x")
    assert inferred.plan is not None
    assert not inferred.plan.summary.differs


@pytest.mark.parametrize("seed", range(150))
def test_common_clusters_come_back_with_no_more_pins_than_they_were_made_with(seed: int) -> None:
    found = case(Random(seed))
    if found is not None:
        assert infer_spec(found[0], name="x").pins <= found[1]


@given(RANDOMS)
@settings(max_examples=100)
def test_damage_is_left_in_place(random: Random) -> None:
    found = case(random)
    if found is None:
        return
    bare = random_spec(random, found[0])
    seen, _ = damaged(random, found[0], bare)
    inferred = infer_spec(seen, name="x")
    assert inferred.plan is not None
    for change in inferred.plan.changes:
        assert change.action in {Action.RECOVER, Action.BLOCKED}
        assert change.action is Action.BLOCKED or change.from_ == change.to


def test_blocks_are_found_on_a_long_ring() -> None:
    hosts = [f"sdw{number + 1}" for number in range(60)]
    bare = mirrorless(hosts, 4)
    blocks = spec(hosts, "block", block_size=5)
    inferred = infer_spec(applied(bare, place(blocks, bare)), name="x")
    assert (inferred.strategy, inferred.spec.block_size, inferred.pins) == (Strategy.BLOCK, 5, 0)


def test_primaries_called_primary_get_mirrors_called_mirror() -> None:
    rows = [row(n + 2, n, "p", f"sdw{n + 1}", 6000, f"/data/primary{n}") for n in range(2)]
    inferred = infer_spec(observed(rows), name="x")
    assert inferred.spec.directory == "{root}/mirror{content}"
    assert inferred.spec.hosts[0].roots == ("/data",)


def test_filespaces_get_roots_of_their_own() -> None:
    rows = [
        row(n + 2, n, "p", f"sdw{n + 1}", 6000, filespaces=(("fast", f"/ssd/primary/gpseg{n}"),))
        for n in range(2)
    ]
    inferred = infer_spec(observed([coordinator(), *rows], "gp5", filespaces=("fast",)), name="x")
    assert (
        "    roots: {pg_system: [/data/mirror], fast: [/ssd/mirror]} # guessed, not observed: check it\n"
        in inferred.text
    )


def test_names_of_one_machine_are_one_host() -> None:
    seen = mirrored(["sdw1", "sdw2"])
    renamed = tuple(
        # as an -i file of 6 leaves it: the hostname has become the address
        replace(item, hostname=f"{item.hostname}-1", address=f"{item.hostname}-1")
        if item.preferred_role == "m"
        else replace(item, address=f"{item.hostname}-1")
        for item in seen.segments
    )
    inferred = infer_spec(replace(seen, segments=renamed), name="x")
    assert "  - name: sdw[1-2]\n" in inferred.text
    assert {host.addresses for host in inferred.spec.hosts} == {("sdw1-1",), ("sdw2-1",)}


def test_an_address_of_several_hosts_names_none_of_them() -> None:
    seen = mirrored(["sdw1", "sdw2"])
    rows = tuple(replace(item, address="127.0.0.1") for item in seen.segments)
    inferred = infer_spec(replace(seen, segments=rows), name="x")
    assert {host.name for host in inferred.spec.hosts} == {"sdw1", "sdw2"}
    assert any("127.0.0.1 belongs to several hosts" in remark for remark in inferred.remarks)


def test_a_hostname_that_is_an_ipv6_address_is_respelt() -> None:
    seen = mirrored(["fd00::1", "fd00::2"])
    inferred = infer_spec(seen, name="x")
    assert [host.name for host in inferred.spec.hosts] == ["fd00--1", "fd00--2"]


def test_a_hostname_with_a_blank_is_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        infer_spec(mirrored(["sdw 1", "sdw2"]), name="x")
    assert caught.value.diagnostics[0].code == "GPM-P401"


def test_a_catalog_that_breaks_the_rules_of_placement_is_refused() -> None:
    seen = mirrored(["sdw1", "sdw2"], dialect="gp5")
    rows = tuple(
        replace(item, replication_port=7000)
        if item.preferred_role == "p" and item.content >= 0
        else item
        for item in seen.segments
    )
    with pytest.raises(InvalidInput) as caught:
        infer_spec(replace(seen, segments=rows), name="x")
    assert caught.value.diagnostics[0].code == "GPM-P403"


def test_the_codes_have_pages() -> None:
    assert {"GPM-P401", "GPM-P402", "GPM-P403", "GPM-P404"} == set(CODES)
    assert all(info.title and info.why and info.fix for info in CODES.values())


@pytest.mark.parametrize(
    ("names", "alike"),
    [
        (["gp6s-s1", "gp6s-s2"], [("gp6s-s1", "gp6s-s2")]),
        (
            ["db1-x1", "db1-x2", "db2-x1", "db2-x2"],
            [("db1-x1", "db1-x2"), ("db2-x1", "db2-x2")],
        ),
        (
            ["db1", "db2", "db1-mirror", "db2-mirror"],
            [("db1", "db1-mirror"), ("db2", "db2-mirror")],
        ),
        (["db1-1.dc.example", "db1-2.dc.example"], [("db1-1.dc.example", "db1-2.dc.example")]),
        (["db1-1.dc1", "db1-2.dc2"], []),
        (["db1", "db2", "db10"], []),
        ([f"data-{number}" for number in range(1, 7)], []),
        (["rack1-db1", "rack1-db2", "rack2-db1"], []),
    ],
)
def test_names_that_look_like_interfaces(names: list[str], alike: list[tuple[str, ...]]) -> None:
    assert sorted(look_alikes(names)) == sorted(alike)
    if alike and len(names) > 1:
        inferred = infer_spec(mirrored(names, 2), name="x")
        (said,) = (remark for remark in inferred.remarks if "interfaces" in remark)
        assert " and ".join(alike[0]) in said
        assert f"# {said[0].upper()}{said[1:]}." in inferred.text.splitlines()
        assert inferred.plan is not None
        assert said in inferred.plan.warnings
