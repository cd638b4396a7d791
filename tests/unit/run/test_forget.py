"""Directories on a host that never comes back: given up by name, in the journal alone."""

import json
from dataclasses import replace
from typing import Any

import pytest

from gpmirror.boundary import NoAnswer, Reply, Silence
from gpmirror.errors import Declined, ExitCode, InvalidInput, Unsafe
from gpmirror.plan.model import Plan
from gpmirror.run.forget import forget
from gpmirror.run.prune import left_behind, prune
from gpmirror.run.record import RunRecord, read_standing
from tests.fakes import FakeOperator, MemoryJournal
from tests.life import Life
from tests.unit.run.test_prune import a_run, begun, moved, old


def standing_after(plan: Plan, journal: MemoryJournal) -> RunRecord:
    """The run as its journal tells after these records."""
    text = "\n".join(json.dumps(one) for one in journal.records)
    return replace(begun(plan), given_up=read_standing(f"{_OPENING}\n{text}", "journal").given_up)


_OPENING = json.dumps({"record": "run", "run": "r1"})


def lost() -> tuple[Plan, Life, str, str]:
    """Moves are done, and one host that a mirror left is gone: the host, the directory there."""
    plan, life = moved()
    host, path = old(plan)[0]
    life.down.add(host)
    return plan, life, host, path


def test_directories_of_a_lost_host_are_given_up_and_named_no_more() -> None:
    plan, life, host, path = lost()
    before, rows = dict(life.files), dict(life.rows)
    operator, journal = FakeOperator(), MemoryJournal()
    outcome = forget(a_run(plan, life, operator=operator, journal=journal), begun(plan), [host])
    assert outcome.code is ExitCode.OK
    assert outcome.summary.startswith(f"1 directory on {host} given up; nothing was changed")
    assert operator.asked == [f"Give up 1 directory on {host}? Only 'yes' is accepted:"]
    assert f"  {host}:{path} (content " in operator.shown[0]
    assert "delete them there by hand" in operator.shown[0]
    (record,) = journal.records
    assert (record["step"], record["state"]) == ("prune/forget", "done")
    assert journal.far
    assert (life.files, life.rows) == (before, rows)

    standing = standing_after(plan, journal)
    assert [(one.host, one.path) for one in standing.given_up] == [(host, path)]
    ended = prune(a_run(plan, life), standing)
    assert ended.summary == "2 directories deleted, 1 kept"
    (kept,) = ended.next_actions  # its primary stood on the lost host
    assert kept.endswith("the system identifier of its primary could not be read")
    again = forget(a_run(plan, life, operator=FakeOperator(answer=None)), standing, [host])
    assert again.summary == f"Given up before: host {host}."


def test_prune_names_the_way_out() -> None:
    plan, life, host, path = lost()
    ended = prune(a_run(plan, life), begun(plan))
    assert ended.summary.startswith("2 directories deleted, 2 kept; ")
    assert f"`gpmirror prune r1 --forget {host}`" in ended.summary
    assert f"{host}:{path}: its host gave no answer" in ended.next_actions
    with pytest.raises(Unsafe) as caught:
        prune(a_run(plan, life), begun(plan))
    assert f"`gpmirror prune r1 --forget {host}` gives up" in (caught.value.hint or "")


def test_all_that_is_left_may_be_given_up() -> None:
    plan, life = moved()
    hosts = sorted({host for host, _ in old(plan)})
    life.down.update(hosts)
    journal = MemoryJournal()
    ended = forget(a_run(plan, life, journal=journal), begun(plan), [*hosts, hosts[0]])
    assert ended.summary.startswith(f"4 directories on {', '.join(hosts)} given up")
    standing = standing_after(plan, journal)
    assert prune(a_run(plan, life), standing).summary == (
        "Nothing to prune: what was left is given up."
    )
    spots = {(one.host, one.path) for one in standing.given_up}
    assert left_behind(plan, begun(plan)) - spots == left_behind(plan, begun(plan)) - set(old(plan))


@pytest.mark.parametrize("answer", [False, None])
def test_without_a_yes_nothing_is_given_up(answer: bool | None) -> None:
    plan, life, host, _ = lost()
    journal = MemoryJournal()
    with pytest.raises(Declined):
        forget(
            a_run(plan, life, operator=FakeOperator(answer=answer), journal=journal),
            begun(plan),
            [host],
        )
    assert journal.records == []


def test_a_host_that_the_run_does_not_name_is_refused() -> None:
    plan, life, host, _ = lost()
    operator, journal = FakeOperator(), MemoryJournal()
    with pytest.raises(InvalidInput) as caught:
        forget(a_run(plan, life, operator=operator, journal=journal), begun(plan), ["sdw9", host])
    (found,) = caught.value.diagnostics
    assert (found.code, caught.value.exit_code) == ("GPM-P901", ExitCode.INVALID)
    assert found.message == "run r1 has no directory left on host 'sdw9'"
    hosts = sorted({host for host, _ in old(plan)})
    assert found.hint == f"it has directories left on hosts {', '.join(hosts)}"
    assert (operator.asked, journal.records) == ([], [])


def test_a_host_that_answers_is_pruned_instead() -> None:
    plan, life, host, _ = lost()
    life.down.clear()
    operator, journal = FakeOperator(), MemoryJournal()
    with pytest.raises(Unsafe) as caught:
        forget(a_run(plan, life, operator=operator, journal=journal), begun(plan), [host])
    assert caught.value.message.startswith(f"nothing was given up: {host} answers")
    assert caught.value.hint == "`gpmirror prune r1` does that"
    assert (operator.asked, journal.records) == ([], [])


@pytest.mark.parametrize("why", [Silence.CHANGED_KEY, Silence.NO_LOGIN, Silence.LOST])
def test_a_host_that_lets_nobody_in_is_not_lost(why: Silence) -> None:
    plan, life, host, _ = lost()

    class Closed(Life):
        def _answer(self, host: str, script: str) -> Reply:
            if host in self.down:
                return NoAnswer(host=host, why=why, message=f"{host} is shut", hint="open it")
            return super()._answer(host, script)

    life.__class__ = Closed
    with pytest.raises(Unsafe) as caught:
        forget(a_run(plan, life), begun(plan), [host])
    assert caught.value.message == f"nothing was given up: {host} is not lost: {host} is shut"
    assert caught.value.hint == "open it; then `gpmirror prune r1`"


def test_what_a_later_wave_leaves_on_the_host_is_named_again() -> None:
    """Places are given up, not a name: the run may go on."""
    plan, life, host, path = lost()
    first = replace(begun(plan), given_up=())
    journal = MemoryJournal()
    forget(a_run(plan, life, journal=journal), first, [host])
    (given,) = standing_after(plan, journal).given_up
    other = replace(given, path=f"{path}-other", at=f"{path}-other")
    ended = prune(a_run(plan, life), replace(begun(plan), given_up=(other,)))
    assert f"{host}:{path}: its host gave no answer" in ended.next_actions


def test_a_record_that_makes_no_sense_gives_nothing_up() -> None:
    forged: list[Any] = [{"host": "sdw1"}, 7, {"content": 0, "host": "a", "path": "b", "at": "/c"}]
    record = {"record": "step", "step": "prune/forget", "state": "done", "places": forged}
    assert read_standing(f"{_OPENING}\n{json.dumps(record)}", "journal").given_up == ()
