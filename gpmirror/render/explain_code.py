"""The page behind a diagnostic's code."""

from collections.abc import Mapping

from gpmirror.diagnostics import CodeInfo, Diagnostic, Place
from gpmirror.errors import InvalidInput


def explain_code(code: str) -> str:
    """Title, why it matters and how to mend it. Raises InvalidInput (GPM-P305): no such code."""
    wanted = code.strip().upper()
    codes = all_codes()
    if wanted not in codes:
        raise _unknown(code, codes)
    found = codes[wanted]
    return f"{wanted}: {found.title}\n\nWhy: {found.why}\nFix: {found.fix}\n"


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


def _unknown(code: str, known: Mapping[str, CodeInfo]) -> InvalidInput:
    from difflib import get_close_matches

    close = get_close_matches(code.strip().upper(), known, n=3)
    hint = (
        f"did you mean {' or '.join(close)}?"
        if close
        else "codes look like GPM-V014: V spec, C catalog, N native files, P placement and plan"
    )
    message = f"{code}: no such code"
    return InvalidInput(
        [Diagnostic(code="GPM-P305", message=message, place=Place(file="command line"), hint=hint)]
    )
