"""Down copies are looked at before a plan says how they are recovered."""

from dataclasses import replace

from gpmirror.boundary import Answered, NoAnswer, Silence
from gpmirror.cluster.observed import Observed
from gpmirror.cluster.segment import Mode, Status
from gpmirror.plan.request import Request
from gpmirror.workflow.inspecting import inspect_copies, not_inspected, plan_inspected
from tests.clusters import mirrored, spec
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
