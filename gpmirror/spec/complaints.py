"""What pydantic finds wrong with a document, as findings with places; and the document without it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import field
from typing import Any, TypeAlias

from pydantic_core import ErrorDetails

from gpmirror.diagnostics import Diagnostic, Place, Related
from gpmirror.spec.document import API_VERSION, field_at, fields_at, literals
from gpmirror.spec.model import Path
from gpmirror.spec.source import Places, did_you_mean, listed
from gpmirror.values import dataclass

# --- What pydantic finds wrong with a document, as diagnostics with places.


_EXAMPLES = {
    "apiVersion": f"apiVersion: {API_VERSION}",
    "cluster": "cluster: {name: my-cluster}",
    "hosts": 'hosts: [{name: "sdw[1-4]", roots: [/data/mirror]}]',
    "mirrors": "mirrors: {strategy: group, ports: {offset: 1000}}",
    "strategy": "strategy: group",
    "ports": "ports: {offset: 1000}",
    "name": "name: sdw1",
    "content": "content: 0",
    "any": "any: 1",
    "of": "of: host",
}
_PATTERN_RULES = {
    ("cluster", "name"): "small letters, digits, `.`, `_` and `-`, the first a letter or digit",
    ("ssh", "user"): "letters, digits and `_.@$-`, not starting with `-`",
    ("rack",): "a name without spaces",
    ("config",): "one line of text",
    ("database",): "one line of text",
    ("user",): "one line of text",
}
_LONGEST_SHOWN = 60
_NOTHING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One error: its path in the document, union tags taken out."""

    path: Path
    kind: str
    value: Any
    limits: Mapping[str, Any]
    text: str

    @property
    def name(self) -> str:
        """The field in words: `mirrors.ports.offset`, `hosts[0].name`."""
        return dotted(self.path)


_Words: TypeAlias = tuple[str, str, str]
"""Code, message, hint."""


def dotted(path: Path) -> str:
    """A path as people write it: `hosts[0].name`."""
    shown = ""
    for part in path:
        shown += f"[{part}]" if isinstance(part, int) else f".{part[:_LONGEST_SHOWN]}"
    return shown.removeprefix(".")


def complaint_of(error: ErrorDetails, data: object) -> Complaint:
    """The complaint behind a pydantic error about `data`."""
    loc = error["loc"]
    is_missing = error["type"] == "missing"
    path = (*_without_tags(loc[:-1], data), loc[-1]) if is_missing else _without_tags(loc, data)
    return Complaint(
        path=path,
        kind=error["type"],
        value=error["input"],
        limits=error.get("ctx", {}),
        text=error["msg"],
    )


def diagnose(complaint: Complaint, places: Places) -> Diagnostic:
    """The finding for one complaint."""
    code, message, hint = _HANDLERS.get(complaint.kind, _other)(complaint)
    return Diagnostic(code=code, message=message, place=_place(complaint, places), hint=hint)


def _place(complaint: Complaint, places: Places) -> Place:
    if complaint.kind == "extra_forbidden":
        return places.key(complaint.path)
    if complaint.kind == "missing" and len(complaint.path) == 1:
        return places.source.place(1, 1)
    return places.value(complaint.path)


def _without_tags(loc: Path, data: object) -> Path:
    """`loc` without the parts that name a union's member and stand for nothing in `data`."""
    path: list[int | str] = []
    for part in loc:
        inner = _inner(data, part)
        if inner is not _NOTHING:
            path.append(part)
            data = inner
    return tuple(path)


def _inner(data: object, part: int | str) -> object:
    if isinstance(data, dict):
        return data.get(part, _NOTHING)
    if isinstance(data, list) and isinstance(part, int) and part < len(data):
        return data[part]
    return _NOTHING


def shown(value: object) -> str:
    """A value in a message: type in words and, for scalars, the value itself."""
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, int | float):
        return f"the number {str(value)[:_LONGEST_SHOWN]}"
    if isinstance(value, str):
        return f'the text "{value[:_LONGEST_SHOWN]}"'
    if value is None:
        return "empty"
    return "a list" if isinstance(value, list) else "a mapping"


