"""What a person sees before a run and after it."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from gpmirror.errors import ExitCode
from gpmirror.plan.model import Plan
from gpmirror.plan.planfile import plan_id, plan_text, read_plan
from gpmirror.plan.request import Request
from gpmirror.render.html import plan_html
from gpmirror.render.markdown import plan_markdown
from gpmirror.render.plan import plan_human
from gpmirror.render.run import RunRow, outcomes, preview, question, runs_table, summary
from gpmirror.spec.model import CoordinatorAddress
from gpmirror.verify import ContentHealth, CopyState, Health
from tests.clusters import mirrored, planned, spec
from tests.forging import sealed
from tests.plans import HOSTS, adding, founding, moving, rebalancing, recovering, swapping, wide
from tests.runs import ENDED, RUN, health

PLANS = {
    "adding": adding,
    "founding": founding,
    "moving": moving,
    "rebalancing": rebalancing,
    "recovering": recovering,
    "swapping": swapping,
}
FIXED = ("Plan: ", "Apply these", "Apply complete")
"""Lines whose words are fixed and may be longer than a terminal."""


def changed(found: Health, content: int, **facts: object) -> Health:
    """The health with one content in another state."""
    return Health(
        contents=tuple(
            replace(one, **facts) if one.content == content else one  # type: ignore[arg-type]
            for one in found.contents
        )
    )


def test_a_content_whose_utility_goes_on_is_running() -> None:
    """After the second Ctrl-C (6.24.3: a move whose utility ran was told as not started)."""
    plan = moving()
    first, *rest = plan.waves[0].contents
    states = {one.health.content: one.state for one in outcomes(plan, health(plan), {first})}
    assert states[first] == "running"
    assert "running" not in {states[content] for content in rest}
    ended = replace(ENDED, exit_code=130, summary="detached: gprecoverseg goes on by itself on mdw")
    text = summary(ended, health(plan), plan, underway=plan.waves[0].contents)
    assert text.count("  running  ") == len(plan.waves[0].contents)
    assert "its utility goes on" in text


def test_preview_of_moves() -> None:
    text = preview(moving(), width=80)
    assert text.startswith(
        "gpmirror apply  prod-dwh: 12 to move; 4 waves, 3.1 TB to copy; 4 hazards need\n"
        "  --allow\n"
        "  server       gp6 (6.24.3)\n"
        f"  plan         {plan_id(moving())[:12]} made from gpmirror.yaml\n"
        "  coordinator  mdw\n"
        "  hosts        3 hosts to get copies: sdw[2-4]; 1 host that mirrors leave: sdw1\n"
    )
    assert (
        "    sdw1 -> sdw4  contents 8-11 of sdw3  ports 7000-7003\n"
        "                  /data/mirror/gpseg{content} ->\n"
        "                    /data[1-2]/mirror/gpseg{content} in turn\n"
        "\n"
        "Waves: 4 (minimum under apply.waves)\n"
        "  wave  action  contents      to copy   time        unmirrored  host loss costs\n"
        "     1  ~ move  3 (3, 7, 11)  960.0 GB  1 h 21 min           3  up to 1\n"
    ) in text
    assert "        $ gprecoverseg -a -i wave-004-gprecoverseg.conf\n\nHazards and guards\n" in text


@pytest.mark.parametrize("plan", PLANS.values(), ids=list(PLANS))
@pytest.mark.parametrize("width", [40, 80, 200])
def test_preview_fits_and_ends_with_the_summary(plan: object, width: int) -> None:
    found: Plan = plan()  # type: ignore[operator]
    lines = preview(found, width=width).splitlines()
    assert lines[-1].startswith("Plan: ")
    # only a word that is longer than the line may stand out
    assert all(len(one) <= width or len(one.split()) <= 2 for one in lines[:-1])
    assert "\x1b" not in preview(found, width=width)
    assert all(hazard.flag in " ".join(" ".join(lines).split()) for hazard in found.hazards)


def test_preview_of_a_large_plan_fits_a_screen() -> None:
    assert len(preview(wide(400), width=80).splitlines()) <= 27


def moving_part() -> Plan:
    request = Request(contents=frozenset({0}))
    return planned(spec(HOSTS, "spread"), mirrored(HOSTS, 2), request)


def test_many_warnings_are_counted() -> None:
    remarks = tuple(f"remark {n}" for n in range(9))
    text = preview(replace(adding(), warnings=remarks))
    assert all(remark in text for remark in remarks), "the planner's own"
    text = preview(replace(adding(), warnings=remarks, unproved=remarks))
    assert "from the file: remark 3" in text
    assert "remark 4" not in text
    assert "... 5 warnings more from the file" in text


def test_the_words_of_a_file_push_no_warning_out() -> None:
    """Any remark may stand in a plan file, in any order, as often as it likes."""
    plan = moving_part()
    real = [text for text in plan.warnings if "outside the selection" in text]
    assert real
    flood = tuple(f"all is well {n}" for n in range(50))
    body = json.loads(plan_text(plan))
    body["warnings"] = [*flood, *plan.warnings, *plan.warnings, *flood]
    # the words of the catalog are the file's too, also where they repeat a real warning
    body["catalog"]["notes"] = [*flood, *real]
    body["warnings"] = [*body["catalog"]["notes"], *body["warnings"]]
    read = read_plan(sealed(body), "plan.json")
    for text in (preview(read, width=200),):
        assert f"  {real[0]}\n" in text
        assert text.count(real[0]) == 1
        assert text.index(real[0]) < text.index("from the file: all is well 0")
        assert "  all is well" not in text
    assert preview(read, width=200).count("all is well") == 4
    assert plan_id(read) == json.loads(sealed(body))["plan_id"]


def test_no_remark_scrolls_a_danger_away() -> None:
    flood = " ".join(["all is well"] * 10_000)
    plan = replace(rebalancing(), warnings=(flood, flood), spec_file=flood)
    assert plan.hazards
    text = preview(plan, width=80)
    assert len(text.splitlines()) <= 60
    assert text.index("Hazards and guards") > text.rindex("all is well")


@pytest.mark.parametrize(
    "told",
    [
        lambda plan: preview(plan, width=200),
        lambda plan: plan_human(plan, width=200, color=False),
        plan_markdown,
        plan_html,
    ],
)
def test_whatever_a_plan_allows_in_advance_is_told(told: Callable[[Plan], str]) -> None:
    """Of these the plan shows no hazard: the look at the hosts finds them, after the question."""
    flood = [f"unchecked:{'x' * n}" for n in range(1, 60)]
    quiet = ("dead-lock", "low-space", "unchecked:ports", "guard:bytes", "unprotect:host:sdw1")
    plan = replace(adding(), allowed=tuple(sorted({*quiet, "same-machine", *flood})))
    text = told(plan)
    for name in plan.allowed:
        assert f"{name}: allowed in advance by the plan: " in text
    assert text.index("dead-lock: ") < text.index("unchecked:")
    assert "allowed in advance" not in told(adding())


def test_what_a_shown_hazard_tells_is_not_told_twice() -> None:
    plan = rebalancing()
    names = {hazard.name for hazard in plan.hazards}
    hazards = tuple(replace(hazard, allowed=True) for hazard in plan.hazards)
    allowed = replace(plan, allowed=tuple(sorted(names)), hazards=hazards)
    assert names
    assert "allowed in advance" not in preview(allowed)


def test_the_server_that_was_connected_to_is_told() -> None:
    """A plan file's own word on it does not count where the operator has another."""
    settings = replace(adding().settings, coordinator=CoordinatorAddress(host="harmless", port=1))
    plan = replace(adding(), settings=settings)
    assert "  coordinator  harmless:1\n" in preview(plan)
    told = preview(plan, server="prod-mdw:5432")
    assert "  coordinator  prod-mdw:5432\n" in told
    assert "harmless" not in told


