"""What the utilities get: which one, in what form, and what is done on hosts before."""

from dataclasses import replace

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Status
from gpmirror.plan.model import Action, NamePair, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.request import Request
from gpmirror.plan.waves import reuses_directory
from gpmirror.spec.model import ApplyOptions, Host, NativeOptions, Offset, Pin, Spec
from tests import clusters

HOSTS = ["sdw1", "sdw2", "sdw3"]
TWO_ADDRESSES = clusters.host("sdw2", addresses=("sdw2", "sdw2-b"))
MULTI_HOMED: list[Host | str] = [
    clusters.host("sdw1", addresses=("sdw1", "sdw1-b")),
    "sdw2",
    "sdw3",
]
OTHER_PORTS = clusters.spec(HOSTS, ports=Offset(2000))


def _pinned(*pins: dict[str, object]) -> Spec:
    found = tuple(Pin(place=clusters.PLACE, **pin) for pin in pins)  # type: ignore[arg-type]
    return replace(clusters.spec(HOSTS), pins=found)


def _mirrored(dialect: str, version: str | None = None) -> Observed:
    seen = clusters.mirrored(HOSTS, 2, dialect)
    if seen.dialect.file_replication:
        rows = [
            replace(r, replication_port=r.port + (3000 if r.is_preferred_primary else 1000))
            if r.content >= 0
            else r
            for r in seen.segments
        ]
        seen = replace(seen, segments=tuple(rows))
    return replace(seen, server_version=version)


def _runs(plan: Plan) -> list[tuple[str, str]]:
    return [(run.utility, run.file_text or "") for wave in plan.waves for run in wave.native]


@pytest.mark.parametrize(
    ("dialect", "utility"),
    [
        ("gp4", "gpmovemirrors"),
        ("gp5", "gprecoverseg"),
        ("gp6", "gprecoverseg"),
        ("gp7", "gprecoverseg"),
        ("cloudberry", "gprecoverseg"),
        ("greengage6", "gprecoverseg"),
        ("greengage7", "gprecoverseg"),
    ],
)
def test_each_dialect_moves_with_its_utility(dialect: str, utility: str) -> None:
    plan = clusters.planned(clusters.spec(HOSTS[::-1]), _mirrored(dialect))
    assert {name for name, _ in _runs(plan)} == {utility}
    deletes = [h.message for h in plan.hazards if h.name == "deletes-old-directory"]
    assert any("gpmovemirrors" in words for words in deletes) is (utility == "gpmovemirrors")


def test_a_directory_that_is_needed_later_is_left_by_gpmovemirrors() -> None:
    spec = _pinned(
        {"content": 0, "directory": "/data/mirror/gpseg1"}, {"content": 1, "directory": "/new"}
    )
    plan = clusters.planned(spec, _mirrored("gp6"))
    assert _runs(plan) == [
        ("gpmovemirrors", "sdw2|7001|/data/mirror/gpseg1 sdw2|7001|/new\n"),
        ("gprecoverseg", "sdw2|7000|/data/mirror/gpseg0 sdw2|7000|/data/mirror/gpseg1\n"),
    ]
    assert [h.contents for h in plan.hazards if h.name == "deletes-old-directory"] == [(1,)]


def test_gpmovemirrors_never_gets_a_directory_that_stays_under_another_address() -> None:
    """It would delete the directory that it has just filled, and gprecoverseg refuses to fill it."""
    hosts: list[Host | str] = ["sdw1", TWO_ADDRESSES, "sdw3"]
    spec = replace(
        clusters.spec(hosts),
        pins=(
            Pin(content=0, address="sdw2-b", place=clusters.PLACE),
            Pin(content=4, directory="/new", place=clusters.PLACE),
        ),
    )
    plan = clusters.planned(spec, _mirrored("gp4"))
    assert len(plan.waves) == 1
    assert [name for name, _ in _runs(plan)] == ["gpmovemirrors"]
    assert [h.contents for h in plan.hazards if h.name == "deletes-old-directory"] == [(4,)]
    assert [change.content for change in plan.changes if change.action is Action.BLOCKED] == [0]


