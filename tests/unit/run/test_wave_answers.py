"""What the coordinator's host may answer to the scripts that drive native utilities."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.errors import Failure
from gpmirror.native.process import Utility
from gpmirror.run.wave import DetachedNatives, FarJournal
from tests.plans import adding

UTILITY = Utility(name="wave-001-x", argv=("x",), file_name="x.conf", file_text="")
SILENT = NoAnswer(host="mdw", why=Silence.UNREACHABLE, message="mdw: no route", hint="look there")
FULL = Answered(host="mdw", status=1, out="", err="mkdir: No space left on device\n")


@dataclass(frozen=True)
class OneAnswer:
    """Hosts that answer everything alike."""

    reply: Reply

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        return dict.fromkeys(scripts, self.reply)

    def change(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        return self.ask(scripts, seconds=seconds)


def natives(reply: Reply) -> DetachedNatives:
    return DetachedNatives(hosts=OneAnswer(reply), coordinator="mdw", run="r1", environment="")


def said(out: str) -> Answered:
    return Answered(host="mdw", status=0, out=out, err="")


@pytest.mark.parametrize(
    "act",
    [
        lambda found: found.keep([("plan.json", "{}")]),
        lambda found: found.start(adding().waves[0], UTILITY),
        lambda found: found.forestall(UTILITY.name),
    ],
)
def test_a_run_directory_that_cannot_be_written(act: Callable[[DetachedNatives], object]) -> None:
    with pytest.raises(Failure, match=r"run directory on mdw cannot be written \(exit 1\): mkdir"):
        act(natives(FULL))


def test_a_host_that_is_silent() -> None:
    found = natives(SILENT)
    with pytest.raises(Failure, match="the run directory was not made: mdw: no route"):
        found.keep([("plan.json", "{}")])
    assert found.start(adding().waves[0], UTILITY) == SILENT
    assert found.poll(UTILITY.name, 0) == SILENT
    assert found.forestall(UTILITY.name) == SILENT


@pytest.mark.parametrize("reply", [said("nonsense"), FULL])
def test_an_answer_that_makes_no_sense_is_none(reply: Answered) -> None:
    told = natives(reply).poll(UTILITY.name, 0)
    assert isinstance(told, NoAnswer)
    assert told.why is Silence.LOST
    assert "mdw does not show how the utility is doing" in told.message


def test_what_was_never_started_never_will_be() -> None:
    assert natives(said("forestalled\n")).forestall(UTILITY.name) is True
    assert natives(said("already\n")).forestall(UTILITY.name) is False


@pytest.mark.parametrize("reply", [SILENT, FULL])
def test_a_far_journal_that_is_not_taken(reply: Reply) -> None:
    far = FarJournal(hosts=OneAnswer(reply), coordinator="mdw", run="r1")
    assert not far.append("{}\n")
    assert not far.replace("{}\n")
