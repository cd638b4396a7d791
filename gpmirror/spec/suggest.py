"""`did you mean`: the nearest allowed word, if one is near."""

from collections.abc import Collection
from difflib import get_close_matches

_MOST_CANDIDATES = 2_000


def nearest(word: str, allowed: Collection[str]) -> str | None:
    """The allowed word closest to `word`, or None where none is close. Long lists of candidates
    are cut to those with the same first letter: comparing is slow.
    """
    candidates = allowed
    if len(candidates) > _MOST_CANDIDATES:
        candidates = [one for one in candidates if one[:1] == word[:1]][:_MOST_CANDIDATES]
    found = get_close_matches(word[:100], candidates, n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(word: str, allowed: Collection[str], otherwise: str) -> str:
    """A hint that names the nearest allowed word, else `otherwise`."""
    found = nearest(word, allowed)
    return otherwise if found is None else f"did you mean `{found}`?"


def listed(words: Collection[str]) -> str:
    """Words as a list in a sentence: `a`, `b` or `c`."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:  # noqa: PLR2004 - one word needs no `or`
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"
