"""Contents whose rows replication contradicts."""

from dataclasses import replace

import pytest

from gpmirror.model.observed import Observed, Replication
from gpmirror.model.segment import Mode, Status
from gpmirror.plan.model import Action
from gpmirror.verify import disagreements
from tests.clusters import mirrored, planned, spec

HOSTS = ("sdw1", "sdw2")


def streams(*contents: int, name: str = "gp_walreceiver") -> tuple[Replication, ...]:
    return tuple(
        Replication(content=content, application_name=name, state="streaming", sync_state="sync")
        for content in contents
    )


def with_mirror(seen: Observed, content: int, mode: Mode, status: Status) -> Observed:
    rows = [
        replace(row, mode=mode, status=Status.UP if row.is_preferred_primary else status)
        if row.content == content
        else row
        for row in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


SEEN = mirrored(HOSTS, 1)
DOWN = with_mirror(SEEN, 1, Mode.NOT_IN_SYNC, Status.DOWN)
CHANGING = with_mirror(SEEN, 1, Mode.NOT_IN_SYNC, Status.UP)


@pytest.mark.parametrize(
    ("seen", "rows", "found"),
    [
        (SEEN, streams(0, 1), []),
        (SEEN, streams(0), [1]),
        (SEEN, (*streams(0), *streams(1, name="pg_basebackup")), [1]),
        (DOWN, streams(0), []),
        (DOWN, streams(0, 1), [1]),
        (CHANGING, streams(0), []),
        (replace(mirrored(HOSTS, 1, dialect="gp5")), (), []),
    ],
)
def test_who_disagrees(seen: Observed, rows: tuple[Replication, ...], found: list[int]) -> None:
    assert sorted(disagreements(seen, rows)) == found


def test_such_a_content_is_blocked() -> None:
    seen = replace(SEEN, disagreements=disagreements(SEEN, streams(0)))
    plan = planned(spec(HOSTS), seen)
    assert [(c.content, c.action) for c in plan.changes] == [(1, Action.BLOCKED)]
    assert "plan again in a minute, when the fault prober has looked" in plan.changes[0].reason


def test_every_contradiction_says_what_helps() -> None:
    behind = (*streams(0), *(replace(one, state="catchup") for one in streams(1)))
    for seen, rows in ((SEEN, streams(0)), (SEEN, behind), (DOWN, streams(0, 1))):
        assert "plan again in a minute" in disagreements(seen, rows)[1]
    assert "see the log of the mirror sdw1:7000" in disagreements(SEEN, streams(0))[1]
