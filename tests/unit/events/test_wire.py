"""Every event becomes one line of JSON that its schema and its page describe."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from gpmirror.events import (
    EVENT_NAMES,
    EVENTS_VERSION,
    Event,
    NativeSaid,
    event_line,
    events_schema,
)
from tests.runs import EVERY_EVENT

ROOT = Path(__file__).parents[3]
TIME = "2026-11-21T09:12:03.412Z"


def body(event: Event, seq: int = 1) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event_line(event, seq=seq, time=TIME))
    return found


@pytest.mark.parametrize("event", EVERY_EVENT, ids=lambda event: type(event).__name__)
def test_line_has_the_head_the_fields_and_fits_the_schema(event: Event) -> None:
    found = body(event, 7)
    head = {
        "version": EVENTS_VERSION,
        "seq": 7,
        "time": TIME,
        "event": EVENT_NAMES[type(event)],
    }
    assert list(found) == [*head, *(field.name for field in fields(event))]
    assert head.items() <= found.items()
    jsonschema.Draft202012Validator(events_schema()).validate(found)


def test_every_event_has_a_name_and_an_example() -> None:
    assert set(get_args(Event)) == set(EVENT_NAMES) == {type(event) for event in EVERY_EVENT}
    assert len(set(EVENT_NAMES.values())) == len(EVENT_NAMES)


def test_a_line_is_one_line_of_ascii() -> None:
    text = "a\nb\u2028\x1b[2J\udc80\u4e2d"
    line = event_line(NativeSaid(wave=1, level="info", text=text), seq=1, time=TIME)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["text"] == text


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"event": "unheard_of"},
        {"phase": "lunch"},
        {"seconds": "soon"},
        {"version": "one"},
    ],
)
def test_schema_refuses(change: dict[str, Any]) -> None:
    event = next(event for event in EVERY_EVENT if EVENT_NAMES[type(event)] == "phase_done")
    assert not jsonschema.Draft202012Validator(events_schema()).is_valid({**body(event), **change})


def test_schema_is_a_schema_and_lets_newer_keys_pass() -> None:
    schema = events_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert jsonschema.Draft202012Validator(schema).is_valid({**body(EVERY_EVENT[0]), "new": 1})


def test_the_page_names_every_event_and_key() -> None:
    page = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}
    for kind, name in EVENT_NAMES.items():
        assert all(f"`{field.name}`" in rows[name] for field in fields(kind)), name


def test_the_examples_on_the_page_fit_the_schema() -> None:
    page = (ROOT / "docs/reference/events.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if line.startswith("{")]
    assert lines
    for line in lines:
        jsonschema.Draft202012Validator(events_schema()).validate(json.loads(line))
