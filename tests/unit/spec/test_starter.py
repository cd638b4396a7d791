"""The starter spec loads, also with every comment turned into a setting."""

import re

from gpmirror.spec import load
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.spec.writing import starter_text


def test_starter_loads() -> None:
    spec = load(starter_text("prod-dwh").encode(), "gpmirror.yaml")
    assert spec.cluster == "prod-dwh"
    assert [host.name for host in spec.hosts] == ["sdw1", "sdw2", "sdw3", "sdw4"]


def test_starter_names_a_coordinator_that_is_known() -> None:
    known = CoordinatorAddress(host="mdw", port=6000, user="gpadmin")
    assert load(starter_text(coordinator=known).encode(), "gpmirror.yaml").coordinator == known
    for unknown in (CoordinatorAddress(port=6000), CoordinatorAddress(host="no host", port=1)):
        assert starter_text(coordinator=unknown) == starter_text()


def test_commented_settings_are_valid() -> None:
    text = re.sub(
        r"(?m)^( *)# (?=[a-z_]+: ?[\[{0-9a-z~\"]|policy:|apply:|pins:|  |- )", r"\1", starter_text()
    )
    text = re.sub(r"(?m)^ *(group|spread|block|balanced|pinned): .*\n", "", text)
    text = text.replace("weight: 0 ", "weight: 1 ").replace("replaces: sdw9", "")
    spec = load(text.encode(), "gpmirror.yaml")
    assert spec.pins
    assert spec.policy.survive
    assert spec.protect
    assert spec.ssh.user == "gpadmin"
