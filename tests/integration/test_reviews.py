"""A change of a layout under review: the very steps of the action and of the GitLab template, against a
server that speaks the parts of the APIs that they use.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gpmirror.catalog import read_catalog, snapshot_text
from gpmirror.cli.main import main
from gpmirror.model.observed import in_canonical_order
from gpmirror.model.segment import Mode, Segment, Status
from tests.code_host import ROOT, STRANGER, Ended, Server, github_job, gitlab_job, serving

EXAMPLE = ROOT / "examples" / "layouts-repo"
MARK = "<!-- gpmirror:review:layouts -->"
OTHERS = 230
Job = Callable[[Path], Ended]


@pytest.fixture
def server() -> Iterator[Server]:
    """A request with more comments than two pages hold, one of them a stranger's that looks like ours."""
    with serving() as state:
        for number in range(OTHERS):
            state.add("somebody", f"comment {number}")
        state.add(STRANGER, f"{MARK}\nnothing to see here")
        state.labels = {"database", "gpmirror: error"}
        yield state


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    shutil.copytree(EXAMPLE, folder)
    return folder


@pytest.fixture(params=["github", "gitlab"])
def job(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Job:
    numbers = iter(range(100))
    if request.param == "gitlab":
        return lambda checkout: gitlab_job(server, checkout)
    return lambda checkout: github_job(server, checkout, tmp_path / f"{next(numbers)}", python="")


def spec(checkout: Path, name: str, old: str, new: str) -> None:
    file = checkout / "clusters" / name / "gpmirror.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def down(checkout: Path, *, primaries: bool) -> None:
    """Content 3 of prod without its mirror; with `primaries` without any copy."""
    file = checkout / "clusters" / "prod" / "snapshot.json"
    found = read_catalog(file.read_bytes(), file.name)

    def state(row: Segment) -> Segment:
        if row.content != 3:
            return row
        lost = primaries or not row.is_preferred_primary
        return replace(row, mode=Mode("n"), status=Status("d" if lost else "u"))

    rows = in_canonical_order(map(state, found.segments))
    file.write_text(snapshot_text(replace(found, segments=rows)))


def nothing(checkout: Path) -> None:
    shutil.rmtree(checkout / "clusters" / "test")


CHANGES: dict[str, tuple[Callable[[Path], None], str, int, str]] = {
    "nothing": (nothing, "no changes", 0, "Approval needed: no, nothing would change"),
    "add": (lambda _: None, "changes", 0, "**+ add 4 mirrors**"),
    "move": (
        lambda checkout: spec(
            checkout, "prod", "  ports:", "  pins: [{content: 3, host: sdw4}]\n  ports:"
        ),
        "changes",
        0,
        "1 to move",
    ),
    "a guard": (
        lambda checkout: spec(checkout, "prod", "group", "block\n  block_size: 2"),
        "needs allowing",
        0,
        "apply needs --allow guard:moves",
    ),
    "recover": (lambda checkout: down(checkout, primaries=False), "changes", 0, "1 to recover"),
    "blocked": (lambda checkout: down(checkout, primaries=True), "blocked", 0, "1 blocked"),
    "invalid": (
        lambda checkout: spec(checkout, "prod", "strategy", "stratgy"),
        "invalid",
        3,
        "did you mean `strategy`",
    ),
    "infeasible": (
        lambda checkout: spec(checkout, "test", "strategy: group", "strategy: spread"),
        "infeasible",
        6,
        "GPM-P",
    ),
}


def test_every_class_of_change_is_told_in_one_comment(
    server: Server, job: Job, tmp_path: Path
) -> None:
    notes: list[int] = []
    for name, (change, outcome, status, words) in CHANGES.items():
        folder = tmp_path / name
        shutil.copytree(EXAMPLE, folder)
        change(folder)
        ended = job(folder)
        assert ended.status == status, (name, ended.text)
        (note,) = server.ours
        notes.append(note.number)
        assert note.body.startswith(f"{MARK}\n## gpmirror: {outcome}\n"), note.body[:200]
        assert words in note.body.replace("\\", ""), (name, note.body)
        assert "[the job's files](http" in note.body
        assert server.labels == {"database", f"gpmirror: {outcome}"}
    assert len(set(notes)) == 1
    asked = len(server.asked)
    assert job(tmp_path / "infeasible").status == 6
    assert len(server.ours) == 1, "the same again is no second comment"
    assert "POST" not in {method for method, _ in server.asked[asked:]}
    assert [one.body for one in server.notes if one.author == STRANGER] == [
        f"{MARK}\nnothing to see here"
    ]
    assert len(server.notes) == OTHERS + 2


def test_findings_stand_beside_lines(server: Server, checkout: Path, tmp_path: Path) -> None:
    spec(checkout, "prod", "strategy", "stratgy")
    spec(checkout, "test", "strategy: group", "strategy: spread")
    ended = github_job(server, checkout, tmp_path / "work", python="")
    told = re.findall(r"^::error file=([^,]+),line=(\d+),", ended.text, re.M)
    assert ("clusters/prod/gpmirror.yaml", "9") in told
    assert ("clusters/test/gpmirror.yaml", "9") in told
    assert ended.summary.startswith("## gpmirror: invalid")
    gitlab_job(server, checkout)
    report = json.loads((checkout / "gpmirror-review" / "code-quality.json").read_text())
    found = {(one["location"]["path"], one["location"]["lines"]["begin"]) for one in report}
    assert {(file, int(line)) for file, line in told} <= found
    assert all(len(one["fingerprint"]) == 64 for one in report)


def test_files_of_the_job(server: Server, checkout: Path, tmp_path: Path) -> None:
    github_job(server, checkout, tmp_path / "work", python="")
    (kept,) = server.artifacts
    names = set(kept)
    for name in ("plan.html", "plan.svg", "plan.json", "native/wave-001-gpaddmirrors.conf"):
        assert f"clusters/test/{name}" in names
    assert f"({server.url}/runs/1/artifacts/1)" in server.ours[0].body


def test_files_of_specs_in_hidden_and_oddly_named_folders_are_kept(
    server: Server, checkout: Path, tmp_path: Path
) -> None:
    """The code host takes neither a colon in a name nor, unless told, a folder with a dot."""
    for name in (".hidden", "a:b", "a%3Ab", "x\ny"):
        shutil.copytree(checkout / "clusters" / "test", checkout / "clusters" / name)
    ended = github_job(server, checkout, tmp_path / "work", python="")
    assert ended.status == 0, ended.text
    (kept,) = server.artifacts
    for name in (".hidden", "a%3Ab", "a%253Ab", "x%0Ay"):
        assert f"clusters/{name}/plan.html" in kept


def test_a_code_host_that_keeps_no_files_still_shows_the_review(
    server: Server, checkout: Path, tmp_path: Path
) -> None:
    server.is_full = True
    ended = github_job(server, checkout, tmp_path / "work", python="")
    assert (ended.status, server.artifacts) == (0, [])
    (note,) = server.ours
    assert "**+ add 4 mirrors**" in note.body
    assert note.body.endswith("native files: the job's files, if it keeps them.\n")


@pytest.fixture
def third(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is written of three clusters that end with 0, 2 and 6."""
    shutil.copytree(checkout / "clusters" / "test", checkout / "clusters" / "third")
    spec(checkout, "third", "strategy: group", "strategy: spread")
    monkeypatch.chdir(checkout)
    specs = [f"clusters/{name}/gpmirror.yaml" for name in ("prod", "test", "third")]
    code = main(["plan", "--offline", "--detailed-exitcode", "--out-dir", "out", "--", *specs])
    assert code == 6
    return "out"


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [("", 0), ("2", 2), ("2, 6", 6), ("1,3,4,5,70", 0), ("2,4,6", 6), ("7x", 64), ("99", 64)],
)
def test_the_user_says_what_fails_the_job(fail_on: str, status: int, third: str) -> None:
    assert main(["comment", third, "--fail-on", fail_on]) == status


def test_the_rules_reach_the_command(server: Server, checkout: Path, tmp_path: Path) -> None:
    ended = github_job(server, checkout, tmp_path / "work", python="", fail_on="2")
    assert ended.status == 2, ended.text
    assert gitlab_job(server, checkout, GPMIRROR_FAIL_ON="2").status == 2


@pytest.mark.parametrize(
    "words",
    [
        ["--github", "--gitlab"],
        ["--key", "a b"],
        ["--artifact-url", "javascript:x"],
        ["--artifact-url", "https://h/a) [x](y"],
    ],
)
def test_comment_refuses_what_no_comment_may_hold(words: list[str], third: str) -> None:
    assert main(["comment", third, *words]) == 64


def test_comment_wants_a_folder_of_plan(tmp_path: Path, third: str) -> None:
    assert main(["comment", str(tmp_path)]) == 3
    (Path(third) / "summary.json").write_text("{}")
    assert main(["comment", third]) == 3


def test_a_comment_for_another_code_host_is_printed(
    third: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main(["comment", third, "--key", "prod"]) == 6
    text = capsys.readouterr().out
    assert text.startswith("<!-- gpmirror:review:prod -->\n## gpmirror: infeasible\n")
    assert text.endswith("native files: the job's files, if it keeps them.\n")


HOSTILE = (
    "$(touch pwned)",
    "-o pwned",
    "a;touch pwned;",
    "`touch pwned`",
    "x\ny",
    "::error::x",
    "'\"",
)


def test_names_and_texts_of_a_stranger_run_nothing(
    server: Server, checkout: Path, job: Job
) -> None:
    for name in HOSTILE:
        shutil.copytree(checkout / "clusters" / "test", checkout / "clusters" / name)
    secret = checkout.parent / "secret"
    secret.write_text("hunter2: [\n")
    (checkout / "clusters" / "link").mkdir()
    (checkout / "clusters" / "link" / "gpmirror.yaml").symlink_to(secret)
    (checkout / "clusters" / "prod" / "snapshot.json").unlink()
    (checkout / "clusters" / "prod" / "snapshot.json").symlink_to(secret)
    text = "cluster:\n  name: '::add-mask::x\n\n    ::error::y @everyone <img src=x> [a](b)'\n"
    spec(checkout, "test", "cluster:\n  name: test-dwh\n", text)
    ended = job(checkout)
    assert ended.status == 3, ended.text
    assert [one for one in checkout.rglob("*pwned*") if one.is_file()] == []
    body = server.ours[0].body
    assert "hunter2" not in body + ended.text
    assert "clusters/link" not in body
    assert "@everyone" not in body
    assert "<img" not in body
    assert not re.search(r"^::(?!error file=)", ended.text, re.M), ended.text
    rows = [line for line in body.splitlines() if line.startswith("| clusters/")]
    assert len(rows) == len(HOSTILE) + len(("prod", "test"))


def test_a_token_that_may_only_read_is_no_failure(
    server: Server, checkout: Path, tmp_path: Path
) -> None:
    server.reads_only = True
    ended = github_job(server, checkout, tmp_path / "work", python="")
    assert ended.status == 0, ended.text
    assert "warning: not commented" in ended.text
    assert ended.summary.startswith("## gpmirror: changes")
    assert server.ours == []


def test_a_server_that_stumbles_is_asked_again(
    server: Server, checkout: Path, tmp_path: Path
) -> None:
    server.fails = 2
    assert github_job(server, checkout, tmp_path / "work", python="").status == 0
    assert len(server.ours) == 1


def test_a_long_review_fits_and_names_what_is_cut(
    server: Server, checkout: Path, tmp_path: Path
) -> None:
    shutil.rmtree(checkout / "clusters" / "prod")
    for number in range(60):
        shutil.copytree(checkout / "clusters" / "test", checkout / "clusters" / f"t{number:02}")
    assert github_job(server, checkout, tmp_path / "work", python="").status == 0
    body = server.ours[0].body
    assert len(body.encode()) <= 60_000
    (cut,) = re.findall(r"^(\d+) plans not shown here: too long for one comment\.$", body, re.M)
    assert int(cut) + body.count("\n### clusters/") == 61
    assert "`plan.md` in " in body


def test_no_specs_is_a_failure_that_says_so(server: Server, checkout: Path, job: Job) -> None:
    shutil.rmtree(checkout / "clusters")
    ended = job(checkout)
    assert ended.status == 3
    assert "no spec is named like clusters/*/gpmirror.yaml" in ended.text
    assert server.ours == []


# --- the files themselves


def texts() -> dict[str, str]:
    files = [
        ROOT / "action.yml",
        ROOT / "gitlab-ci" / "gpmirror.gitlab-ci.yml",
        *(EXAMPLE / ".github" / "workflows").glob("*.yml"),
        EXAMPLE / ".gitlab-ci.yml",
    ]
    return {str(file.relative_to(ROOT)): file.read_text() for file in files}


def test_actions_are_pinned_and_the_example_takes_what_there_is() -> None:
    for name, text in texts().items():
        for used in re.findall(r"uses: (\S+)", text):
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", used), f"{name}: {used}"
        assert "pull_request_target" not in re.sub(r"#.*", "", text)
    workflow = YAML(typ="safe").load(
        texts()["examples/layouts-repo/.github/workflows/gpmirror.yml"]
    )
    (job,) = workflow["jobs"].values()
    inputs = YAML(typ="safe").load(texts()["action.yml"])["inputs"]
    (step,) = (one for one in job["steps"] if "gpmirror@" in one["uses"])
    assert set(step["with"]) <= set(inputs)
    template = YAML(typ="safe").load(texts()["gitlab-ci/gpmirror.gitlab-ci.yml"])
    own = YAML(typ="safe").load(texts()["examples/layouts-repo/.gitlab-ci.yml"])
    assert own["gpmirror"]["extends"] in template
    assert own["include"][0]["file"] in texts()
    assert set(own["gpmirror"]["variables"]) <= set(template[".gpmirror-review"]["variables"])


def test_placeholders_are_called_so_and_agree() -> None:
    """Whoever copies a file reads in it, or on the page, what to put in their place."""
    files = [one for one in EXAMPLE.rglob("*") if one.is_file()]
    page = ROOT / "docs" / "how-to" / "review-a-change.md"
    held = [one for one in (*files, page) if "example/gpmirror" in one.read_text("utf-8")]
    assert len(held) == 4
    for file in held:
        text = file.read_text("utf-8")
        assert "your copy" in text.partition("example/gpmirror@")[0], file.name
        assert set(re.findall(r"[0-9a-f]{40}", text)) <= {
            "0123456789abcdef0123456789abcdef01234567",
            "11bd71901bbe5b1630ceea73d27597364c9af683",  # actions/checkout
        }
    assert "gpmirror" not in job_of_gitlab()["variables"]["GPMIRROR_INSTALL"], (
        "none is fetched unasked"
    )
    (block,) = re.findall(r"```yaml\n(repos:\n.*?)```", page.read_text("utf-8"), re.S)
    assert (EXAMPLE / ".pre-commit-config.yaml").read_text().endswith(block)


def job_of_gitlab() -> dict[str, Any]:
    template = YAML(typ="safe").load(texts()["gitlab-ci/gpmirror.gitlab-ci.yml"])
    found: dict[str, Any] = template[".gpmirror-review"]
    return found


def test_a_job_of_gitlab_without_gpmirror_says_what_to_set(
    server: Server, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.code_host.sys.executable", "/nonexistent/python")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    ended = gitlab_job(server, checkout)
    assert ended.status == 1
    assert 'there is no gpmirror in this job: GPMIRROR_INSTALL is ""' in ended.text
    assert "hint: set it to the address of your copy" in ended.text


def test_pre_commit_hooks_are_those_that_the_example_asks_for() -> None:
    hooks = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    (repo,) = YAML(typ="safe").load((EXAMPLE / ".pre-commit-config.yaml").read_text())["repos"]
    assert [one["id"] for one in repo["hooks"]] == [one["id"] for one in hooks]
    for hook in hooks:
        assert {"id", "name", "entry", "language", "files"} <= set(hook)
        assert re.search(hook["files"], "clusters/prod/gpmirror.yaml")
        taken = [
            str(file.relative_to(EXAMPLE))
            for file in EXAMPLE.rglob("*")
            if re.search(hook["files"], str(file.relative_to(EXAMPLE)))
            and not re.search(hook["exclude"], str(file.relative_to(EXAMPLE)))
        ]
        assert sorted(taken) == ["clusters/prod/gpmirror.yaml", "clusters/test/gpmirror.yaml"]


@pytest.mark.parametrize("number", [0, 1])
def test_pre_commit_hooks_do_what_they_say(
    number: int, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    hook = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())[number]
    program, *words = hook["entry"].split()
    files = ["clusters/prod/gpmirror.yaml", "clusters/test/gpmirror.yaml"]
    assert (program, main([*words, *files])) == ("gpmirror", 0)
    spec(checkout, "prod", "strategy: group", "strategy:   group" if "fmt" in words else "s: group")
    before = (checkout / files[0]).read_text()
    assert main([*words, *files]) == (0 if "fmt" in words else 3)
    assert ((checkout / files[0]).read_text() != before) == ("fmt" in words)
