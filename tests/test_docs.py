"""The documentation tells the truth: generated pages, transcripts, links, completeness, words."""

import re
import shutil
import subprocess
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from docs.generate import GENERATED, documents
from docs.screenshots import SCREENS
from docs.transcripts import refreshed
from docs.translations import TRANSLATIONS, translated
from gpmirror.cli.commands import COMMANDS, load_command
from gpmirror.diagnostics import base_name
from gpmirror.errors import ExitCode
from gpmirror.plan.hazards import COMMAND_HAZARDS, GUARDS, HAZARDS, HOST_HAZARDS, OVERRIDES
from gpmirror.preflight.checks import CHECKS
from gpmirror.render.explain import all_codes
from tests.greenplum import FLAGS as GREENPLUM_FLAGS

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
WRITTEN = documents()
MOST_README_LINES = 130
LINK = re.compile(r"\[[^\]\[]+\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.M | re.S)
HEADING = re.compile(r"^#+", re.M)
CODE = re.compile(r"`([^`\n]+)`")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
UTILITY_FLAGS = {"--hba-hostnames", "--max-rate", "--replay-lag"}
OTHER_PROGRAMS_FLAGS = {"--csv", "--write-golden", *UTILITY_FLAGS, *GREENPLUM_FLAGS}
NOT_OURS = {"psql", "make", "pip", "python3", "git", "ssh", "pre-commit"}
NOT_OURS |= {"gpaddmirrors", "gprecoverseg"}
FORBIDDEN = re.compile(
    r"\b(simply|just|easily|seamless\w*|powerful|robust|blazing\w*|effortless\w*|leverag\w+)\b"
    r"|#\d{3,}",
    re.I,
)


def name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def rewritten(request: pytest.FixtureRequest, file: Path, text: str) -> str:
    """What the file holds, after writing it anew with --write-golden."""
    if request.config.getoption("--write-golden"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return file.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GENERATED)
def test_generated_file_is_current(request: pytest.FixtureRequest, path: str) -> None:
    make: Callable[[], str] = GENERATED[path]
    assert rewritten(request, ROOT / path, make()) == make()


@pytest.mark.parametrize("file", WRITTEN, ids=name)
def test_shown_commands_print_what_is_shown(request: pytest.FixtureRequest, file: Path) -> None:
    now = refreshed(file.read_text(encoding="utf-8"), ROOT)
    assert rewritten(request, file, now) == now


@pytest.mark.parametrize("file", WRITTEN, ids=name)
def test_every_shown_run_of_gpmirror_is_marked(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for block in FENCED.finditer(text):
        if re.search(r"^\$ gpmirror", block.group(), re.M):
            before = text[: block.start()].splitlines()[-1]
            assert before.startswith(("<!-- run", "<!-- lab")), block.group()[:200]


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_internal_links_resolve(file: Path) -> None:
    for target in links(file):
        path, _, anchor = target.partition("#")
        found = (file.parent / path).resolve() if path else file
        assert found.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(found)


@pytest.mark.parametrize("file", PAGES, ids=name)
def test_no_forbidden_words(file: Path) -> None:
    assert not FORBIDDEN.search(file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", WRITTEN, ids=name)
def test_one_sentence_a_line(file: Path) -> None:
    prose = re.sub("`[^`\n]+`", "`", FENCED.sub("", file.read_text(encoding="utf-8")))
    for line in prose.splitlines():
        if not re.match(r"[|#<]|- |\d+\. ", line):
            assert not re.search(r"[a-z)`]\. [A-Z]", line), line


@pytest.mark.parametrize("page", TRANSLATIONS)
def test_translation_holds_what_the_original_shows(
    request: pytest.FixtureRequest, page: str
) -> None:
    now = translated(page)
    assert rewritten(request, ROOT / page, now) == now
    text, original = (
        FENCED.sub("", (ROOT / one).read_text()) for one in (page, TRANSLATIONS[page])
    )
    assert Counter(HEADING.findall(text)) == Counter(HEADING.findall(original))
    assert sorted(CODE.findall(text)) == sorted(CODE.findall(original))
    pages = [
        {base_name(link.partition("#")[0]) for link in LINK.findall(one)}
        for one in (text, original)
    ]
    assert pages[0] >= pages[1] - {base_name(page)}


def test_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= MOST_README_LINES


def test_every_command_and_flag_is_documented() -> None:
    page = (ROOT / "docs/reference/cli.md").read_text()
    for command, entry in COMMANDS.items():
        assert f"## gpmirror {command}\n" in page
        section = page.partition(f"## gpmirror {command}\n")[2].partition("\n## ")[0]
        for flag in flags(load_command(command, entry)):
            assert f"{flag}" in section, f"{command} {flag}"


def test_no_page_shows_a_command_or_flag_that_does_not_exist() -> None:
    known = {
        flag for command, entry in COMMANDS.items() for flag in flags(load_command(command, entry))
    }
    known |= {"--version", "--no-color", "--quiet", "--debug", "--help", *OTHER_PROGRAMS_FLAGS}
    known |= {"--ignore-spec-connection", "--log-file"}
    for file in PAGES:
        text = file.read_text(encoding="utf-8")
        for span in re.findall(r"`([^`\n]+)`", FENCED.sub("", text)):
            if span.split()[0] in NOT_OURS:
                continue
            assert set(FLAG.findall(span)) <= known, f"{name(file)}: {span}"
            if found := re.match(r"gpmirror ([a-z][a-z-]*)", span):
                assert found[1] in COMMANDS, f"{name(file)}: {span}"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_man_page_renders_without_a_warning() -> None:
    words = ["groff", "-man", "-Tascii", "-P-cbou", "-ww", str(ROOT / "docs/gpmirror.1")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(f"   gpmirror {command}" in done.stdout for command in COMMANDS)
    assert all(f"       {code.value} {code.name.lower()}" in done.stdout for code in ExitCode)
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_man_page_is_installed() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    shared: dict[str, str] = build["targets"]["wheel"]["shared-data"]
    assert shared == {"docs/gpmirror.1": "share/man/man1/gpmirror.1"}


SHOWN = {
    "docs/images/plan.svg": ("content 11 of sdw4", "Plan: 0 to add, 3 to move, 0 to recover"),
    "docs/images/layout.svg": ("block-of-4", "~11", "rack d", "mirror moved here"),
    "docs/images/whatif.svg": ("as it is", "block of 4 (the spec's)", "14 moves, 5 waves"),
    "docs/images/maintenance.svg": ("block-of-4: maintenance groups", "rack d"),
    "docs/images/apply.svg": ("content 11 of sdw4", "Only 'yes' is accepted: yes"),
    "docs/images/progress.svg": ("wave 2 of 2", "29%", "gprecoverseg running"),
}


@pytest.mark.parametrize("path", SCREENS)
def test_screenshot_is_whole_and_stays_inside_its_window(path: str) -> None:
    root = ET.fromstring((ROOT / path).read_text(encoding="utf-8"))
    texts = [item for item in root.iter() if item.tag.endswith("text")]
    said = "\n".join(item.text or "" for item in texts)
    assert [words for words in SHOWN[path] if words not in said] == []
    for item in texts:
        right = float(item.get("x", 0)) + float(item.get("textLength", 0))
        assert right <= float(root.get("width", 0)), item.text
        assert float(item.get("y", 0)) < float(root.get("height", 0))


def test_every_exit_code_is_documented() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text()
    for code in ExitCode:
        assert f"| {code.value} | `{code.name}` |" in page


def test_every_hazard_and_guard_is_documented() -> None:
    page = (ROOT / "docs/reference/hazards.md").read_text()
    named = (*HAZARDS, *HOST_HAZARDS, *COMMAND_HAZARDS, *OVERRIDES)
    assert all(f"\n| `{hazard}` |" in page for hazard in named)
    assert all(f"`guard:{guard}`" in page for guard in GUARDS)


def test_every_check_is_a_row_of_what_why_and_fix() -> None:
    page = (ROOT / "docs/reference/checks.md").read_text()
    assert "| check | what is looked at | why | fix |" in page
    for check, info in CHECKS.items():
        assert f"\n| `{check}` | {info.what} | {info.why} | {info.remedy} |\n" in page


def test_every_diagnostic_code_is_documented() -> None:
    page = (ROOT / "docs/reference/diagnostics.md").read_text()
    used = {
        code
        for file in (ROOT / "gpmirror").rglob("*.py")
        for code in re.findall(r"GPM-[A-Z]\d{3}", file.read_text(encoding="utf-8"))
    }
    assert used - set(all_codes()) == set()
    assert all(f"### {code}\n" in page for code in all_codes())


def test_every_page_is_reachable_from_the_index() -> None:
    seen: set[Path] = set()
    open_pages = [ROOT / "docs/index.md"]
    while open_pages:
        page = open_pages.pop()
        if page in seen or not page.exists():
            continue
        seen.add(page)
        open_pages += [
            (page.parent / link.partition("#")[0]).resolve()
            for link in links(page)
            if link.endswith(".md") or ".md#" in link
        ]
    assert {name(file) for file in PAGES if file.is_relative_to(ROOT / "docs")} <= {
        name(file) for file in seen
    }


def links(file: Path) -> Iterator[str]:
    """Links of a page that lead to other files of the repository or to anchors."""
    text = FENCED.sub("", file.read_text(encoding="utf-8"))
    for target in LINK.findall(text):
        if "://" not in target:
            yield target


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", text).lower().replace(" ", "-") for text in headings}


def flags(command: object) -> set[str]:
    """All long options of a command and of its sub-commands."""
    children = getattr(command, "commands", {}).values()
    own = {
        option
        for parameter in getattr(command, "params", [])
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    return own.union(*(flags(child) for child in children))
