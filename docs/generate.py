"""Write what the documentation takes from the program: reference pages, the man page, schemas,
screenshots, transcripts.

`make docs` runs it; a test compares the files with what it would write.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docs.command_pages import cli_page, man_page  # noqa: E402
from docs.screenshots import SCREENS  # noqa: E402
from docs.spec_page import spec_page  # noqa: E402
from docs.transcripts import refreshed  # noqa: E402
from docs.translations import TRANSLATIONS, translated  # noqa: E402
from gpmirror.audit.claim import CLAIMS  # noqa: E402
from gpmirror.catalog import snapshot_schema  # noqa: E402
from gpmirror.diagnostics import CodeInfo  # noqa: E402
from gpmirror.errors import ExitCode  # noqa: E402
from gpmirror.events import events_schema  # noqa: E402
from gpmirror.plan.planfile import plan_schema  # noqa: E402
from gpmirror.preflight.checks import CHECKS  # noqa: E402
from gpmirror.render.explain import GLOSSARY, Topic, all_codes, all_topics  # noqa: E402
from gpmirror.spec.document import spec_schema  # noqa: E402

NOTICE = "<!-- Written by `make docs`; do not edit. -->\n"

FAMILIES = {
    "GPM-V": "Spec",
    "GPM-C": "Catalog",
    "GPM-N": "Native files",
    "GPM-P": "Placement, plan, simulation and import",
}


def exit_codes_page() -> str:
    """Every exit code, from the enumeration itself."""
    rows = [
        f"| {code.value} | `{code.name}` | {_sentence(code.meaning)} | {code.info.why} | {code.info.fix} |"
        for code in ExitCode
    ]
    return page(
        "Exit codes",
        "Every command ends with one of these; there are no others.",
        "The codes 3 to 9 and 64 guarantee that nothing was changed.",
        "After 10 and 11 the cluster was changed: read what the run says, then `gpmirror resume`.",
        "After 130 nothing was changed, or a native utility goes on by itself; the last line says "
        "which.",
        "`gpmirror explain 9` prints one of them.",
        "",
        "| code | name | what it means | why | what to do |",
        "| ---: | --- | --- | --- | --- |",
        *rows,
    )


def _sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def diagnostics_page() -> str:
    """Every code of every package with its page."""
    body = [
        "A finding has a stable code, a message, a place (`file:line:column`) and a hint.",
        "`gpmirror explain GPM-V001` prints one of the entries below.",
    ]
    codes = all_codes()
    for prefix, family in FAMILIES.items():
        body += ["", f"## {family} ({prefix})"]
        for code in sorted(code for code in codes if code.startswith(prefix)):
            body += ["", *_code_entry(code, codes[code])]
    return page("Diagnostics", *body)


def _code_entry(code: str, info: CodeInfo) -> list[str]:
    title = info.title.strip()
    return [f"### {code}", "", f"**{title[0].upper()}{title[1:]}.**", info.why, info.fix]


def hazards_page() -> str:
    """Every hazard and guard, with the flag that allows it."""
    hazards = [topic for topic in all_topics().values() if topic.kind == "hazard"]
    overrides = [topic for topic in all_topics().values() if topic.kind == "override of a check"]
    guards = [topic for topic in all_topics().values() if topic.kind == "guard"]
    return page(
        "Hazards and guards",
        "A hazard is a named danger of a plan; a guard is a limit on how much a plan may touch.",
        "`plan` never refuses for either: it shows each with the flag that allows it.",
        "What was allowed is recorded in the plan file under `allowed`.",
        "`gpmirror explain NAME` prints one of them.",
        "",
        "| hazard | what | why | fix | allowed by |",
        "| --- | --- | --- | --- | --- |",
        *(_topic_row(_SHOWN.get(topic.name, f"`{topic.name}`"), topic) for topic in hazards),
        "",
        "| guard | what is counted | why | fix | allowed by |",
        "| --- | --- | --- | --- | --- |",
        *(_topic_row(f"`guard:{topic.name}`", topic) for topic in guards),
        "",
        "Two names allow no danger, but override a failed [host check](checks.md):",
        "",
        "| name | what it does | why | instead | allowed by |",
        "| --- | --- | --- | --- | --- |",
        *(_topic_row(f"`{topic.name}`", topic) for topic in overrides),
    )


_SHOWN = {"protected": "`protected:content:N`, `protected:host:H`"}


_FLAG = re.compile(r"--[a-z]+ [A-Za-z:_-]+|mirrors\.allow_same_host: true")


def _topic_row(name: str, topic: Topic) -> str:
    info = topic.info
    flags = _FLAG.sub(r"`\g<0>`", topic.allowed_by or "")
    cells = (name, _sentence(info.title), info.why, info.fix, flags)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def checks_page() -> str:
    """Every host check, from the table of checks itself."""
    body = [
        "Before a run every host that the plan touches is asked once, by one read-only script.",
        "`gpmirror preflight` shows the result.",
        "`apply` refuses (exit 9) while a check is bad or unknown.",
        "An unknown check is accepted by `--allow unchecked:NAME`; a bad one never.",
        "Only `space` and `inodes` may be bad and overridden, by `--allow low-space`.",
        "`competing` may be where a dead utility's lock is all there is, by `--allow dead-lock`.",
        (
            "A port inside the host's range for outgoing connections and two hosts that are one "
            "machine are [hazards](hazards.md), not failed checks."
        ),
        "",
        "Touched hosts are the coordinator's, the acting primaries' and the new slots'.",
        "A host that copies only leave is asked too, and its silence is a remark.",
        "`gpmirror explain NAME` prints one of the checks.",
    ]
    body += ["", "| check | what is looked at | why | fix |", "| --- | --- | --- | --- |"]
    body += [
        f"| `{name}` | {check.what} | {check.why} | {check.remedy} |"
        for name, check in CHECKS.items()
    ]
    return page("Host checks", *body)


def claims_page() -> str:
    """Every claim that `gpmirror verify` judges."""
    return page(
        "Claims of a plan",
        "`gpmirror verify PLAN` judges each of them, with code that shares nothing with the planner.",
        "Given are the catalog in the file, the layout that is wanted, the settings and what was "
        "asked: whether they are what you want, and whether the catalog is that of your cluster, is "
        "for you and for `apply` to judge.",
        "Where `settings`, `catalog`, `hosts` or `desired` is false, what follows is not judged.",
        "",
        "| claim | what it says |",
        "| --- | --- |",
        *(f"| `{name}` | {meaning} |" for name, meaning in CLAIMS.items()),
    )


def glossary_page() -> str:
    """Every term, from what `gpmirror explain` knows."""
    return page(
        "Glossary",
        "One word for one thing, in screens, messages and these pages.",
        "`gpmirror explain wave` prints one of them.",
        "",
        "| term | meaning |",
        "| --- | --- |",
        *(f"| **{term}** | {meaning} |" for term, meaning in GLOSSARY.items()),
    )


def page(title: str, *lines: str) -> str:
    """A generated page: notice, heading, lines."""
    return "\n".join([f"{NOTICE}\n# {title}\n", *lines]) + "\n"


def schema_text(schema: dict[str, object]) -> str:
    """A schema as `gpmirror schema` prints it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