@pytest.mark.parametrize("dialect", ["gp4", "gp5"])
def test_file_replication_moves_no_mirror_into_its_own_directory(dialect: str) -> None:
    """gprecoverseg of 5.8.1 stops the mirror, then refuses the directory: it would stay down."""
    plan = clusters.planned(OTHER_PORTS, _mirrored(dialect))
    assert not plan.waves
    assert {change.action for change in plan.changes} == {Action.BLOCKED}
    assert "holds the mirror itself" in plan.changes[0].reason
    assert "keep its ports and address, or give it another directory" in plan.changes[0].reason


def test_a_down_mirror_with_other_ports_comes_back_where_it_was() -> None:
    """With file replication: a full directory is taken by a recovery in place alone."""
    seen = _mirrored("gp5")
    rows = [
        replace(r, status=Status.DOWN) if r.content == 0 and not r.is_preferred_primary else r
        for r in seen.segments
    ]
    seen = replace(seen, segments=tuple(rows))
    plan = clusters.planned(OTHER_PORTS, seen)
    (found,) = [change for change in plan.changes if change.action is Action.RECOVER]
    assert (found.content, found.to) == (0, found.from_)
    assert "in a later plan" in found.reason


@pytest.mark.parametrize("dialect", ["gp6", "gp7", "cloudberry"])
def test_a_copy_into_the_old_one_s_own_directory_is_a_danger_with_a_name(dialect: str) -> None:
    """A good mirror's files go before the new copy is there, whichever utility does it."""
    plan = clusters.planned(OTHER_PORTS, _mirrored(dialect))
    contents = tuple(change.content for change in plan.changes)
    (danger,) = plan.hazards
    assert (danger.name, danger.contents) == ("deletes-old-directory", contents)
    assert "directory where the old copy stands" in danger.message


def test_one_address_change_alone_is_one_run() -> None:
    hosts: list[Host | str] = ["sdw1", TWO_ADDRESSES, "sdw3"]
    pin = Pin(content=0, address="sdw2-b", place=clusters.PLACE)
    spec = replace(clusters.spec(hosts), pins=(pin,))
    plan = clusters.planned(spec, _mirrored("gp6"))
    assert [name for name, _ in _runs(plan)] == ["gprecoverseg"]


@pytest.mark.parametrize(
    ("version", "shared", "keeps"),
    [
        (None, True, False),
        ("6.24.3", True, False),
        ("6.25.0", True, True),
        ("6.25.0", False, False),
        ("6.25.0", None, False),
    ],
)
def test_hostnames_are_written_where_they_are_read_and_belong_to_the_address(
    version: str | None,
    shared: bool | None,
    keeps: bool,
) -> None:
    """gprecoverseg of 7.0.0 and Greengage 6.27.1 leaves a line out whose names share no IP."""
    pin = Pin(content=4, address="sdw1-b", place=clusters.PLACE)
    spec = replace(clusters.spec(MULTI_HOMED), pins=(pin,))
    seen = _mirrored("gp6", version)
    if shared is not None:
        seen = replace(seen, common_ip={("sdw1", "sdw1-b"): shared})
    plan = clusters.planned(spec, seen)
    line = "sdw1|7000|/data/mirror/gpseg4 sdw1-b|7000|/data/mirror/gpseg4\n"
    if keeps:
        line = "sdw1|sdw1|7000|/data/mirror/gpseg4 sdw1|sdw1-b|7000|/data/mirror/gpseg4\n"
    assert _runs(plan) == [("gprecoverseg", line)]
    assert plan.changes[0].hostname_after == (None if keeps else "sdw1-b")
    renamed = {h.name for h in plan.hazards} >= {"hostname-becomes-address"}
    assert renamed is not keeps
    matters = version == "6.25.0"
    pair = NamePair(hostname="sdw1", address="sdw1-b", shared=shared)
    assert plan.names == ((pair,) if matters else None)
    asks = [line for line in plan.warnings if line.startswith("whether sdw1 and sdw1-b share an")]
    assert len(asks) == (matters and shared is None)
    assert read_plan(plan_text(plan).encode(), "p") == plan


