"""The page behind a name: a code, a hazard, a guard, a host check, an exit code.

Each is written down once, in the table of its package; this joins the tables.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place
from gpmirror.errors import ExitCode, InvalidInput

_IN_THE_SPEC = "mirrors.allow_same_host: true in the spec, --allow same-host on a way back"
_UNPROTECT = "--unprotect content:N, --unprotect host:H"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A name with its page. `kind` as a person would say it; `allowed_by` the flag that lets a plan
    pass all the same, None where none does.
    """

    name: str
    kind: str
    info: CodeInfo
    allowed_by: str | None = None


def explain_name(name: str) -> str:
    """What it means, why it matters, how to fix it. Raises InvalidInput (GPM-P305): no such name."""
    topic = topic_of(name)
    title = topic.info.title
    head = f"{topic.name}: {title}\n"
    if topic.kind != "code":
        head = f"{topic.name}: {topic.kind}\n\nWhat: {title[0].upper()}{title[1:].rstrip('.')}."
    allowed = f"Allowed by: {topic.allowed_by}\n" if topic.allowed_by else ""
    return f"{head}\nWhy: {topic.info.why}\nFix: {topic.info.fix}\n{allowed}"


def explain_name_json(name: str) -> str:
    """The same as JSON. Raises InvalidInput (GPM-P305): no such name."""
    topic = topic_of(name)
    body: dict[str, object] = {
        "name": topic.name,
        "kind": topic.kind,
        "what": topic.info.title,
        "why": topic.info.why,
        "fix": topic.info.fix,
        "allowed_by": topic.allowed_by,
    }
    from gpmirror.render.facts_json import document

    return document(body)


def topic_of(name: str) -> Topic:
    """The topic that a name stands for, in whatever case. Raises InvalidInput (GPM-P305)."""
    topics = all_topics()
    said = name.strip()
    for prefix in ("guard:", "unchecked:", "exit:"):
        said = said.removeprefix(prefix)
    if said.startswith("protected:"):
        said = "protected"
    by_name = {known.lower(): topic for known, topic in topics.items()}
    found = by_name.get(said.lower()) or _exit_code(said, topics)
    if found is None:
        raise _unknown(name, topics)
    return found


def all_topics() -> dict[str, Topic]:
    """Every name that can be explained, codes first; an exit code by its name."""
    from gpmirror.plan.hazards import (
        COMMAND_HAZARDS,
        GUARDS,
        HAZARDS,
        HOST_HAZARDS,
        OVERRIDES,
        PROTECTED,
    )
    from gpmirror.preflight.checks import CHECKS

    found = [Topic(name=code, kind="code", info=info) for code, info in all_codes().items()]
    found += [
        Topic(
            name=name,
            kind="hazard",
            info=info,
            allowed_by=_IN_THE_SPEC if name == "same-host" else f"--allow {name}",
        )
        for name, info in {**HAZARDS, **HOST_HAZARDS, **COMMAND_HAZARDS}.items()
    ]
    found.append(Topic(name="protected", kind="hazard", info=PROTECTED, allowed_by=_UNPROTECT))
    found += [
        Topic(name=name, kind="override of a check", info=info, allowed_by=f"--allow {name}")
        for name, info in OVERRIDES.items()
    ]
    found += [
        Topic(name=name, kind="guard", info=info, allowed_by=f"--allow guard:{name}")
        for name, info in GUARDS.items()
    ]
    found += [
        Topic(
            name=name,
            kind="host check",
            info=CodeInfo(title=check.what, why=check.why, fix=check.remedy),
            allowed_by=_unchecked(name),
        )
        for name, check in CHECKS.items()
    ]
    found += [
        Topic(name=code.name.lower(), kind=f"exit code {code.value}", info=code.info)
        for code in ExitCode
    ]
    return {topic.name: topic for topic in found}


def _unchecked(check: str) -> str:
    """What accepts that a check could not be made, or, of three, that it is bad."""
    from gpmirror.plan.hazards import DEAD_LOCK, LOW_SPACE

    bad = {"space": LOW_SPACE, "inodes": LOW_SPACE, "competing": DEAD_LOCK}
    over = f"--allow {bad[check]} where it is bad, " if check in bad else ""
    return f"{over}--allow unchecked:{check} where it could not be made"


def all_codes() -> dict[str, CodeInfo]:
    """Every code of every package, in order."""
    from gpmirror.catalog.codes import CODES as CATALOG
    from gpmirror.gputils.codes import CODES as NATIVE
    from gpmirror.infer.codes import CODES as INFER
    from gpmirror.placement.codes import CODES as PLACEMENT
    from gpmirror.plan.codes import CODES as PLAN
    from gpmirror.simulate.codes import CODES as SIMULATE
    from gpmirror.spec.codes import CODES as SPEC

    tables: tuple[Mapping[str, CodeInfo], ...] = (
        SPEC,
        CATALOG,
        NATIVE,
        PLACEMENT,
        SIMULATE,
        PLAN,
        INFER,
    )
    return dict(sorted((code, info) for table in tables for code, info in table.items()))


def _exit_code(said: str, topics: Mapping[str, Topic]) -> Topic | None:
    """By its number: `9` as well as `preflight`."""
    if not (said.isascii() and said.isdigit() and len(said) < len("1000")):
        return None
    known = {code.value: code for code in ExitCode}
    code = known.get(int(said))
    return None if code is None else topics[code.name.lower()]


def _unknown(name: str, known: Mapping[str, Topic]) -> InvalidInput:
    from difflib import get_close_matches

    said = name.strip()[:100]
    close = get_close_matches(said.upper(), known, n=3) or get_close_matches(
        said.lower(), known, n=3
    )
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else "a code (GPM-V014: V spec, C catalog, N native files, P placement and plan), a hazard, a "
        "guard, a host check or an exit code"
    )
    what = "code" if said.upper().startswith("GPM-") else "name"
    message = f"{said}: no such {what}"
    return InvalidInput(
        [Diagnostic(code="GPM-P305", message=message, place=Place(file="command line"), hint=hint)]
    )
