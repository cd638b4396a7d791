"""Plan, review, apply the plan file: one story, and all that must hold after it."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.e2e.clusters import Cluster, laid_out, wanted

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]
_SCHEMA = Path(__file__).parents[2] / "schemas" / "events.schema.json"
_HELD_SECONDS = 12
_HEARTBEAT_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What happened: the plan, the event lines, what was said, every command line seen meanwhile."""

    plan: Any
    lines: list[str]
    said: str
    commands: frozenset[bytes] = field(repr=False)
    secret: str
    run: str
    held: float

    @property
    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(scope="module")
def story(cluster: Cluster) -> Story:
    secret = cluster.environment().get("PGPASSWORD", "sentinel-secret")
    cluster.write_spec("group")
    plan = cluster.plan(*cluster.allowing())
    held = cluster.hold_copies(_HELD_SECONDS)
    known = cluster.runs()
    with _watched_processes() as commands:
        words = ("plan.json", "--yes", "--json")
        done = cluster.gpmirror("apply", *words, more={"PGPASSWORD": secret})
    assert done.returncode == 0, done.stderr
    (run,) = set(cluster.runs()) - set(known)
    return Story(
        plan=plan,
        lines=done.stdout.splitlines(),
        said=done.stderr,
        commands=frozenset(commands),
        secret=secret,
        run=run,
        held=held,
    )


@contextlib.contextmanager
def _watched_processes() -> Iterator[set[bytes]]:
    """The command lines of all processes of this machine, looked at five times a second."""
    seen: set[bytes] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(process.read_bytes())

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def test_the_catalog_is_the_desired_layout(cluster: Cluster, story: Story) -> None:
    assert laid_out(cluster) == wanted(story.plan)
    assert {row.status for row in cluster.segments()} == {"u"}
    assert {row.mode for row in cluster.segments()} == {"s"}
    assert all(row.role == row.preferred_role for row in cluster.segments())


def test_every_mirror_streams(cluster: Cluster, story: Story) -> None:
    assert cluster.streaming() == cluster.contents()


def test_a_second_plan_is_empty(cluster: Cluster, story: Story) -> None:
    again = cluster.gpmirror("plan", "--detailed-exitcode")
    assert again.returncode == 0
    assert "No changes. " in again.stdout


def test_status_tells_that_all_is_well(cluster: Cluster, story: Story) -> None:
    status = cluster.gpmirror("status")
    assert status.returncode == 0, status.stdout
    assert f"All {len(cluster.contents())} contents in sync" in status.stdout


def test_a_second_apply_of_the_plan_changes_nothing(cluster: Cluster, story: Story) -> None:
    before = cluster.segments()
    again = cluster.gpmirror("apply", "plan.json", "--yes")
    assert again.returncode == 0, again.stderr
    assert f"already applied (run {story.run}), 0 changes" in again.stdout
    checked = cluster.gpmirror("preflight", "plan.json")
    assert (checked.returncode, checked.stdout[:15]) == (0, "already applied"), checked.stderr
    assert cluster.segments() == before


def test_events_keep_to_their_schema(story: Story) -> None:
    schema = jsonschema.Draft202012Validator(json.loads(_SCHEMA.read_text(encoding="utf-8")))
    for event in story.events:
        schema.validate(event)
    assert [event["seq"] for event in story.events] == list(range(1, len(story.events) + 1))
    assert (story.events[0]["event"], story.events[-1]["event"]) == ("run_started", "run_ended")
    assert story.events[-1]["exit_code"] == 0


def test_events_never_pause_for_longer_than_a_heartbeat(story: Story) -> None:
    told = {event["event"]: datetime.fromisoformat(event["time"]) for event in story.events}
    begin, end = told["wave_started"], told["wave_done"]
    assert (end - begin).total_seconds() > story.held * 0.9, "the wave was long enough to tell"
    times = [datetime.fromisoformat(event["time"]) for event in story.events]
    during = [time for time in times if begin <= time <= end]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(during)]
    assert max(gaps) <= _HEARTBEAT_SECONDS


def test_the_journal_is_closed_to_others_and_kept_twice(cluster: Cluster, story: Story) -> None:
    near = cluster.state / story.run
    assert {path.name for path in near.iterdir()} == {"journal.jsonl", "plan.json"}
    assert {_mode(path) for path in near.iterdir()} == {0o600}
    assert _mode(near) == _mode(cluster.state) == 0o700
    far = _far(cluster, story)
    open_to_others = cluster.ssh(_coordinator(cluster), f"find {far} -perm /077")
    assert open_to_others == ""
    for name in ("journal.jsonl", "plan.json"):
        kept = cluster.ssh(_coordinator(cluster), f"cat {far}/{name}")
        assert kept == (near / name).read_text(encoding="utf-8")


def test_nothing_tells_the_password(cluster: Cluster, story: Story) -> None:
    secret = story.secret
    assert secret not in "".join(story.lines) + story.said
    assert not any(secret.encode() in command for command in story.commands)
    assert any(b"wave-001-gpaddmirrors.sh" in command for command in story.commands)
    for file in (*(cluster.state / story.run).iterdir(), cluster.folder / "plan.json"):
        assert secret not in file.read_text(encoding="utf-8")
    places = f"{_far(cluster, story)} gpAdminLogs"
    assert cluster.ssh(_coordinator(cluster), f"grep -rlF {secret} {places} || true") == ""


def _far(cluster: Cluster, story: Story) -> str:
    return f".gpmirror/runs/{story.run}"


def _coordinator(cluster: Cluster) -> str:
    return str(cluster.sql("SELECT hostname FROM gp_segment_configuration WHERE content < 0")[0][0])


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777
