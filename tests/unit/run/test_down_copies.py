"""Down copies are looked at before a plan says how they are recovered."""

from dataclasses import replace

import pytest

from gpmirror.boundary import Answered, NoAnswer, Silence
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Mode, Status
from gpmirror.plan.build import make_plan
from gpmirror.plan.request import Request
from gpmirror.run.look import (
    candidate_pairs,
    inspect_copies,
    needs_hosts,
    not_inspected,
    plan_inspected,
)
from gpmirror.spec.model import Pin, Spec
from tests.clusters import PLACE, host, mirrored, spec
from tests.fakes import FakeCluster
from tests.plans import HOSTS

ABSENT = (
    "gpmirror-facts 1\nparent -dwxe t/data/mirror t/data/mirror\nplace - 0\ngpmirror-facts end\n"
)


def with_mirror_down() -> Observed:
    """The mirror of content 0, on sdw2, is down."""
    seen = mirrored(HOSTS)
    rows = [
        replace(row, status=Status.DOWN, mode=Mode.NOT_IN_SYNC)
        if row.content == 0 and not row.is_acting_primary
        else row
        for row in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


def answering(host: str, out: str) -> FakeCluster:
    found = FakeCluster(observed=with_mirror_down())
    found.replies[host] = Answered(host=host, status=0, out=out, err="")
    return found


def test_an_absent_directory_means_a_full_copy() -> None:
    hosts = answering("sdw2", ABSENT)
    plan = plan_inspected(spec(HOSTS), with_mirror_down(), Request(), hosts)
    (change,) = plan.changes
    assert (change.method, change.note) == ("full", "its directory is absent")
    assert not not_inspected(plan)


def test_a_silent_host_is_noted_and_the_plan_says_so() -> None:
    hosts = FakeCluster(observed=with_mirror_down())
    hosts.replies["sdw2"] = NoAnswer(
        host="sdw2", why=Silence.UNREACHABLE, message="sdw2 does not answer", hint="wait"
    )
    plan = plan_inspected(spec(HOSTS), with_mirror_down(), Request(), hosts)
    (change,) = plan.changes
    assert (change.method, change.note) == ("incremental", "directory not inspected")
    assert plan.warnings == (
        "the directories of 1 down copy on sdw2 were not inspected: sdw2 does not answer",
    )
    assert not_inspected(plan) == {0}


def test_nothing_is_asked_where_nothing_is_down_or_all_is_copied_anyway() -> None:
    hosts = FakeCluster(observed=mirrored(HOSTS))
    hosts.replies = {}
    assert inspect_copies(mirrored(HOSTS), hosts, ()) == mirrored(HOSTS)
    plan = plan_inspected(spec(HOSTS), with_mirror_down(), Request(full=True), hosts)
    assert plan.changes[0].note == "asked for"


TWO_INTERFACES = (host("sdw1", addresses=("sdw1", "sdw1-2")), *HOSTS[1:])


def to_the_other_interface() -> tuple[Spec, Observed]:
    """A spec that moves content 0's mirror to another address of its host, over a 7.0.0."""
    seen = replace(mirrored(HOSTS, 2, "gp7"), server_version="7.0.0")
    pin = Pin(content=_on_sdw1(seen), address="sdw1-2", place=PLACE)
    return replace(spec(TWO_INTERFACES), pins=(pin,)), seen


def _on_sdw1(seen: Observed) -> int:
    return next(
        row.content
        for row in seen.segments
        if row.hostname == "sdw1" and not row.is_preferred_primary
    )


def looked_up(*lines: str) -> FakeCluster:
    found = FakeCluster(observed=mirrored(HOSTS))
    out = "\n".join(("gpmirror-facts 1", *lines, "gpmirror-facts end", ""))
    found.replies["mdw"] = Answered(host="mdw", status=0, out=out, err="")
    return found


@pytest.mark.parametrize(
    ("ip", "line", "hazards"),
    [
        ("10.0.0.1", "sdw1|sdw1|7000|", set()),
        ("10.1.0.1", "sdw1|7000|", {"hostname-becomes-address"}),
    ],
)
def test_the_coordinators_resolver_decides_between_four_fields_and_three(
    ip: str, line: str, hazards: set[str]
) -> None:
    wanted, seen = to_the_other_interface()
    hosts = looked_up("resolves tsdw1 10.0.0.1 y", f"resolves tsdw1-2 {ip} y")
    offline = make_plan(wanted, seen, Request())
    assert needs_hosts(offline, seen)
    plan = plan_inspected(wanted, seen, Request(), hosts)
    assert not needs_hosts(plan, seen)
    text = plan.waves[0].native[0].file_text or ""
    assert text.startswith(line)
    assert {h.name for h in plan.hazards} - {"deletes-old-directory"} == hazards
    assert not [line for line in plan.warnings if "share an IP" in line]


def test_a_coordinator_that_gives_no_answer_leaves_three_fields_and_says_so() -> None:
    wanted, seen = to_the_other_interface()
    hosts = FakeCluster(observed=mirrored(HOSTS))
    hosts.replies["mdw"] = NoAnswer(
        host="mdw", why=Silence.UNREACHABLE, message="mdw does not answer", hint="wait"
    )
    plan = plan_inspected(wanted, seen, Request(), hosts)
    assert (plan.waves[0].native[0].file_text or "").startswith("sdw1|7000|")
    assert "names were not looked up on mdw: mdw does not answer" in plan.warnings
    assert needs_hosts(plan, seen)


def test_names_are_asked_for_only_where_a_line_can_depend_on_them() -> None:
    wanted, seen = to_the_other_interface()
    assert candidate_pairs(seen, wanted.hosts) == (("sdw1", "sdw1-2"),)
    assert candidate_pairs(seen, ()) == ()
    assert candidate_pairs(replace(seen, server_version="6.24.3"), wanted.hosts) == ()
    assert not needs_hosts(make_plan(spec(TWO_INTERFACES), seen, Request()), seen)


def resynchronising_5(*contents: int) -> Observed:
    """A cluster of 5 in which these contents are called up and resynchronising."""
    seen = mirrored(HOSTS, dialect="gp5")
    rows = [
        replace(row, mode=Mode.RESYNCING) if row.content in contents else row
        for row in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


@pytest.mark.parametrize(
    ("pulse", "blocked"),
    [("end\n", True), ("0 said FATAL: no port\nend\n", True), ("0 process 7\nend\n", False)],
)
def test_a_mirror_that_never_started_is_no_copy_that_catches_up(pulse: str, blocked: bool) -> None:
    """5.8.1 calls it up and resynchronising for good (recorded), and so the plan would be empty."""
    seen = resynchronising_5(0)
    hosts = answering("sdw2", pulse)
    assert needs_hosts(make_plan(spec(HOSTS), seen, Request()), seen)
    plan = plan_inspected(spec(HOSTS), seen, Request(), hosts)
    assert plan.summary.blocked == blocked
    if blocked:
        (change,) = plan.changes
        assert "no server works in sdw2:/data/mirror/gpseg0 and nothing copies" in change.reason
        assert "gp_segment_connect_timeout" in change.reason
        assert ("FATAL: no port" in change.reason) is ("FATAL" in pulse)
        assert make_plan(spec(HOSTS), seen, Request()).summary.blocked == 0, "offline nobody knows"


def test_a_host_that_does_not_tell_of_its_mirror_is_noted() -> None:
    seen = resynchronising_5(0)
    hosts = FakeCluster(observed=seen)
    hosts.replies["sdw2"] = NoAnswer(
        host="sdw2", why=Silence.UNREACHABLE, message="sdw2 does not answer", hint="wait"
    )
    plan = plan_inspected(spec(HOSTS), seen, Request(), hosts)
    assert plan.summary.blocked == 0
    assert any("looked at on sdw2: sdw2 does not answer" in told for told in plan.warnings)


def test_from_6_on_streaming_tells_and_no_host_is_asked() -> None:
    seen = replace(mirrored(HOSTS), segments=resynchronising_5(0).segments)
    assert not needs_hosts(make_plan(spec(HOSTS), seen, Request()), seen)
