import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.plan.model import NativeRun, Plan
from gpmirror.plan.planfile import plan_text, read_plan
from gpmirror.plan.request import Request
from gpmirror.render.folding import parts
from gpmirror.render.plan import LEAST_WIDTH, guard_text, plan_human, rule_text, switched_texts
from gpmirror.render.text import NO_CHANGES, proof_text, summary_line
from gpmirror.render.waves import at_once_text, waves_title
from gpmirror.spec.model import Host, Pin, Policy
from tests import plans
from tests.clusters import PLACE, host, mirrored, mirrorless, planned, spec

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
    unseen = summary_line(replace(plans.unchanged(), review_only=True))
    assert unseen == "No changes. The catalog matches the spec; directories were not compared."
    assert summary_line(plans.recovering()).startswith("Plan: 0 to add, 0 to move, 1 to recover")


def test_a_long_path_goes_on_below_and_is_never_cut() -> None:
    plan = plans.adding()
    path = "/data/" + "very-long-name/" * 20 + "gpseg0"
    first = plan.changes[0]
    assert first.to is not None
    changed = replace(first, to=replace(first.to, directory=path))
    shown = plan_human(replace(plan, changes=(changed,)), width=80, color=False)
    assert path in re.sub(r"\n *", "", shown)
    assert max(map(len, shown.splitlines()[:-1])) <= 80


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


def test_many_waves_that_do_the_same_share_a_line() -> None:
    plan = plans.moving()
    first = plan.waves[0]
    waves = tuple(
        replace(first, number=number, native=(numbered(first.native[0], number),))
        for number in range(1, 21)
    )
    shown = plan_human(replace(plan, waves=waves), width=100, color=False)
    assert "Waves: 20 (" in shown
    assert "  1-20  ~ move  60, up to 3 each" in shown
    assert "$ gprecoverseg -a -i wave-[001-020]-gprecoverseg.conf" in shown
    unfolded = plan_human(replace(plan, waves=waves), width=100, color=False, verbose=True)
    assert unfolded.count("$ gprecoverseg -a -i wave-0") == 20


def numbered(run: NativeRun, number: int) -> NativeRun:
    name = f"wave-{number:03d}-gprecoverseg.conf"
    return replace(run, argv=(*run.argv[:-1], name), file_name=name)


def test_the_screen_opens_with_the_plan_in_one_line() -> None:
    first = [plan_human(MADE[name](), width=200, color=False).split("\n")[0] for name in MADE]
    assert first == [
        "gpmirror plan  prod-dwh: 8 to add; 1 wave; no --allow needed",
        "gpmirror plan  prod-dwh: 12 to move; 4 waves, 3.1 TB to copy; 4 hazards need --allow",
        "gpmirror plan  prod-dwh: 1 to recover, 1 blocked; 1 wave; no --allow needed",
        "gpmirror plan  prod-dwh: 1 to recover, 1 to rebalance; 2 waves; 1 hazard needs --allow",
        "gpmirror plan  prod-dwh: no changes",
        "gpmirror plan  prod-dwh: 2 to move; 3 waves; 1 hazard needs --allow",
        "gpmirror plan  digoal: 8 to add; 1 wave; for review only",
        "gpmirror plan  wide: 96 to add; 1 wave; no --allow needed",
    ]


def test_the_parts_stand_in_the_order_that_a_reviewer_reads() -> None:
    text = plan_human(plans.moving(), width=100, color=False)
    titles = [line for line in text.splitlines() if line and line[0].isupper()][:-1]
    assert [title.split(":")[0] for title in titles] == [
        "Hazards and guards",
        "Exposure",
        "Changes",
        "Waves",
        "Hosts",
        "Survival and policy",
        "Warnings",
    ]


def test_what_still_needs_allowing_stands_first() -> None:
    plan = plans.moving(Request(allow=("policy",)))
    text = plan_human(plan, width=300, color=False)
    hazards = text.partition("\nHazards and guards\n")[2].partition("\n\n")[0].splitlines()
    assert [": not allowed" in line.replace("; not", ": not") for line in hazards] == [
        True,
        True,
        True,
        False,
    ]


