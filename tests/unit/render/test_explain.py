from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.plan.request import Request
from gpmirror.render.explain import explain_content, explain_host
from gpmirror.render.explain_code import all_codes, explain_code
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
    assert caught.value.diagnostics[0].hint == "the cluster has content 0-7"


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


@pytest.mark.parametrize("code", sorted(all_codes()))
def test_every_code_has_a_page(code: str) -> None:
    text = explain_code(code.lower())
    assert text.startswith(f"{code}: ")
    assert "\nWhy: " in text
    assert "\nFix: " in text


def test_an_unknown_code_gets_a_guess() -> None:
    with pytest.raises(InvalidInput) as caught:
        explain_code("GPM-V0012")
    assert "GPM-V" in (caught.value.diagnostics[0].hint or "")
    with pytest.raises(InvalidInput) as caught:
        explain_code("what?")
    assert "codes look like" in (caught.value.diagnostics[0].hint or "")
