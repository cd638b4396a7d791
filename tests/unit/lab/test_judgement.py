"""The prober's verdicts, one row a situation."""

from dataclasses import replace

import pytest

from gpmirror.lab.prober import Habit, Look, Row, Verdict, habit_of, judge, lost_mode
from gpmirror.model.segment import Mode, Role, Status

GP6, GP5 = habit_of(old=False), habit_of(old=True)


def row(role: str, state: str) -> Row:
    """A row from its role and its mode and status letters."""
    return Row(
        dbid=2 if role == "p" else 10,
        content=0,
        role=Role(role),
        mode=Mode(state[0]),
        status=Status(state[1]),
        address="sdw1",
        port=6000,
    )


STREAMING = Look(waits=True, in_sync=True)


@pytest.mark.parametrize(
    ("habit", "primary", "mirror", "look", "verdict"),
    [
        # a mirror appears, streams, is waited for, is in sync
        (GP6, "nu", "nd", Look(), Verdict.WAIT_FOR_MIRROR),
        (GP6, "nu", "nd", Look(waits=True), Verdict.KEEP),
        (GP6, "nu", "nd", STREAMING, Verdict.MARK_IN_SYNC),
        (GP6, "su", "su", STREAMING, Verdict.KEEP),
        (GP6, "nu", "nd", Look(mirror_silent=99), Verdict.KEEP),
        # it dies: first the catalog, then commits are free
        (GP6, "su", "su", Look(mirror_silent=0.1, waits=True), Verdict.KEEP),
        (GP6, "su", "su", Look(mirror_silent=9, waits=True), Verdict.MARK_DOWN),
        (GP6, "nu", "nd", Look(mirror_silent=9, waits=True), Verdict.FREE_COMMITS),
        # rows that a utility left half-changed are put right
        (GP6, "su", "nd", Look(mirror_silent=9), Verdict.MARK_DOWN),
        # the primary dies
        (GP6, "su", "su", Look(primary_silent=0.1, mirror_serves=True), Verdict.KEEP),
        (GP6, "su", "su", Look(primary_silent=9, mirror_serves=True), Verdict.FAIL_OVER),
        (GP6, "su", "su", Look(primary_silent=9), Verdict.KEEP),
        (GP6, "nu", "nd", Look(primary_silent=9, mirror_serves=True), Verdict.KEEP),
        (GP6, "nu", "nu", Look(primary_silent=9, mirror_serves=True), Verdict.KEEP),
        (GP6, "nu", None, Look(primary_silent=9), Verdict.KEEP),
        # alone for good: nobody to wait for
        (GP6, "nu", None, Look(waits=True), Verdict.FREE_COMMITS),
        (GP6, "nu", None, Look(), Verdict.KEEP),
        # generation 5: resynchronising is given time, and a down copy stays down until told
        (GP5, "ru", "ru", Look(mirror_silent=9), Verdict.KEEP),
        (GP5, "ru", "ru", Look(mirror_silent=99, copying=True), Verdict.KEEP),
        (GP5, "ru", "ru", Look(mirror_silent=99), Verdict.MARK_DOWN),
        (GP5, "ru", "ru", STREAMING, Verdict.MARK_IN_SYNC),
        (GP5, "su", "su", Look(mirror_silent=9, waits=True), Verdict.MARK_DOWN),
        (GP5, "cu", "sd", STREAMING, Verdict.FREE_COMMITS),
        (GP5, "cu", "sd", Look(), Verdict.KEEP),
        (GP5, "cu", "sd", Look(mirror_silent=9), Verdict.KEEP),
        (GP5, "su", "su", Look(primary_silent=9, mirror_serves=True), Verdict.FAIL_OVER),
    ],
)
def test_verdict(
    habit: Habit, primary: str, mirror: str | None, look: Look, verdict: Verdict
) -> None:
    copies = row("p", primary), mirror and row("m", mirror)
    assert judge(copies[0], copies[1] or None, look, habit) is verdict


def test_a_mirror_of_5_that_never_started_is_called_resynchronising_while_its_primary_waits() -> (
    None
):
    primary, mirror = row("p", "ru"), replace(row("m", "ru"), never_started=True)
    assert judge(primary, mirror, Look(mirror_silent=999), GP5) is Verdict.KEEP
    assert judge(primary, mirror, STREAMING, GP5) is Verdict.MARK_IN_SYNC


def test_a_lost_copy_keeps_its_mode_on_5_only() -> None:
    assert lost_mode(row("m", "su"), GP5) is Mode.SYNCED
    assert lost_mode(row("m", "su"), GP6) is Mode.NOT_IN_SYNC