def test_a_host_whose_name_is_a_kind_of_recovery_stands_in_no_four_fields() -> None:
    """`I|D-1|7000|dir` would be an incremental recovery of D-1 (Greengage 6.27.1)."""
    seen = _mirrored("gp7", "7.1.0")
    rows = tuple(
        replace(r, hostname="I") if r.content == 4 and r.preferred_role == "m" else r
        for r in seen.segments
    )
    seen = replace(seen, segments=rows, common_ip={("sdw1", "sdw1-b"): True})
    pin = Pin(content=4, address="sdw1-b", place=clusters.PLACE)
    plan = clusters.planned(replace(clusters.spec(MULTI_HOMED), pins=(pin,)), seen)
    line = "sdw1|7000|/data/mirror/gpseg4 sdw1-b|7000|/data/mirror/gpseg4\n"
    assert _runs(plan) == [("gprecoverseg", line)]
    assert "hostname-becomes-address" in {h.name for h in plan.hazards}
    assert any("its host is called I, which gprecoverseg reads" in text for text in plan.warnings)


def test_a_copy_that_stepped_aside_is_the_plan_s_own() -> None:
    """It lands where it waited, under its own port; the place that it left first stands untouched."""
    plan = clusters.planned(
        clusters.spec([*HOSTS, "sdw4"], strategy="spread"), clusters.mirrored([*HOSTS, "sdw4"], 2)
    )
    steps = [step for wave in plan.waves for step in wave.steps]
    assert any(step.temporary for step in steps)
    assert any(reuses_directory(step) for step in steps)
    assert not plan.hazards


def test_the_old_group_has_the_hostname_of_its_own_row() -> None:
    """An earlier file may have made an address the hostname of some rows of a host."""
    hosts: list[Host | str] = ["sdw1", TWO_ADDRESSES, "sdw3"]
    seen = _mirrored("gp6", "6.25.0")
    rows = [
        replace(r, hostname="sdw2-b", address="sdw2-b")
        if r.content == 0 and not r.is_preferred_primary
        else r
        for r in seen.segments
    ]
    spec = replace(clusters.spec(hosts), pins=(Pin(content=0, port=7100, place=clusters.PLACE),))
    known = {("sdw2", "sdw2-b"): True}
    plan = clusters.planned(spec, replace(seen, segments=tuple(rows), common_ip=known))
    assert _runs(plan) == [
        (
            "gprecoverseg",
            "sdw2-b|sdw2-b|7000|/data/mirror/gpseg0 sdw2|sdw2-b|7100|/data/mirror/gpseg0\n",
        )
    ]
    apart = replace(seen, segments=tuple(rows), common_ip={("sdw2", "sdw2-b"): False})
    plan = clusters.planned(spec, apart)
    line = "sdw2-b|7000|/data/mirror/gpseg0 sdw2-b|7100|/data/mirror/gpseg0\n"
    assert _runs(plan) == [("gprecoverseg", line)]
    # it has that hostname already: nothing becomes of it
    assert "hostname-becomes-address" not in {h.name for h in plan.hazards}


def test_adding_on_6_makes_addresses_hostnames() -> None:
    hosts = [clusters.host(name, addresses=(f"{name}-1", f"{name}-2")) for name in HOSTS]
    plan = clusters.planned(clusters.spec(hosts), clusters.mirrorless(HOSTS))
    assert [c.hostname_after for c in plan.changes] == ["sdw2-1", "sdw3-1", "sdw1-1"]
    hazard = plan.hazards[0]
    assert (hazard.name, hazard.contents) == ("hostname-becomes-address", (0, 1, 2))
    assert "content 0: sdw2-1 instead of sdw2" in hazard.message
    old = clusters.planned(clusters.spec(hosts), clusters.mirrorless(HOSTS, dialect="gp5"))
    assert not old.hazards


def test_parents_are_made_on_the_new_hosts() -> None:
    plan = clusters.planned(OTHER_PORTS, _mirrored("gp6"))
    made = {(a.host, a.path, a.action, a.mode) for w in plan.waves for a in w.host_actions}
    assert made == {(name, "/data/mirror", "make-parent", "0700") for name in HOSTS}


