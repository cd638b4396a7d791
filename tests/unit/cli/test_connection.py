"""How a plan file wants the cluster reached: said by name, asked aloud, never taken for granted."""

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.cli.console import Console
from gpmirror.cli.wiring import accept_connection, program_to_tell, spec_connection
from gpmirror.errors import Declined, Unsafe
from gpmirror.plan.model import Settings
from gpmirror.plan.remaining import site_of
from gpmirror.spec.model import CoordinatorAddress, SshOptions
from gpmirror.spec.writing import expanded_text
from tests.clusters import spec
from tests.plans import HOSTS, adding

EVIL = CoordinatorAddress(host="attacker", port=5432, user="stranger", database="postgres")


class Keyboard(io.StringIO):
    """A terminal on which this has been typed."""

    def isatty(self) -> bool:
        return True


def forged(config: str | None = "/tmp/evil") -> Settings:
    return replace(adding().settings, coordinator=EVIL, ssh=SshOptions(config=config))


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGHOSTADDR"):
        monkeypatch.delenv(name, raising=False)


def asked(typed: str | None, monkeypatch: pytest.MonkeyPatch, **parts: object) -> str:
    """What a quiet console said."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n") if typed is None else Keyboard(typed))
    err = io.StringIO()
    console = Console(out=io.StringIO(), err=err, quiet=True)
    given: dict[str, object] = {"own": None, "assume_yes": False, **parts}
    accept_connection(forged(), "plan.json", (), console, **given)  # type: ignore[arg-type]
    return err.getvalue()


def test_each_foreign_value_is_asked_with_quiet_too(monkeypatch: pytest.MonkeyPatch) -> None:
    told = asked("yes\n", monkeypatch)
    for line in (
        "cluster.coordinator.host: attacker",
        "coordinator.user: stranger",
        "ssh.config: /tmp/e",
    ):
        assert line in told
    with pytest.raises(Declined):
        asked("no\n", monkeypatch)


@pytest.mark.parametrize("parts", [{"assume_yes": True}, {}])
def test_neither_yes_nor_a_pipe_answers_it(
    parts: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unsafe, match="attacker") as caught:
        asked(None, monkeypatch, **parts)
    assert "--allow connection-from-plan" in (caught.value.hint or "")


def test_the_environment_and_the_own_spec_answer_it(monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(spec(HOSTS), coordinator=EVIL, ssh=SshOptions(config="/tmp/evil"))
    assert asked(None, monkeypatch, own=own) == ""
    monkeypatch.setenv("PGHOST", "attacker")
    monkeypatch.setenv("PGUSER", "stranger")
    with pytest.raises(Unsafe, match=r"ssh\.config") as caught:
        asked(None, monkeypatch)
    assert "attacker" not in caught.value.message
    with spec_connection(ignored=True):
        assert asked(None, monkeypatch) == ""


def test_the_program_to_tell_is_never_a_plan_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = adding()
    monkeypatch.chdir(tmp_path)
    wanted = replace(spec(HOSTS), notify=("tell", "all"))
    assert program_to_tell(wanted, wanted.cluster) == ("tell", "all")
    assert program_to_tell(site_of(plan), plan.cluster) == ()
    (tmp_path / "gpmirror.yaml").write_text(expanded_text(replace(wanted, cluster=plan.cluster)))
    assert program_to_tell(site_of(plan), plan.cluster) == ("tell", "all")
    assert program_to_tell(site_of(plan), "another") == ()


def test_a_spec_whose_word_does_not_count_starts_nothing() -> None:
    wanted = replace(spec(HOSTS), notify=("tell",))
    with spec_connection(ignored=True):
        assert program_to_tell(wanted, wanted.cluster) == ()
