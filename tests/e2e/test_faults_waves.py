"""A move in three waves, stopped and hit between and within waves; and what `resume` refuses."""

import itertools
import json
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.e2e.attacks import AHEAD, BACK, BACKWARDS, GROUP, MARKS, Ended, Running, Site, site_on
from tests.labs import Practice

pytestmark = [pytest.mark.long, *MARKS, pytest.mark.xdist_group("refused")]
ONE_BY_ONE = "apply: {waves: {max_contents: 1}}\n"
FIRST = "wave-001-gprecoverseg"
PLACES = itertools.count(1)
"""Old directories are kept, so every test moves the mirrors to places of its own."""


@pytest.fixture(scope="module")
def mirrored(
    shared_labs: Callable[..., Practice], tmp_path_factory: pytest.TempPathFactory
) -> Practice:
    practice = shared_labs(dialect="gp6", hosts=3, primaries=1, addresses=1)
    practice.reset()
    with site_on(practice, tmp_path_factory.mktemp("add")) as site:
        done = site.gpmirror("apply", "--yes")
        assert done.returncode == 0, done.stderr
    return practice


@pytest.fixture
def site(mirrored: Practice, tmp_path: Path) -> Iterator[Site]:
    """Three mirrors in sync; the spec wants all of them moved to the other host, one a wave."""
    with site_on(mirrored, tmp_path) as found:
        ahead = found.in_sync(GROUP)
        assert ahead or found.in_sync(BACKWARDS), found.mirrors()
        place = next(PLACES)
        ring = BACK if ahead else AHEAD
        found.write_spec(ring=ring, offset=1000 + place, root=f"mirror{place}", more=ONE_BY_ONE)
        found.wanted = BACKWARDS if ahead else GROUP
        yield found
        clear_faults(mirrored.state)
        if not found.in_sync(found.wanted):
            if found.runs():
                found.gpmirror("resume", "--yes")
            found.gpmirror("apply", "--yes")


ALLOWED = ("--allow", "guard:moves_percent")


def moving(site: Site, *words: str) -> Running:
    """An apply whose first utility runs."""
    set_faults(site.practice.state, Faults(slow_copy=slow(1.5)))
    running = site.start("apply", "--yes", *ALLOWED, *words)
    site.wait_native(running, FIRST)
    return running


def complete(site: Site, done: Ended) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.in_sync(site.wanted), site.mirrors()
    assert site.gpmirror("plan", "--detailed-exitcode").returncode == 0


def moved(site: Site) -> int:
    """Mirrors at their new place and in sync."""
    rows = site.mirrors()
    return sum(
        (mode, status, host) == ("s", "u", wanted)
        for (_, mode, status, host, _), wanted in zip(rows, site.wanted, strict=True)
    )


def test_one_interrupt_finishes_the_wave(site: Site) -> None:
    running = moving(site)
    running.interrupt()
    done = running.end()
    assert done.returncode == 10, done.stdout + done.stderr
    assert "interrupted: finishing this wave, then stopping" in done.stderr
    assert "stopped after wave 1 of 3, as asked" in done.stderr
    assert f"gpmirror resume {site.run}" in done.stderr
    assert moved(site) == 1
    clear_faults(site.practice.state)
    complete(site, site.gpmirror("resume"))


def test_two_interrupts_leave_the_utility_running(site: Site) -> None:
    before = site.starts("gprecoverseg")
    running = moving(site)
    running.interrupt()
    running.wait_for("interrupted: finishing")
    running.interrupt()
    done = running.end()
    assert done.returncode == 130
    assert "goes on by itself on mdw" in done.stdout + done.stderr
    clear_faults(site.practice.state)
    complete(site, site.gpmirror("resume", site.run))
    assert site.starts("gprecoverseg") - before == 3, "one a content"


def test_stop_after_a_wave_then_resume(site: Site) -> None:
    done = site.gpmirror("apply", "--yes", *ALLOWED, "--stop-after-wave", "1")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "stopped after wave 1 of 3, as --stop-after-wave says" in done.stderr
    assert moved(site) == 1
    _check_refusals(site, site.run)
    complete(site, site.gpmirror("resume"))


def test_what_was_allowed_at_the_start_holds_for_the_rest(site: Site) -> None:
    spec = site.folder / "gpmirror.yaml"
    offset = 40_000 - site.lab.primary_port  # where the kernel hands out ports
    spec.write_text(re.sub(r"offset: \d+", f"offset: {offset}", spec.read_text()))
    stopping = ("apply", "--yes", *ALLOWED, "--stop-after-wave", "1")
    refused = site.gpmirror(*stopping)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "--allow ephemeral-port" in refused.stderr
    done = site.gpmirror(*stopping, "--allow", "ephemeral-port")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "allowed for this run: ephemeral-port, guard:moves_percent" in (
        site.gpmirror("runs", site.run).stdout
    )
    complete(site, site.gpmirror("resume"))