def test_a_recovery_in_place_needs_no_parents() -> None:
    seen = _mirrored("gp6")
    rows = [
        replace(r, status=Status.DOWN) if r.content == 0 and not r.is_preferred_primary else r
        for r in seen.segments
    ]
    plan = clusters.planned(clusters.spec(HOSTS), replace(seen, segments=tuple(rows)))
    assert [w.host_actions for w in plan.waves] == [()]


def test_the_native_options_are_passed_on() -> None:
    options = ApplyOptions(native=NativeOptions(hosts=4, per_host=8, verbose=True))
    spec = replace(OTHER_PORTS, apply=options)
    new = clusters.planned(spec, _mirrored("gp6")).waves[0].native[0]
    assert new.argv[-5:] == ("-B", "4", "-b", "8", "-v")
    moved = replace(spec, directory="{root}/moved/{prefix}{content}")
    old = clusters.planned(moved, _mirrored("gp5")).waves[0].native[0]
    assert old.argv[-3:] == ("-B", "4", "-v")
    (said,) = _unused(spec, "gp5")
    assert said.startswith("apply.native.per_host (gpmirror.yaml) is not used: the utilities of")
    assert not _unused(spec, "gp6")
    assert not _unused(replace(spec, apply=ApplyOptions()), "gp5")


def _unused(spec: Spec, dialect: str) -> list[str]:
    plan = clusters.planned(spec, _mirrored(dialect))
    return [line for line in plan.warnings if "is not used" in line]


def test_what_equals_the_utilitys_default_is_not_passed_on() -> None:
    """A real 6.1.0 knows no -b: what nobody asked for may not stop it (6.0 to 6.16)."""
    plan = clusters.planned(OTHER_PORTS, _mirrored("gp6"))
    argv = plan.waves[0].native[0].argv
    assert argv == ("gprecoverseg", "-a", "-i", "wave-001-gprecoverseg.conf")


def test_files_are_named_by_wave_and_utility() -> None:
    plan = clusters.planned(OTHER_PORTS, _mirrored("gp6"))
    names = [run.file_name for wave in plan.waves for run in wave.native]
    assert names == ["wave-001-gprecoverseg.conf", "wave-002-gprecoverseg.conf"]


def test_a_directory_that_no_file_can_carry_is_refused() -> None:
    spec = _pinned({"content": 0, "directory": "/data/a b"})
    with pytest.raises(InvalidInput) as caught:
        clusters.planned(spec, _mirrored("gp6"))
    assert {found.code for found in caught.value.diagnostics} == {"GPM-N026"}


def test_unknown_directories_make_a_plan_for_review_only() -> None:
    seen = _mirrored("gp5")
    rows = tuple(replace(r, directory=None) for r in seen.segments)
    plan = clusters.planned(OTHER_PORTS, replace(seen, segments=rows))
    assert plan.review_only
    assert all("# not written" in text for _, text in _runs(plan))
    assert not clusters.planned(OTHER_PORTS, seen).review_only


def test_addresses_that_became_hostnames_of_mirrors_do_not_outvote_the_primaries() -> None:
    """After gpaddmirrors -i on multi-homed hosts most rows of a host may bear an address."""
    hosts: list[Host | str] = [clusters.host(name, addresses=(name, f"b-{name}")) for name in HOSTS]
    seen = _mirrored("gp7", "7.0.0")
    rows = [
        r
        if r.is_preferred_primary
        else replace(r, hostname=f"b-{r.hostname}", address=f"b-{r.hostname}")
        for r in seen.segments
    ]
    pin = Pin(content=0, host="sdw3", address="sdw3", port=7500, place=clusters.PLACE)
    known = {("sdw3", "b-sdw3"): True}
    spec = replace(clusters.spec(hosts), pins=(replace(pin, address="b-sdw3"),))
    seen = replace(seen, segments=tuple(rows), common_ip=known)
    plan = clusters.planned(spec, seen, Request(contents=frozenset({0})))
    ((_, text),) = _runs(plan)
    assert " sdw3|b-sdw3|7500|" in text
