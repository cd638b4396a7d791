"""Whether hosts may be stopped: every reason for a no, and names that mean hosts."""

from dataclasses import replace

import pytest

from gpmirror.boundary import Freshness
from gpmirror.errors import CannotDispatch, InvalidInput
from gpmirror.model.observed import Observed, Replication
from gpmirror.render.stopping import cautions, stop_human
from gpmirror.run.status import Reading, StopAnswer, answer_stop, saved_reading
from gpmirror.simulate.stopping import WhyLost, named_hosts
from gpmirror.verify import judge_copies
from tests.clusters import coordinator, host, mirrored, mirrorless, observed, row, spec

HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")
RING = mirrored(HOSTS, 2)


def asked(seen: Observed, *hosts: str, allowed: bool = False) -> StopAnswer:
    return answer_stop(saved_reading(seen), None, hosts, allowed=allowed)


def changed(seen: Observed, content: int, role: str, **values: object) -> Observed:
    rows = [
        replace(one, **values) if (one.content, one.role.value) == (content, role) else one  # type: ignore[arg-type]
        for one in seen.segments
    ]
    return replace(seen, segments=tuple(rows))


def unsynced(seen: Observed, content: int) -> Observed:
    from gpmirror.model.segment import Mode

    return changed(
        changed(seen, content, "p", mode=Mode.NOT_IN_SYNC), content, "m", mode=Mode.NOT_IN_SYNC
    )


def down(seen: Observed, content: int, role: str) -> Observed:
    from gpmirror.model.segment import Status

    return changed(seen, content, role, status=Status.DOWN)


def test_one_host_of_a_ring_may_stop() -> None:
    answer = asked(RING, "sdw1")
    assert (answer.is_ok, answer.stop.lost) == (True, {})
    assert [(one.host, one.before, one.after) for one in answer.stop.loss.loads] == [("sdw2", 2, 4)]
    assert answer.stop.single == (0, 1, 6, 7)


def test_neighbours_may_not_stop_together_and_others_may() -> None:
    both = asked(RING, "sdw1", "sdw2")
    assert (both.is_ok, both.stop.lost) == (False, dict.fromkeys((0, 1), WhyLost.BOTH_STOPPED))
    assert asked(RING, "sdw1", "sdw3").is_ok


