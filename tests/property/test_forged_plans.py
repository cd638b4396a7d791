"""Plans that somebody changed and gave the right checksum: refused, or what the planner makes."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode, Failure, InvalidInput
from gpmirror.plan.planfile import plan_text, read_plan
from tests.forging import fields, mutated, sealed
from tests.plans import adding, founding, moving, rebalancing, recovering, swapping

_EACH = 350
_PLANS = [adding, founding, moving, rebalancing, recovering, swapping]
_RUN = {"waves", "exposure", "layout", "hazards", "guards", "fingerprint", "summary", "switched"}
"""What follows from the rest of a plan, and says or guards what is run."""
_GIVEN = {"desired", "settings", "catalog", "asked", "allowed", "observed", "dialect"}
"""What a plan is made of: another value here is another plan, whole."""
_BODIES = [json.loads(plan_text(make())) for make in _PLANS]
_PATHS = [list(fields(body)) for body in _BODIES]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(_BODIES)))
def test_a_changed_field_is_refused_or_is_a_plan(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """2,100 plans in all, each with the right checksum, through the three commands."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gpmirror.cli.live_run.open_live", _nobody_connects)
    rng = random.Random(number)
    accepted = 0
    for _ in range(_EACH):
        body, path = mutated(_BODIES[number], _PATHS[number], rng)
        if body == _BODIES[number]:
            continue
        data = sealed(body)
        Path("plan.json").write_bytes(data)
        ends = {command: main([*command]) for command in _COMMANDS}
        said = capsys.readouterr().err
        assert "Traceback" not in said, (path, said)
        if all(code is ExitCode.INVALID for code in ends.values()):
            assert said.count("error[GPM-P8") == len(_COMMANDS), (path, said)
            continue
        plan = read_plan(data, "plan.json")
        live = ExitCode.STALE if plan.review_only else ExitCode.ERROR
        assert ends == dict(zip(_COMMANDS, (ExitCode.OK, live, live), strict=True)), (path, said)
        accepted += 1
        # a field that only says the default may be left out: it is the same plan then
        now = json.loads(plan_text(plan))
        run = {key: now[key] for key in _RUN}
        assert path[0] in _GIVEN or run == {key: _BODIES[number][key] for key in _RUN}, path
    assert accepted, "not every field may be refused: words are free"


_CONNECT = ("--allow", "connection-from-plan")
_COMMANDS = (
    ("show", "plan.json"),
    ("preflight", "plan.json", *_CONNECT),
    ("apply", "plan.json", "--dry-run", *_CONNECT),
)
"""Where the file is a plan, two of them come as far as the cluster, which is not there."""


def _nobody_connects(*_: object, **__: object) -> None:
    raise Failure("nobody connects in this test", hint="")


def _raw(change: Callable[[str], bytes]) -> bytes:
    return change(plan_text(adding()))


