"""Whole plans from files, through the program itself.

Each folder of `golden/` is a spec, a catalog, and what must come of them; `args.txt` holds further
options of `plan`, one a line. The answer is `plan.txt` (what a person reads, at 100 columns),
`plan.json` and `native.txt`, or `problems.txt` where spec and catalog are refused.
`--write-golden` rewrites the answers.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.plan.planfile import read_plan

_CASES = Path(__file__).parent / "golden"
_FORMATS = {"plan.txt": "human", "plan.json": "json", "native.txt": "native"}
_ANSWERS = (*_FORMATS, "problems.txt")


@pytest.mark.parametrize("name", sorted(path.parent.name for path in _CASES.glob("*/spec.yaml")))
def test_plan_is_the_reviewed_one(
    name: str,
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = _CASES / name
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "100")
    answers = _answers(folder, capsys)
    if pytestconfig.getoption("--write-golden"):
        for file in _ANSWERS:
            (folder / file).unlink(missing_ok=True)
        for file, text in answers.items():
            (folder / file).write_text(text, encoding="utf-8")
    reviewed = {file.name: file.read_text(encoding="utf-8") for file in _files(folder, _ANSWERS)}
    assert answers == reviewed


def _files(folder: Path, names: Iterable[str]) -> list[Path]:
    return [folder / name for name in names if (folder / name).exists()]


def _answers(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    given = [word for file in _files(folder, ["args.txt"]) for word in file.read_text().split()]
    answers = {}
    for name, form in _FORMATS.items():
        code = main(["plan", "spec.yaml", "--catalog", "catalog.txt", "--format", form, *given])
        said = capsys.readouterr()
        if code != 0:
            assert not said.out
            return {"problems.txt": f"{said.err}exit {code}\n"}
        answers[name] = said.out
    # whoever reads it makes it again from what it holds, and refuses what differs
    read_plan(answers["plan.json"].encode(), "plan.json")
    return answers