CASES = {
    "its only copy that lives": (down(RING, 0, "m"), "sdw1", {0: WhyLost.OTHER_DOWN}),
    "the copy that is down": (down(RING, 0, "m"), "sdw2", {}),
    "the one that others cannot replace yet": (unsynced(RING, 0), "sdw1", {0: WhyLost.NOT_IN_SYNC}),
    "the one that is not in sync": (unsynced(RING, 0), "sdw2", {}),
    "one that never had a mirror": (
        mirrorless(HOSTS, 1),
        "sdw2",
        {1: WhyLost.NO_MIRROR},
    ),
    "anything, where a content is lost already": (
        down(down(RING, 4, "m"), 4, "p"),
        "sdw1",
        {4: WhyLost.NO_COPY},
    ),
    "a dead primary's host, before its mirror took over": (down(RING, 0, "p"), "sdw1", {}),
    "the mirror's host, before it took over": (
        down(RING, 0, "p"),
        "sdw2",
        {0: WhyLost.OTHER_DOWN},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_half_done_states(case: str) -> None:
    seen, stopped, lost = CASES[case]
    answer = asked(seen, stopped)
    assert answer.stop.lost == lost
    assert answer.is_ok == (not lost)


def test_acting_roles_count() -> None:
    """After a failover sdw2 serves content 0: stopping sdw1 moves nothing of it."""
    rows = [
        coordinator(),
        row(2, 0, "m", "sdw1", 6000, prefers="p"),
        row(3, 0, "p", "sdw2", 7000, prefers="m"),
    ]
    seen = observed(rows)
    assert asked(seen, "sdw1").stop.loss.loads == ()
    (load,) = asked(seen, "sdw2").stop.loss.loads
    assert (load.host, load.before, load.after) == ("sdw1", 0, 1)


def test_both_copies_on_one_host() -> None:
    rows = [coordinator(), row(2, 0, "p", "sdw1", 6000), row(3, 0, "m", "sdw1", 7000)]
    assert asked(observed(rows), "sdw1").stop.lost == {0: WhyLost.BOTH_STOPPED}


def test_the_coordinators_host_needs_a_word() -> None:
    refused = asked(RING, "mdw")
    assert (refused.is_ok, refused.is_refused, refused.stop.lost) == (False, True, {})
    allowed = asked(RING, "mdw", allowed=True)
    assert (allowed.is_ok, allowed.stops_coordinator) == (True, True)


def test_the_standby_is_told() -> None:
    seen = observed([*RING.segments, row(99, -1, "m", "sdw1", 5432)])
    assert asked(seen, "sdw1").stops_standby
    assert asked(seen, "sdw1").is_ok
    assert not asked(seen, "sdw3").stops_standby


def test_the_standby_that_took_over_is_the_coordinator() -> None:
    rows = [*(one for one in RING.segments if one.content >= 0)]
    rows += [row(99, -1, "p", "smdw", 5432, prefers="p")]
    assert asked(observed(rows), "smdw").is_refused


def test_a_catalog_without_a_coordinator() -> None:
    seen = observed(one for one in RING.segments if one.content >= 0)
    answer = asked(seen, "sdw1")
    assert (answer.is_ok, answer.coordinator, answer.standby) == (True, None, None)


def test_a_host_that_takes_over_with_other_copies_down_is_told() -> None:
    """Its primaries are down already; its mirrors may be seen as in sync for a minute more."""
    rows = [
        replace(one, status=type(one.status)("d")) if one.hostname == "sdw3" else one
        for one in RING.segments
        if one.content in {-1, 2, 4, 5}
    ]
    stale = [
        replace(one, status=type(one.status)("u")) if (one.content, one.role) == (2, "m") else one
        for one in rows
    ]
    seen = observed([replace(o, content={2: 0, 4: 1, 5: 2}.get(o.content, -1)) for o in stale])
    answer = asked(seen, "sdw2")
    assert (answer.is_ok, answer.doubtful) == (True, {"sdw3": (1, 2)})
    (told,) = cautions(answer)
    assert "sdw3 is to take over, and contents 1-2 are down on it" in told
    assert told in " ".join(
        stop_human(answer, hosts=["sdw2"], as_of=None, width=500, color=False).split("\n")
    )
    assert not asked(RING, "sdw2").doubtful


# --- a live reading -------------------------------------------------------------------------------


def live(seen: Observed, streaming: set[int], trouble: CannotDispatch | None = None) -> Reading:
    streams = tuple(
        Replication(
            content=content,
            application_name="gp_walreceiver",
            state="streaming",
            sync_state="sync",
        )
        for content in sorted(streaming)
    )
    refused = trouble.refused if trouble else {}
    return Reading(
        observed=seen,
        replication=streams,
        health=judge_copies(seen, None if trouble else streams, refused=refused, probed=True),
        freshness=Freshness.PROBED,
        trouble=trouble,
    )


def test_a_mirror_that_does_not_stream_is_no_copy() -> None:
    """Whatever the catalog says: its word is as old as the last fault probe."""
    answer = answer_stop(live(RING, set(range(8)) - {0}), None, ["sdw1"], allowed=False)
    assert answer.stop.lost == {0: WhyLost.NOT_IN_SYNC}


def silent(content: int) -> CannotDispatch:
    return CannotDispatch(
        "a primary does not answer", hint="", detail="", refused={content: "10.0.0.1:6000"}
    )


def test_where_nobody_can_tell_who_streams_no_mirror_is_believed() -> None:
    answer = answer_stop(live(RING, set(), silent(7)), None, ["sdw1"], allowed=False)
    assert answer.stop.lost == dict.fromkeys((0, 1), WhyLost.NOT_IN_SYNC)
    mirrors_alone = answer_stop(live(RING, set(), silent(99)), None, ["mdw"], allowed=True)
    assert mirrors_alone.is_ok


def test_before_6_the_catalog_alone_tells() -> None:
    seen = mirrored(HOSTS, 2, "gp5")
    assert answer_stop(live(seen, set()), None, ["sdw1"], allowed=False).is_ok


# --- what a host may be called --------------------------------------------------------------------


MULTI_HOMED = spec(
    [host(f"sdw{n}", addresses=(f"sdw{n}-1", f"sdw{n}-2")) for n in (1, 2)]
    + [host("sdw9", rack="b")]
)
ROWS = observed(
    [
        coordinator(),
        row(2, 0, "p", "sdw1", 6000, address="sdw1-1"),
        row(3, 0, "m", "sdw2-2", 7000, address="sdw2-2"),
    ]
)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("sdw1", "sdw1"), ("sdw1-2", "sdw1"), ("sdw2-2", "sdw2"), ("sdw9", "sdw9"), ("mdw", "mdw")],
)
def test_an_address_counts_to_its_host(word: str, meant: str) -> None:
    answer = answer_stop(saved_reading(ROWS), MULTI_HOMED, [word], allowed=True)
    assert answer.stop.hosts == (meant,)


def test_without_a_spec_the_catalogs_own_names_count() -> None:
    assert asked(ROWS, "sdw1-1").stop.hosts == ("sdw1",)
    assert asked(ROWS, "sdw2-2", "sdw1-1", "sdw1").stop.lost == {0: WhyLost.BOTH_STOPPED}


def test_unknown_hosts_are_all_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        asked(RING, "sdw1", "sdx2", "nobody")
    codes = [found.code for found in refused.value.diagnostics]
    assert codes == ["GPM-P901", "GPM-P901"]
    assert refused.value.diagnostics[0].hint == "did you mean `sdw2`?"


def test_a_name_of_several_hosts_is_refused() -> None:
    known = {"sdw1": {"sdw1"}, "10.0.0.1": {"sdw1", "sdw2"}}
    with pytest.raises(InvalidInput, match="of several hosts: sdw1 and sdw2"):
        named_hosts(["10.0.0.1"], known)
    # a host's own name is never in doubt
    assert named_hosts(["sdw1"], {"sdw1": {"sdw1", "sdw2"}}) == ("sdw1",)


def test_a_catalog_of_a_coordinator_alone_is_refused() -> None:
    with pytest.raises(InvalidInput, match="has no segment"):
        asked(observed([coordinator()]), "mdw")
