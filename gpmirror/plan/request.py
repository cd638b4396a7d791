"""What a user asks of a plan beside the spec: selection, recovery method, rebalance, allowing."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

from gpmirror.diagnostics import Diagnostic, Place
from gpmirror.errors import InvalidInput
from gpmirror.model.segment import Slot
from gpmirror.values import dataclass

_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)
_MOST_CONTENTS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`contents` and `hosts` None: everything. `allow` and `unprotect` as given by the user."""

    contents: frozenset[int] | None = None
    hosts: frozenset[str] | None = None
    full: bool = False
    differential: bool = False
    rebalance: bool = False
    allow: tuple[str, ...] = ()
    unprotect: tuple[str, ...] = ()

    @property
    def selection(self) -> str | None:
        """The selection in words, None when it is everything."""
        parts = []
        if self.contents is not None:
            parts.append("content " + ",".join(str(number) for number in sorted(self.contents)))
        if self.hosts is not None:
            parts.append("host " + ",".join(sorted(self.hosts)))
        return " and ".join(parts) or None

    def selects(self, content: int, slots: Iterable[Slot | None]) -> bool:
        """Whether a change of this content from and to these slots is asked for."""
        if self.contents is not None and content not in self.contents:
            return False
        if self.hosts is None:
            return True
        return any(slot is not None and slot.host in self.hosts for slot in slots)


def parse_contents(text: str) -> frozenset[int]:
    """`3,7-9` -> {3, 7, 8, 9}. Raises InvalidInput (GPM-P301)."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        first, last = (match[1], match[2] or match[1]) if match else ("1", "0")
        if int(last) < int(first) or int(last) - int(first) > _MOST_CONTENTS:
            raise InvalidInput(
                [
                    Diagnostic(
                        code="GPM-P301",
                        message=f"--content {text}: {part.strip()!r} is not a content ID or a "
                        "range of them",
                        place=Place(file="command line"),
                        hint="write content IDs and ranges separated by commas: --content 3,7-9",
                    )
                ]
            )
        found.update(range(int(first), int(last) + 1))
    return frozenset(found)


def check_known(
    request: Request, contents: Iterable[int], hosts: Iterable[str]
) -> list[Diagnostic]:
    """Selected contents and hosts that the cluster does not have (GPM-P302)."""
    known_contents, known_hosts = set(contents), sorted(set(hosts))
    last = max(known_contents, default=0)
    problems = [
        _unknown(f"--content {number}: no such content", f"contents run from 0 to {last}")
        for number in sorted((request.contents or frozenset()) - known_contents)[:10]
    ]
    for name in sorted((request.hosts or frozenset()) - set(known_hosts)):
        close = get_close_matches(name, known_hosts, n=1)
        guess = (
            f"did you mean {close[0]}?" if close else f"known hosts: {', '.join(known_hosts[:8])}"
        )
        problems.append(_unknown(f"--host {name}: no such host", guess))
    return problems


def _unknown(message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="GPM-P302", message=message, place=Place(file="command line"), hint=hint)
