"""`gpmirror whatif`: its rows are what `plan` says of the spec that they stand for."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode, Infeasible, InvalidInput
from gpmirror.model.observed import Observed
from gpmirror.plan.build import make_plan
from gpmirror.plan.request import Request
from gpmirror.render.text import proof_text
from gpmirror.render.whatif import whatif_json, whatif_remarks
from gpmirror.spec.model import HostPattern, Pin, Policy, Protection, Spec, Strategy, Survive
from gpmirror.whatif import AS_IT_IS, Comparison, Figures, Question, Refusal, Row, compare
from tests.clusters import PLACE, host, mirrored, mirrorless, spec
from tests.strategies import RANDOMS, case

SPEC = """\
apiVersion: gpmirror/v1
cluster: {{name: dwh}}
hosts:
  - name: "sdw[1-4]"
    addresses: ["{{host}}-1", "{{host}}-2"]
    roots: ["/data/{{host}}/mirror"]
{hosts}mirrors:
  strategy: {strategy}
  ports: {{offset: 1000}}
{more}"""
HEAD = "dbid|content|role|preferred_role|mode|status|port|hostname|address|datadir"
Shown = pytest.CaptureFixture[str]


def catalog(hosts: int = 4, primaries: int = 2) -> str:
    rows = ["1|-1|p|p|n|u|5432|mdw|mdw|/data/master/gpseg-1"]
    for content in range(hosts * primaries):
        at, index = divmod(content, primaries)
        name = f"sdw{at + 1}"
        rows.append(
            f"{content + 2}|{content}|p|p|s|u|{6000 + index}|{name}|{name}-{index % 2 + 1}|/data/gpseg{content}"
        )
    for content in range(hosts * primaries):
        at, index = divmod(content, primaries)
        name = f"sdw{(at + 1) % hosts + 1}"
        rows.append(
            f"{content + 100}|{content}|m|m|s|u|{7000 + index}|{name}|{name}-{(index + 1) % 2 + 1}|/data/{name}/mirror/gpseg{content}"
        )
    return "\n".join([HEAD, *rows, f"({len(rows)} rows)", ""])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "gpmirror.yaml")
    (tmp_path / "catalog.txt").write_text(catalog())
    return tmp_path


def write(file: Path, strategy: str = "group", hosts: str = "", more: str = "") -> None:
    file.write_text(SPEC.format(strategy=strategy, hosts=hosts, more=more))


def asked(shown: Shown, *arguments: str) -> dict[str, Any]:
    assert main(["whatif", "--catalog", "catalog.txt", "--json", *arguments]) == ExitCode.OK
    found: dict[str, Any] = json.loads(shown.readouterr().out)
    return found


def planned(shown: Shown, file: str) -> dict[str, Any]:
    assert main(["plan", file, "--catalog", "catalog.txt", "--json"]) == ExitCode.OK
    found: dict[str, Any] = json.loads(shown.readouterr().out)
    return found


def assert_same(row: dict[str, Any], plan: dict[str, Any]) -> None:
    """A row against the plan file of the spec that says the same."""
    after, summary = plan["layout"]["after"], plan["summary"]
    assert {key: row[key] for key in summary} == summary
    assert row["bytes"] == plan["exposure"]["bytes"]
    assert row["waves"] == len(plan["waves"])
    survival = after["survival"]
    for key in ("any_host", "any_rack", "fatal_pairs", "pairs"):
        assert row[key] == survival[key]
    worst = row["worst_load"]
    told = worst and [worst[key] for key in ("lost", "survivor", "before", "after")]
    assert told == survival["worst_load"]


@pytest.mark.parametrize(
    ("flags", "hosts"),
    [
        ([], ""),
        (
            ["--add-host", "sdw[5-6]:1:b"],
            (
                '  - name: "sdw[5-6]"\n    rack: b\n    addresses: ["{host}-1", "{host}-2"]\n'
                '    roots: ["/data/{host}/mirror"]\n'
            ),
        ),
    ],
)
def test_a_row_is_the_plan_of_the_spec_that_says_so(
    folder: Path, capsys: Shown, flags: Sequence[str], hosts: str
) -> None:
    found = asked(capsys, *flags)
    names = [row["strategy"] for row in found["rows"][1:]]
    assert names == [one.value for one in Strategy if one is not Strategy.PINNED]
    for row in found["rows"][1:]:
        size = row["block_size"]
        write(folder / "other.yaml", row["strategy"], hosts)
        if size is not None:
            text = (folder / "other.yaml").read_text()
            (folder / "other.yaml").write_text(
                text.replace("strategy: block", f"strategy: block\n  block_size: {size}")
            )
        assert_same(row, planned(capsys, "other.yaml"))


def test_a_removed_host_with_primaries_has_weight_0(folder: Path, capsys: Shown) -> None:
    found = asked(capsys, "--remove-host", "sdw2")
    assert (found["drained"], found["left_out"]) == (["sdw2"], [])
    assert "removed: sdw2 holds primaries, which stay where they are: weight 0" in found["notes"][0]
    text = SPEC.format(strategy="group", hosts="", more="").replace(
        '  - name: "sdw[1-4]"\n', '  - name: "sdw[1-1]"\n'
    )
    rest = 'addresses: ["{host}-1", "{host}-2"], roots: ["/data/{host}/mirror"]}\n'
    added = f'  - {{name: sdw2, weight: 0, {rest}  - {{name: "sdw[3-4]", {rest}mirrors:'
    (folder / "other.yaml").write_text(text.replace("mirrors:", added, 1))
    row = next(one for one in found["rows"] if one["strategy"] == "group")
    assert_same(row, planned(capsys, "other.yaml"))
    assert row["move"] == 2


def test_a_removed_host_without_primaries_is_left_out(folder: Path, capsys: Shown) -> None:
    write(folder / "gpmirror.yaml", hosts="  - {name: sdw9, roots: [/data/mirror]}\n")
    found = asked(capsys, "--remove-host", "sdw9")
    assert (found["drained"], found["left_out"]) == ([], ["sdw9"])
    assert found["notes"] == ["removed: sdw9, no primaries there"]
    group = next(one for one in found["rows"] if one["strategy"] == "group")
    assert group["move"] == 0


def test_an_added_host_is_like_the_last_entry(folder: Path, capsys: Shown) -> None:
    found = asked(capsys, "--add-host", "sdw5")
    assert found["added"] == [
        {
            "name": "sdw5",
            "addresses": ["sdw5-1", "sdw5-2"],
            "rack": None,
            "weight": 1,
            "roots": ["/data/sdw5/mirror"],
        }
    ]
    assert found["notes"] == [
        (
            "added: sdw5 has roots and addresses as the entry of sdw4, the last in `hosts`, and stands "
            "at the end of the ring"
        )
    ]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--add-host", "sdw4"], ("host sdw4 is there already", "give each new host once")),
        (["--add-host", "sdw5", "--add-host", "sdw[5-6]"], ("host sdw5 is there already",)),
        (["--add-host", "sdw4-1"], ("sdw4-1 is an address of host sdw4",)),
        (["--add-host", "sdw5:x"], ("weight 'x' is no number from 0 to 1,000", "HOST:WEIGHT:RACK")),
        (["--add-host", "sdw5:1001"], ("weight '1001' is no number from 0 to 1,000",)),
        (["--add-host", "sdw5:1:a:b"], ("more than host, weight and rack",)),
        (["--add-host", "sdw5:1:a b"], ("rack 'a b' holds a blank",)),
        (["--add-host", "sdw[5"], ("unmatched bracket at character 4",)),
        (["--add-host", ""], ("host name is empty",)),
        (
            ["--remove-host", "sdv3"],
            ("no such host sdv3 among the 4 hosts of", "did you mean sdw3?"),
        ),
        (["--remove-host", "x[1-10000]"], ("no such host x1", "(and 9,999 more hosts alike)")),
        (["--add-host", "y[1-9999]"], ("the spec has 10,003 hosts; it may have 10,000",)),
        (["--add-host", "sdw[1-5]"], ("sdw1 is there already (and 3 more hosts alike)",)),
        (["--add-host", "sdw5:00001"], ("weight '00001' is no number",)),
        (["--add-host", "sdw5:1:" + "r" * 256], ("more than 255 characters",)),
        (["--add-host", "s" * 9000], ("s" * 60 + "...: host name",)),
        (["--remove-host", "xyz"], ("`hosts` lists sdw[1-4]",)),
        (["--remove-host", "sdw3", "--remove-host", "sdw[2-3]"], ("sdw3 is given twice",)),
        (["--add-host", "sdw5", "--remove-host", "sdw5"], ("added and removed at once",)),
    ],
)
def test_hosts_that_cannot_come_or_go(
    folder: Path, capsys: Shown, flags: Sequence[str], words: Sequence[str]
) -> None:
    del folder
    assert main(["whatif", "--catalog", "catalog.txt", *flags]) == ExitCode.INVALID
    told = " ".join(capsys.readouterr().err.split())
    assert "error[GPM-P311]" in told
    for one in words:
        assert one in told


def test_every_problem_is_told_at_once(folder: Path, capsys: Shown) -> None:
    del folder
    flags = ["--add-host", "sdw4", "--remove-host", "sdw7", "--remove-host", "sdw8"]
    assert main(["whatif", "--catalog", "catalog.txt", *flags]) == ExitCode.INVALID
    assert capsys.readouterr().err.count("error[GPM-P311]") == 3


def test_a_strategy_that_does_not_exist(folder: Path, capsys: Shown) -> None:
    del folder
    assert main(["whatif", "--catalog", "catalog.txt", "--strategy", "spraed"]) == ExitCode.USAGE
    assert "did you mean spread?" in capsys.readouterr().err
    found = asked(capsys, "--strategy", "spread", "--strategy", "group")
    assert [one["layout"] for one in found["rows"]] == [AS_IT_IS, "spread", "group"]


def test_what_is_infeasible_is_a_row_that_says_why(folder: Path, capsys: Shown) -> None:
    (folder / "catalog.txt").write_text(catalog(4, 4))
    found = asked(capsys)
    row = next(one for one in found["rows"] if one["strategy"] == "spread")
    assert row["feasible"] is False
    assert row["reasons"][0]["code"] == "GPM-P101"
    assert main(["whatif", "--catalog", "catalog.txt", "--format", "md"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "| spread | infeasible: spread mirroring needs more hosts" in text
    assert "may hold mirrors: gpmirror.yaml:4, 8 |" in text, "the file with its lines"
    assert "- spread: list at least 1 more host of weight above 0" in text
    heads = next(line for line in text.splitlines() if line.startswith("| layout"))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count(" | ") for line in table} == {heads.count(" | ")}


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal(
    folder: Path, capsys: Shown, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    (folder / "catalog.txt").write_text(catalog(4, 4))
    write(folder / "gpmirror.yaml", more="policy: {max_load_factor: 1.2}\n")
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["whatif", "--catalog", "catalog.txt", "--add-host", "sdw5"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= width
    assert text.count("group (spec)  ") == {60: 3, 80: 2, 100: 2, 140: 1}[width]


def test_racks_have_a_column_only_where_they_are(folder: Path, capsys: Shown) -> None:
    assert main(["whatif", "--catalog", "catalog.txt"]) == ExitCode.OK
    assert "any rack" not in capsys.readouterr().out
    text = SPEC.format(strategy="group", hosts="", more="").replace('"sdw[1-4]"', '"sdw[1-2]"')
    rest = 'addresses: ["{host}-1", "{host}-2"], roots: ["/data/{host}/mirror"]}\n'
    text = text.replace("    addresses", "    rack: a\n    addresses", 1)
    text = text.replace("mirrors:\n", f'  - {{name: "sdw[3-4]", rack: b, {rest}mirrors:\n', 1)
    (folder / "gpmirror.yaml").write_text(text)
    found = asked(capsys)
    assert [row["any_rack"] for row in found["rows"] if row["strategy"] in (None, "group")] == [
        False,
        False,
    ]
    assert main(["whatif", "--catalog", "catalog.txt"]) == ExitCode.OK
    assert "any rack" in capsys.readouterr().out


# --- The pure function: properties over random clusters, and corners.


def figures(row: Row) -> Figures:
    assert isinstance(row.found, Figures)
    return row.found


def by_strategy(found: Comparison) -> dict[Strategy | None, Row]:
    return {row.strategy: row for row in found.rows}


@given(RANDOMS)
@settings(max_examples=60, deadline=None)
def test_rows_of_random_clusters_are_their_plans(random: Random) -> None:
    """Damaged clusters, pins, weights, racks and filespaces; every strategy against its own plan."""
    found = case(random)
    if found is None:
        return
    try:
        rows = compare(found.spec, found.observed, Question()).rows
    except InvalidInput:
        # what no strategy changes (ports that are taken, say) or one of them makes
        return
    assert rows == compare(found.spec, found.observed, Question()).rows
    for row in rows[1:]:
        _assert_planned(found.spec, found.observed, row)
    own = next((row for row in rows if row.is_spec), None)
    if own is not None and isinstance(own.found, Figures):
        plan = make_plan(found.spec, found.observed, Request())
        before = figures(rows[0]).survival
        assert before == plan.layout.before.survival


def _assert_planned(wanted: Spec, seen: Observed, row: Row) -> None:
    assert row.strategy is not None
    other = replace(wanted, strategy=row.strategy, block_size=row.block_size)
    try:
        plan = make_plan(other, seen, Request())
    except Infeasible:
        assert isinstance(row.found, Refusal)
        return
    found = figures(row)
    assert found.summary == plan.summary
    assert found.bytes == plan.exposure.bytes
    assert found.waves == len(plan.waves)
    assert found.survival == plan.layout.after.survival
    mirrors = [one.mirrors for one in plan.layout.after.hosts]
    assert found.most == max(mirrors, default=0)
    assert found.fewest >= min(mirrors, default=0)


HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")


def test_pinned_is_a_row_only_where_it_can_be_meant() -> None:
    seen = mirrored(HOSTS, 1)
    pins = tuple(Pin(content=at, host=HOSTS[(at + 2) % 4], place=PLACE) for at in range(4))
    assert Strategy.PINNED not in by_strategy(compare(spec(HOSTS), seen, Question()))
    some = compare(spec(HOSTS, pins=pins[:3]), seen, Question())
    assert Strategy.PINNED not in by_strategy(some)
    every = by_strategy(compare(spec(HOSTS, pins=pins), seen, Question()))
    assert figures(every[Strategy.PINNED]).summary.move == 4
    own = compare(spec(HOSTS, "pinned", pins=pins[:3]), seen, Question())
    assert isinstance(by_strategy(own)[Strategy.PINNED].found, Refusal)


@pytest.mark.parametrize(
    ("hosts", "primaries", "size"),
    [(4, 1, 2), (4, 2, 4), (8, 3, 4), (9, 2, 3), (7, 2, 7), (6, 8, 6), (2, 1, 2), (12, 5, 6)],
)
def test_a_block_size_that_divides(hosts: int, primaries: int, size: int) -> None:
    names = [f"sdw{at + 1}" for at in range(hosts)]
    row = by_strategy(compare(spec(names), mirrorless(names, primaries), Question()))[
        Strategy.BLOCK
    ]
    assert (row.block_size, row.name) == (size, f"block of {size}")
    assert row.remark is not None
    if size < hosts:
        assert hosts % size == 0
        assert figures(row).survival.worst_factor == pytest.approx(1 + 1 / primaries, abs=0.01)


def test_what_balanced_proves_is_told() -> None:
    seen = mirrored(HOSTS, 2)
    found = compare(spec(HOSTS, "spread"), seen, Question(add=("sdw5",)))
    row = by_strategy(found)[Strategy.BALANCED]
    plan = figures(row).plan
    assert plan is not None
    told = proof_text(plan)
    assert told is not None
    assert f"balanced: {told}" in whatif_remarks(found)
    rows = json.loads(whatif_json(found))["rows"]
    proofs = {one["strategy"]: one.get("proof") for one in rows}
    assert proofs == {None: None, "group": None, "spread": None, "block": None, "balanced": told}
    # the floor of its share, 8 of 5, comes to the new host
    assert (figures(row).summary.move, figures(row).fewest, figures(row).most) == (1, 1, 2)


def test_a_host_alone_is_told_once() -> None:
    """Four rows alike, and a block that was the smallest to divide one host evenly."""
    alone = replace(spec(["sdw1"]), allow_same_host=True)
    found = compare(alone, mirrorless(["sdw1"], 2), Question())
    told = whatif_remarks(found)
    assert told[0] == "one host: every strategy puts each mirror beside its primary"
    assert not any("block" in text for text in told)
    refused = compare(replace(alone, allow_same_host=False), mirrorless(["sdw1"], 2), Question())
    assert not any(text.startswith("one host") for text in whatif_remarks(refused))


def test_the_spec_knows_its_block_size() -> None:
    seen = mirrorless(HOSTS, 1)
    found = by_strategy(compare(spec(HOSTS, "block", block_size=4), seen, Question()))
    row = found[Strategy.BLOCK]
    assert (row.block_size, row.remark, row.is_spec) == (4, None, True)
    # with one host more a block of 4 leaves it alone, and the row says so
    wider = compare(spec(HOSTS, "block", block_size=4), seen, Question(add=("sdw5",)))
    refused = by_strategy(wider)[Strategy.BLOCK].found
    assert isinstance(refused, Refusal)
    assert "sdw5 is alone in the last block" in refused.text


def test_wishes_that_a_removed_host_cannot_keep() -> None:
    seen = mirrored(HOSTS, 1)
    wanted = spec(
        HOSTS,
        pins=(Pin(content=2, host="sdw1", place=PLACE),),
        protect=(Protection(host="sdw1", place=PLACE),),
    )
    found = compare(wanted, seen, Question(remove=("sdw1",)))
    assert found.notes[1:] == (
        "pins to removed hosts do not count: content 2",
        "the protection of sdw1 does not count",
    )
    assert figures(by_strategy(found)[Strategy.GROUP]).fewest >= 1


def test_a_rack_that_the_policy_needs() -> None:
    hosts = [host("sdw1", rack="a"), host("sdw2", rack="b")]
    policy = Policy(survive=(Survive(count=1, of="rack", place=PLACE),))
    wanted = spec(hosts, policy=policy)
    with pytest.raises(InvalidInput) as caught:
        compare(wanted, mirrored(("sdw1", "sdw2"), 1), Question(add=("sdw3",)))
    assert "no rack is named" in caught.value.diagnostics[0].message
    found = compare(wanted, mirrored(("sdw1", "sdw2"), 1), Question(add=("sdw3:1:b",)))
    assert not found.notes[1:]
    assert [one.rule for one in figures(found.rows[0]).policy] == ["survive any 1 rack"]


def test_an_address_that_is_written_out_belongs_to_one_host() -> None:
    like = replace(
        host("sdw4"), pattern=HostPattern(addresses=("10.0.0.4",), roots=("/data/mirror",))
    )
    like = replace(like, addresses=("10.0.0.4",))
    wanted = spec([*HOSTS[:3], like])
    with pytest.raises(InvalidInput) as caught:
        compare(wanted, mirrored(HOSTS, 1), Question(add=("sdw5",)))
    assert (
        "address 10.0.0.4 would belong to sdw4 and to sdw5" in caught.value.diagnostics[0].message
    )


def test_the_name_of_a_dead_host_is_not_free() -> None:
    wanted = spec([*HOSTS[:3], host("sdw5", replaces="sdw4")])
    with pytest.raises(InvalidInput) as caught:
        compare(wanted, mirrored(HOSTS, 1), Question(add=("sdw4",)))
    (found,) = caught.value.diagnostics
    assert "host sdw4 is the dead one that sdw5 replaces" in found.message


def test_a_new_host_has_roots_where_the_last_entry_has_none() -> None:
    """A host of weight 0 needs none, and would be no model for one that takes mirrors."""
    wanted = spec([*HOSTS[:3], host("sdw4", roots=(), weight=0)])
    found = compare(wanted, mirrored(HOSTS, 1), Question(add=("sdw5",)))
    assert found.hosts[-1].roots == ("/data/mirror",)
    assert "the entry of sdw3, the last in `hosts` that has roots, and" in found.notes[0]
    assert figures(by_strategy(found)[Strategy.SPREAD]).summary.move > 0


def test_a_host_of_the_catalog_that_is_added_counts_as_it_is() -> None:
    """The spec lacks a host that holds mirrors; as it is, the cluster has it."""
    seen = mirrored(HOSTS, 1)
    found = compare(spec(HOSTS), seen, Question(add=("sdw5",)))
    assert figures(found.rows[0]).survival.pairs == 6
    assert figures(by_strategy(found)[Strategy.GROUP]).survival.pairs == 10
    three = compare(spec(HOSTS[:3]), seen, Question(add=("sdw4",)))
    assert figures(three.rows[0]).survival.pairs == 6
    assert figures(by_strategy(three)[Strategy.GROUP]).summary.move == 0
