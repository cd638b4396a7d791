"""What a person reads off the screen of a plan: every content's old and new place, written anew here
from the words on screen alone, so that tests can compare it with the plan.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from gpmirror.model.segment import Slot
from gpmirror.plan.model import Action, Change, Plan
from gpmirror.spec.hosts import host_names

_TITLE = re.compile(
    r"  (\+ add|~ move|! recover|<> rebalance|x blocked) ([0-9,]+) (?:mirror|segment)s?  ."
)
_ROW = re.compile(
    r"(?P<hosts>.+?) contents? (?P<contents>[0-9, -]+?)(?:, (?P<share>[0-9]+) each)?"
    r"(?: of (?P<of>\S+))? ports? (?P<ports>[0-9x, >-]+?(?: each)?(?: -> [0-9x, -]+(?: each)?)?)"
    r"(?: replication (?:ports: mirror )?(?P<replication>[0-9x, >-]+?(?: each)?)"
    r"(?:, primary (?P<own>[0-9x, -]+(?: each)?))?)?(?: at (?P<address>\S+(?: in turn)?))?"
    r"(?: (?P<storage>(?:/|directory unknown).*?))?(?: \((?P<notes>[^)]*\)?)\))?"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """One content as the screen tells it."""

    action: str
    content: int
    source: str
    target: str
    old_port: int
    new_port: int
    old_storage: str
    new_storage: str


def seen(screen: str) -> list[Seen]:
    """All contents of the part `Changes`. Fails where a line cannot be understood."""
    return [one for row in _rows(screen) for one in _unfolded(*row)]


def expected(plan: Plan) -> list[Seen]:
    """What must be seen of a plan."""
    return [_expected(change) for change in plan.changes]


def _expected(change: Change) -> Seen:
    old, new = change.from_, change.to
    if change.action is Action.REBALANCE and old is not None:
        new, source = old, change.primary
    else:
        new, old = new or old, old or new
        source = change.primary if change.action is Action.ADD else _host(old)
    return Seen(
        change.action.value,
        change.content,
        source,
        _host(new),
        _port(old),
        _port(new),
        _paths(old),
        _paths(new),
    )


def _host(slot: Slot | None) -> str:
    return slot.host if slot else ""


def _port(slot: Slot | None) -> int:
    return slot.port if slot else 0


def _paths(slot: Slot | None) -> str:
    if slot is None:
        return ""
    own = slot.directory or "directory unknown"
    return " ".join((own, *(f"{name}={path}" for name, path in slot.filespaces)))


def _rows(screen: str) -> Iterator[tuple[str, str, str]]:
    """(action, a row with its continuation lines joined, the directories that its rows share)."""
    text = screen.partition("\nChanges\n")[2].partition("\n\n")[0]
    action, shared, row = "", "", ""
    for line in [*text.splitlines(), "  (end"]:
        if line.startswith("  + gpaddmirrors gives "):
            continue  # a sum of what the lines above it say
        if line.startswith("     ") and row:
            row += f" {line.strip()}"
            continue
        if row.startswith("directory "):
            shared += f"{row.removeprefix('directory ')}\n"
        elif row and not row.startswith("title"):
            yield action, row, shared.strip()
        row = ""
        title = _TITLE.match(line)
        if title is not None:
            action, shared, row = title[1].split()[1], "", "title"
        elif line.startswith("    ") and action:
            row = line.strip()
        else:
            assert line.startswith(("     ", "   ", "  (")), line


def _unfolded(action: str, row: str, shared: str) -> Iterator[Seen]:
    by_port = _by_port(shared) if " on ports " in shared else {}
    if shared and not by_port:
        row = f"{row} {shared}"
    found = _ROW.fullmatch(re.sub(r" +", " ", row))
    assert found is not None, row
    contents = [number for part in found["contents"].split(", ") for number in _span(part)]
    left, arrow, right = found["hosts"].partition(" -> ")
    heads = _names(found["of"] or left)
    share = int(found["share"] or 0) or len(contents) // len(heads)
    assert share * len(heads) == len(contents), row
    sources = _hosts(left, heads, share)
    targets = _hosts(right if arrow else left, heads, share)
    old_ports, new_ports = (_numbers(text, share) for text in _two(found["ports"]))
    storage = found["storage"] or ""
    if by_port:
        new_paths = old_paths = [by_port[port] for port in new_ports]
    else:
        old_paths, new_paths = (_path(text, share) for text in _two(storage))
    for at, content in enumerate(contents):
        told = {"{content}": str(content), "{host}": targets[at]}
        yield Seen(
            action,
            content,
            sources[at],
            targets[at],
            old_ports[at % share],
            new_ports[at % share],
            _filled(
                old_paths[at % share],
                told | {"{host}": sources[at]} if " -> " in storage else told,
            ),
            _filled(new_paths[at % share], told),
        )


def _by_port(shared: str) -> dict[int, str]:
    found: dict[int, str] = {}
    for line in shared.split("\n"):
        path, _, ports = line.partition(" on ports ")
        found |= {port: path for part in ports.split(", ") for port in _span(part)}
    return found


def _two(text: str) -> tuple[str, str]:
    old, arrow, new = text.partition(" -> ")
    return (old, new if arrow else old)


def _hosts(text: str, heads: list[str], share: int) -> list[str]:
    """The host of each content."""
    if ".." in text:
        first, last = (_names(part) for part in text.removesuffix(" in turn").split(".."))
        assert text.endswith(" in turn") or len(first) == share, text
        assert last == [_further(name, heads[0], heads[-1]) for name in first], text
        turns = list(islice(cycle(first), share))
        return [_further(name, heads[0], head) for head in heads for name in turns]
    names = _names(text.removesuffix(" in turn"))
    if len(heads) > 1 and len(names) == len(heads):
        return [name for name in names for _ in range(share)]
    assert text.endswith(" in turn") or len(names) in {1, share}, text
    return list(islice(cycle(names), share)) * len(heads)


def _further(name: str, head: str, other: str) -> str:
    """The name as far on as the other head is."""
    pairs = zip(re.findall(r"[0-9]+", head), re.findall(r"[0-9]+", other), strict=True)
    steps = [int(there) - int(here) for here, there in pairs]
    numbers = iter(steps)
    return re.sub(
        r"[0-9]+",
        lambda found: str(int(found[0]) + next(numbers)).zfill(
            len(found[0]) if found[0][0] == "0" else 0
        ),
        name,
    )


def _names(text: str) -> list[str]:
    return host_names(text)


def _span(text: str) -> list[int]:
    first, _, last = text.partition("-")
    step = -1 if last and int(last) < int(first) else 1
    return list(range(int(first), int(last or first) + step, step))


def _numbers(text: str, count: int) -> list[int]:
    if text.endswith(" each") or (count == 1 and text.isdigit()):
        return [int(text.removesuffix(" each"))] * count
    numbers: list[int] = []
    for part in text.split(", "):
        number, _, times = part.partition(" x")
        numbers += [int(number)] * int(times) if times else _span(part)
    assert len(numbers) == count, text
    return numbers


def _path(text: str, count: int) -> list[str]:
    if "[" not in text:
        return [text] * count
    names = host_names(text.removesuffix(" in turn"))
    assert text.endswith(" in turn") or len(names) == count, text
    return list(islice(cycle(names), count))


def _filled(text: str, told: dict[str, str]) -> str:
    for word, value in told.items():
        text = text.replace(word, value)
    return text