def test_the_command_of_a_later_kind_of_wave_is_shown() -> None:
    plan = rebalancing()
    recover, back = plan.waves[0], plan.waves[-1]
    assert recover.action is not back.action
    many = replace(plan, waves=(recover,) * 12 + (back,))
    assert " ".join(back.native[0].argv) in preview(many, width=200)


def test_what_limits_the_plan_is_said() -> None:
    assert "REVIEW ONLY" in preview(founding())
    assert "PARTIAL PLAN: only content 3" in preview(replace(adding(), selection="content 3"))


def test_the_rest_of_a_run_is_no_partial_plan() -> None:
    told = preview(replace(adding(), selection="content 3"), rest_of=RUN)
    assert f"  the rest of run {RUN}\n" in told
    assert "PARTIAL PLAN" not in told


def test_hosts_whose_roles_swap_are_not_left() -> None:
    told = preview(rebalancing(), width=200)
    assert "hosts        1 host to get copies: sdw2; roles swap on 2 hosts: sdw[2-3]\n" in told
    assert "mirrors leave" not in told


def test_lines_of_a_refusal_are_lines() -> None:
    words = "in the way:\n  /tmp/gpexpand.status"
    ended = replace(ENDED, exit_code=ExitCode.PARTIAL, summary=words, next_actions=("a\nresume",))
    assert summary(ended) == f"{words}\n\nNEXT ACTIONS\n  a\n  resume\n"


@pytest.mark.parametrize(("state", "waits"), [(CopyState.SYNCING, True), (CopyState.SINGLE, False)])
def test_only_what_is_syncing_is_waited_for(state: CopyState, waits: bool) -> None:
    found = health(moving(), c1=state)
    told = summary(replace(ENDED, exit_code=ExitCode.UNVERIFIED, summary="no"), found, moving())
    assert ("status --wait" in told) is waits


def test_the_question_is_fixed() -> None:
    assert question(adding()) == (
        "After your yes every host is checked before anything changes.\nApply these changes to cluster prod-dwh? Only 'yes' is accepted:"
    )


