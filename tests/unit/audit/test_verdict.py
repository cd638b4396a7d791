"""What an audit finds in plans: nothing in true ones, and each false claim by its name."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpmirror.audit.claim import CLAIMS
from gpmirror.audit.verdict import Audit, audit, audit_json, audit_text
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode, InvalidInput
from gpmirror.plan.planfile import plan_text
from tests.forging import sealed
from tests.plans import adding, founding, moving, rebalancing, recovering, swapping, unchanged, wide

GOLDEN = Path(__file__).parents[2] / "golden"
EXAMPLES = Path(__file__).parents[3] / "examples"
PLANS = sorted([*GOLDEN.glob("*/plan.json"), *EXAMPLES.rglob("plan.json")])

Body = dict[str, Any]
MADE = {
    "adding": adding,
    "founding": founding,
    "moving": moving,
    "rebalancing": rebalancing,
    "recovering": recovering,
    "swapping": swapping,
    "unchanged": unchanged,
    "wide": wide,
}


def body_of(name: str) -> Body:
    text = plan_text(MADE[name]()) if name in MADE else (GOLDEN / name / "plan.json").read_text()
    body: Body = json.loads(text)
    return body


def judged(body: Body) -> Audit:
    return audit(sealed(body), "plan.json")


def false_claims(found: Audit) -> list[str]:
    return [claim.name for claim in found.claims if not claim.holds]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.parent.name)
def test_every_plan_of_this_repository_is_true(path: Path) -> None:
    found = audit(path.read_bytes(), "plan.json")
    assert found.holds, audit_text(found)


@pytest.mark.parametrize("name", MADE)
def test_plans_of_every_kind_are_true(name: str) -> None:
    found = judged(body_of(name))
    assert found.holds, audit_text(found)


def test_an_id_that_does_not_match_is_a_false_claim() -> None:
    body = body_of("adding")
    body["plan_id"] = "0" * 64
    found = audit(json.dumps(body).encode(), "plan.json")
    assert false_claims(found) == ["plan_id"]
    assert found.is_whole, "everything else is judged all the same"
    assert [claim.name for claim in found.claims if claim.name != "certificate"] == [
        name for name in CLAIMS if name != "certificate"
    ]
    told = found.claims[0].false[0]
    assert (told.claimed, told.true) == ("0" * 64, found.plan_id)


# --- One claim falsified at a time, and the id computed anew.


def native(body: Body, wave: int = 0) -> Body:
    found: Body = body["waves"][wave]["native"][0]
    return found


def in_text(old: str, new: str, wave: int = 0) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        text = native(body, wave)["file_text"]
        assert old in text, text
        native(body, wave)["file_text"] = text.replace(old, new, 1)

    return change


def put(value: object, *path: str | int) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        owner: Any = body
        for step in path[:-1]:
            owner = owner[step]
        assert owner[path[-1]] != value, "this falsifies nothing"
        owner[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[Body], None]:
    def change(body: Body) -> None:
        owner: Any = body
        for step in path[:-1]:
            owner = owner[step]
        del owner[path[-1]]

    return change


def move_step(body: Body) -> None:
    """A step and its line into the wave before."""
    early, late = body["waves"][0], body["waves"][1]
    early["steps"].append(late["steps"].pop(0))
    lines = native(body, 1)["file_text"].splitlines(keepends=True)
    native(body, 0)["file_text"] += lines[0]
    native(body, 1)["file_text"] = "".join(lines[1:])
    for wave in (early, late):
        wave["contents"] = sorted(step["content"] for step in wave["steps"])


def swap_waves(body: Body) -> None:
    waves = body["waves"]
    waves[0], waves[1] = waves[1], waves[0]
    for number, wave in enumerate(waves, start=1):
        wave["number"] = number


def two_at_one_port(body: Body) -> None:
    """Two new mirrors of a host at one port, everywhere in the file."""
    first, second = (one["mirror"] for one in body["desired"]["contents"][:2])
    assert first["host"] == second["host"]
    second["port"] = first["port"]


def loses_a_content(body: Body) -> None:
    """A content that nobody would miss."""
    gone = body["desired"]["contents"].pop()["content"]
    body["changes"] = [one for one in body["changes"] if one["content"] != gone]


def beside_its_primary(body: Body) -> None:
    """A new mirror beside its primary, everywhere but in the native text."""
    content = body["waves"][0]["steps"][0]["content"]
    slots = [body["waves"][0]["steps"][0]["to"]]
    slots += [one["to"] for one in body["changes"] if one["content"] == content]
    slots += [one["mirror"] for one in body["desired"]["contents"] if one["content"] == content]
    primary = body["desired"]["contents"][content]["primary"]
    for slot in slots:
        slot.update(host=primary["host"], address=primary["address"], port=7999)


def other_place(body: Body) -> None:
    """A change that ends elsewhere than the layout says."""
    content = body["changes"][0]["content"]
    body["changes"][0]["to"]["port"] += 500
    for wave in body["waves"]:
        for step in wave["steps"]:
            if step["content"] == content and step["to"] is not None:
                step["to"]["port"] += 500


def on_a_drained_host(body: Body) -> None:
    target = body["changes"][0]["to"]["host"]
    for host in body["desired"]["hosts"]:
        if host["name"] == target:
            host["weight"] = 0


FALSE: list[tuple[str, str, Callable[[Body], None], str]] = [
    ("a line in another wave", "moving", move_step, "exposure"),
    ("a line in another wave, over the limit", "moving", move_step, "limits"),
    ("waves in another order", "recover-and-rebalance", swap_waves, "order"),
    ("a slot before it is free", "swapping", swap_waves, "slots"),
    ("a step in no wave", "moving", drop("waves", 0, "steps", 0), "steps"),
    ("a wave twice", "moving", lambda b: b["waves"].append(b["waves"][0]), "steps"),
    ("a temporary slot that is final", "swapping", put(False, "waves", 0, "steps", 0, "temporary"), "steps"),
    ("a host in native text only", "adding", in_text("sdw2", "sdw4"), "native"),
    ("a port in native text only", "adding", in_text("7000", "7900"), "native"),
    ("a directory in native text only", "move-gp5", in_text("/data/", "/evil/"), "native"),
    ("a line taken out of native text", "adding", lambda b: native(b).update(file_text=native(b)["file_text"].split("\n", 1)[1]), "native"),
    ("a comment in native text", "adding", lambda b: native(b).update(file_text="# fine\n" + native(b)["file_text"]), "native"),
    ("native text of another family", "add-gp5", lambda b: native(b).update(file_text=body_of("add-gp6")["waves"][0]["native"][0]["file_text"]), "native"),
    ("no native text", "adding", put(None, "waves", 0, "native", 0, "file_text"), "native"),
    ("another command", "adding", put(["bash", "-c", "true"], "waves", 0, "native", 0, "argv"), "commands"),
    ("full where incremental is said", "recover-mirror", lambda b: native(b)["argv"].insert(2, "-F"), "commands"),
    ("a file elsewhere", "adding", put("../x", "waves", 0, "native", 0, "file_name"), "commands"),
    ("another utility", "moving", put("gpmovemirrors", "waves", 0, "native", 0, "utility"), "commands"),
    ("a parent left out", "adding", drop("waves", 0, "host_actions", 0), "host-actions"),
    ("a parent that nobody needs", "adding", put("/etc", "waves", 0, "host_actions", 0, "path"), "host-actions"),
    ("an open directory", "adding", put("0777", "waves", 0, "host_actions", 0, "mode"), "host-actions"),
    ("less exposure", "moving", put(0, "exposure", "most_lost_with_one_host"), "exposure"),
    ("less exposure of a wave", "moving", put(0, "exposure", "waves", 0, "worst_host_loses"), "exposure"),
    ("another worst host", "moving", put("sdw9", "exposure", "waves", 0, "worst_host"), "exposure"),
    ("fewer contents with one copy", "adding", put([], "exposure", "waves", 0, "single"), "exposure"),
    ("fewer bytes", "moving", put(1, "exposure", "bytes"), "exposure"),
    ("a faster network", "moving", put(10**12, "exposure", "rate"), "exposure"),
    ("content without copies forgotten", "blocked-both-down", lambda b: b["exposure"].pop("none"), "exposure"),
    ("a smaller minimum", "moving", put(0, "exposure", "bound"), "minimum"),
    ("a larger minimum", "moving", put(99, "exposure", "bound"), "minimum"),
    ("a longer chain", "swapping", put(7, "exposure", "depth"), "minimum"),
    ("survives any host", "moving", put(False, "layout", "after", "survival", "any_host"), "layout"),
    ("fewer fatal pairs", "moving", put(0, "layout", "after", "survival", "fatal_pairs"), "layout"),
    ("survives any rack", "moving", put(True, "layout", "before", "survival", "any_rack"), "layout"),
    ("a lighter load", "moving", put(1.0, "layout", "after", "survival", "worst_factor"), "layout"),
    ("fewer mirrors on a host", "moving", put(9, "layout", "after", "hosts", 0, "mirrors"), "layout"),
    ("more mirrors meanwhile", "moving", put(9, "layout", "during", "hosts", 1, "mirrors"), "layout"),
    ("a rule that holds", "policy-broken", put(True, "policy", 0, "after"), "policy"),
    ("other evidence", "policy-broken", put("fatal hosts: 0 of 3", "policy", 0, "evidence"), "policy"),
    ("a rule taken out", "policy-broken", drop("policy", 0), "policy"),
    ("a danger taken out", "rebalancing", drop("hazards", 0), "hazards"),
    ("a danger allowed", "rebalancing", put(True, "hazards", 0, "allowed"), "hazards"),
    ("a danger of fewer contents", "rebalancing", put([], "hazards", 0, "contents"), "hazards"),
    ("a danger with another count", "move-directory-reused", lambda b: b["hazards"][0].update(message=b["hazards"][0]["message"].replace("1 ", "0 ", 1).replace("2 ", "0 ", 1)), "hazards"),
    ("a protection lifted", "protected", drop("hazards", 0), "hazards"),
    ("a guard not exceeded", "guard-exceeded", put(False, "guards", 0, "exceeded"), "guards"),
    ("a guard with another figure", "guard-exceeded", put(0, "guards", 0, "value"), "guards"),
    ("a guard taken out", "moving", drop("guards", 0), "guards"),
    ("a port twice", "adding", two_at_one_port, "desired"),
    ("a content missing", "adding", loses_a_content, "desired"),
    ("a primary that moves", "adding", put("sdw4", "desired", "contents", 0, "primary", "host"), "desired"),
    ("a mirror on an unknown host", "adding", put("sdw9", "desired", "contents", 0, "mirror", "host"), "desired"),
    ("a port that is none", "adding", put(70_000, "desired", "contents", 0, "mirror", "port"), "desired"),
    ("a replication port on 6", "adding", put(9000, "desired", "contents", 0, "mirror", "replication_port"), "desired"),
    ("a directory in another's", "adding", put("/data/primary/gpseg2/x", "desired", "contents", 0, "mirror", "directory"), "desired"),
    ("beside its primary, untold", "adding", beside_its_primary, "pairs"),
    ("beside its primary, no danger", "adding", beside_its_primary, "hazards"),
    ("another end than the layout's", "moving", other_place, "classes"),
    ("a change left out", "moving", drop("changes", 0), "classes"),
    ("another class", "recover-mirror", put("move", "changes", 0, "action"), "classes"),
    ("blocked without need", "moving", lambda b: b["changes"][0].update(action="blocked", to=None), "classes"),
    ("another method", "recover-mirror", put("full", "changes", 0, "method"), "classes"),
    ("from elsewhere", "moving", put(7999, "changes", 0, "from", "port"), "classes"),
    ("another host acts", "moving", put("sdw4", "changes", 0, "primary"), "changes"),
    ("a smaller copy", "moving", put(1, "changes", 0, "size"), "changes"),
    ("inspected after all", "recover-mirror", put(None, "changes", 0, "note"), "changes"),
    ("a drained host gets mirrors", "moving", on_a_drained_host, "drained"),
    ("fewer moves in the summary", "moving", put(0, "summary", "move"), "summary"),
    ("nobody is switched", "recovering", put([], "switched"), "summary"),
    ("no selection", "selected-contents", put(None, "selection"), "summary"),
    ("it may be applied", "review-only", put(False, "review_only"), "summary"),
    ("other rows", "moving", put(["x"], "fingerprint", "contents", 0, "rows"), "fingerprint"),
    ("a port not in use", "moving", drop("fingerprint", "in_use", 0), "fingerprint"),
    ("another coordinator", "moving", put("x x 1 /x", "fingerprint", "coordinator"), "fingerprint"),
    ("another fingerprint", "moving", put("0" * 64, "fingerprint", "digest"), "fingerprint"),
    ("no new hostname", "move-to-other-address", put(None, "changes", 0, "hostname_after"), "hostnames"),
    ("names not asked", "move-to-other-address-unknown-version", lambda b: b.update(names=[{"hostname": "a", "address": "b", "shared": None}]), "hostnames"),
    ("another catalog", "adding", put("0" * 64, "observed", "digest"), "catalog"),
    ("fewer contents", "adding", put(1, "observed", "contents"), "catalog"),
    ("a row twice", "adding", lambda b: b["catalog"]["segments"].append(b["catalog"]["segments"][-1]), "catalog"),
    ("a host twice", "adding", lambda b: b["desired"]["hosts"].append(b["desired"]["hosts"][0]), "hosts"),
    ("a host left out", "adding", drop("desired", "hosts", 0), "hosts"),
    ("no limit", "adding", put(0, "settings", "apply", "waves", "max_contents"), "settings"),
    ("a strange account", "adding", put("-oProxyCommand=x", "settings", "ssh", "user"), "settings"),
    ("a number as text", "adding", put("6000", "catalog", "segments", 1, "port"), "form"),
    ("a strange name that is replaced", "adding", put("\x1b[2J", "desired", "hosts", 0, "replaces"), "hosts"),
    ("no directory", "unchanged", put(None, "desired", "contents", 0, "mirror", "directory"), "desired"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "change", "claim"), [one[1:] for one in FALSE], ids=[one[0] for one in FALSE]
)
def test_a_false_claim_is_named(plan: str, change: Callable[[Body], None], claim: str) -> None:
    body = body_of(plan)
    change(body)
    found = judged(body)
    assert claim in false_claims(found), audit_text(found)
    assert not found.holds


# --- The command.


def test_the_command_says_every_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(plan_text(moving()))
    assert main(["verify", "plan.json"]) is ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines[:-1])
    assert lines[-1] == f"All {len(lines) - 1} claims of plan.json hold."


def test_the_command_ends_with_3_and_says_what_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    body = body_of("adding")
    in_text("sdw2", "sdw9")(body)
    Path("plan.json").write_bytes(sealed(body))
    assert main(["verify", "plan.json"]) is ExitCode.INVALID
    shown = capsys.readouterr().out
    assert "\nFALSE  native " in shown
    assert (
        "waves[0].native[0].file_text, line 1: claimed content 0 at sdw9 7000, none, none "
        "/data/mirror/gpseg0; true: content 0 at sdw2 7000" in shown
    )
    assert shown.splitlines()[-1].startswith("1 claim of plan.json false: native. Do not apply it")
    assert main(["verify", "plan.json", "--json"]) is ExitCode.INVALID
    told = json.loads(capsys.readouterr().out)
    assert not told["holds"]
    (wrong,) = [claim for claim in told["claims"] if not claim["holds"]]
    assert wrong["name"] == "native"
    assert wrong["false"][0]["where"] == "waves[0].native[0].file_text, line 1"


def test_what_follows_from_a_false_ground_is_not_judged() -> None:
    body = body_of("moving")
    loses_a_content(body)
    found = judged(body)
    assert not found.is_whole
    assert "what follows from that was not judged" in audit_text(found)
    assert json.loads(audit_json(found))["whole"] is False


def test_names_of_a_hostile_file_steer_no_terminal() -> None:
    body = body_of("moving")
    body["exposure"]["waves"][0]["worst_host"] = "\x1b[2J\u202e" + "x" * 10_000
    shown = audit_text(judged(body))
    assert shown.isprintable() or set(shown) & set("\x1b\u202e") == set()
    assert max(map(len, shown.splitlines())) < 1000


def test_many_false_lines_are_counted() -> None:
    body = body_of("wide")
    for change in body["changes"]:
        change["primary"] = "sdw999"
    shown = audit_text(judged(body))
    assert "and 88 more (--json tells all)" in shown


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"format_version": "1.0", "waves": []}',
        b'{"format_version": "2.0", "waves": []}',
        b"[" * 100_000,
        plan_text(adding()).encode()[:-200],
        plan_text(adding()).replace('"port":', '"port":1,"port":', 1).encode(),
        sealed({**body_of("adding"), "unknown": 1}),
        sealed({**body_of("adding"), "changes": 7}),
        sealed({**body_of("adding"), "waves": [None]}),
        sealed({key: value for key, value in body_of("adding").items() if key != "catalog"}),
    ],
    ids=[
        "empty", "no plan", "a list", "no text", "nothing but a version", "another version",
        "deep", "cut off", "a key twice", "an unknown key", "a number", "no wave", "no catalog",
    ],
)  # fmt: skip
def test_what_is_no_plan_ends_with_3(
    data: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_bytes(data)
    with pytest.raises(InvalidInput):
        audit(data, "plan.json")
    assert main(["verify", "plan.json"]) is ExitCode.INVALID
    shown = capsys.readouterr()
    assert "Traceback" not in shown.out + shown.err


# --- What each claim says: a sentence that is true of this plan.


def said(name: str, claim: str) -> str:
    return next(one.said for one in judged(body_of(name)).claims if one.name == claim)


def test_limits_say_where_they_do_not_apply() -> None:
    """A wave that adds 12 mirrors is not told to have at most 2 to a host."""
    adding = said("founding", "limits")
    assert adding.startswith("the one wave adds mirrors")
    assert adding.endswith("do not apply")
    assert said("rebalance", "limits") == (
        "the one wave returns roles and copies nothing, so the limits do not apply"
    )
    assert said("unchanged", "limits") == "there are no waves, so the limits have nothing to hold"
    assert said("moving", "limits") == "at most 4 in a wave, 1 from a host, 2 to a host"


def test_the_minimum_says_what_it_is_of() -> None:
    assert said("founding", "minimum").endswith("so there is no minimum")
    moves = said("moving", "minimum")
    assert re.fullmatch(r"\d+ waves? of copies, the fewest that the limits allow", moves)
    body = body_of("swapping")
    body["exposure"]["bound"] -= 1
    (told,) = [one for one in judged(body).claims if one.name == "minimum"]
    assert told.said == (
        "3 waves of copies; the limits need 2, and slots that wait for each other at most 2 more"
    )
    assert not told.holds


def test_dangers_pairs_and_policies_are_counted_in_sentences() -> None:
    assert said("unchanged", "hazards").startswith("the plan names no danger")
    assert said("rebalance", "hazards") == "the plan names 1 danger, and no other follows from it"
    assert said("moving", "pairs").startswith("no wave brings both copies")
    assert said("founding-001", "pairs") == (
        "the spec allows both copies of a content on one host (allow_same_host)"
    )
    assert said("moving", "drained").startswith("no mirror goes to a host of weight 0")
