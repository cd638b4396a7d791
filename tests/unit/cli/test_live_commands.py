"""Commands that read a live catalog, from arguments to output and exit code."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from gpmirror.model.segment import Segment
from tests.clusters import mirrored, mirrorless
from tests.servers import Postgres, eventually
from tests.sshd import farm

pytestmark = pytest.mark.postgres

HOSTS = ("sdw1", "sdw2", "sdw3")
Shown = pytest.CaptureFixture[str]
SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: prod, coordinator: {host: 127.0.0.1, port: %d, database: gp6, user: gpadmin}}
hosts:
  - {name: "sdw[1-3]", roots: [/data/mirror]}
mirrors: {strategy: group, ports: {offset: 1000}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    return tmp_path


@pytest.fixture
def live(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """The server as PG* variables name it, with a mirrored 6 in sync."""
    for name, value in postgres_server.environment("gp6").items():
        monkeypatch.setenv(name, value)
    fill(postgres_server, mirrored(HOSTS, 2).segments)
    return postgres_server


def fill(server: Postgres, segments: "tuple[Segment, ...]", *, streaming: bool = True) -> None:
    server.fill("gp6", segments)
    if streaming:
        server.run(
            "gp6",
            "INSERT INTO gp.gp_stat_replication (gp_segment_id, application_name, state, "
            "sync_state, sent_location, replay_location) "
            "SELECT content, 'gp_walreceiver', 'streaming', 'sync', '0/20', '0/10' "
            "FROM gp.gp_segment_configuration WHERE role = 'm'",
        )


def cut_mirror(server: Postgres) -> None:
    server.run(
        "gp6",
        "UPDATE gp.gp_segment_configuration SET status = 'd' WHERE content = 1 AND role = 'm'",
        "UPDATE gp.gp_segment_configuration SET mode = 'n' WHERE content = 1",
        "DELETE FROM gp.gp_stat_replication WHERE gp_segment_id = 1",
    )


def mend_mirror(server: Postgres) -> None:
    fill(server, mirrored(HOSTS, 2).segments)


def test_status_of_a_healthy_cluster(live: Postgres, capsys: Shown) -> None:
    assert main(["status"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == "All 6 contents in sync."
    assert f"gp6 (6.24.3), 127.0.0.1:{live.port}" in shown.out
    assert shown.err == ""


def test_drift_from_the_repository(live: Postgres, tmp_path: Path, capsys: Shown) -> None:
    (tmp_path / "gpmirror.yaml").write_text(SPEC % live.port)
    assert main(["drift"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out.startswith("gpmirror drift  prod: as the repository says\n")
    assert "snapshot  none beside the spec" in shown.out
    assert main(["snapshot", "-o", "snapshot.json"]) == ExitCode.OK
    assert main(["drift"]) == ExitCode.OK
    capsys.readouterr()
    cut_mirror(live)
    assert main(["drift"]) == ExitCode.DIFFERENCES
    shown = capsys.readouterr()
    assert "changed: content 1 mirror sdw2:7001" in shown.out
    assert shown.out.splitlines()[-1].startswith("Plan: 0 to add, 0 to move, 1 to recover")
    assert main(["drift", "--json"]) == ExitCode.DIFFERENCES
    (found,) = json.loads(capsys.readouterr().out)["specs"]
    assert (found["differs"], found["snapshot"]["differs"], found["plan"]["differs"]) == (True,) * 3
    assert found["snapshot"]["rows"][0]["kind"] == "changed"
    (tmp_path / "gone.yaml").write_text((SPEC % live.port).replace("127.0.0.1", "nobody.invalid"))
    assert main(["drift", "gpmirror.yaml", "gone.yaml"]) == ExitCode.ERROR
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split()[:3] == ["gpmirror.yaml", "2", "prod"]
    assert rows[2].split()[:3] == ["gone.yaml", "1", "cannot"]
    assert any("changed: content 1 mirror" in row for row in rows)


def test_status_of_several_clusters(live: Postgres, tmp_path: Path, capsys: Shown) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(SPEC % live.port)
    assert main(["status", "a.yaml", "b.yaml"]) == ExitCode.OK
    rows = capsys.readouterr().out.splitlines()
    assert rows[1].split()[:3] == ["a.yaml", "0", "prod"]
    cut_mirror(live)
    assert main(["status", "a.yaml", "b.yaml", "--json"]) == ExitCode.DIFFERENCES
    found = json.loads(capsys.readouterr().out)["specs"]
    assert [one["status"]["counts"]["single"] for one in found] == [1, 1]


def test_a_snapshot_tells_when_it_was_taken(live: Postgres, capsys: Shown) -> None:
    assert main(["snapshot"]) == ExitCode.OK
    taken = json.loads(capsys.readouterr().out)["taken"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", taken)


def test_status_names_what_is_wrong(live: Postgres, capsys: Shown) -> None:
    cut_mirror(live)
    assert main(["status"]) == ExitCode.DIFFERENCES
    assert "the mirror sdw2:7001 is down" in capsys.readouterr().out
    assert main(["status", "--json"]) == ExitCode.DIFFERENCES
    found = json.loads(capsys.readouterr().out)
    assert found["counts"]["single"] == 1
    assert found["contents"][0]["lag_bytes"] == 16


def test_status_writes_figures_for_prometheus(live: Postgres, tmp_path: Path) -> None:
    file = tmp_path / "gpmirror.prom"
    assert main(["status", "--metrics", str(file)]) == ExitCode.OK
    assert "\ngpmirror_in_sync{" in file.read_text()
    cut_mirror(live)
    assert main(["status", "--metrics", str(file)]) == ExitCode.DIFFERENCES
    assert 'state="single"} 1' in file.read_text()


def test_a_cluster_that_does_not_answer_is_a_figure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PGHOST", str(tmp_path))
    file = tmp_path / "gpmirror.prom"
    assert main(["status", "--metrics", str(file)]) == ExitCode.ERROR
    assert "\ngpmirror_up{" in file.read_text()
    assert "} 0\n" in file.read_text()


def test_figures_replace_no_other_file(live: Postgres, tmp_path: Path, capsys: Shown) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("mine")
    assert main(["status", "--metrics", str(file)]) == ExitCode.ERROR
    assert "holds something else" in capsys.readouterr().err
    assert file.read_text() == "mine"


def test_status_of_the_catalog_alone_is_not_believed(live: Postgres, capsys: Shown) -> None:
    fill(live, mirrored(HOSTS, 2).segments, streaming=False)
    assert main(["status"]) == ExitCode.DIFFERENCES
    assert "no mirror streams from" in capsys.readouterr().out


def test_status_takes_the_address_from_the_spec(
    live: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    (folder / "gpmirror.yaml").write_text(SPEC % live.port)
    for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER"):
        monkeypatch.delenv(name)
    assert main(["status"]) == ExitCode.OK
    assert "gpmirror status  prod, " in capsys.readouterr().out


def test_waiting_for_nothing_to_do(live: Postgres, capsys: Shown) -> None:
    assert main(["status", "--wait", "1h"]) == ExitCode.OK
    assert "All 6 contents in sync" in capsys.readouterr().out


def test_waiting_in_vain_ends(live: Postgres, capsys: Shown) -> None:
    cut_mirror(live)
    assert main(["status", "--wait", "1s"]) == ExitCode.DIFFERENCES
    shown = capsys.readouterr()
    assert "5 of 6 contents in sync" in shown.err
    assert "5 of 6 contents in sync" in shown.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["status", "--wait", "soon"], ExitCode.USAGE, "--wait"),
        (["status", "--wait", "0s"], ExitCode.USAGE, "more than zero"),
        (["status", "--wait", "1h", "--watch"], ExitCode.USAGE, "exclude each other"),
        (["status", "--metrics", "f", "--watch"], ExitCode.USAGE, "writes once"),
        (["status", "no.yaml"], ExitCode.INVALID, "no such file"),
        (["snapshot", "-o", "no/such/folder"], ExitCode.ERROR, "cannot write"),
    ],
)
def test_refusals(
    arguments: list[str], code: ExitCode, words: str, live: Postgres, capsys: Shown
) -> None:
    assert main(arguments) == code
    assert words in capsys.readouterr().err


def test_a_tunnel_needs_a_host(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("PGHOST", "/tmp")
    assert main(["status", "--via-ssh"]) == ExitCode.USAGE
    assert "needs the coordinator's host" in capsys.readouterr().err


def test_no_tunnel_is_needed_on_the_same_machine(live: Postgres, capsys: Shown) -> None:
    assert main(["status", "--via-ssh"]) == ExitCode.OK
    assert f"127.0.0.1:{live.port}" in capsys.readouterr().out


@pytest.mark.ssh
def test_the_catalog_is_read_through_ssh(
    live: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    """`mdw` is a name that only the SSH configuration knows."""
    with farm(tmp_path / "farm") as hosts:
        hosts.start("mdw")
        monkeypatch.delenv("PGHOST")
        ssh = f"ssh: {{config: {hosts.config}}}\n"
        spec = (SPEC % live.port).replace("host: 127.0.0.1", "host: mdw") + ssh
        (tmp_path / "gpmirror.yaml").write_text(spec)
        assert main(["status", "--via-ssh"]) == ExitCode.OK
        assert f"gp6 (6.24.3), mdw:{live.port}" in capsys.readouterr().out
        assert main(["plan", "--via-ssh"]) == ExitCode.OK
        assert "No changes" in capsys.readouterr().out
        (tmp_path / "gpmirror.yaml").write_text(spec.replace(str(live.port), "1"))
        assert main(["status", "--via-ssh"]) == ExitCode.ERROR
        assert "mdw" in capsys.readouterr().err


def test_a_snapshot_plans_as_the_live_catalog_does(
    live: Postgres, folder: Path, capsys: Shown
) -> None:
    fill(live, mirrorless(HOSTS, 2).segments)
    (folder / "gpmirror.yaml").write_text(SPEC % live.port)
    assert main(["plan", "--format", "native"]) == ExitCode.OK
    planned = capsys.readouterr().out
    assert planned.startswith("0|sdw2|7000|/data/mirror/gpseg0\n")
    assert main(["snapshot", "-o", "now.json", "--sizes"]) == ExitCode.OK
    catalog, written = capsys.readouterr().err.splitlines()
    assert catalog.startswith("catalog: up to date (")
    assert written == "written: now.json"
    assert main(["plan", "--catalog", "now.json", "--format", "native"]) == ExitCode.OK
    assert capsys.readouterr().out == planned
    assert len(json.loads((folder / "now.json").read_text())["sizes"]) == 6
    assert main(["snapshot"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["server_version"] == "6.24.3"


def test_a_live_plan_measures_what_it_copies_whole(
    live: Postgres, folder: Path, capsys: Shown
) -> None:
    text = SPEC % live.port + "policy: {guards: {bytes: 5TB}}\n"
    (folder / "gpmirror.yaml").write_text(text)
    since = len(live.log)
    assert main(["plan"]) == ExitCode.OK
    assert "No changes" in capsys.readouterr().out
    assert "gp_dist_random" not in live.log[since:]
    (folder / "gpmirror.yaml").write_text(text.replace("offset: 1000", "offset: 1500"))
    assert main(["plan"]) == ExitCode.OK
    assert live.log[since:].count("pg_database_size") == 1
    shown = capsys.readouterr().out
    told = " ".join(shown.split())
    assert re.search(r"\d MB to copy \(an estimate: [^()]+\), ", told)
    assert re.search(r"bytes: [\d.]+ MB within limit 5.0 TB", shown)
    assert main(["explain", "content", "1"]) == ExitCode.OK
    assert re.search(r" [\d.]+ MB, about \d", capsys.readouterr().out)


def test_import_writes_the_coordinator_that_it_used(live: Postgres, capsys: Shown) -> None:
    assert main(["import"]) == ExitCode.OK
    line = f"  coordinator: {{host: 127.0.0.1, port: {live.port}, database: gp6, user: gpadmin}}"
    assert line in capsys.readouterr().out.splitlines()


def test_without_a_host_sockets_are_tried(
    live: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    """The first folder has no server, the second a socket that a killed one left."""
    empty, left = folder / "empty", folder / "left"
    empty.mkdir()
    left.mkdir()
    dead = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(left)  # a socket's path has a limit
    dead.bind(f".s.PGSQL.{live.port}")
    dead.close()
    monkeypatch.chdir(folder)
    folders = (str(empty), str(left), str(live.folder))
    monkeypatch.setattr("gpmirror.adapters.server_address.SOCKET_FOLDERS", folders)
    monkeypatch.delenv("PGHOST")
    assert main(["import"]) == ExitCode.OK
    shown = capsys.readouterr()
    line = f"  coordinator: {{port: {live.port}, database: gp6, user: gpadmin}}"
    assert line in shown.out.splitlines()
    assert "for others add `host: mdw` to `coordinator`" in shown.err
    monkeypatch.setattr("gpmirror.adapters.server_address.SOCKET_FOLDERS", folders[:2])
    assert main(["status"]) == ExitCode.ERROR
    name = f".s.PGSQL.{live.port}"
    assert (
        f"no server at a socket: {empty}/{name}: No such file or directory; "
        f"{left}/{name}: Connection refused" in capsys.readouterr().err
    )


def test_a_server_that_answers_at_a_socket_has_the_last_word(
    live: Postgres, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    folders = (str(live.folder), "/nowhere")
    monkeypatch.setattr("gpmirror.adapters.server_address.SOCKET_FOLDERS", folders)
    monkeypatch.delenv("PGHOST")
    monkeypatch.setenv("PGDATABASE", "none")
    assert main(["status"]) == ExitCode.ERROR
    assert 'database "none" does not exist' in capsys.readouterr().err


def test_the_folder_of_a_socket_may_stand_in_the_spec(
    live: Postgres, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.delenv("PGHOST")
    text = SPEC.replace("127.0.0.1", str(live.folder)) % live.port
    (folder / "gpmirror.yaml").write_text(text)
    assert main(["status"]) == ExitCode.OK
    (folder / "gpmirror.yaml").write_text(text.replace(str(live.folder), "/a/../b"))
    assert main(["status"]) == ExitCode.INVALID
    assert "GPM-V028" in capsys.readouterr().err


def test_whatif_asks_the_live_cluster_for_sizes(
    live: Postgres, folder: Path, capsys: Shown
) -> None:
    text = SPEC % live.port
    (folder / "gpmirror.yaml").write_text(text)
    (folder / "spread.yaml").write_text(text.replace("group", "spread"))
    assert main(["plan", "spread.yaml", "--json"]) == ExitCode.OK
    plan = json.loads(capsys.readouterr().out)
    assert main(["whatif", "--json", "--strategy", "spread"]) == ExitCode.OK
    _, row = json.loads(capsys.readouterr().out)["rows"]
    assert (row["move"], row["bytes"]) == (3, plan["exposure"]["bytes"])
    assert row["bytes"] > 0
    assert row["seconds"] >= plan["exposure"]["seconds"]
    # nothing is copied for the layout that is there: nothing is asked
    assert main(["whatif", "--json", "--strategy", "group"]) == ExitCode.OK
    _, row = json.loads(capsys.readouterr().out)["rows"]
    assert (row["move"], row["bytes"], row["seconds"]) == (0, 0, 0)


def test_import_and_what_follows_from_it(live: Postgres, folder: Path, capsys: Shown) -> None:
    assert main(["import", "-o", "gpmirror.yaml"]) == ExitCode.OK
    assert "  name: mdw\n" in (folder / "gpmirror.yaml").read_text()
    capsys.readouterr()
    assert main(["plan", "--detailed-exitcode"]) == ExitCode.OK
    assert "No changes" in capsys.readouterr().out
    assert main(["simulate", "--lose", "host:sdw1"]) == ExitCode.OK
    assert "lose sdw1: 0 contents lost" in capsys.readouterr().out
    assert main(["explain", "content", "1"]) == ExitCode.OK
    assert "sdw2" in capsys.readouterr().out


def test_the_wrong_family_is_invalid_input(live: Postgres, folder: Path, capsys: Shown) -> None:
    text = (SPEC % live.port).replace("name: prod,", "name: prod, dialect: gp7,")
    (folder / "gpmirror.yaml").write_text(text)
    assert main(["plan"]) == ExitCode.INVALID
    assert "GPM-C020" in capsys.readouterr().err


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gpmirror", *arguments]


def test_watching_in_a_pipe_tells_changes_until_interrupted(live: Postgres) -> None:
    watcher = subprocess.Popen(
        program("status", "--watch"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert watcher.stdout is not None
    try:
        assert "All 6 contents in sync" in watcher.stdout.readline()
        cut_mirror(live)
        assert "content 1: synced -> single" in watcher.stdout.readline()
        assert "5 of 6 contents in sync" in watcher.stdout.readline()
        watcher.send_signal(signal.SIGINT)
        rest, errors = watcher.communicate(timeout=300)
    finally:
        watcher.kill()
        watcher.communicate()
    assert (rest, errors, watcher.returncode) == ("", "", ExitCode.DIFFERENCES)


def test_watching_ends_when_nobody_reads(live: Postgres) -> None:
    with subprocess.Popen(
        program("status", "--watch", "--json"), stdout=subprocess.PIPE
    ) as watcher:
        assert watcher.stdout is not None
        try:
            assert json.loads(watcher.stdout.readline())["all_synced"]
            watcher.stdout.close()
            cut_mirror(live)
            assert watcher.wait(timeout=300) == ExitCode.DIFFERENCES
        finally:
            watcher.kill()


def test_watching_on_a_terminal_redraws(live: Postgres) -> None:
    near, far = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    watcher = subprocess.Popen(
        program("status", "--watch"), stdout=far, stderr=far, env=environment
    )
    os.close(far)
    seen = bytearray()

    def shows(words: bytes) -> bool:
        seen.extend(os.read(near, 65536))
        return words in seen

    try:
        eventually(lambda: shows(b"All 6 contents in sync"), "no status was drawn")
        cut_mirror(live)
        eventually(lambda: shows(b"5 of 6 contents in sync"), "the change was not drawn")
        assert b"\x1b[J" in seen
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(timeout=300) == ExitCode.DIFFERENCES
    finally:
        watcher.kill()
        watcher.wait()
        os.close(near)


def test_waiting_outlives_a_restart_of_the_session(live: Postgres) -> None:
    cut_mirror(live)
    waiter = subprocess.Popen(
        program("status", "--wait", "10m"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiter.stderr is not None
    try:
        assert "5 of 6 contents in sync" in waiter.stderr.readline()
        live.run(
            "gp6",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'gpmirror'",
        )
        assert "trying again" in waiter.stderr.readline()
        mend_mirror(live)
        out, _ = waiter.communicate(timeout=300)
    finally:
        waiter.kill()
        waiter.communicate()
    assert waiter.returncode == ExitCode.OK
    assert out.splitlines()[-1] == "All 6 contents in sync."


def test_preflight_sees_an_expansion_that_pauses(
    live: Postgres, tmp_path: Path, capsys: Shown
) -> None:
    (tmp_path / "gpmirror.yaml").write_text((SPEC % live.port).replace("group", "spread"))
    live.run(
        "gp6",
        "CREATE SCHEMA gpexpand",
        "CREATE TABLE gpexpand.status AS SELECT 'EXPANSION STOPPED'::text AS status, "
        "now() AS updated",
    )
    try:
        assert main(["preflight", "--json"]) == ExitCode.PREFLIGHT  # none of the hosts is there
        found = json.loads(capsys.readouterr().out)
    finally:
        live.run("gp6", "DROP SCHEMA gpexpand CASCADE")
    assert "paused-expansion" in [one["name"] for one in found["hazards"]]
