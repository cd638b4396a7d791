"""Attacks on a practice cluster through what others may have written: each would leave a marker."""

import json
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

import gpmirror
from gpmirror.errors import ExitCode
from gpmirror.plan.planfile import _digest
from tests.e2e.attacks import AHEAD, BACK, MARKS, Ended, Site, eventually

pytestmark = [pytest.mark.long, *MARKS, pytest.mark.xdist_group("attacked")]
ALLOWED = ("--allow", "guard:moves_percent")
ONE_BY_ONE = "apply: {waves: {max_contents: 1}}\n"
RUNS = (("resume", "--yes"), ("prune", "--yes"), ("revert",), ("runs",))
NOBODY = 65534


@pytest.fixture
def stopped(site: Site) -> Site:
    """Mirrors that were to move, one a wave; the run stopped after the first."""
    _done(site.gpmirror("apply", "--yes"))
    site.write_spec(ring=BACK, offset=1100, root="mirror2", more=ONE_BY_ONE)
    _done(site.gpmirror("apply", "--yes", *ALLOWED, "--stop-after-wave", "1"), ExitCode.PARTIAL)
    return site


@pytest.fixture
def moved(site: Site) -> Site:
    """Mirrors that moved; their old directories are left."""
    _done(site.gpmirror("apply", "--yes"))
    site.write_spec(ring=BACK, offset=1100, root="mirror2")
    _done(site.gpmirror("apply", "--yes", *ALLOWED))
    return site


def _done(done: Ended, code: ExitCode = ExitCode.OK) -> Ended:
    assert done.returncode == code, done.stdout + done.stderr
    return done


def _words(command: Sequence[str], run: str) -> tuple[str, ...]:
    return (command[0], run, *command[1:])


def _resealed(text: str) -> str:
    body = json.loads(text)
    del body["plan_id"]
    return json.dumps({**body, "plan_id": _digest(body)})


def _chmod(mode: int, path: Path) -> None:
    path.chmod(mode)


def _old_directories(site: Site) -> dict[str, Path]:
    """What the moves left, by host."""
    return {
        name: path for name in AHEAD for path in (site.host(name).data / "mirror").glob("gpseg*")
    }


def _give(site: Site, *tops: Path) -> None:
    """What root made is the lab's, which takes it down."""
    if os.geteuid() == 0:
        for top in tops:
            for path in (top, *top.rglob("*")):
                shutil.chown(path, site.lab.account)


@contextmanager
def _instead(file: Path, text: str, mode: int = 0o755) -> Iterator[None]:
    """A file of the lab that says something else meanwhile."""
    before = file.read_bytes() if file.exists() else None
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


# --- the state directory --------------------------------------------------------------------------


def test_what_others_may_have_written_here_is_not_believed(stopped: Site) -> None:
    """The plan in the folder would start a program before anything is asked."""
    site, run = stopped, stopped.run
    marker = site.folder / "marker"
    before = site.catalog()
    folder = site.state / run
    plan = (folder / "plan.json").read_text()
    evil = site.folder / "evil"
    evil.write_text(f"Host *\n  ProxyCommand touch {marker}\n")
    body = json.loads(plan)
    body["settings"]["ssh"]["config"] = str(evil)
    (folder / "plan.json").write_text(_resealed(json.dumps(body)))
    ways: list[tuple[Path, Callable[[Path], None], Callable[[Path], None], str]] = [
        (path, partial(_chmod, mode), partial(_chmod, path.stat().st_mode), "write")
        for path, mode in (
            (site.state.parent, 0o777),
            (site.state, 0o770),
            (folder, 0o777),
            (folder / "journal.jsonl", 0o622),
            (folder / "plan.json", 0o620),
        )
    ]
    if os.geteuid() == 0:
        ways += [
            (path, lambda p: os.chown(p, NOBODY, -1), lambda p: os.chown(p, 0, -1), "belongs to")
            for path in (site.state, folder, folder / "journal.jsonl", folder / "plan.json")
        ]
    for path, spoil, fix, words in ways:
        spoil(path)
        for command in RUNS[:3]:
            done = _done(site.gpmirror(*_words(command, run)), ExitCode.ERROR)
            assert f"{path} " in done.stderr
            assert words in done.stderr
            assert "`chmod go-w " in done.stderr or "`chown " in done.stderr
        fix(path)
    assert not marker.exists()
    assert site.catalog() == before
    (folder / "plan.json").write_text(plan)
    _done(site.gpmirror("resume", "--yes"))