def test_killed_between_waves(site: Site) -> None:
    running = site.start("apply", "--yes", *ALLOWED)
    site.wait_step(running, "wave-002/gate")
    running.kill()
    complete(site, site.gpmirror("resume"))


def test_what_another_machine_finished_and_took_back_is_not_done_again(site: Site) -> None:
    """Killed here, resumed there, and there the mirrors were moved back."""
    before = site.mirrors()
    running = site.start("apply", "--yes", *ALLOWED)
    site.wait_step(running, "wave-002/gate")
    running.kill()
    there = {"XDG_STATE_HOME": str(site.folder / "another machine")}
    run = site.run
    for words in (
        ("resume", run, "--yes", *ALLOWED),
        ("prune", run, "--yes"),
        ("revert", run, "-o", "back.json", *ALLOWED),
        ("apply", "back.json", "--yes"),
    ):
        done = site.gpmirror(*words, more=there)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
    assert site.mirrors() == before
    site.wanted = GROUP if site.in_sync(GROUP) else BACKWARDS
    for again in (("resume", run), ("resume", run, "--yes"), ("resume", "--yes")):
        done = site.gpmirror(*again)
        assert done.returncode == 1, (again, done.stdout, done.stderr)
        assert f"run {run} goes on as run " in done.stderr or "can be resumed" in done.stderr
    assert site.mirrors() == before
    journal = (site.state / run / "journal.jsonl").read_text(encoding="utf-8")
    assert journal.count('"record": "resumed"') == 1, "what was written there"


def _check_refusals(site: Site, run: str) -> None:
    """The same run with its files damaged in every way, in copies of the state directory."""
    damages: list[tuple[str, Callable[[Path], object], int, str]] = [
        ("empty", lambda run: (run / "journal.jsonl").write_text(""), 1, "is not a journal"),
        ("noise", lambda run: (run / "journal.jsonl").write_bytes(b"\xff\0{" * 99), 1, "journal"),
        ("gone", lambda run: (run / "journal.jsonl").unlink(), 1, "No such file"),
        ("renamed", _of_another_run, 1, "is the journal of run"),
        ("no plan", lambda run: (run / "plan.json").unlink(), 1, "plan.json"),
        ("cut plan", lambda run: _rewrite(run / "plan.json", lambda text: text[:-90]), 3, "plan"),
        ("edited", _edited, 3, "plan"),
        ("other plan", lambda run: shutil.copy(_other_plan(site), run / "plan.json"), 1, "begun"),
        ("folder", _folder_for_journal, 1, "journal.jsonl"),
    ]
    before = site.mirrors()
    for name, damage, code, words in damages:
        state = site.folder / f"damaged {name}"
        shutil.copytree(site.folder / "state", state)
        damage(state / "gpmirror" / "runs" / run)
        done = site.gpmirror("resume", run, "--yes", more={"XDG_STATE_HOME": str(state)})
        assert done.returncode == code, (name, done.stdout, done.stderr)
        assert words in done.stderr, (name, done.stderr)
        assert "Traceback" not in done.stderr
        listed = site.gpmirror("runs", more={"XDG_STATE_HOME": str(state)})
        assert listed.returncode == 0, (name, listed.stderr)
    assert site.mirrors() == before


def _of_another_run(run: Path) -> None:
    _rewrite(run / "journal.jsonl", lambda text: text.replace(run.name, f"{run.name[:-6]}000000"))


def _edited(run: Path) -> None:
    _rewrite(run / "plan.json", lambda text: text.replace('"sdw1"', '"sdw2"', 1))


def _folder_for_journal(run: Path) -> None:
    (run / "journal.jsonl").unlink()
    (run / "journal.jsonl").mkdir()


def _rewrite(file: Path, change: Callable[[str], str]) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(change(text), encoding="utf-8")
    assert file.read_text(encoding="utf-8") != text


def _other_plan(site: Site) -> Path:
    """A plan of this cluster that is not this run's."""
    site.plan("other.json")
    return site.folder / "other.json"


def test_a_journal_cut_off_in_mid_record_is_no_harm(site: Site) -> None:
    running = moving(site)
    running.kill()
    clear_faults(site.practice.state)
    journal = site.state / site.run / "journal.jsonl"
    with journal.open("a", encoding="utf-8") as file:
        file.write('{"seq": 99, "record": "st')
    complete(site, site.gpmirror("resume"))
    lines = journal.read_text(encoding="utf-8").splitlines()
    whole = [line for line in lines if line.endswith("}")]
    assert len(lines) - len(whole) == 1
    assert json.loads(whole[-1])["record"] == "end"


def test_an_interrupt_while_directories_are_made(site: Site) -> None:
    """Before the first wave there is nothing to finish."""
    running = site.start("apply", "--yes", *ALLOWED)
    site.wait_step(running, "host-actions")
    running.interrupt(signal.SIGINT)
    done = running.end()
    assert done.returncode == 10, done.stdout + done.stderr
    assert "stopped " in done.stderr
    assert moved(site) <= 1
    complete(site, site.gpmirror("resume"))
