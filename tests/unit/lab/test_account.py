"""Whose lab it is and where it lies."""

import os
from pathlib import Path

import pytest

from gpmirror.errors import Failure
from gpmirror.lab.account import Account, claim, lab_account, state_folder

OURS = Account(name="me", uid=os.geteuid(), gid=os.getegid())
OTHER = Account(name="other", uid=54321, gid=54321)


def test_the_account_is_never_root() -> None:
    assert lab_account({}).uid != 0


def test_sudo_root_is_not_an_account() -> None:
    assert lab_account({"SUDO_UID": "0"}).uid != 0
    assert lab_account({"SUDO_UID": "x" * 9}).uid != 0
    assert lab_account({"SUDO_UID": "9" * 30}).uid != 0


def test_the_state_home_is_used_where_it_can_be() -> None:
    assert state_folder(OURS, {"XDG_STATE_HOME": "/var/tmp/s"}) == Path("/var/tmp/s/gpmirror/lab")


@pytest.mark.parametrize(
    "environment",
    [
        {"XDG_STATE_HOME": "relative"},
        {"XDG_STATE_HOME": "/var/tmp/" + "x" * 90},
        {"XDG_STATE_HOME": "/var/tmp/with blank"},
        {"XDG_STATE_HOME": '/var/tmp/"quoted"'},
        {},
    ],
)
def test_elsewhere_otherwise(environment: dict[str, str]) -> None:
    assert state_folder(OURS, environment) == Path(f"/var/tmp/gpmirror-lab-{OURS.uid}")


def test_elsewhere_when_the_account_cannot_get_there(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    found = state_folder(OTHER, {"XDG_STATE_HOME": str(tmp_path)})
    assert found == Path("/var/tmp/gpmirror-lab-54321")


def test_a_folder_is_claimed_closed(tmp_path: Path) -> None:
    state = tmp_path / "gpmirror" / "lab"
    claim(state, OURS)
    claim(state, OURS)
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_link_or_another_ones_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(Failure, match=name):
            claim(tmp_path / name, OURS)
    (tmp_path / "real" / "something").touch()
    with pytest.raises(Failure, match="not a folder of the account other"):
        claim(tmp_path / "real", OTHER)