def _nested(key: str, depth: int) -> bytes:
    body = json.loads(plan_text(adding()))
    body[key] = json.loads("[" * depth + "]" * depth)
    return sealed(body)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (_raw(lambda text: text.replace("prod-dwh", "\\ud800", 1).encode()), "not UTF-8"),
        (_raw(lambda text: text.encode("utf-16")), "not UTF-8"),
        (_raw(lambda text: text.encode("utf-8-sig")), "BOM"),
        (_raw(lambda text: text.encode() + b"\0"), "Extra data"),
        (_raw(lambda text: text.replace("{", '{"waves":[],', 1).encode()), '"waves" stands there twice'),
        (_raw(lambda text: text.replace('"port":', '"port":1,"port":', 1).encode()), '"port" stands'),
        (_raw(lambda text: text.replace("{", '{"x":NaN,', 1).encode()), "NaN is no number"),
        (_raw(lambda text: text.replace("{", '{"x":-Infinity,', 1).encode()), "-Infinity is no number"),
        (_raw(lambda text: text.replace("{", '{"x":%s,' % ("9" * 5000), 1).encode()), "many digits"),
        (_raw(lambda text: text.replace("{", '{"x":%s,' % ("[" * 10**5), 1).encode()), "too deeply"),
        (_nested("x", 900), "no such key"),
        (_nested("waves", 900), "waves.0"),
    ],
)  # fmt: skip
def test_what_two_readers_may_read_differently_is_no_plan(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_plan(data, "plan.json")
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P802"
    assert words in found.message
    assert len(found.message) < 300


def _forge(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(plan_text(adding()))
    change(body)
    return body


def _native(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = body["waves"][0]["native"][0]
    return found


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda b: _native(b).update(argv=["bash", "-c", "touch /tmp/x"]), "waves[0].native[0].argv"),
        (lambda b: _native(b).update(argv=[]), "waves[0].native[0].argv"),
        (lambda b: _native(b).update(file_name="../../.bashrc"), "waves[0].native[0].file_name"),
        (lambda b: _native(b).update(file_name="/etc/passwd"), "waves[0].native[0].file_name"),
        (
            lambda b: _native(b).update(file_text=_native(b)["file_text"].replace("mirror", "m")),
            "waves[0].native[0].file_text",
        ),
        (lambda b: b["waves"][0]["host_actions"][0].update(mode="0777"), "host_actions[0].mode"),
        (lambda b: b["waves"][0]["host_actions"][0].update(action="rm"), "host_actions[0].action"),
        (lambda b: b["waves"][0]["host_actions"][0].update(path="/etc"), "host_actions[0].path"),
        (lambda b: b["waves"][0]["steps"].pop(), "waves[0].steps"),
        (lambda b: b["changes"][0]["to"].update(port=7999), "changes[0].to.port"),
        (lambda b: b["fingerprint"]["in_use"].pop(), "fingerprint.in_use"),
        (lambda b: b["exposure"].update(most_single=0), "exposure.most_single"),
        (lambda b: b.update(review_only=True), "review_only"),
    ],
)  # fmt: skip
def test_what_follows_from_the_rest_is_named(
    change: Callable[[dict[str, Any]], None], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_plan(sealed(_forge(change)), "plan.json")
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P804"
    assert field in found.message


@pytest.mark.parametrize("name", ["hazards", "guards", "allowed"])
def test_dangers_cannot_be_taken_out(name: str) -> None:
    body = json.loads(plan_text(rebalancing()))
    for one in body["hazards"]:
        one["allowed"] = True
    if name != "allowed":
        body[name] = []
    with pytest.raises(InvalidInput, match=r"hazards|guards"):
        read_plan(sealed(body), "plan.json")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda b: b["desired"]["contents"][0]["mirror"].update(directory="/data/../etc/x"), "`..`"),
        (lambda b: b["desired"]["contents"][0]["mirror"].update(directory="x"), "not absolute"),
        (lambda b: b["desired"]["contents"][0]["mirror"].update(host="-oX"), "no host of the plan"),
        (lambda b: b["desired"]["hosts"][0].update(name="-oProxyCommand=x"), "host name"),
        (lambda b: b["desired"]["hosts"][0].update(addresses=[]), "has no address"),
        (lambda b: b["catalog"]["segments"][1].update(hostname="a|b"), "catalog: dbid"),
        (lambda b: b["settings"]["apply"].update(hosts_at_once=0), "settings.apply.hosts_at_once"),
        (lambda b: b["settings"]["ssh"].update(user="-x"), "settings.ssh.user"),
        (lambda b: b["settings"]["ssh"].update(config="/tmp/x\x1b[2K\r"), "settings.ssh.config"),
        (lambda b: b["settings"]["ssh"].update(config="/tmp/\u202ex"), "settings.ssh.config"),
        (lambda b: b["settings"]["coordinator"].update(user="a\x1b[2J"), "coordinator.user"),
        (lambda b: b["settings"]["coordinator"].update(database="a\u2028b"), "coordinator.database"),
        (lambda b: b["settings"]["coordinator"].update(host="a\nb"), "coordinator.host"),
        (lambda b: b["settings"]["coordinator"].update(host="-oX=x"), "coordinator.host"),
        (lambda b: b["settings"].update(reverts="x; rm -rf ~"), "settings.reverts"),
        (lambda b: b["settings"].update(reverts="x\x1b[2J"), "settings.reverts"),
        (lambda b: b.update(cluster="../x"), "cluster.name"),
    ],
)  # fmt: skip
def test_values_have_the_limits_of_spec_and_catalog(
    change: Callable[[dict[str, Any]], None], words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_plan(sealed(_forge(change)), "plan.json")
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-P802"
    assert words in found.message
