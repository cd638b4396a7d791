"""What pages show of a live cluster is what a practice cluster says."""

import sys
from pathlib import Path

import pytest

from docs.generate import documents
from docs.live_transcripts import BLOCK, LivePage, difference, told
from tests.labs import lab_folder

ROOT = Path(__file__).parents[1]
LIVE = [file for file in documents() if BLOCK.search(file.read_text(encoding="utf-8"))]

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(
            file,
            id=str(file.relative_to(ROOT)),
            marks=[] if file.name == "README.md" else [pytest.mark.long],
        )
        for file in LIVE
    ],
)
def test_live_commands_print_what_is_shown(request: pytest.FixtureRequest, file: Path) -> None:
    shown = file.read_text(encoding="utf-8")
    with lab_folder() as practice:
        environment = practice.environment()
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        page = LivePage(practice.spec.parent, environment, practice.folder / "state")
        now = page.refreshed(shown)
    if difference(told(now), told(shown)) and request.config.getoption("--write-golden"):
        file.write_text(now, encoding="utf-8")
        shown = now
    assert not difference(told(now), told(shown))
