"""Hosts that copies leave and that do not answer: does the utility reach them by name?"""

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Role, Status
from gpmirror.plan.model import Plan
from gpmirror.preflight.judge import judge_left, left_behind, reach_script, stand_in
from gpmirror.preflight.model import Result
from gpmirror.render.plan import next_action_texts
from gpmirror.run.preflight import run_preflight
from tests.clusters import host, mirrored, planned, spec

HOSTS = ("sdw1", "sdw2", "sdw3")


def lost() -> tuple[Plan, Observed]:
    """Mirrored by group, but for content 1: its mirror was on sdw9, which died and is drained."""
    whole = mirrored(HOSTS)
    rows = tuple(
        replace(row, status=Status.DOWN, hostname="sdw9", address="sdw9")
        if (row.content, row.role) == (1, "m")
        else row
        for row in whole.segments
    )
    observed = replace(whole, segments=rows)
    return planned(spec(HOSTS), observed), observed


def test_only_hosts_that_are_silent_and_left_matter() -> None:
    plan, observed = lost()
    assert left_behind(plan, observed, {"sdw9"}) == {"sdw9": "sdw3"}
    assert left_behind(plan, observed, {"sdw2"}) == {}
    assert left_behind(plan, observed, ()) == {}


def test_a_dead_name_never_leads_to_a_server_in_the_same_directory() -> None:
    """gprecoverseg stops what runs in the old directory where the name leads."""
    plan, observed = lost()
    (old,) = [row for row in observed.segments if row.hostname == "sdw9"]
    rows = tuple(
        replace(row, directory=old.directory)
        if row.hostname == "sdw3" and row.is_acting_primary
        else row
        for row in observed.segments
    )
    assert left_behind(plan, replace(observed, segments=rows), {"sdw9"}) == {"sdw9": "mdw"}


def test_generation_5_passes_over_hosts_that_are_gone() -> None:
    plan, observed = lost()
    old = replace(observed, dialect=DIALECTS[DialectName.GP5])
    assert left_behind(plan, old, {"sdw9"}) == {}


@pytest.mark.parametrize(
    ("dialect", "release", "asked"),
    [
        (DialectName.GP6, "6.24.3", False),
        (DialectName.GP6, "6.9.0", True),
        (DialectName.GP6, None, True),
        (DialectName.GP7, "7.0.0", False),
        (DialectName.GP7, None, False),
        (DialectName.CLOUDBERRY, "2.0.0", True),
        (DialectName.GREENGAGE7, "7.4.0", True),
    ],
)
def test_a_name_is_asked_only_where_no_dry_run_tells(
    dialect: DialectName, release: str | None, asked: bool
) -> None:
    plan, observed = lost()
    seen = replace(observed, dialect=DIALECTS[dialect], server_version=release)
    assert bool(left_behind(plan, seen, {"sdw9"})) is asked


def test_the_host_that_replaces_the_dead_one_is_named() -> None:
    """Not the first of those that get its copies."""
    plan, observed = lost()
    hosts = tuple(
        replace(one, replaces="sdw9") if one.name == "sdw1" else one for one in plan.desired.hosts
    )
    plan = replace(plan, desired=replace(plan.desired, hosts=hosts))
    assert stand_in(plan, observed, "sdw9") == ("sdw1", "mdw")


@pytest.mark.parametrize(("dialect", "is_told"), [("gp6", True), ("gp7", False)])
def test_a_reviewer_is_told_before_the_hosts_are_asked(dialect: str, *, is_told: bool) -> None:
    """Only `apply` said it."""
    rows = []
    for row in mirrored(HOSTS, dialect=dialect).segments:
        found = replace(row, status=Status.DOWN) if row.hostname == "sdw3" else row
        if row.content == 2:  # its mirror acts
            found = replace(found, role=Role.PRIMARY if row.role is Role.MIRROR else Role.MIRROR)
        rows.append(found)
    seen = replace(mirrored(HOSTS, dialect=dialect), segments=tuple(rows))
    ring = [host("sdw1"), host("sdw2"), host("sdw4", replaces="sdw3")]
    told = " ".join(next_action_texts(planned(spec(ring), seen)))
    assert ("may leave out the copies of sdw3" in told) is is_told
    if is_told:
        assert {"`Host sdw3`", "`HostName sdw4`", "`HostKeyAlias sdw4`"} <= set(
            re.findall("`Host[^`]*`", told)
        )
        assert "sdw2" not in told
    other = [host("sdw1"), host("sdw2"), host("sdw3"), host("sdw4")]
    assert "may leave out" not in " ".join(next_action_texts(planned(spec(other), seen)))


class Canned:
    """Hosts of which some are silent; the coordinator says which names answer it."""

    def __init__(self, silent: tuple[str, ...], reached: str) -> None:
        self.silent = silent
        self.reached = reached
        self.asked: list[list[str]] = []

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.asked.append(list(scripts))
        return {name: self._reply(name) for name in scripts}

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        raise AssertionError("nothing is changed")

    def _reply(self, name: str) -> Reply:
        if name in self.silent:
            why = Silence.UNREACHABLE
            return NoAnswer(host=name, why=why, message=f"cannot reach {name}", hint="")
        return Answered(host=name, status=0, out=self.reached, err="")


@pytest.mark.parametrize(("reached", "result"), [("", Result.BAD), ("reached sdw9\n", Result.OK)])
def test_the_coordinator_is_asked_as_the_utility_asks(reached: str, result: Result) -> None:
    plan, observed = lost()
    hosts = Canned(("sdw9",), reached)
    found = run_preflight(plan, observed, hosts)
    assert hosts.asked[1:] == [["mdw"]]
    (check,) = [check for check in found.checks if check.host == "sdw9"]
    assert (check.name, check.result) == ("reachable", result)
    if result is Result.BAD:
        assert "`Host sdw9`, `HostName sdw3`" in check.remedy


def test_nothing_more_is_asked_while_all_answer() -> None:
    plan, observed = lost()
    hosts = Canned((), "")
    run_preflight(plan, observed, hosts)
    assert len(hosts.asked) == 1


def test_the_script_believes_a_name_that_answers(tmp_path: Path) -> None:
    """An `ssh` that reaches sdw3 alone, behind a banner."""
    fake = tmp_path / "ssh"
    fake.write_text(
        "#!/bin/sh\nfor last; do :; done\n"
        'case "$*" in *" sdw3 "*) echo Welcome; sh -c "$last" ;; *) exit 255 ;; esac\n'
    )
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", reach_script(["sdw3", "sdw9"])],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    left = {"sdw3": "sdw4", "sdw9": "sdw4"}
    found = list(judge_left(left, "mdw", done.stdout, DialectName.GP6))
    assert [(check.host, check.result) for check in found] == [
        ("sdw3", Result.OK),
        ("sdw9", Result.BAD),
    ]
    # what nobody has seen is not known to be needed
    told = list(judge_left(left, "mdw", done.stdout, DialectName.CLOUDBERRY))
    assert [check.result for check in told] == [Result.OK, Result.UNKNOWN]
