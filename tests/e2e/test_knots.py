"""The target host of a move dies in the first wave and comes back: `resume`, `prune`, `apply` and
`apply --rebalance` alone lead to the layout, every copy in sync on the way to it.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpmirror.lab.faults import Faults, clear_faults, set_faults, slow
from tests.e2e.attacks import MARKS, Site, site_on
from tests.labs import Practice

pytestmark = [pytest.mark.long, *MARKS, pytest.mark.xdist_group("refused")]
ALLOWED = ("--allow", "guard:moves_percent")
RING = ("sdw1", "sdw2", "sdw3", "sdw4")
RETURN = ("--rebalance", "--allow", "cancels-queries")


@pytest.fixture
def site(shared_labs: Callable[..., Practice], tmp_path: Path) -> Iterator[Site]:
    practice = shared_labs(dialect="gp6", hosts=4, primaries=2, addresses=1)
    practice.reset()
    with site_on(practice, tmp_path) as found:
        yield found
        clear_faults(practice.state)
        practice.reset()


def want(site: Site, strategy: str) -> None:
    site.write_spec(ring=RING)
    spec = site.folder / "gpmirror.yaml"
    text = spec.read_text(encoding="utf-8")
    spec.write_text(text.replace("strategy: group", f"strategy: {strategy}"), encoding="utf-8")


def test_a_host_that_died_and_came_back_leaves_no_knot(site: Site) -> None:
    want(site, "spread")
    done = site.gpmirror("apply", "--yes")
    assert done.returncode == 0, done.stderr
    want(site, "group")
    set_faults(site.practice.state, Faults(slow_copy=slow(30)))
    running = site.start("apply", "--yes", *ALLOWED)
    site.wait_native(running, "wave-001-gprecoverseg")
    site.practice.wait(lambda: bool(begun(site)))
    assert site.practice.gpmirror("lab", "kill", "sdw2").returncode == 0
    running.end(300)
    clear_faults(site.practice.state)
    assert site.practice.gpmirror("lab", "restore", "sdw2").returncode == 0
    told = [site.gpmirror("resume", "--yes", *ALLOWED)]
    for _ in range(4):
        told.append(site.gpmirror("apply", "--yes", *ALLOWED))
        told.append(site.gpmirror("apply", "--yes", *ALLOWED, *RETURN))
        # a copy may have been cut off at its new place, before the catalog knew of it
        told += [site.gpmirror("prune", run.name, "--yes") for run in site.runs()]
        if site.gpmirror("plan", "--detailed-exitcode").returncode == 0:
            break
    story = "\n".join(f"{one.returncode}: {one.stdout}{one.stderr}" for one in told)
    for extra in ((), ("--rebalance",)):
        assert site.gpmirror("plan", "--detailed-exitcode", *extra).returncode == 0, story
    assert site.gpmirror("status").returncode == 0, story
    assert not begun(site), story


def begun(site: Site) -> set[Path]:
    """Copies on sdw2 that no server ever started from, WAL and all."""
    labels = site.host("sdw2").data.glob("mirror/*/backup_label")
    return {label.parent for label in labels if any(label.parent.glob("pg_wal/0*"))}


def test_copies_that_were_cut_off_at_new_places_hold_nobody_up(site: Site) -> None:
    """Their contents have one copy, and half a one stands where the other is to come: `resume`
    clears it away, also where it is cut off itself.
    """
    want(site, "spread")
    done = site.gpmirror("apply", "--yes")
    assert done.returncode == 0, done.stderr
    want(site, "group")
    set_faults(site.practice.state, Faults(fail_copy=tuple(range(8))))
    done = site.gpmirror("apply", "--yes", *ALLOWED)
    assert done.returncode == 10, done.stdout + done.stderr
    clear_faults(site.practice.state)
    left = cut_off(site)
    assert left
    asked = site.gpmirror("resume")
    assert asked.returncode == 8, asked.stderr
    assert "Cleared first: " in asked.stderr
    assert cut_off(site) == left, "nothing goes without a yes"
    done = site.gpmirror("resume", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "at places that the catalog does not know" in done.stderr
    assert not cut_off(site)
    assert site.gpmirror("status").returncode == 0
    assert site.gpmirror("plan", "--detailed-exitcode").returncode == 0


def cut_off(site: Site) -> set[Path]:
    """Copies on any host that no server ever started from, or that were set aside."""
    hosts = [site.host(name).data for name in RING]
    labels = {label.parent for data in hosts for label in data.glob("mirror/*/backup_label")}
    return labels | {path for data in hosts for path in data.glob("mirror/*.gpmirror-*")}
