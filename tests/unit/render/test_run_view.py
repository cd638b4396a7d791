"""The live area: right figures, never wider or higher than the terminal, quick for any wave."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror.events import (
    ContentProgress,
    Event,
    PhaseDone,
    PhaseStarted,
    Progress,
    Stakes,
    WaveDone,
)
from gpmirror.render.progress import CopyBar, RunView, copies, pace, stakes_text, with_report
from gpmirror.render.text import columns_of, line
from tests.runs import ENDED, EVERY_EVENT, GB, WAVE, copying, report, synced


def after(*events: Event, color: bool = False) -> RunView:
    view = RunView(color=color)
    for event in events:
        view = view.after(event)
    return view


def live(view: RunView, width: int = 79, height: int = 23, since: float = 0.0) -> list[str]:
    return list(view.live(since=since, width=width, height=height))


def many(count: int, hosts: int, done: int = GB) -> Progress:
    found = (copying(number, done, host=f"sdw{number % hosts + 1}") for number in range(count))
    return report(10, *found)


def test_a_phase_shows_its_clock() -> None:
    view = after(PhaseStarted(phase="preflight"))
    assert live(view, since=12.4) == ["  preflight ...  12s"]
    assert live(view) == ["  preflight ..."]


@pytest.mark.parametrize(
    "event",
    [
        PhaseDone(phase="preflight", detail="", seconds=1),
        PhaseStarted(phase="confirm"),
        WaveDone(wave=1, waves=2, seconds=3),
        ENDED,
    ],
)
def test_nothing_is_live_when_nothing_goes_on(event: Event) -> None:
    assert live(after(PhaseStarted(phase="preflight"), WAVE, report(1, synced(0)), event)) == []


def test_a_wave_without_a_report_names_its_utility() -> None:
    assert live(after(WAVE), since=3) == ["  wave 1 of 2: gprecoverseg ...  3s"]


def test_bars_of_a_small_wave() -> None:
    view = after(
        WAVE,
        report(10, copying(0, 10 * GB), copying(3, None), copying(4, None, None), synced(5)),
        report(20, copying(0, 20 * GB), copying(3, None), copying(4, None, None), synced(5)),
    )
    assert live(view, since=1.2) == [
        "  content 0 on sdw2  [#######.......]   50%  20.0 of 40.0 GB  under 1 min left",
        "  content 3 on sdw2  [..............]        one live copy, 40.0 GB to copy",
        "  content 4 on sdw2  [..............]        one live copy",
        "  content 5 on sdw2  [##############]  100%  in sync",
        "  wave 1 of 2  1 of 4 in sync  21s  1.0 GB/s in all  gprecoverseg running",
    ]


@pytest.mark.parametrize(
    ("state", "words"), [("syncing", "catching up"), ("none", "no live copy"), ("synced", "in")]
)
def test_words_of_a_state(state: str, words: str) -> None:
    found = ContentProgress(content=0, state=state, done=None, total=None)  # type: ignore[arg-type]
    assert words in live(after(WAVE, report(1, found)))[0]


def test_the_catalog_alone_makes_a_copy_complete() -> None:
    first, *_ = live(after(WAVE, report(1, copying(0, 41 * GB))))
    assert "99%  40.0 of 40.0 GB" in first


def test_a_large_wave_is_shown_by_host() -> None:
    rows = live(after(WAVE, many(64, 4)))
    assert [row.split()[0] for row in rows] == ["sdw1", "sdw2", "sdw3", "sdw4", "wave"]
    assert "0 of 16 in sync  16.0 of 640.0 GB" in rows[0]


def test_hosts_without_room_are_counted_and_unfinished_ones_come_first() -> None:
    found = [synced(0, "sdw1"), *(copying(n, GB, host=f"sdw{n + 1}") for n in range(1, 40))]
    rows = live(after(WAVE, report(10, *found)), height=10)
    assert len(rows) <= 10
    assert rows[0].split()[0] == "sdw2"
    assert any("35 other hosts" in row for row in rows)


def test_contents_without_hosts_share_a_bar() -> None:
    found = [copying(number, GB, host=None) for number in range(20)]
    assert live(after(WAVE, report(10, *found)))[0].startswith("  20 contents")


def test_trouble_is_shown_and_the_unknown_is_said() -> None:
    found = replace(report(10, synced(0), trouble="connection lost"), utility_running=None)
    view = after(WAVE, found)
    assert live(view)[-1] == "  connection lost"
    assert "gprecoverseg: not known" in live(view)[-2]
    assert view.standing().endswith("(connection lost)\n")
    assert view.trouble() == "connection lost"


def test_before_anything_is_measured_the_plan_says_how_long() -> None:
    view = after(WAVE, report(300, copying(0, None), copying(3, None)))
    assert "  15 min left, as planned  " in view.standing()
    late = after(WAVE, report(1300, copying(0, None), copying(3, None)))
    assert "left" not in late.standing()
    measured = after(WAVE, report(10, copying(0, GB)), report(20, copying(0, 2 * GB)))
    assert "  7 min left  " in measured.standing() or "  6 min left  " in measured.standing()


def test_what_one_more_loss_would_cost_now_is_said() -> None:
    stakes = Stakes(single=(0, 3, 5), worst_host="sdw1", worst_host_loses=2)
    words = "losing sdw1 now would cost 2 contents; one live copy: 3 contents (0, 3, 5)"
    view = after(WAVE, replace(report(10, copying(0, GB)), stakes=stakes))
    assert live(view)[-1] == f"  {words}"
    assert view.standing().endswith(f"  ({words})\n")
    dead = replace(stakes, none=(4,))
    assert "; no live copy: 1 content (4); one live copy: 3 contents (" in stakes_text(dead)
    safe = Stakes(single=(), worst_host=None, worst_host_loses=0)
    view = after(WAVE, replace(report(10, synced(0)), stakes=safe))
    assert "losing" not in view.standing()
    assert len(live(view)) == 2


def test_standing_is_one_line_for_a_log() -> None:
    view = after(WAVE, report(0, copying(0, GB)), report(30, copying(0, 4 * GB)))
    assert view.standing() == (
        "  wave 1 of 2  0 of 1 in sync  30s  10% of 40.0 GB  6 min left  100.0 MB/s in all  "
        "gprecoverseg running\n"
    )
    assert after(WAVE).standing() == ""
    assert after(WAVE).trouble() is None


@given(
    width=st.integers(1, 200),
    height=st.integers(1, 60),
    count=st.integers(0, 60),
    hosts=st.integers(1, 50),
    host=st.text(max_size=40),
)
def test_the_area_fits_any_terminal(
    width: int, height: int, count: int, hosts: int, host: str
) -> None:
    found = [copying(n, n * GB, host=f"{host}{n % hosts}") for n in range(count)]
    view = after(WAVE, report(10, *found, trouble=host * 3))
    rows = live(view, width, height)
    assert len(rows) <= height
    assert all(columns_of(line(row)) <= width for row in rows)


def test_colour_changes_no_width() -> None:
    events = (WAVE, report(10, copying(0, 20 * GB), synced(3)))
    plain, painted = live(after(*events)), live(after(*events, color=True))
    assert len(plain) == len(painted)
    assert "\x1b[42m" in painted[0]


def test_events_that_stay_leave_the_view_alone() -> None:
    view = after(WAVE, report(1, synced(0)))
    assert view.after(EVERY_EVENT[4]) == view
    assert "warning" in view.stays(EVERY_EVENT[4])
    assert "warning" in view.logs(EVERY_EVENT[4])


def test_a_rate_is_taken_over_the_last_minute() -> None:
    window: tuple[Progress, ...] = ()
    for second in range(0, 200, 2):
        window = with_report(window, report(second, copying(0, second * GB // 10, 400 * GB)))
    assert window[-1].seconds - window[0].seconds <= 60
    assert len(window) <= 14
    together = pace(copies(window))
    assert together.rate == pytest.approx(GB / 10)
    assert together.left == pytest.approx((400 * GB - 19.8 * GB) / (GB / 10))


def test_the_slowest_copy_decides_and_an_unknown_one_forbids_a_guess() -> None:
    earlier = report(0, copying(0, 0), copying(1, 0), copying(2, None))
    now = report(10, copying(0, 20 * GB), copying(1, 10 * GB), copying(2, None))
    found = copies((earlier, now))
    assert pace(found[:2]).left == pytest.approx(30)
    assert pace(found).left is None
    assert pace(found).done is None


@pytest.mark.parametrize(
    "report_", [report(20, copying(0, GB)), report(20, copying(0, 9 * GB), wave=2)]
)
def test_a_copy_begun_anew_forgets_the_rate(report_: Progress) -> None:
    assert with_report((report(10, copying(0, 5 * GB)),), report_) == (report_,)


def test_nothing_copied_in_between_promises_nothing() -> None:
    found = copies((report(0, copying(0, GB)), report(10, copying(0, GB))))
    assert found == (CopyBar(report=copying(0, GB), rate=0.0, left=None),)
    assert "left" not in live(after(WAVE, report(0, copying(0, GB)), report(9, copying(0, GB))))[0]