GENERATED: dict[str, Callable[[], str]] = {
    "docs/gpmirror.1": man_page,
    **SCREENS,
    "docs/reference/cli.md": lambda: page("Commands", *cli_page()),
    "docs/reference/spec.md": lambda: page("The spec", *spec_page(spec_schema())),
    "docs/reference/exit-codes.md": exit_codes_page,
    "docs/reference/diagnostics.md": diagnostics_page,
    "docs/reference/hazards.md": hazards_page,
    "docs/reference/checks.md": checks_page,
    "docs/reference/claims.md": claims_page,
    "docs/reference/glossary.md": glossary_page,
    "schemas/events.schema.json": lambda: schema_text(events_schema()),
    "schemas/gpmirror.schema.json": lambda: schema_text(spec_schema()),
    "schemas/plan.schema.json": lambda: schema_text(plan_schema()),
    "schemas/snapshot.schema.json": lambda: schema_text(snapshot_schema()),
}
"""File below the repository -> its text."""


def documents() -> list[Path]:
    """Every Markdown page that people write by hand, but for translations."""
    generated = {ROOT / name for name in (*GENERATED, *TRANSLATIONS)}
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [file for file in found if file not in generated]


def main() -> None:
    """Write every file that would change, and name it."""
    for name in ("NO_COLOR", "COLUMNS"):
        os.environ.pop(name, None)
    written = (write(ROOT / name, make()) for name, make in GENERATED.items())
    report(name for name in written if name)
    updated = (write(file, refreshed(file.read_text("utf-8"), ROOT)) for file in documents())
    report(name for name in updated if name)
    copied = (write(ROOT / page, translated(page)) for page in TRANSLATIONS)
    report(name for name in copied if name)


def write(file: Path, text: str) -> str | None:
    """Write `text` unless the file holds it; the name of a file that was written."""
    if file.exists() and file.read_text("utf-8") == text:
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return str(file.relative_to(ROOT))


def report(names: Iterable[str]) -> None:
    for name in names:
        print(f"wrote {name}")


if __name__ == "__main__":
    main()
