"""Racks that are not kept apart are told, with a spec that keeps them, which is loaded and tried."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.diagnostics import Severity
from gpmirror.model.observed import Observed
from gpmirror.placement.place import place
from gpmirror.placement.racks import rack_remarks
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.spec import load
from gpmirror.spec.model import Spec
from tests.clusters import mirrorless, planned
from tests.plans import moving

HEAD = "apiVersion: gpmirror/v1\ncluster: {name: racks}\n"
TWO = """hosts:
  - {name: "sdw[1-4]", rack: a, roots: [/data1/mirror, /data2/mirror]}
  - {name: "sdw[5-8]", rack: b, roots: [/data1/mirror, /data2/mirror]}
"""
THREE = """hosts:
  - {name: "sdw[1-2]", rack: a, roots: [/data/mirror]}
  - {name: "sdw[3-4]", rack: b, roots: [/data/mirror]}
  - {name: "sdw[5-6]", rack: c, roots: [/data/mirror]}
"""
UNEVEN = """hosts:
  - {name: "sdw[1-3]", rack: a, addresses: ["{host}-1"], roots: ["/data/{host}"]}
  - {name: "sdw[4-5]", rack: b, roots: [/data/mirror]}
  - {name: sdw6, rack: "on", roots: [/data/mirror]}
"""
LONELY = """hosts:
  - {name: "sdw[1-3]", rack: a, roots: [/data/mirror]}
  - {name: sdw4, rack: b, roots: [/data/mirror]}
