"""Findings collected while a document is judged, placed in the user's text."""

from collections.abc import Collection
from dataclasses import dataclass, field

from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.spec.model import Path
from gpmirror.spec.places import Places
from gpmirror.spec.repair import Repaired
from gpmirror.spec.suggest import did_you_mean

MAX_FINDINGS = 500
_MOST_SUGGESTIONS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a text, before it is known where it stands."""

    code: str
    message: str
    hint: str


@dataclass(slots=True, kw_only=True)
class Findings:
    """Collects diagnostics; paths are those of the judged (perhaps repaired) document."""

    places: Places
    repaired: Repaired
    found: list[Diagnostic] = field(default_factory=list)
    suggestions: int = 0

    def add(self, path: Path, problem: Problem, *related: Related) -> None:
        """Report `problem` at the value of `path`."""
        self.add_at(self.place(path), problem, *related)

    def add_at(self, place: Place, problem: Problem, *related: Related) -> None:
        """Report `problem` at a known place. Beyond `MAX_FINDINGS` nothing is kept."""
        if len(self.found) < MAX_FINDINGS:
            self.found.append(
                Diagnostic(
                    code=problem.code,
                    message=problem.message,
                    place=place,
                    hint=problem.hint,
                    related=related,
                )
            )

    def place(self, path: Path) -> Place:
        """Where `path` stands in the user's text."""
        return self.places.value(self.repaired.original(path))

    def related(self, path: Path, label: str) -> Related:
        """A second spot for a finding."""
        return Related(place=self.place(path), label=label)

    def related_at(self, place: Place, label: str) -> Related:
        """A second spot for a finding, at a known place."""
        return Related(place=place, label=label)

    def near(self, word: str, allowed: Collection[str], otherwise: str) -> str:
        """`did you mean`, for the first findings only: comparing words is slow."""
        self.suggestions += 1
        if self.suggestions > _MOST_SUGGESTIONS:
            return otherwise
        return did_you_mean(word, allowed, otherwise)

    def is_sound(self, *path: str | int) -> bool:
        """Whether nothing at, above or directly below `path` was found faulty before: only then
        may its absence or its content be held against other parts.
        """
        return not any(
            broken == path[: len(broken)] or broken[:-1] == path for broken in self.repaired.broken
        )
