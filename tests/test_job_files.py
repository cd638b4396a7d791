"""The files that others read, code hosts, pre-commit and shells, are such as they take.

The schemas are those that the linters bring along; no network is asked.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from release.single_file import start_text

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "layouts-repo"
SCHEMA = ("check_jsonschema", "--builtin-schema")
GITLAB = (*SCHEMA, "vendor.gitlab-ci", "--data-transform", "gitlab-ci")

LINTED: list[tuple[Sequence[str], Path]] = [
    ((*SCHEMA, "vendor.github-actions"), ROOT / "action.yml"),
    *(
        ((*SCHEMA, "vendor.github-workflows"), file)
        for file in sorted((EXAMPLE / ".github" / "workflows").iterdir())
    ),
    (GITLAB, ROOT / "gitlab-ci" / "gpmirror.gitlab-ci.yml"),
    (GITLAB, EXAMPLE / ".gitlab-ci.yml"),
    (("pre_commit", "validate-manifest"), ROOT / ".pre-commit-hooks.yaml"),
    (("pre_commit", "validate-config"), EXAMPLE / ".pre-commit-config.yaml"),
]
SPOILT = {
    "action.yml": ("using: composite", "using: composed"),
    "drift.yml": ("runs-on:", "run-on:"),
    "gpmirror.yml": ("steps:", "stops:"),
    "gpmirror.gitlab-ci.yml": ("when: always", "when: ever"),
    ".gitlab-ci.yml": ("include:\n  - project:", "include:\n  - projects:"),
    ".pre-commit-hooks.yaml": ("entry:", "entri:"),
    ".pre-commit-config.yaml": ("rev:", "reef:"),
}


def linted(words: Sequence[str], file: Path, home: Path) -> "subprocess.CompletedProcess[str]":
    offline = dict.fromkeys(("http_proxy", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    return subprocess.run(
        [sys.executable, "-m", *words, str(file)],
        env=os.environ | offline | {"PRE_COMMIT_HOME": str(home), "XDG_CACHE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.parametrize(("words", "file"), LINTED, ids=[file.name for _, file in LINTED])
def test_what_reads_it_takes_it(words: Sequence[str], file: Path, tmp_path: Path) -> None:
    """And would not take it with a mistake."""
    text = file.read_text(encoding="utf-8")
    if words is GITLAB:  # a job that others extend begins with a dot, and is not looked at
        text = re.sub(r"^\.(?=gpmirror-review:)", "", text, flags=re.M)
    right, wrong = SPOILT[file.name]
    assert right in text
    copy = tmp_path / file.name
    for content, status in ((text, 0), (text.replace(right, wrong), 1)):
        copy.write_text(content, encoding="utf-8")
        done = linted(words, copy, tmp_path)
        assert done.returncode == status, done.stdout + done.stderr


def scripts() -> Iterator[tuple[str, str]]:
    """Every shell script of the project, those of jobs too: what it is called, and its text."""
    yield "the single file", start_text("3.11", 1)
    for file in (
        ROOT / "gpmirror/launcher.sh",
        ROOT / "examples/demo.sh",
        *(ROOT / ".ci").iterdir(),
    ):
        yield file.name, file.read_text(encoding="utf-8")
    shell = "#!/usr/bin/env bash\n"
    read = YAML(typ="safe").load
    for step in read((ROOT / "action.yml").read_text())["runs"]["steps"]:
        if "run" in step:
            given = "".join(f"export {name}=\n" for name in step.get("env", {}))
            yield step["name"], shell + given + step["run"]
    for file in (EXAMPLE / ".github" / "workflows").iterdir():
        for name, job in read(file.read_text())["jobs"].items():
            lines = [step["run"] for step in job["steps"] if "run" in step]
            yield f"{file.name}: {name}", shell + "\n".join(lines)
    job = read((ROOT / "gitlab-ci" / "gpmirror.gitlab-ci.yml").read_text())[".gpmirror-review"]
    yield "gitlab-ci", shell + "\n".join([*job["before_script"], *job["script"]])


@pytest.mark.parametrize("script", [pytest.param(text, id=name) for name, text in scripts()])
def test_shells_are_clean(script: str) -> None:
    program = Path(sys.executable).with_name("shellcheck")
    done = subprocess.run(
        [program, "-"], input=script, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout
