"""Every state a pair can be in, with the words that say why."""

import pytest

from gpmirror.model.observed import Replication
from gpmirror.verify import ContentHealth, CopyState, judge_copies
from tests.clusters import coordinator, observed, row


def follower(state: str = "streaming", sync: str = "sync", lag: int | None = 0) -> Replication:
    return Replication(
        content=0,
        application_name="gp_walreceiver",
        state=state,
        sync_state=sync,
        lag_bytes=lag,
    )


def backup(state: str = "streaming", sync: str = "sync") -> Replication:
    return Replication(content=0, application_name="pg_basebackup", state=state, sync_state=sync)


def health(
    primary: str, mirror: str | None, *streams: Replication, dialect: str = "gp6"
) -> ContentHealth:
    """One content; `primary` and `mirror` are mode and status, as `su`."""
    rows = [coordinator(), row(2, 0, "p", "sdw1", 6000, mode=primary[0], status=primary[1])]
    if mirror is not None:
        rows.append(row(3, 0, "m", "sdw2", 7000, mode=mirror[0], status=mirror[1]))
    (found,) = judge_copies(observed(rows, dialect), streams).contents
    return found


@pytest.mark.parametrize(
    ("primary", "mirror", "streams", "state", "words"),
    [
        ("su", "su", [follower()], CopyState.SYNCED, ""),
        ("su", "su", [follower(sync="async")], CopyState.SYNCED, ""),
        ("su", "su", [follower("catchup"), follower()], CopyState.SYNCED, ""),
        ("su", "su", [], CopyState.SINGLE, "the catalog says in sync, but no mirror streams"),
        (
            "su",
            "su",
            [backup("startup"), backup()],
            CopyState.SINGLE,
            "a base backup of sdw1:6000 is running and no mirror streams",
        ),
        # what fetched its WAL outlives a base backup that was cut off
        ("su", "su", [backup()], CopyState.SINGLE, "of sdw1:6000 only the WAL still comes"),
        ("nu", "nd", [backup("catchup")], CopyState.SINGLE, "is down; of a base backup of"),
        ("su", "su", [follower("catchup")], CopyState.SYNCING, "is in state catchup"),
        ("nu", "nu", [follower("streaming", "async")], CopyState.SYNCING, "streams (async)"),
        ("su", "nu", [follower()], CopyState.SYNCING, "the catalog does not say in sync yet"),
        ("nu", "nu", [], CopyState.SINGLE, "the catalog says up, but no mirror streams"),
        ("nu", "nd", [], CopyState.SINGLE, "the mirror sdw2:7000 is down"),
        (
            "nu",
            "nd",
            [backup("backup", "async"), backup()],
            CopyState.SINGLE,
            "the mirror sdw2:7000 is down; a base backup of sdw1:6000 is running",
        ),
        ("nu", "nd", [follower()], CopyState.SINGLE, "yet it is connected"),
        ("nu", None, [], CopyState.SINGLE, "the catalog has no mirror row"),
        ("nd", None, [], CopyState.NONE, "the only copy, sdw1:6000, is down"),
        ("nd", "nd", [], CopyState.NONE, "both copies are down: sdw1:6000 and sdw2:7000"),
        ("sd", "su", [], CopyState.SINGLE, "sdw2:7000 has not taken over"),
    ],
)
def test_states_from_6_on(
    primary: str, mirror: str | None, streams: list[Replication], state: CopyState, words: str
) -> None:
    found = health(primary, mirror, *streams)
    assert found.state is state
    assert words in found.reason
    assert bool(found.reason) == (state is not CopyState.SYNCED)


@pytest.mark.parametrize(
    ("primary", "mirror", "state", "words"),
    [
        ("su", "su", CopyState.SYNCED, ""),
        ("ru", "ru", CopyState.SYNCING, "the mirror sdw2:7000 is resynchronising"),
        ("su", "ru", CopyState.SYNCING, "resynchronising"),
        # a killed mirror keeps its mode (recorded on 5.8.1)
        ("cu", "sd", CopyState.SINGLE, "is down; sdw1:6000 keeps a log of changes"),
        ("cu", "su", CopyState.SINGLE, "keeps a log of changes, the mirror is behind"),
        ("su", "sd", CopyState.SINGLE, "the mirror sdw2:7000 is down"),
        ("su", None, CopyState.SINGLE, "no mirror row"),
    ],
)
@pytest.mark.parametrize("dialect", ["gp4", "gp5"])
def test_states_before_6(
    primary: str, mirror: str | None, state: CopyState, words: str, dialect: str
) -> None:
    found = health(primary, mirror, dialect=dialect)
    assert found.state is state
    assert words in found.reason


def test_names_are_those_of_the_acting_roles() -> None:
    rows = [
        row(2, 0, "m", "sdw1", 6000, prefers="p"),
        row(3, 0, "p", "sdw2", 7000, prefers="m"),
    ]
    (found,) = judge_copies(observed(rows), [follower(lag=12)]).contents
    assert (found.primary, found.mirror, found.switched) == ("sdw2:7000", "sdw1:6000", True)
    assert (found.state, found.lag_bytes) == (CopyState.SYNCED, 12)


def test_only_the_asked_contents_are_judged_and_order_does_not_matter() -> None:
    rows = [row(2 + c, c, "p", "sdw1", 6000 + c) for c in range(4)]
    assert [found.content for found in judge_copies(observed(rows), []).contents] == [0, 1, 2, 3]
    some = judge_copies(observed(reversed(rows)), [], contents={3, 1, 9})
    assert [found.content for found in some.contents] == [1, 3]
    assert not some.all_synced


def test_the_coordinator_and_its_standby_are_not_judged() -> None:
    rows = [coordinator(), row(9, -1, "m", "smdw", 5432, mode="s", status="d")]
    assert judge_copies(observed(rows), []).all_synced
