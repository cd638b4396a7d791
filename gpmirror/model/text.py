"""Counts, times and sizes in words, for sentences and screens alike."""

from collections.abc import Iterable

from gpmirror.model.names import natural

# --- Contents, hosts, things counted and times, in sentences. Times that passed are exact, those left rough.


_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_HOURS_OF_A_DAY = 24
_TENTHS_BELOW = 10


def counted(number: int, thing: str, things: str = "") -> str:
    """`1 content`, `2 contents`, `1,024 contents`; `things` where the plural is another."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {things or f'{thing}s'}"


def named(contents: Iterable[int]) -> str:
    """`content 3`, `contents 0-2, 5`."""
    found = sorted(contents)
    return f"content{'' if len(found) == 1 else 's'} {ranges(found)}"


def hosts_named(hosts: Iterable[str], *, most: int = 8) -> str:
    """`host sdw3`, `hosts sdw2, sdw10, and 4 more`: as people count, sdw2 before sdw10."""
    found = sorted(hosts, key=natural)
    shown = ", ".join(found[:most])
    more = f", and {len(found) - most} more" if len(found) > most else ""
    return f"host{'' if len(found) == 1 else 's'} {shown}{more}"


def ranges(contents: Iterable[int], *, most: int = 24) -> str:
    """`0-2, 5` for 0, 1, 2, 5; after `most` ranges the rest is counted: `, and 7 more`."""
    runs = _runs(sorted(contents))
    shown = ", ".join(_run_text(run) for run in runs[:most])
    rest = sum(b - a + 1 for a, b in runs[most:])
    return f"{shown}, and {rest} more" if rest else shown


def spans(numbers: Iterable[int]) -> str:
    """`0-2,5` for 0, 1, 2, 5, however many: as command lines and settings take them."""
    return ",".join(_run_text(run) for run in _runs(sorted(numbers)))


def elapsed_text(seconds: float) -> str:
    """`0.4s`, `12s`, `1m 12s`, `2h 03m`, `1d 04h`: the two largest units."""
    seconds = max(seconds, 0)
    whole = int(seconds)
    if seconds < _TENTHS_BELOW and whole != seconds:
        return f"{seconds:.1f}s"
    if whole < _MINUTE:
        return f"{whole}s"
    if whole < _HOUR:
        return f"{whole // _MINUTE}m {whole % _MINUTE:02d}s"
    if whole < _DAY:
        return f"{whole // _HOUR}h {whole % _HOUR // _MINUTE:02d}m"
    return f"{whole // _DAY}d {whole % _DAY // _HOUR:02d}h"


def about_text(seconds: float) -> str:
    """`about 5 min`, `under 1 min`."""
    text = remaining_text(seconds)
    return text if text.startswith("under") else f"about {text}"


def remaining_text(seconds: float) -> str:
    """`5 min`, `2 h 05 min`; nothing finer than a minute is promised."""
    if seconds < _MINUTE:
        return "under 1 min"
    minutes = round(seconds / _MINUTE)
    if minutes < _MINUTE:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, _MINUTE)
    if hours < _HOURS_OF_A_DAY:
        return f"{hours} h {minutes:02d} min"
    days, hours = divmod(hours, _HOURS_OF_A_DAY)
    return f"{days} d {hours} h"


def _run_text(run: tuple[int, int]) -> str:
    first, last = run
    return str(first) if first == last else f"{first}-{last}"


def _runs(contents: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for content in contents:
        if runs and content == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], content)
        else:
            runs.append((content, content))
    return runs


# --- Names, bytes and times in words.


_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB")
_ROUNDS_TO_NEXT = 999.95
"""From here on a figure with one decimal would show as 1000.0."""


def size_text(size: int | None) -> str:
    """Bytes in decimal units, `1.1 TB`; `size unknown` for None."""
    if size is None:
        return "size unknown"
    amount, power = float(size), 0
    while amount >= _ROUNDS_TO_NEXT and power < len(_UNITS):
        amount, power = amount / 1000, power + 1
    return f"{amount:.1f} {_UNITS[power - 1]}" if power else counted(size, "byte")


def yes(answer: bool | None) -> str:  # noqa: FBT001 - the answer is the value to be worded
    """`yes`, `no`, or `unknown` for None."""
    if answer is None:
        return "unknown"
    return "yes" if answer else "no"


def moment_text(moment: str) -> str:
    """A time as files hold it, for people: `2026-11-21T07:05:39Z` is `2026-11-21 07:05:39 UTC`."""
    day, _, rest = moment.partition("T")
    return f"{day} {rest.removesuffix('Z')} UTC" if rest.endswith("Z") else moment
