"""Whole plans from files: each folder of `golden/` is a spec, a catalog, and what must come of them.

`args.txt` holds the options of `plan`, if any. The answer is `plan.json` and `native.txt`, or
`problems.txt` where spec and catalog are refused. `--write-golden` rewrites the answers.
"""

import shlex
from collections.abc import Iterable
from pathlib import Path

import pytest

from gpmirror.errors import DiagnosedError
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_text
from gpmirror.plan.request import Request, parse_contents
from gpmirror.workflow.plan import read_and_plan

_CASES = Path(__file__).parent / "golden"
_ANSWERS = ("plan.json", "native.txt", "problems.txt")


@pytest.mark.parametrize("name", sorted(path.parent.name for path in _CASES.glob("*/spec.yaml")))
def test_plan_is_the_reviewed_one(name: str, pytestconfig: pytest.Config) -> None:
    folder = _CASES / name
    answers = _answers(folder)
    if pytestconfig.getoption("--write-golden"):
        for file in _ANSWERS:
            (folder / file).unlink(missing_ok=True)
        for file, text in answers.items():
            (folder / file).write_text(text, encoding="utf-8")
    reviewed = {file.name: file.read_text(encoding="utf-8") for file in _files(folder, _ANSWERS)}
    assert answers == reviewed


def _files(folder: Path, names: Iterable[str]) -> list[Path]:
    return [folder / name for name in names if (folder / name).exists()]


def _answers(folder: Path) -> dict[str, str]:
    arguments = "".join(file.read_text() for file in _files(folder, ["args.txt"]))
    try:
        plan = read_and_plan(
            (folder / "spec.yaml").read_bytes(),
            "spec.yaml",
            (folder / "catalog.txt").read_bytes(),
            "catalog.txt",
            table=None,
            request=_request(shlex.split(arguments)),
        )
    except DiagnosedError as error:
        return {"problems.txt": _problems(error)}
    return {"plan.json": plan_text(plan), "native.txt": _native(plan)}


def _request(arguments: list[str]) -> Request:
    given: dict[str, list[str]] = {}
    for argument in arguments:
        name, _, value = argument.partition("=")
        given.setdefault(name, []).append(value)
    contents = given.get("--content")
    hosts = given.get("--host")
    return Request(
        contents=None if contents is None else parse_contents(",".join(contents)),
        hosts=None if hosts is None else frozenset(hosts),
        full="--full" in given,
        rebalance="--rebalance" in given,
        allow=tuple(given.get("--allow", ())),
        unprotect=tuple(given.get("--unprotect", ())),
    )


def _native(plan: Plan) -> str:
    return "".join(
        f"# wave {wave.number}: {shlex.join(run.argv)}\n{run.file_text or ''}"
        for wave in plan.waves
        for run in wave.native
    )


def _problems(error: DiagnosedError) -> str:
    lines = [f"exit {error.exit_code.value}\n"]
    for found in error.diagnostics:
        lines.append(f"{found.severity} {found.code} {found.place}: {found.message}\n")
        lines += [f"  {item.place}: {item.label}\n" for item in found.related]
        lines += [f"  hint: {found.hint}\n"] if found.hint else []
    return "".join(lines)
