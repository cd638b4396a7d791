"""What newer utilities offer: passed on where the family has it, refused with the releases that do
where not.
"""

from dataclasses import replace

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.observed import CopyFact, Observed
from gpmirror.model.segment import Mode, Status
from gpmirror.plan.model import Method, Plan
from gpmirror.plan.planfile import plan_id, plan_text, read_plan
from gpmirror.plan.remaining import plan_what_is_left, what_is_left
from gpmirror.plan.request import Request
from gpmirror.spec import load
from gpmirror.spec.model import ApplyOptions, NativeOptions, Spec
from tests.clusters import mirrored, mirrorless, planned, spec

HOSTS = ("sdw1", "sdw2", "sdw3")
DIFFERENTIAL = Request(differential=True)


def told(**native: object) -> Spec:
    return spec(HOSTS, apply=ApplyOptions(native=NativeOptions(**native)))  # type: ignore[arg-type]


def down(version: str | None, dialect: str = "gp6", fact: CopyFact | None = None) -> Observed:
    """The mirrors of content 0 and 1 are down; `fact` is what the first one's directory holds."""
    seen = mirrored(HOSTS, 1, dialect)
    rows = [
        replace(row, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if row.content in {0, 1} and not row.is_acting_primary
        else row
        for row in seen.segments
    ]
    dbid = next(r.dbid for r in rows if r.content == 0 and not r.is_acting_primary)
    copies: dict[int, CopyFact] = {} if fact is None else {dbid: fact}
    return replace(seen, segments=tuple(rows), server_version=version, copies=copies)


def refusal(wanted: Spec, seen: Observed, request: Request | None = None) -> tuple[str, str | None]:
    with pytest.raises(InvalidInput) as caught:
        planned(wanted, seen, request or Request())
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P306"
    return found.message, found.hint


def argv(plan: Plan) -> list[str]:
    return [" ".join(native.argv) for wave in plan.waves for native in wave.native]


def test_what_the_family_has_is_passed_on() -> None:
    wanted = told(hba_hostnames=True, replay_lag=5.0)
    plan = planned(wanted, mirrorless(HOSTS))
    assert argv(plan) == ["gpaddmirrors -a -i wave-001-gpaddmirrors.conf --hba-hostnames"]
    assert read_plan(plan_text(plan).encode(), "p").settings.apply.native.replay_lag == 5.0


@pytest.mark.parametrize(
    ("native", "dialect", "option", "since"),
    [
        ({"hba_hostnames": True}, "gp5", "--hba-hostnames", "Greenplum 6 and later"),
        ({"max_rate": "32M"}, "gp6", "--max-rate", "WarehousePG 7.4 and Greengage 7"),
        ({"max_rate": "32M"}, "greengage6", "--max-rate", "WarehousePG 7.4 and Greengage 7"),
        ({"replay_lag": 2.0}, "gp4", "--replay-lag", "the latest Greenplum 6, Greenplum 7"),
    ],
)
def test_what_no_release_of_the_family_has_is_refused_with_those_that_do(
    native: dict[str, object], dialect: str, option: str, since: str
) -> None:
    message, hint = refusal(told(**native), mirrorless(HOSTS, dialect=dialect))
    (key,) = native
    assert message.startswith(f"apply.native.{key}: no utility of ")
    assert f"has {option}; {since}" in message
    assert hint is not None
    assert hint.startswith(f"leave apply.native.{key} out: ")


def test_the_refusal_stands_where_the_key_does() -> None:
    text = (
        "apiVersion: gpmirror/v1\ncluster: {name: c}\nhosts: [{name: 'sdw[1-3]', roots: [/m]}]\n"
        "mirrors: {strategy: group, ports: {offset: 1000}}\napply:\n  native:\n"
        "    max_rate: 64M\n"
    )
    with pytest.raises(InvalidInput) as caught:
        planned(load(text.encode(), "c.yaml"), mirrorless(HOSTS))
    place = caught.value.diagnostics[0].place
    assert place is not None
    assert (place.file, place.line) == ("c.yaml", 7)


def test_a_plan_that_uses_nothing_of_it_keeps_its_id() -> None:
    plan = planned(told(), mirrorless(HOSTS))
    same = planned(told(hba_hostnames=None, max_rate=None, replay_lag=None), mirrorless(HOSTS))
    assert plan_id(plan) == plan_id(same)
    assert "max_rate" not in plan_text(plan)
    assert plan_id(planned(told(hba_hostnames=True), mirrorless(HOSTS))) != plan_id(plan)


@pytest.mark.parametrize(
    ("version", "dialect"),
    [("6.27.1_arenadata63", "greengage6"), ("6.27.0", "gp6"), ("7.1.0", "gp7"), ("7.3.0", "gp7")],
)
def test_copies_are_recovered_by_what_differs_where_a_file_can_say_so(
    version: str, dialect: str
) -> None:
    plan = planned(spec(HOSTS), down(version, dialect), DIFFERENTIAL)
    assert {change.method for change in plan.changes} == {Method.DIFFERENTIAL}
    assert argv(plan)[0] == ("gprecoverseg -a --differential -i wave-001-gprecoverseg.conf")


@pytest.mark.parametrize(
    ("version", "dialect", "why"),
    [
        ("7.0.0", "gp7", "gprecoverseg of 7.0 takes --differential for every down copy at once"),
        ("6.26.2", "gp6", "gprecoverseg of 6.26 takes --differential for every down copy at once"),
        ("6.24.3", "gp6", "gprecoverseg of 6.24 has no --differential"),
        (None, "gp6", "the catalog does not show the server's release"),
        ("5.8.1", "gp5", "Greenplum 5 has no such recovery"),
        ("2.0.0", "cloudberry", "that gprecoverseg of Apache Cloudberry has it is on no record"),
    ],
)
def test_where_no_command_line_is_right_it_is_refused(
    version: str | None, dialect: str, why: str
) -> None:
    message, hint = refusal(spec(HOSTS), down(version, dialect), DIFFERENTIAL)
    assert message.startswith(f"--differential: {why}")
    assert message.endswith("; Greenplum 6.27 and 7.1, and Greengage have it")
    assert hint == "leave it out, or use --full"


@pytest.mark.parametrize(
    ("fact", "method", "note"),
    [
        ("rewindable", Method.DIFFERENTIAL, None),
        ("backup_label", Method.DIFFERENTIAL, None),
        (None, Method.DIFFERENTIAL, "directory not inspected"),
        ("absent", Method.FULL, "its directory is absent"),
        ("foreign", Method.FULL, "its directory belongs to another system"),
        ("no_pg_control", Method.FULL, "its directory has no pg_control"),
    ],
)
def test_what_is_no_copy_at_all_is_made_anew(
    fact: CopyFact | None, method: Method, note: str | None
) -> None:
    plan = planned(spec(HOSTS), down("7.1.0", "gp7", fact), DIFFERENTIAL)
    change = next(change for change in plan.changes if change.content == 0)
    assert (change.method, change.note) == (method, note)


def test_what_is_left_is_recovered_in_the_same_way() -> None:
    seen = down("7.1.0", "gp7", "rewindable")
    plan = planned(spec(HOSTS), seen, DIFFERENTIAL)
    assert {c.method for c in what_is_left(plan, seen).changes} == {Method.DIFFERENTIAL}
    assert argv(plan_what_is_left(plan, seen)) == argv(plan)
    assert read_plan(plan_text(plan).encode(), "p") == plan