"""


def text(hosts: str, strategy: str, more: str = "") -> str:
    return f"{HEAD}{hosts}mirrors:\n  strategy: {strategy}\n  ports: {{offset: 1000}}\n{more}"


def spec(hosts: str, strategy: str, more: str = "") -> Spec:
    return load(text(hosts, strategy, more).encode(), "gpmirror.yaml")


def seen(wanted: Spec, each: int) -> Observed:
    return mirrorless([host.name for host in wanted.hosts], each)


def told(wanted: Spec, each: int) -> list[str]:
    found = [one for one in place(wanted, seen(wanted, each)).warnings if one.code == "GPM-P204"]
    assert all(one.severity is Severity.WARNING and one.place for one in found)
    return [f"{one.message}\n{one.hint}" for one in found]


def taken(wanted: str, hint: str) -> Spec:
    """The spec after what the hint says was pasted into it."""
    hosts = re.search(r"(?m)hosts: \[.*\]$", hint)
    pins = re.search(r"pins: (\[.*\])$", hint)
    if hosts is not None:
        wanted = re.sub(r"(?s)hosts:\n.*?(?=mirrors:)", f"{hosts[0]}\n", wanted)
    if pins is not None:
        wanted = wanted.replace("  ports:", f"  pins: {pins[1]}\n  ports:")
    for key in re.findall(r"`(strategy: [a-z]+|block_size: [0-9]+)`", hint):
        name = key.partition(":")[0]
        line = rf"(?m)^  {name}: .*$"
        wanted = (
            re.sub(line, f"  {key}", wanted)
            if re.search(line, wanted)
            else wanted.replace("  ports:", f"  {key}\n  ports:")
        )
    return load(wanted.encode(), "gpmirror.yaml")


@pytest.mark.parametrize("hosts", [TWO, THREE, UNEVEN], ids=["two", "three", "uneven"])
@pytest.mark.parametrize(
    ("strategy", "each"),
    [("group", 2), ("spread", 2), ("spread", 4), ("block\n  block_size: 3", 4)],
)
def test_what_is_offered_keeps_racks_apart(hosts: str, strategy: str, each: int) -> None:
    before = spec(hosts, strategy)
    (found,) = told(before, each)
    message, _, hint = found.partition("\n")
    assert message.startswith("racks are not kept apart: content")
    after = taken(text(hosts, strategy), hint)
    assert told(after, each) == []
    racks = {host.name: host.rack for host in after.hosts}
    assert racks == {host.name: host.rack for host in before.hosts}
    assert {(h.name, h.roots, h.addresses) for h in after.hosts} == {
        (h.name, h.roots, h.addresses) for h in before.hosts
    }
    desired = place(after, seen(before, each))
    for one in desired.contents:
        assert racks[one.primary_slot.host] != racks[one.mirror.host]


def test_racks_of_equal_size_are_offered_as_zip() -> None:
    (found,) = told(spec(TWO, "group"), 2)
    assert found == (
        "racks are not kept apart: contents 0-5, 8-13 (12 of 16) would have both copies in one "
        "rack, the first in rack a (sdw1 and sdw2), and be lost with it\n"
        'to keep them apart list the hosts of the racks in turn: hosts: [{zip: ["sdw[1-4]", "sdw[5-8]"], racks: [a, b], '
        "roots: [/data1/mirror, /data2/mirror]}]"
    )


def test_spread_over_two_racks_becomes_blocks_of_two() -> None:
    (found,) = told(spec(TWO, "spread"), 3)
    assert "`strategy: block`" in found
    assert "`block_size: 2`" in found


def test_what_no_order_can_do_is_pinned() -> None:
    before = spec(LONELY, "group")
    (found,) = told(before, 1)
    _, _, hint = found.partition("\n")
    assert hint == (
        "to keep them apart pin under mirrors: pins: [{content: 0, host: sdw4}, {content: 1, host: sdw4}]"
    )
    assert told(taken(text(LONELY, "group"), hint), 1) == []


@pytest.mark.parametrize(
    ("hosts", "strategy", "each"),
    [
        (TWO.replace(", rack: a", "").replace(", rack: b", ""), "group", 2),
        (TWO.replace("rack: b", "rack: a"), "group", 2),
        (
            THREE.replace("sdw[1-2]", "sdw1")
            .replace("sdw[3-4]", "sdw2")
            .replace("sdw[5-6]", "sdw3"),
            "group",
            2,
        ),
        ('hosts: [{zip: ["sdw[1-4]", "sdw[5-8]"], racks: [a, b], roots: [/d/m]}]\n', "group", 2),
    ],
    ids=["no racks", "one rack", "a host a rack", "in turn"],
)
def test_nothing_is_said_where_nothing_is_wrong(hosts: str, strategy: str, each: int) -> None:
    wanted = spec(hosts, strategy)
    assert told(wanted, each) == []
    assert rack_remarks(wanted) == []


def test_a_plan_carries_the_warning_and_a_plan_file_reads_without_it() -> None:
    plan = planned(spec(TWO, "group"), seen(spec(TWO, "group"), 2))
    assert [one for one in plan.warnings if "(GPM-P204); to keep them apart" in one]
    older = replace(plan, warnings=())
    assert read_plan(plan_text(older).encode(), "plan.json") == older
    assert any("GPM-P204" in one for one in moving().warnings)


def test_validate_says_from_how_many_primaries_on() -> None:
    (one,) = rack_remarks(spec(TWO, "group"))
    assert "with 1 primary on a host" in one.message
    assert one.message.endswith("a mirror of sdw1 on sdw2, both in rack a")
    in_turn = 'hosts: [{zip: ["sdw[1-4]", "sdw[5-8]"], racks: [a, b], roots: [/d/m]}]\n'
    (one,) = rack_remarks(spec(in_turn, "spread"))
    assert "with 2 primaries on a host spread puts a mirror of sdw1 on sdw2" in one.message
    assert "`block_size: 2`" in (one.hint or "")


def test_validate_prints_it_and_stays_ok(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gpmirror.yaml"
    file.write_text(text(TWO, "group", "policy: {survive: [{any: 1, of: rack}]}\n"))
    assert main(["validate", str(file)]) == 0
    said = capsys.readouterr()
    assert "ok (8 hosts, group, offset 1000)" in said.out
    assert "gpmirror.yaml:9:20" in said.err
    assert 'hosts: [{zip: ["sdw[1-4]", "sdw[5-8]"], racks: [a, b]' in said.err
    assert main(["validate", "--json", str(file)]) == 0
    assert "GPM-P204" in capsys.readouterr().out
