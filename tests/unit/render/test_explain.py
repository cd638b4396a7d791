import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode, InvalidInput
from gpmirror.plan.hazards import COMMAND_HAZARDS, GUARDS, HAZARDS, HOST_HAZARDS, OVERRIDES
from gpmirror.plan.request import Request
from gpmirror.preflight.checks import CHECKS
from gpmirror.render.explain import (
    GLOSSARY,
    all_codes,
    all_topics,
    explain_content,
    explain_host,
    explain_name,
    topic_of,
)
from gpmirror.render.json import explain_name_json
from gpmirror.spec.model import Strategy
from tests import plans
from tests.clusters import mirrored, planned, spec


def test_content_golden(golden: Callable[[str, str], None]) -> None:
    plan, seen = plans.recovering(), plans.seen_in_trouble()
    texts = [explain_content(plan, seen, content) for content in (0, 1, 3, 5)]
    texts.append(explain_content(plans.moving(), plans.seen_before_moves(), 4))
    golden("explain-content.txt", "\n".join(texts))


def test_host_golden(golden: Callable[[str, str], None]) -> None:
    texts = [
        explain_host(plans.recovering(), plans.seen_in_trouble(), "sdw2"),
        explain_host(plans.moving(), plans.seen_before_moves(), "sdw4"),
    ]
    golden("explain-host.txt", "\n".join(texts))


@pytest.mark.parametrize("content", [-1, 8, 10**9])
def test_an_unknown_content(content: int) -> None:
    with pytest.raises(InvalidInput, match=f"content {content}: no such content") as caught:
        explain_content(plans.recovering(), plans.seen_in_trouble(), content)
    assert caught.value.diagnostics[0].hint == "the cluster has contents 0-7"


def test_an_unknown_host() -> None:
    seen = plans.seen_in_trouble()
    with pytest.raises(InvalidInput, match="host sdw22: no such host") as caught:
        explain_host(plans.recovering(), seen, "sdw22")
    assert caught.value.diagnostics[0].hint == "did you mean sdw2?"
    with pytest.raises(InvalidInput) as caught:
        explain_host(plans.recovering(), seen, "???")
    assert caught.value.diagnostics[0].hint == "known hosts: sdw1, sdw2, sdw3, sdw4"


def test_outside_a_selection() -> None:
    plan = plans.moving(Request(contents=frozenset({3})))
    text = explain_content(plan, plans.seen_before_moves(), 4)
    assert "outside the selection (content 3)" in text


def test_a_host_that_only_the_catalog_knows() -> None:
    seen = mirrored(plans.HOSTS[:2])
    plan = planned(spec([*plans.HOSTS[:2]]), seen)
    assert "(weight 1)" in explain_host(plan, seen, "sdw1")
    drained = replace(plan, desired=replace(plan.desired, hosts=()))
    assert "(not in the spec)" in explain_host(drained, seen, "sdw1")


@pytest.mark.parametrize("name", all_topics())
def test_every_name_has_a_page(name: str) -> None:
    text = explain_name(name.lower())
    assert text.startswith(f"{name}: ")
    assert "\nWhy: " in text
    assert "\nFix: " in text
    topic = topic_of(name)
    assert not topic.info.title[0].isspace()
    assert topic.info.why.endswith((".", ")"))
    assert topic.info.fix.endswith((".", ")"))
    document = json.loads(explain_name_json(name))
    assert document["name"] == name
    assert {"what", "why", "fix", "kind", "allowed_by", "format_version"} < {*document}


def test_no_name_means_two_things() -> None:
    tables: tuple[Mapping[str, object], ...] = (
        all_codes(),
        HAZARDS,
        HOST_HAZARDS,
        COMMAND_HAZARDS,
        OVERRIDES,
        GUARDS,
        CHECKS,
    )
    assert (
        len(all_topics()) == sum(len(table) for table in tables) + len(ExitCode) + 2
    )  # `protected`, `review-only`
    assert not {term.lower() for term in GLOSSARY} & {name.lower() for name in all_topics()}


@pytest.mark.parametrize(
    "name", [*Strategy, "certificate", "ring", "slots", "fatal pairs", "share"]
)
def test_what_the_placement_speaks_of_is_explained(name: str) -> None:
    """Every strategy that a spec may name, and the words that pages about placement use."""
    term = name if name in GLOSSARY else name.removesuffix("s")
    assert explain_name(name) == f"{term}: {GLOSSARY[term]}\n"
    if name in {*Strategy}:
        assert GLOSSARY[name].startswith("A strategy")


@pytest.mark.parametrize("term", GLOSSARY)
def test_every_term_is_explained(term: str) -> None:
    text = explain_name(term.upper())
    assert text == f"{term}: {GLOSSARY[term]}\n"
    assert GLOSSARY[term].endswith(".")
    told = json.loads(explain_name_json(term))
    assert (told["name"], told["kind"], told["what"]) == (term, "term", GLOSSARY[term])


def test_a_term_is_found_in_the_plural_and_proposed_where_mistyped() -> None:
    assert explain_name("waves").startswith("wave: ")
    with pytest.raises(InvalidInput) as refused:
        explain_name("exposre")
    assert refused.value.diagnostics[0].hint == "did you mean exposure or peak exposure?"


@pytest.mark.parametrize(
    ("said", "name", "kind"),
    [
        ("gpm-v001", "GPM-V001", "code"),
        ("hostname-becomes-address", "hostname-becomes-address", "hazard"),
        ("space", "space", "host check"),
        ("unchecked:space", "space", "host check"),
        ("guard:bytes", "bytes", "guard"),
        ("moves_percent", "moves_percent", "guard"),
        ("low-space", "low-space", "override of a check"),
        ("protected:content:3", "protected", "hazard"),
        ("9", "preflight", "exit code 9"),
        ("exit:130", "interrupted", "exit code 130"),
        ("Stale", "stale", "exit code 5"),
    ],
)
def test_names_as_people_write_them(said: str, name: str, kind: str) -> None:
    topic = topic_of(said)
    assert (topic.name, topic.kind) == (name, kind)


@pytest.mark.parametrize(
    ("said", "words", "hint"),
    [
        ("GPM-V0012", "GPM-V0012: no such code", "GPM-V"),
        ("hostname-become-address", "no such name", "did you mean hostname-becomes-address?"),
        ("spcae", "no such name", "did you mean space"),
        ("what?", "what?: no such name", "a hazard, a guard, a host check, an exit code or a term"),
        ("12", "12: no such name", ""),
        ("9" * 5000, "no such name", ""),
    ],
)
def test_an_unknown_name_gets_a_guess(said: str, words: str, hint: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        explain_name(said)
    found = caught.value.diagnostics[0]
    assert words in found.message
    assert hint in (found.hint or "")
