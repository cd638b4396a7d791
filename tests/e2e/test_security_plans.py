"""Plan files that somebody changed and gave the right checksum: nothing of them is carried out."""

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpmirror.errors import ExitCode
from gpmirror.plan.planfile import _digest
from tests.e2e.attacks import MARKS, Site
from tests.forging import fields, mutated, sealed

pytestmark = [pytest.mark.long, *MARKS, pytest.mark.xdist_group("running")]

Change = Callable[[dict[str, Any], str], None]


def _native(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["waves"][0]["native"][0]
    return found


def _other_command(body: dict[str, Any], marker: str) -> None:
    _native(body)["argv"] = ["bash", "-c", f"touch {marker}"]


def _file_elsewhere(body: dict[str, Any], marker: str) -> None:
    _native(body)["file_name"] = marker


def _file_upwards(body: dict[str, Any], marker: str) -> None:
    _native(body)["file_name"] = f"../../../../../../../../../..{marker}"


def _host_action(body: dict[str, Any], marker: str) -> None:
    body["waves"][0]["host_actions"][0]["path"] = marker


def _other_places(body: dict[str, Any], marker: str) -> None:
    text = _native(body)["file_text"]
    _native(body)["file_text"] = text.replace("/gpseg", f"{marker}/gpseg")


def _proxy(body: dict[str, Any], marker: str) -> None:
    config = Path(marker).parent / "config"
    config.write_text(f"Host *\n  ProxyCommand touch {marker}\n")
    body["settings"]["ssh"]["config"] = str(config)


ATTACKS = [_other_command, _file_elsewhere, _file_upwards, _host_action, _other_places]
COMMANDS = [("apply", "--yes"), ("apply", "--dry-run"), ("preflight",)]


def _forged(site: Site, change: Change, marker: Path) -> str:
    """A plan file with the change and the right checksum."""
    body = copy.deepcopy(site.plan())
    del body["plan_id"]
    change(body, str(marker))
    (site.folder / "forged.json").write_text(json.dumps({**body, "plan_id": _digest(body)}))
    return "forged.json"


def test_what_a_changed_plan_says_is_not_run(site: Site) -> None:
    before = site.catalog()
    for number, change in enumerate(ATTACKS):
        marker = site.folder / f"marker-{number}"
        plan = _forged(site, change, marker)
        for command, *flags in COMMANDS:
            done = site.gpmirror(command, plan, *flags)
            assert done.returncode == ExitCode.INVALID, (change, command, done.stderr)
            assert "GPM-P804" in done.stderr
            assert not marker.exists(), (change, command)
    assert site.catalog() == before
    assert site.runs() == []


def test_an_ssh_configuration_of_a_plan_starts_nothing(site: Site) -> None:
    marker = site.folder / "marker"
    plan = _forged(site, _proxy, marker)
    for command, *flags in COMMANDS:
        done = site.gpmirror(command, plan, *flags)
        assert done.returncode == ExitCode.UNSAFE, done.stderr
        assert "ssh.config: " in done.stderr
        assert "--allow connection-from-plan" in done.stderr
    assert not marker.exists()


def test_the_operators_word_lets_a_plan_connect(site: Site) -> None:
    """In a folder without a spec, what the plan says of the connection is told, and may be allowed."""
    site.plan()
    (site.folder / "gpmirror.yaml").rename(site.folder / "away.yaml")
    refused = site.gpmirror("apply", "plan.json", "--yes")
    assert refused.returncode == ExitCode.UNSAFE, refused.stderr
    assert "ssh.config: " in refused.stderr
    allowed = site.gpmirror("preflight", "plan.json", "--allow", "connection-from-plan")
    assert allowed.returncode == ExitCode.OK, allowed.stderr


def test_a_sample_of_changed_fields_on_a_cluster(site: Site) -> None:
    """The rest of the two thousand never comes as far as a cluster: `tests/property`."""
    body = site.plan()
    (site.folder / "gpmirror.yaml").rename(site.folder / "away.yaml")
    before, rng, where = site.catalog(), random.Random(9), list(fields(body))
    commands = (
        ("show",),
        ("preflight", "--allow", "connection-from-plan"),
        ("apply", "--dry-run", "--allow", "connection-from-plan"),
    )
    refused = 0
    for _ in range(25):
        forged, path = mutated(body, where, rng)
        if path[0] == "settings" and path[1:2] != ("apply",):
            continue  # to connect elsewhere is another test's
        (site.folder / "forged.json").write_bytes(sealed(forged))
        ends = [site.gpmirror(command, "forged.json", *more) for command, *more in commands]
        codes = [done.returncode for done in ends]
        assert not any("Traceback" in done.stderr for done in ends), path
        assert ExitCode.BUG not in codes, path
        assert (ExitCode.INVALID in codes) == (set(codes) == {ExitCode.INVALID}), (path, codes)
        refused += ExitCode.INVALID in codes
    assert refused > 5
    assert site.catalog() == before
    assert site.runs() == []
    assert site.far_runs() == []
