from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.plan.model import Plan
from gpmirror.render.markdown import BYTE_BUDGET, code, escaped, fenced, plan_markdown
from tests import plans
from tests.clusters import mirrored, planned, spec

MADE: dict[str, Callable[[], Plan]] = {
    "adding": plans.adding,
    "moving": plans.moving,
    "rebalancing": plans.rebalancing,
    "unchanged": plans.unchanged,
    "wide": plans.wide,
}


@pytest.mark.parametrize("name", MADE)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}.md", plan_markdown(MADE[name]()))


def test_the_first_line_is_the_marker() -> None:
    assert plan_markdown(plans.adding()).startswith("<!-- gpmirror:plan:prod-dwh -->\n## ")


@pytest.mark.parametrize(
    ("plan", "verdict"),
    [
        (plans.adding, ": changes"),
        (plans.moving, ": needs allowing"),
        (plans.unchanged, ": no changes"),
        (plans.recovering, ": 1 content blocked"),
    ],
)
def test_the_title_says_the_verdict(plan: Callable[[], Plan], verdict: str) -> None:
    assert plan_markdown(plan()).splitlines()[1].endswith(verdict)


def test_thirty_lines_stand_in_the_open_and_the_rest_is_folded_away() -> None:
    plan = plans.wide()
    changes = tuple(replace(change, source=f"spec:{change.content}") for change in plan.changes)
    text = plan_markdown(replace(plan, changes=changes))
    opened, _, folded = text.partition("<summary>66 more lines of changes</summary>")
    assert opened.count(" -> ") == 30
    assert folded.count(" -> ") >= 66


def scattered() -> Plan:
    """Eight thousand additions that follow no rule."""
    plan = plans.wide(8000)
    return replace(
        plan,
        changes=tuple(
            replace(change, to=replace(change.to, directory=f"/own/{change.content * 7}"))
            for change in plan.changes
            if change.to is not None
        ),
    )


def moving_many() -> Plan:
    """Three hundred moves, one after the other."""
    names = [f"sdw{number}" for number in range(3)]
    return planned(spec([*names, "sdw3"], cluster="many"), mirrored(names, 300))


@pytest.mark.long
@pytest.mark.parametrize("plan", [scattered, moving_many])
def test_a_huge_plan_stays_within_the_budget_and_counts_what_is_left_out(
    plan: Callable[[], Plan],
) -> None:
    text = plan_markdown(plan())
    assert len(text.encode()) <= BYTE_BUDGET
    assert "not shown: too long for a comment" in text
    assert text.count("<details>") == text.count("</details>")
    assert "Plan id `" in text


@pytest.mark.long
def test_eight_thousand_changes_that_follow_a_rule_are_all_in_the_comment() -> None:
    text = plan_markdown(plans.wide(8000))
    assert "`sdw[001-3999] -> sdw[002-4000]`" in text
    assert "not shown" not in text.partition("**Waves")[0]


def test_thousands_of_long_warnings_stay_within_the_budget() -> None:
    plan = replace(plans.adding(), warnings=tuple(f"{n}{'é' * 5000}" for n in range(5000)))
    text = plan_markdown(plan)
    assert len(text.encode()) <= BYTE_BUDGET
    assert "and 4970 more, in the plan file" in text


def test_names_are_only_text() -> None:
    evil = "a|b`c<script>@team\n# title --> x"
    plan = plans.adding()
    first = replace(plan.changes[0], reason=evil, primary=evil)
    text = plan_markdown(replace(plan, changes=(first,), cluster=evil, warnings=(evil,)))
    outside = "\n".join(line for line in text.splitlines()[1:] if "``" not in line)
    assert "<script>" not in outside
    assert "@team" not in outside
    assert "\n# title" not in text
    assert text.splitlines()[0].count("-->") == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<b>", "&lt;b>"),
        ("x_y*z", r"x\_y\*z"),
        ("@me", "@&#8203;me"),
        ("[a](b)", r"\[a\](b)"),
    ],
)
def test_escaping(text: str, shown: str) -> None:
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a b", "`a b`"), ("a`b", "``a`b``"), ("`a", "`` `a ``"), ("a|b", r"`a\|b`")],
)
def test_code_spans(text: str, shown: str) -> None:
    assert code(text) == shown


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fenced("a\n```\nb") == ["````text", "a", "```", "b", "````"]
    assert fenced("") == ["```text", "```"]