def _extra(complaint: Complaint) -> _Words:
    key = str(complaint.path[-1])
    if key == "<<":
        return ("GPM-V011", "the merge key `<<` has no meaning in a spec", "write the keys out")
    parent = complaint.path[:-1]
    allowed = fields_at(parent)
    where = f" in `{dotted(parent)}`" if parent else ""
    hint = did_you_mean(key, allowed, f"allowed here: {', '.join(allowed)}")
    return ("GPM-V012", f"unknown key `{key[:_LONGEST_SHOWN]}`{where}", hint)


def _missing(complaint: Complaint) -> _Words:
    key = str(complaint.path[-1])
    parent = complaint.path[:-1]
    where = f" in `{dotted(parent)}`" if parent else ""
    return ("GPM-V013", f"required key `{key}` is missing{where}", f"add `{_EXAMPLES[key]}`")


def _integer(complaint: Complaint) -> _Words:
    return _type(complaint, "a whole number", _number_hint(complaint.value))


def _number(complaint: Complaint) -> _Words:
    return _type(complaint, "a number", _number_hint(complaint.value))


def _number_hint(value: object) -> str:
    if isinstance(value, str) and value.strip("-+").isdecimal():
        return f"remove the quotes: {value[:_LONGEST_SHOWN]}"
    return "write digits only, without unit or quotes"


def _boolean(complaint: Complaint) -> _Words:
    return _type(complaint, "true or false", "write `true` or `false`, without quotes")


def _string(complaint: Complaint) -> _Words:
    value = complaint.value
    if isinstance(value, dict):
        return _type(complaint, "a text", 'quote text that starts with `{`: "{host}-1"')
    if isinstance(value, bool | int | float):
        return _type(complaint, "a text", f'quote it: "{str(value).lower()[:_LONGEST_SHOWN]}"')
    return _type(complaint, "a text", "write one text here")


def _list(complaint: Complaint) -> _Words:
    value = complaint.value
    hint = "start each item with `- `, or write [first, second]"
    if isinstance(value, str | int) and not isinstance(value, bool):
        hint = f"write it as a list: [{str(value)[:_LONGEST_SHOWN]}]"
    return _type(complaint, "a list", hint)


def _mapping(complaint: Complaint) -> _Words:
    allowed = fields_at(complaint.path)
    hint = f"write `key: value` lines below it; keys: {', '.join(allowed)}"
    return _type(complaint, "a mapping", hint if allowed else "write `key: value` lines below it")


def _type(complaint: Complaint, wanted: str, hint: str) -> _Words:
    given = shown(complaint.value)
    message = f"`{complaint.name}` must be {wanted}, it is {given}"
    return ("GPM-V014", message, hint)


def _choice(complaint: Complaint) -> _Words:
    found = field_at(complaint.path)
    allowed = [] if found is None else literals(found.annotation)
    value = complaint.value
    if complaint.path == ("apiVersion",):
        message = f"`apiVersion` is {shown(value)}; this gpmirror reads `{API_VERSION}`"
        return ("GPM-V018", message, f"write `apiVersion: {API_VERSION}`")
    message = f"`{complaint.name}` is {shown(value)}; allowed are {listed(allowed)}"
    return ("GPM-V015", message, did_you_mean(str(value), allowed, f"write {listed(allowed)}"))


def _range(complaint: Complaint) -> _Words:
    given = shown(complaint.value)
    (limit,) = (
        complaint.limits[key] for key in ("ge", "le", "gt", "lt") if key in complaint.limits
    )
    side = "at least" if complaint.kind == "greater_than_equal" else "at most"
    is_port = any(str(part).endswith(("port", "_base")) for part in complaint.path[-1:])
    hint = "TCP ports are 1 to 65535" if is_port else f"write a value of {side} {limit}"
    return ("GPM-V016", f"`{complaint.name}` is {given}; it must be {side} {limit}", hint)


def _size(complaint: Complaint) -> _Words:
    limits = complaint.limits
    lower, upper = limits.get("min_length"), limits.get("max_length")
    rule = f"at least {lower:,}" if upper is None else f"at most {upper:,}"
    thing = "items" if complaint.kind in {"too_short", "too_long"} else "characters"
    message = f"`{complaint.name}` must have {rule} {thing}"
    return ("GPM-V016", message, "shorten it" if lower is None else "add one, or delete the key")


def _pattern(complaint: Complaint) -> _Words:
    names = tuple(part for part in complaint.path if isinstance(part, str))
    rule = _PATTERN_RULES.get(names) or _PATTERN_RULES[names[-1:]]
    message = f"`{complaint.name}` is {shown(complaint.value)}; it must be {rule}"
    return ("GPM-V017", message, "write it in these characters")