def test_dangers_name_the_flag_that_allows_them() -> None:
    flat = " ".join(plan_human(plans.moving(), width=100, color=False).split())
    assert "not allowed yet, --unprotect content:4 allows it" in flat
    assert "100 % exceeds limit 30 %; not allowed yet" in flat
    allowed = plans.moving(Request(allow=("guard:moves_percent",), unprotect=("content:4",)))
    flat = " ".join(plan_human(allowed, width=100, color=False).split())
    assert "allowed by --unprotect content:4" in flat
    assert "allowed by --allow guard:moves_percent" in flat


def test_a_guard_over_its_limit_that_is_not_judged_says_why() -> None:
    guard = next(g for g in plans.swapping().guards if g.name == "moves_percent")
    assert guard_text(guard, 10).endswith("50 %, limit 30 % applies from 10 contents on")
    # a plan of an earlier version does not say from how many on
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
    assert waves_title(plans.moving()) == "Waves: 4 (minimum under apply.waves)"
    assert waves_title(plans.adding()).startswith("Waves: 1 (gpaddmirrors ")
    assert (
        "gpaddmirrors adds all mirrors in one run: no limit of apply.waves divides it"
        in " ".join(plan_human(plans.adding(), width=100, color=False, verbose=True).split())
    )
    plan = plans.moving()
    more = replace(plan, exposure=replace(plan.exposure, bound=2))
    assert waves_title(more).startswith("Waves: 4 (2 is the minimum ")
    assert "the others free places" in waves_title(more)
    assert "König" not in plan_human(plan, width=100, color=False)
    assert "allow 4 (König bound)" in plan_human(plan, width=100, color=False, verbose=True)


def test_the_peak_of_the_exposure_is_told_with_the_worst_host() -> None:
    assert at_once_text(plans.moving()) == (
        "Peak exposure: 3 segments without a synchronized mirror; "
        "losing any one of sdw[1-3] would lose 1 of them."
    )
    plan = plans.moving()
    worst = replace(plan.exposure.waves[0], worst_hosts=("sdw3",))
    alone = replace(plan, exposure=replace(plan.exposure, waves=(worst,)))
    assert at_once_text(alone).endswith("the worst host (sdw3) would lose 1 of them.")
    adding = at_once_text(plans.adding())
    assert adding.startswith("Peak exposure: 8 segments ")
    assert adding.endswith("; losing any one host would lose 2 of them.")
    lucky = replace(plan, exposure=replace(plan.exposure, most_lost_with_one_host=0))
    assert at_once_text(lucky).endswith("; losing any one host would lose none of them.")
    dead = replace(plan, exposure=replace(plan.exposure, none=(4,)))
    assert "mirror (no live copy: 1 content (4)); losing" in at_once_text(dead)


def test_counts_of_none_are_not_told() -> None:
    """But for the fixed line at the end."""
    text = plan_human(plans.adding(), width=200, color=False)
    assert "8 contents, none mirrored" in text
    assert "moves_percent" not in text
    assert "a synchronized mirror: 8 -> 0" in text
    text = plan_human(plans.unchanged(), width=200, color=False)
    assert "8 contents, all mirrored" in text
    assert "segments without a synchronized mirror" not in text


def test_a_plan_that_is_read_again_says_the_same() -> None:
    plan = plans.adding()
    again = read_plan(plan_text(plan).encode(), "plan.json")
    assert again == plan
    assert again.exposure.waves[0].worst_hosts == ("sdw1", "sdw2", "sdw3", "sdw4")
    assert plan_human(again, width=100, color=False) == plan_human(plan, width=100, color=False)


def test_a_host_without_primaries_has_no_factor_of_its_own() -> None:
    """0 -> 4 primaries was told as x1.0."""
    ring = ["sdw1", "sdw2", "sdw3"]
    wanted = spec(ring, policy=Policy(max_load_factor=2.0))
    plan = planned(wanted, mirrorless(ring[:1], 4))
    flat = " ".join(plan_human(plan, width=80, color=False).split())
    assert flat.count("sdw2 0 -> 4 primaries (x1.0 of the average host's)") == 2
    assert "0 -> 4 primaries (x1.0)" in plan.policy[0].evidence


def test_mirrors_beside_their_primaries_are_mirrors() -> None:
    """A host alone was told as one without mirrors."""
    alone = replace(spec(["sdw1"]), allow_same_host=True)
    flat = " ".join(
        plan_human(planned(alone, mirrorless(["sdw1"], 2)), width=80, color=False).split()
    )
    assert "before: no mirrors to fail over to" in flat
    assert "after: no other host to fail over to" in flat