def test_a_state_directory_by_way_of_anothers_link_is_not_believed(stopped: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a link to another account")
    real = stopped.state.parent.parent / "real"
    stopped.state.parent.rename(real)
    stopped.state.parent.symlink_to(real)
    os.chown(stopped.state.parent, NOBODY, -1, follow_symlinks=False)
    done = _done(stopped.gpmirror("runs"), ExitCode.ERROR)
    assert "belongs to" in done.stderr
    done = _done(stopped.gpmirror("apply", "--yes", *ALLOWED), ExitCode.ERROR)
    assert "belongs to" in done.stderr


def test_what_others_may_have_written_on_the_coordinator_is_not_believed(stopped: Site) -> None:
    """Of a run that this machine knows, and of one that it would fetch."""
    site, run = stopped, stopped.run
    before = site.catalog()
    top = site.host("mdw").home / ".gpmirror" / "runs"
    for path in (top / run, top):
        path.chmod(0o777)
        done = _done(site.gpmirror("resume", run, "--yes"), ExitCode.ERROR)
        assert f"{path} is not this account's alone: drwxrwxrwx" in done.stderr
        assert "`chmod go-w`" in done.stderr
        kept = site.state.rename(site.folder / "kept")
        done = _done(site.gpmirror("resume", run, "--yes"), ExitCode.ERROR)
        assert f"{path} is not this account's alone: drwxrwxrwx" in done.stderr
        shutil.rmtree(site.state, ignore_errors=True)
        kept.rename(site.state)
        path.chmod(0o700)
    assert site.catalog() == before
    _done(site.gpmirror("resume", "--yes"))


def test_a_forged_plan_of_a_complete_run_deletes_and_plans_nothing(moved: Site) -> None:
    """Whole in itself, with the right checksum, of a cluster whose mirrors stood elsewhere; once the
    journal is forged to fit, the victim still bears no identifier of the content's.
    """
    site, run = moved, moved.run
    plan, journal = site.state / run / "plan.json", site.state / run / "journal.jsonl"
    text, told = plan.read_text(), journal.read_text()
    victims = []
    for host, path in _old_directories(site).items():
        victim = path.parent / "victim" / path.name
        (victim / "global").mkdir(parents=True)
        (victim / "PG_VERSION").write_text("9.4\n")
        (victim / "global" / "pg_control").write_bytes(bytes(range(100, 108)) + bytes(8184))
        (victim / "marker").write_text(host)
        victims.append(victim / "marker")
        _give(site, path.parent / "victim")
        text = text.replace(f'"{path}"', f'"{victim}"')
        text = text.replace(f"|{path}\\n", f"|{victim}\\n").replace(f"|{path} ", f"|{victim} ")
    forged = _resealed(text)
    assert forged != _resealed(plan.read_text())
    plan.write_text(forged)
    for command in (("prune", "--yes"), ("revert", "-o", "back.json")):
        done = site.gpmirror(*_words(command, run))
        assert done.returncode in {ExitCode.ERROR, ExitCode.INVALID}, done.stderr
        assert "but its folder holds plan" in done.stderr or "GPM-P80" in done.stderr
    old, new = json.loads(told.splitlines()[0])["plan_id"], json.loads(forged)["plan_id"]
    journal.write_text(told.replace(old, new))
    done = site.gpmirror("prune", run, "--yes")
    assert done.returncode in {ExitCode.UNSAFE, ExitCode.INVALID}, done.stdout + done.stderr
    assert all(marker.exists() for marker in victims)
    assert not (site.folder / "back.json").exists()


def test_prune_lists_every_path_also_with_yes(moved: Site) -> None:
    done = _done(moved.gpmirror("prune", moved.run, "--yes", "--quiet"))
    assert "3 directories to delete, proved to be unused:" in done.stderr


def test_another_machines_clock_does_not_undo_a_newer_run(stopped: Site) -> None:
    """The machine of the first run is a day ahead; a newer run of another took the copies on."""
    site = stopped
    ahead = site.folder / "ahead"
    ahead.mkdir()
    (ahead / "sitecustomize.py").write_text(
        "import datetime\n"
        "class Ahead(datetime.datetime):\n"
        "    @classmethod\n"
        "    def now(cls, tz=None):\n"
        "        return super().now(tz) + datetime.timedelta(days=1)\n"
        "datetime.datetime = Ahead\n"
    )
    # the program keeps the one place that it was found by
    (ahead / "gpmirror").symlink_to(Path(gpmirror.__file__).parent)
    _done(site.gpmirror("resume", "--yes"))
    site.write_spec(ring=AHEAD, offset=1200, root="mirror3", more=ONE_BY_ONE)
    words = ("apply", "--yes", *ALLOWED, "--stop-after-wave", "1")
    early = {"PYTHONPATH": str(ahead), "XDG_STATE_HOME": str(site.folder / "first")}
    _done(site.gpmirror(*words, more=early), ExitCode.PARTIAL)
    (first,) = (site.folder / "first" / "gpmirror" / "runs").iterdir()

    site.write_spec(ring=BACK, offset=1300, root="mirror4")
    _done(site.gpmirror("apply", "--yes", *ALLOWED))
    assert site.run < first.name, "the names tell the wrong order"
    before = site.catalog()
    # with no name and by name; and once more where the numbers on the coordinator are gone
    for name in ((), (first.name,)):
        done = _done(site.gpmirror("resume", *name, "--yes", more=early), ExitCode.ERROR)
        assert f"run {site.run} has changed cluster practice after run {first.name}" in done.stderr
    for number in (site.host("mdw").home / ".gpmirror" / "runs").glob("*/number"):
        number.unlink()
    done = _done(site.gpmirror("resume", first.name, "--yes", more=early), ExitCode.STALE)
    assert "neither took these copies there nor found them there" in done.stderr
    assert site.catalog() == before


@pytest.mark.parametrize("tail", [b"\0" * 5000, b"\xff\xfe\x00{\n\0"])
def test_a_torn_tail_of_any_bytes_is_a_cut_off_line(stopped: Site, tail: bytes) -> None:
    """Here and on the coordinator's host, also where this machine knows the run from there alone."""
    site, run = stopped, stopped.run
    far = site.host("mdw").home / ".gpmirror" / "runs" / run / "journal.jsonl"
    for journal in (site.state / run / "journal.jsonl", far):
        with journal.open("ab") as file:
            file.write(tail)
    if tail.startswith(b"\0"):
        shutil.rmtree(site.state)
    _done(site.gpmirror("runs"))
    _done(site.gpmirror("resume", run, "--yes"))
    assert b"\0" not in tail or all(
        b"\0" not in path.read_bytes()
        for path in site.far_files()
        if path.is_file() and run not in str(path)
    )


# --- hosts ----------------------------------------------------------------------------------------

_FLOODS = {
    "an answer of more than 16 MB": (
        '#!/bin/sh\nread -r m; m=${m#?}\necho; echo "$m"; echo >&2; echo "$m" >&2\n'
        "head -c 3000000000 /dev/zero\n"
    ),
    "more than 64 KB before the script began": "#!/bin/sh\nhead -c 3000000000 /dev/zero\n",
}


@pytest.mark.parametrize("words", _FLOODS)
def test_a_host_that_answers_without_end_is_hung_up_on(site: Site, words: str) -> None:
    """3 GB, and the program stays as small as it is."""
    site.plan()
    with _instead(site.host("sdw2").bin / "timeout", _FLOODS[words]):
        running = site.start("preflight", "plan.json")
        status, most = Path(f"/proc/{running.process.pid}/status"), 0
        while running.process.poll() is None:
            found = [x for x in status.read_text().splitlines() if x.startswith("VmHWM:")]
            most = max(most, *(int(line.split()[1]) for line in found), 0)
            time.sleep(0.02)
        done = running.end()
    assert done.returncode == ExitCode.PREFLIGHT, done.stdout + done.stderr
    assert f"sent {words}, and was hung up on" in " ".join((done.stdout + done.stderr).split())
    assert 0 < most < 300_000, f"{most} kB"
    assert site.mirrors() == []


def test_what_takes_a_directorys_place_after_the_proof_is_not_emptied(moved: Site) -> None:
    """A link to a victim, put there between the last proof and the deletion; each time anew."""
    site, run = moved, moved.run
    victim = site.host("sdw1").data / "victim"
    (victim / "base").mkdir(parents=True)
    (victim / "base" / "marker").write_text("rows")
    (victim / "marker").write_text("rows")
    _give(site, victim)
    asides = [
        path.with_name(f"{path.name}.gpmirror-{run}") for path in _old_directories(site).values()
    ]
    assert len(asides) == 3
    journal = site.state / run / "journal.jsonl"
    swapped: list[Path] = []

    def swap() -> None:
        eventually(lambda: b'"prune/delete"' in journal.read_bytes(), "the deletion begins")
        for aside in asides:
            try:
                aside.rename(f"{aside}.kept")
            except FileNotFoundError:
                continue  # it was quicker
            aside.symlink_to(victim)
            swapped.append(aside)

    thread = threading.Thread(target=swap)
    thread.start()
    done = site.gpmirror("prune", run, "--yes")
    thread.join()
    assert (victim / "marker").exists()
    assert (victim / "base" / "marker").exists()
    assert swapped, "the attack was too slow to be one"
    assert done.returncode in {ExitCode.PARTIAL, ExitCode.OK}, done.stdout + done.stderr
    assert all(
        (Path(f"{aside}.kept") / "PG_VERSION").exists() or aside in swapped for aside in asides
    )


# --- how the cluster is reached -------------------------------------------------------------------


def _pipeline(site: Site) -> dict[str, str]:
    """An operator's own connection: PG*, and an ssh whose own configuration knows the lab (it looks for
    the account's home, not for $HOME).
    """
    lab = site.lab
    programs = site.folder / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(
        f'#!/bin/sh\ncase "$*" in *" -F "*) exec /usr/bin/ssh "$@";; esac\n'
        f'exec /usr/bin/ssh -F {lab.ssh_config} "$@"\n'
    )
    (programs / "ssh").chmod(0o755)
    return {
        "PATH": f"{programs}:{site.environment()['PATH']}",
        "PGHOST": lab.coordinator.ip,
        "PGPORT": str(lab.coordinator_port),
        "PGUSER": lab.user,
        "PGPASSWORD": "hunter2-of-a-kind",
    }


def test_a_spec_of_a_pull_request_starts_nothing_where_it_is_not_to(site: Site) -> None:
    site.plan("good.json")
    own = _pipeline(site)
    marker = site.folder / "marker"
    evil = site.folder / "evil"
    evil.write_text(f'Match exec "touch {marker}"\nHost *\n  ProxyCommand touch {marker}\n')
    site.write_spec(config=str(evil))
    spec = site.folder / "gpmirror.yaml"
    spec.write_text(spec.read_text().replace(site.lab.coordinator.ip, "attacker.invalid"))
    _done(site.gpmirror("snapshot", "-o", "catalog.json", "--ignore-spec-connection", more=own))
    # without a cluster: never a connection, whatever is said
    _done(site.gpmirror("validate"))
    _done(site.gpmirror("plan", "--catalog", "catalog.json", "-o", "offline.json"))
    _done(site.gpmirror("simulate", "--catalog", "catalog.json"))
    site.gpmirror("fmt")
    assert not marker.exists()
    # with one: the environment alone
    for words in (
        ("plan",),
        ("preflight",),
        ("apply", "--dry-run"),
        ("apply", "--yes"),
        ("status", "--hosts"),
    ):
        _done(site.gpmirror(*words, "--ignore-spec-connection", more=own))
    by_variable = own | {"GPMIRROR_IGNORE_SPEC_CONNECTION": "1"}
    _done(site.gpmirror("status", "--hosts", more=by_variable))
    assert not marker.exists()
    # the attack is one: without the flag the spec decides
    spec.write_text(spec.read_text().replace("attacker.invalid", site.lab.coordinator.ip))
    done = site.gpmirror("preflight", more=own)
    assert marker.exists(), done.stdout + done.stderr


def test_what_ssh_starts_gets_no_password(site: Site) -> None:
    own = _pipeline(site)
    dump = site.folder / "dump"
    config = site.folder / "config"
    told = site.lab.ssh_config.read_text()
    config.write_text(f"Host *\n  ProxyCommand env >>{dump}; exit 1\n{told}")
    site.write_spec(config=str(config))
    done = site.gpmirror("preflight", more=own)
    assert done.returncode == ExitCode.PREFLIGHT, done.stdout + done.stderr
    told = dump.read_text()
    assert "PATH=" in told, "the attack is one"
    assert "PG" not in [line[:2] for line in told.splitlines()]
    assert "hunter2" not in told