def _value(complaint: Complaint) -> _Words:
    rule = complaint.text.removeprefix("Value error, ")
    message = f"`{complaint.name}` is {shown(complaint.value)}; it {rule}"
    hints = {"size": "write `5TB`; 1TB is 1000GB", "rate": "write `32M`"}
    hint = next((hint for word, hint in hints.items() if f"a {word} " in rule), "write `24h`")
    return ("GPM-V017", message, hint)


def _other(complaint: Complaint) -> _Words:
    return ("GPM-V014", f"`{complaint.name}`: {complaint.text}", "see `gpmirror schema spec`")


_HANDLERS: dict[str, Callable[[Complaint], _Words]] = {
    "extra_forbidden": _extra,
    "missing": _missing,
    "int_type": _integer,
    "int_from_float": _integer,
    "float_type": _number,
    "bool_type": _boolean,
    "string_type": _string,
    "list_type": _list,
    "dict_type": _mapping,
    "model_type": _mapping,
    "literal_error": _choice,
    "greater_than_equal": _range,
    "less_than_equal": _range,
    "too_short": _size,
    "too_long": _size,
    "string_too_short": _size,
    "string_too_long": _size,
    "string_pattern_mismatch": _pattern,
    "value_error": _value,
}


# --- A faulty document without its faults, so that one run can also judge the rest of it.


_PLACEHOLDERS: dict[Path, Any] = {
    ("apiVersion",): API_VERSION,
    ("cluster",): {"name": "unnamed"},
    ("cluster", "name"): "unnamed",
    ("hosts",): [{"name": "unnamed", "weight": 0}],
    ("mirrors",): {"strategy": "group", "ports": {"offset": 1}},
    ("mirrors", "strategy"): "group",
    ("mirrors", "ports"): {"offset": 1},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """`data` lacks what was faulty. `broken` are the original paths that were taken out or
    filled in; `kept` maps the path of a shortened list to the original indexes that stayed.
    """

    data: Any
    broken: frozenset[Path] = frozenset()
    kept: Mapping[Path, list[int]] = field(default_factory=dict)

    def original(self, path: Path) -> Path:
        """The path in the user's document of what is at `path` in `data`."""
        found: Path = ()
        for part in path:
            indexes = self.kept.get(found)
            moved = isinstance(part, int) and indexes is not None and part < len(indexes)
            found = (*found, indexes[part] if moved else part)  # type: ignore[index]
        return found


def repair(data: object, complaints: Iterable[Complaint]) -> Repaired:
    """`data` without what the complaints are about, required keys filled with placeholders."""
    drops: set[Path] = set()
    filled: set[Path] = set()
    unknown: set[Path] = set()
    for complaint in complaints:
        if complaint.kind == "extra_forbidden":
            unknown.add(complaint.path)
        else:
            path = _removable(complaint.path)
            (filled if path in _PLACEHOLDERS else drops).add(path)
    kept: dict[Path, list[int]] = {}
    rebuilt = _without(data, (), drops | unknown | filled, kept)
    for path in sorted(filled, key=len):
        _fill(rebuilt, path)
    return Repaired(data=rebuilt, broken=frozenset(drops | filled), kept=kept)


def _removable(path: Path) -> Path:
    """The shortest step up from `path` to something a document can do without."""
    for length in range(len(path), 0, -1):
        candidate = path[:length]
        if candidate in _PLACEHOLDERS or isinstance(candidate[-1], int):
            return candidate
        found = field_at(candidate)
        if found is None or not found.is_required():
            return candidate
    return path[:1]


def _without(value: object, path: Path, drops: set[Path], kept: dict[Path, list[int]]) -> object:
    if isinstance(value, dict):
        return {
            key: _without(inner, (*path, key), drops, kept)
            for key, inner in value.items()
            if (*path, key) not in drops
        }
    if not isinstance(value, list):
        return value
    stay = [index for index in range(len(value)) if (*path, index) not in drops]
    if len(stay) < len(value):
        kept[path] = stay
    return [_without(value[index], (*path, index), drops, kept) for index in stay]


def _fill(data: object, path: Path) -> None:
    target: Any = data
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = _PLACEHOLDERS[path]


# --- Findings collected while a document is judged, placed in the user's text.


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