def test_a_rule_of_several_contents_is_told_in_their_number() -> None:
    (one,) = [part.ruled[0] for part in parts(plans.rebalancing()) if part.action == "rebalance"]
    assert rule_text(one).startswith("not in its preferred role: roles swap")
    two = replace(one, folds=(*one.folds, *one.folds))
    assert rule_text(two).startswith("not in their preferred roles: roles swap")


@pytest.mark.long
def test_eight_thousand_contents_are_rendered_in_bounded_text() -> None:
    shown = plan_human(plans.wide(8000), width=80, color=False)
    assert len(shown) < 5_000
    assert "sdw[001-3999] -> sdw[002-4000]" in shown


def test_temporary_places_are_all_told() -> None:
    plan = plans.swapping()
    step = plan.waves[0].steps[0]
    contents = tuple(range(0, 64, 2))
    steps = tuple(replace(step, content=content) for content in contents)
    wave = replace(plan.waves[0], contents=contents, steps=steps)
    shown = plan_human(replace(plan, waves=(wave,)), width=60, color=False)
    flat = " ".join(shown.partition("temporary places")[2].split())
    told = {
        content
        for text in re.findall(r"contents? ([0-9, ]+) ", flat)
        for content in map(int, text.split(", "))
    }
    assert told == set(contents)
    assert max(len(line) for line in shown.splitlines()[:-1]) <= 60


LEADS = ("sdw1", "sdw2", "sdw3", "sdw4")


def test_what_a_balanced_plan_proves_is_told_in_a_line() -> None:
    hosts = ("sdw1", "sdw2", "sdw3", "sdw4")
    first = planned(spec(hosts, "balanced"), mirrorless(hosts, 3))
    assert proof_text(first) == (
        "worst load x1.33 after losing any host, proven lowest of the layouts with fair shares"
    )
    ring = mirrored((*hosts, "sdw5"), 3)
    moved = proof_text(planned(spec((*hosts, "sdw5"), "balanced"), ring))
    assert moved is not None
    assert re.match(
        r"0 moves, proven fewest \(lower bound 0\); worst load x2.0 after losing", moved
    )
    assert moved.endswith("layouts with so few moves")
    assert proof_text(plans.moving()) is None


@pytest.mark.parametrize(
    ("hosts", "each", "why"),
    [
        ([*LEADS, "sdw5"], 3, "sdw5 holds 2 mirrors fewer than its share of 2 or 3"),
        ([*LEADS, "sdw5", "sdw6"], 3, "sdw[1-4] each hold 1 mirror more than their share of 2"),
        ([*LEADS[:3], host("sdw4", weight=0)], 2, "sdw4 holds 2 mirrors and is to hold none"),
    ],
)
def test_why_a_balanced_plan_moves_so_many_is_told(
    hosts: list[str | Host], each: int, why: str
) -> None:
    """Where shares alone take all the moves."""
    told = proof_text(planned(spec(hosts, "balanced"), mirrored(LEADS, each)))
    assert told is not None
    count = re.match(r"(\d) moves?, proven fewest \(lower bound \1\): ", told)
    assert count is not None, told
    assert why in told


def test_other_rules_that_take_moves_are_told() -> None:
    """Group on four hosts: full shares, yet a load of x2 and, by racks in pairs, mirrors that share one."""
    ring = mirrored(LEADS, 2)
    tight = replace(spec(LEADS, "balanced"), policy=Policy(max_load_factor=1.5))
    told = proof_text(planned(tight, ring)) or ""
    assert re.match(r"4 moves, .* 4\): the bound counts max_load_factor 1.5 \(.+\); worst", told), (
        told
    )
    racks = [host(name, rack=rack) for name, rack in zip(LEADS, "aabb", strict=True)]
    told = proof_text(planned(spec(racks, "balanced"), ring)) or ""
    assert re.match(r"4 moves, .* 4\): 4 mirrors leave the rack of their primary; worst", told), (
        told
    )


def test_no_reason_is_told_that_does_not_take_all_the_moves() -> None:
    """A pin that takes a mirror to where no share asks for one more."""
    pin = Pin(content=0, host="sdw4", place=PLACE)
    told = proof_text(planned(spec(LEADS, "balanced", pins=(pin,)), mirrored(LEADS, 3)))
    assert told is not None
    assert "moves, proven fewest (lower bound 2; 1 mirror pinned or protected); worst" in told
