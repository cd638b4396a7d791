"""`gpmirror preflight` over real SSH against a practice cluster."""

import json
from collections.abc import Callable

import pytest

from gpmirror.errors import ExitCode
from tests.labs import Practice

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


def test_ready_from_a_spec_and_from_a_plan(practice: Practice) -> None:
    found = practice.gpmirror("preflight")
    assert found.returncode == ExitCode.OK, found.stdout + found.stderr
    assert ": all ok. Ready." in found.stdout
    assert practice.gpmirror("plan", "-o", "plan.json").returncode == ExitCode.OK
    assert practice.gpmirror("preflight", "plan.json").returncode == ExitCode.OK


def test_what_is_in_the_way_is_named_host_by_host(practice: Practice) -> None:
    lab = practice.lab
    mirror = f"{lab.hosts[1].data}/mirror/gpseg0"
    status = f"{lab.coordinator_data}/gpexpand.status"
    practice.ssh("sdw2", f"mkdir -p -m 0755 {mirror}")
    practice.ssh("mdw", f"touch {status}")
    practice.gpmirror("lab", "kill", "sdw4")
    try:
        found = practice.gpmirror("preflight")
    finally:
        practice.gpmirror("lab", "restore", "sdw4")
        practice.ssh("mdw", f"rm {status}")
        practice.ssh("sdw2", f"rmdir {mirror}")
    assert found.returncode == ExitCode.PREFLIGHT, found.stdout + found.stderr
    words = " ".join(found.stdout.split())
    assert f"gpexpand is under way on mdw: {status} is there" in words
    assert "the utilities did not try the plan's files" in words
    assert f"{mirror} is empty with mode 0755" in words
    assert "bad reachable: cannot reach sdw4" in words
    assert "Not ready." in words


def test_a_stale_plan_is_refused(practice: Practice) -> None:
    assert practice.gpmirror("plan", "-o", "plan.json").returncode == ExitCode.OK
    statement = "UPDATE gp.gp_segment_configuration SET port = port + {} WHERE content = 0"
    practice.sql(statement.format(500))
    try:
        found = practice.gpmirror("preflight", "plan.json")
    finally:
        practice.sql(statement.format(-500))
    assert found.returncode == ExitCode.STALE, found.stdout + found.stderr
    assert "does not match the catalog any more" in found.stderr


def test_an_expansion_of_5_is_seen_in_whichever_database_it_is(
    shared_labs: Callable[..., Practice],
) -> None:
    """Gpexpand of 5.8.1 refuses to keep its schema in `postgres`."""
    practice = shared_labs(dialect="gp5", hosts=3, primaries=2, addresses=1)
    practice.reset()
    practice.sql("CREATE DATABASE sales")
    wrote = "INSERT INTO gpexpand.status VALUES ('{}', now())".format

    def sales(*statements: str) -> None:
        for statement in statements:
            practice.sql(statement, dbname="sales")

    try:
        sales(
            "CREATE SCHEMA gpexpand",
            "CREATE TABLE gpexpand.status (status text, updated timestamp)",
        )
        sales(wrote("EXPANSION STOPPED"))
        found = practice.gpmirror("preflight", "--json")
        assert found.returncode == ExitCode.UNSAFE, found.stdout + found.stderr
        assert "paused-expansion" in [one["name"] for one in json.loads(found.stdout)["hazards"]]
        found = practice.gpmirror("apply", "--yes")
        assert found.returncode == ExitCode.UNSAFE, found.stdout + found.stderr
        assert "an expansion pauses (EXPANSION STOPPED in database sales)" in one_line(found.stderr)
        sales(wrote("EXPANSION STARTED"))
        found = practice.gpmirror("apply", "--yes")
        assert found.returncode == ExitCode.LOCKED, found.stdout + found.stderr
        words = one_line(found.stderr)
        assert "its status is EXPANSION STARTED in database sales; wait until it ends" in words
        assert "`gpexpand -d 0:01 -D sales` goes on with it" in words
        sales(wrote("EXPANSION COMPLETE"))
        found = practice.gpmirror("preflight")
        assert found.returncode == ExitCode.OK, found.stdout + found.stderr
    finally:
        practice.sql("DROP DATABASE sales WITH (FORCE)")


def one_line(text: str) -> str:
    return " ".join(text.split())