def test_what_the_run_says_itself_is_kept() -> None:
    ended = replace(ENDED, summary="already applied (run R), 0 changes", next_actions=("do this",))
    assert summary(ended) == ("already applied (run R), 0 changes\n\nNEXT ACTIONS\n  do this\n")


def test_a_partly_done_run_is_told_honestly() -> None:
    plan = moving()
    found = health(plan, c1=CopyState.SINGLE, c2=CopyState.SYNCING, c3=CopyState.NONE)
    found = changed(found, 4, mirror="sdw3:7999")
    ended = replace(ENDED, exit_code=ExitCode.PARTIAL, summary="the utility failed")
    same = "moved or not: host and port are the same"
    assert summary(ended, found, plan, width=110) == (
        "  4 contents done and in sync: 8-11\n"
        "          content  state         primary    mirror now  why\n"
        f"  ~ move        0  in sync       sdw1:6000  sdw2:7000   {same}\n"
        "  ~ move        1  down          sdw1:6001  sdw2:7001   mirror down since 10:02\n"
        "  ~ move        2  catching up   sdw1:6002  sdw2:7002   mirror down since 10:02\n"
        "  ~ move        3  no live copy  sdw1:6003  sdw2:7003   mirror down since 10:02\n"
        "  ~ move        4  not started   sdw2:6000  sdw3:7999\n"
        f"  ~ move        5  in sync       sdw2:6001  sdw3:7001   {same}\n"
        f"  ~ move        6  in sync       sdw2:6002  sdw3:7002   {same}\n"
        f"  ~ move        7  in sync       sdw2:6003  sdw3:7003   {same}\n"
        "\n"
        "the utility failed\n"
        "\n"
        "NEXT ACTIONS\n"
        f"  `gpmirror resume {RUN}` goes on from what the catalog shows\n"
    )


@pytest.mark.parametrize(
    ("mirror", "state", "word"),
    [
        (None, CopyState.SINGLE, "not started"),
        ("sdw2:7000", CopyState.SYNCED, "done"),
        ("sdw2:7000", CopyState.SINGLE, "down"),
        ("elsewhere:1", CopyState.SYNCED, "not started"),
        ("elsewhere:1", CopyState.NONE, "no live copy"),
    ],
)
def test_state_of_an_added_mirror(mirror: str | None, state: CopyState, word: str) -> None:
    found = changed(health(adding()), 0, mirror=mirror, state=state)
    assert next(iter(outcomes(adding(), found))).state == word


def test_a_returned_role_is_done_and_a_switched_one_is_not() -> None:
    plan = rebalancing()
    content = next(change.content for change in plan.changes if change.action == "rebalance")
    states = {
        is_switched: next(
            one.state
            for one in outcomes(plan, changed(health(plan), content, switched=is_switched))
            if one.health.content == content
        )
        for is_switched in (False, True)
    }
    assert states == {False: "done", True: "not started"}


def test_what_the_plan_does_not_touch_is_told_when_it_is_in_trouble() -> None:
    plan = adding()
    one = ContentHealth(
        content=99,
        state=CopyState.SINGLE,
        reason="",
        switched=False,
        primary="sdw9:6000",
        mirror="sdw1:7000",
    )
    found = Health(contents=(*health(plan).contents, one))
    ended = replace(ENDED, exit_code=ExitCode.UNVERIFIED)
    text = summary(ended, found, plan)
    assert "99  down" in text
    assert "not in this plan" in text
    assert "`gpmirror status` shows the copies" in text


def test_switched_roles_are_a_next_action_once() -> None:
    found = changed(health(adding()), 3, switched=True)
    text = summary(ENDED, found, adding())
    assert (
        "NEXT ACTIONS\n  content 3 is not in its preferred role: return it with `gpmirror apply"
        in text
    )
    told = summary(replace(ENDED, next_actions=("run `plan --rebalance`",)), found, adding())
    assert told.count("--rebalance") == 1


def test_many_unfinished_contents_are_counted() -> None:
    plan = wide(96)
    found = Health(contents=tuple(replace(one, mirror=None) for one in health(plan).contents))
    text = summary(replace(ENDED, exit_code=ExitCode.PARTIAL), found, plan)
    assert "... 76 contents more not done: 20-95" in text
    assert len(text.splitlines()) < 40


def test_colour_marks_failure() -> None:
    assert "\x1b[31m" in summary(replace(ENDED, exit_code=10), color=True)
    assert "\x1b[31m" not in summary(replace(ENDED, summary="fine"), color=True)


def test_table_of_runs() -> None:
    row = RunRow(
        run=RUN,
        started="2026-11-21 09:12",
        cluster="prod-dwh",
        state="partial",
        plan="9c41d7ab12cd",
        waves_done=1,
        waves=3,
    )
    assert runs_table([row], width=80) == (
        "run                    started           cluster   state    plan      waves\n"
        "20261121T091203Z-4f2a  2026-11-21 09:12  prod-dwh  partial  9c41d7ab  1 of 3\n"
    )
    assert "\x1b[33mpartial" in runs_table([row], color=True)
    assert runs_table([]).startswith("no runs yet")
