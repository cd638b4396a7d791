import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.plan.model import Plan
from gpmirror.plan.request import Request
from gpmirror.render.human import LEAST_WIDTH, plan_human
from gpmirror.render.human_checks import guard_text, switched_texts
from gpmirror.render.human_waves import fewest_waves
from gpmirror.render.summary import NO_CHANGES, summary_line
from tests import plans

MADE: dict[str, Callable[[], Plan]] = {
    "adding": plans.adding,
    "moving": plans.moving,
    "recovering": plans.recovering,
    "rebalancing": plans.rebalancing,
    "unchanged": plans.unchanged,
    "swapping": plans.swapping,
    "founding": plans.founding,
    "wide": plans.wide,
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("width", [80, 160])
def test_golden(name: str, width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"{name}-{width}.txt", plan_human(MADE[name](), width=width, color=False))


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("width", [80, 100, 160])
def test_colour_adds_nothing_but_colour(name: str, width: int) -> None:
    plan = MADE[name]()
    coloured = plan_human(plan, width=width, color=True)
    bare = plan_human(plan, width=width, color=False)
    assert "\x1b" not in bare
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == bare.splitlines()
    assert coloured.count("\x1b[0m") == len(ANSI.findall(coloured)) / 2


@pytest.mark.parametrize("name", MADE)
def test_only_the_summary_and_unbreakable_words_pass_the_width(name: str) -> None:
    lines = plan_human(MADE[name](), width=80, color=False).splitlines()
    assert [line for line in lines[:-1] if len(line) > 80] == []


@pytest.mark.parametrize("name", MADE)
def test_the_summary_is_last(name: str) -> None:
    plan = MADE[name]()
    lines = plan_human(plan, width=80, color=False).splitlines()
    assert lines[-1] == summary_line(plan)
    assert lines[-2].startswith("plan ")


def test_the_wording_of_the_summary_is_fixed() -> None:
    assert summary_line(plans.adding()) == (
        "Plan: 8 to add, 0 to move, 0 to recover, 0 to rebalance; "
        "0 unchanged, 0 blocked, 0 switched."
    )
    assert summary_line(plans.unchanged()) == NO_CHANGES
    assert summary_line(plans.recovering()).startswith("Plan: 0 to add, 0 to move, 1 to recover")


def test_a_long_path_is_never_cut() -> None:
    plan = plans.adding()
    path = "/data/" + "very-long-name/" * 20 + "gpseg0"
    first = plan.changes[0]
    assert first.to is not None
    changed = replace(first, to=replace(first.to, directory=path))
    shown = plan_human(replace(plan, changes=(changed,)), width=60, color=False)
    assert path in shown


def test_names_cannot_steer_the_terminal() -> None:
    plan = plans.adding()
    evil = "a\x1b[2J\r\nPlan: 0 to add\u202e\u2028x"
    first = replace(plan.changes[0], primary=evil, reason=evil, source=evil)
    hostile = replace(
        plan, cluster=evil, spec_file=evil, changes=(first,), warnings=(evil,), selection=evil
    )
    for color in (True, False):
        shown = ANSI.sub("", plan_human(hostile, width=80, color=color))
        assert not set(shown) & set("\x1b\r\u202e\u2028")
        assert "\nPlan: 0 to add" not in shown[: shown.rindex("\nPlan:")]


@pytest.mark.parametrize("width", [0, 1, LEAST_WIDTH])
def test_a_tiny_terminal_gets_the_least_width(width: int) -> None:
    plan = plans.moving()
    assert plan_human(plan, width=width, color=False) == plan_human(
        plan, width=LEAST_WIDTH, color=False
    )


def test_a_partial_plan_says_so_at_the_top() -> None:
    plan = plans.moving(Request(contents=frozenset({3})))
    head = plan_human(plan, width=100, color=False).split("\n\n")[0]
    assert "PARTIAL PLAN: only content 3;" in head


def test_a_review_only_plan_says_so_at_the_top() -> None:
    head = plan_human(plans.founding(), width=100, color=False).split("\n\n")[0]
    assert "REVIEW ONLY" in head


def test_a_long_list_is_cut_with_the_number_left_out() -> None:
    shown = plan_human(plans.wide(), width=100, color=False)
    assert shown.count("+ add  ") == 20
    assert "76 add changes not listed here" in shown
    assert "`gpmirror show PLAN --format json` lists all 96" in shown


def test_many_waves_are_cut_with_the_number_left_out() -> None:
    plan = plans.moving()
    waves = tuple(replace(plan.waves[0], number=number) for number in range(1, 21))
    shown = plan_human(replace(plan, waves=waves), width=100, color=False)
    assert "20 waves" in shown
    assert "... 15 waves not listed here" in shown


def test_dangers_name_the_flag_that_allows_them() -> None:
    flat = " ".join(plan_human(plans.moving(), width=100, color=False).split())
    assert "not allowed yet, --unprotect content:4 allows it" in flat
    assert "100 % exceeds limit 30 %; not allowed yet, --allow guard:moves_percent" in flat
    allowed = plans.moving(Request(allow=("guard:moves_percent",), unprotect=("content:4",)))
    flat = " ".join(plan_human(allowed, width=100, color=False).split())
    assert "allowed by --unprotect content:4" in flat
    assert "limit 30 %; allowed by --allow guard:moves_percent" in flat


def test_a_guard_over_its_limit_that_is_not_judged_says_why() -> None:
    guard = next(g for g in plans.swapping().guards if g.name == "moves_percent")
    assert guard_text(guard) == "moves_percent: 50 %, limit 30 % not judged: too few contents"
    unknown = replace(guard, value=None, exceeded=True)
    assert guard_text(unknown).startswith("moves_percent: unknown exceeds limit")
    assert "0 contents within limit 3 contents" in guard_text(
        replace(guard, value=0, limit=3, unit="contents")
    )


def test_switched_contents_are_listed_unless_they_return() -> None:
    assert switched_texts(plans.recovering()) == [
        "content 3: plan with `--rebalance` to return them"
    ]
    assert switched_texts(plans.rebalancing()) == []
    assert switched_texts(plans.unchanged()) == []


def test_the_number_of_waves_is_compared_with_the_fewest() -> None:
    assert fewest_waves(plans.moving()) == (
        "most waves needed: 4 (König bound) + depth 0, planned 4"
    )
    assert fewest_waves(plans.adding()) == ""


def test_eight_thousand_contents_are_rendered_in_bounded_text() -> None:
    shown = plan_human(plans.wide(8000), width=80, color=False)
    assert len(shown) < 20_000
    assert "7,980 add changes not listed here" in shown


def test_contents_and_stop_overs_of_a_large_wave_stay_within_the_width() -> None:
    plan = plans.swapping()
    step = plan.waves[0].steps[0]
    contents = tuple(range(0, 64, 2))
    steps = tuple(replace(step, content=content) for content in contents)
    wave = replace(plan.waves[0], contents=contents, steps=steps)
    shown = plan_human(replace(plan, waves=(wave,)), width=60, color=False)
    assert "  wave 1  ~ move: 32 contents\n    content 0, 2, 4," in shown
    assert "... 28 temporary slots not listed here" in shown
    waves = shown.partition("wave 1")[2].partition("Hosts")[0].splitlines()
    assert [text for text in waves if len(text) > 60] == []
