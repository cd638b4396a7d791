"""What can be concluded from journals."""

import json

import pytest

from gpmirror.errors import ExitCode
from gpmirror.run.record import Opening, Record, RunRecord, end, finished_run, read_standing, step

CHANGED = step("host-actions", "begin")
DONE = end(ExitCode.OK, "Apply complete")


def run(name: str, *records: Record, plan: str = "p", allow: tuple[str, ...] = ()) -> RunRecord:
    opening = Opening(run=name, plan_id=plan, cluster="c", by="me", version="0", allow=allow)
    lines = [json.dumps(record) for record in (opening.record(), *records)]
    return read_standing("\n".join(lines), name)


def stopped(then: str | None) -> Record:
    return end(ExitCode.PARTIAL, "stopped", continued_as=then)


@pytest.mark.parametrize(
    ("runs", "found"),
    [
        ([], None),
        ([run("r1", CHANGED, DONE)], "r1"),
        ([run("r2", DONE), run("r1", CHANGED, DONE)], "r1"),
        ([run("r1", CHANGED, DONE, plan="q")], None),
        ([run("r1", CHANGED, stopped(None))], None),
        ([run("r2", CHANGED, DONE, plan="rest"), run("r1", CHANGED, stopped("r2"))], "r1"),
        ([run("r2", CHANGED, stopped(None), plan="rest"), run("r1", CHANGED, stopped("r2"))], None),
        ([run("r1", CHANGED, stopped("r9"))], None),
        ([run("r1", CHANGED, stopped("r1"))], None),
        ([run("r2", CHANGED, stopped("r1")), run("r1", CHANGED, stopped("r2"))], None),
    ],
)
def test_who_carried_a_plan_out(runs: list[RunRecord], found: str | None) -> None:
    assert finished_run("p", runs) == found


def test_what_was_allowed_is_remembered() -> None:
    assert run("r1", allow=("policy",)).allow == ("policy",)
    older = json.dumps({"record": "run", "run": "r1"})
    assert read_standing(older, "r1").allow == ()


@pytest.mark.parametrize("name", ["x; rm -rf ~", "a\nb", "$(x)", "", "-x", "../x", 7, ["a"]])
def test_what_no_run_is_called_names_none(name: object) -> None:
    """Names of runs stand in commands that people copy."""
    records = [
        {"record": "run", "run": "r1", "continues": name},
        {"record": "end", "exit_code": 10, "continued_as": name},
    ]
    found = read_standing("\n".join(json.dumps(one) for one in records), "journal")
    assert (found.continues, found.continued_as) == (None, None)
