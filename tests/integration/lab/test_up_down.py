"""A practice cluster comes up, is true, survives what it should, and leaves nothing."""

import json
import os
import pty
import random
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from gpmirror.lab.processes import lab_processes
from tests.labs import Practice, lab_folder, practice_cluster

pytestmark = [pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]

_MIRROR = """
set -e
mkdir -p -m 0700 {parent}
{bin}/pg_basebackup -c fast -N -X stream -D {data} -h {ip} -p {port} -U gpadmin
printf "listen_addresses = '%s'\\nport = %s\\nunix_socket_directories = '%s'\\n" \
  {own} {mirror_port} {sock} > {data}/instance.conf
echo "primary_conninfo = 'host={ip} port={port} user=gpadmin application_name=gp_walreceiver'" \
  >> {data}/instance.conf
touch {data}/standby.signal
{bin}/pg_ctl -D {data} -l {data}/log.txt -s -W start >/dev/null 2>&1 </dev/null
"""


@pytest.fixture(scope="module")
def pair() -> Iterator[Practice]:
    """A small lab for this file: two hosts with one primary each."""
    with practice_cluster(hosts=2, primaries=1) as found:
        yield found


@pytest.fixture
def small(pair: Practice) -> Practice:
    """The same, made new, for tests that change it."""
    _renew(pair)
    pair.touched = True
    return pair


@pytest.fixture
def fresh(pair: Practice) -> Practice:
    """The same, as new, for tests that only look."""
    _renew(pair)
    return pair


def _renew(pair: Practice) -> None:
    if pair.touched:
        pair.reset()


def mirror(small: Practice, content: int = 0) -> None:
    """Make the mirror of a content by hand, as a native utility would."""
    source, target = small.lab.hosts[content], small.lab.hosts[1 - content]
    data = target.data / "mirror" / f"gpseg{content}"
    small.sql(
        "INSERT INTO gp_segment_configuration VALUES"
        f" ({10 + content}, {content}, 'm', 'm', 'n', 'd', 7000, '{target.name}', '{target.name}',"
        f" '{data}')"
    )
    script = _MIRROR.format(
        bin=small.lab.pg_bin,
        parent=data.parent,
        data=data,
        ip=source.ip,
        port=small.lab.primary_port,
        own=target.ip,
        mirror_port=7000,
        sock=target.sock,
    )
    made = small.ssh(target.name, script)
    assert made.returncode == 0, made.stderr


def states(small: Practice, content: int = 0) -> dict[int, str]:
    """Role, mode and status of a content's copies by dbid."""
    rows = small.sql(
        "SELECT dbid, role::text || mode::text || status::text FROM gp_segment_configuration"
        f" WHERE content = {content}"
    )
    return dict(rows)


def in_sync(small: Practice) -> bool:
    return states(small) == {2: "psu", 10: "msu"}


def test_the_catalog_and_every_segment_answer(fresh: Practice) -> None:
    rows = fresh.sql(
        "SELECT content, role, mode, status, port, hostname FROM gp_segment_configuration"
        " ORDER BY content"
    )
    assert rows == [
        (-1, "p", "n", "u", fresh.lab.coordinator_port, "mdw"),
        (0, "p", "n", "u", 6000, "sdw1"),
        (1, "p", "n", "u", 6000, "sdw2"),
    ]
    assert "Greenplum Database 6.24.3" in fresh.sql("SELECT version()")[0][0]
    identifiers = {
        fresh.sql("SELECT system_identifier FROM pg_control_system()", host=host.ip, port=6000)[0]
        for host in fresh.lab.hosts
    }
    assert len(identifiers) == len(fresh.lab.hosts)
    assert len(fresh.sql("SELECT * FROM gp_stat_replication")) == 0


def test_a_session_sees_its_own_host(fresh: Practice) -> None:
    seen = fresh.ssh("sdw1", "hostname; pwd; getent hosts sdw2; echo $GPMIRROR_MACHINE_ID")
    name, folder, entry, machine = seen.stdout.splitlines()
    assert seen.stderr == ""
    assert (name, folder) == ("sdw1", str(fresh.lab.hosts[0].home))
    assert entry.split() == [fresh.lab.hosts[1].ip, "sdw2"]
    assert len(machine) == 32
    assert machine not in fresh.ssh("sdw2", "echo $GPMIRROR_MACHINE_ID").stdout
    assert fresh.ssh("mdw", "ssh sdw1 hostname").stdout == "sdw1\n"
    assert fresh.ssh(fresh.lab.coordinator.ip, "hostname").stdout == "mdw\n"


def test_a_probe_can_be_requested_in_a_read_only_session(fresh: Practice) -> None:
    options = "-c default_transaction_read_only=on"
    assert fresh.sql("SELECT gp_request_fts_probe_scan()", options=options) == [(True,)]


def test_sizes_of_segments_are_told(fresh: Practice) -> None:
    rows = fresh.sql(
        "SELECT gp_segment_id, sum(pg_database_size(oid)) FROM gp_dist_random('pg_database')"
        " GROUP BY gp_segment_id ORDER BY gp_segment_id"
    )
    assert [content for content, _ in rows] == [0, 1]
    assert all(size > 1_000_000 for _, size in rows)


def test_the_spec_is_valid_and_up_again_keeps_the_lab(fresh: Practice) -> None:
    assert fresh.gpmirror("validate").returncode == 0
    again = fresh.gpmirror("lab", "up", "--hosts", "2", "--primaries", "1")
    assert again.returncode == 0
    assert "is up already" in again.stderr
    other = fresh.gpmirror("lab", "up", "--hosts", "3")
    assert other.returncode == 1
    assert "lab down" in other.stderr


def test_a_mirror_gets_in_sync_and_takes_over(small: Practice) -> None:
    mirror(small)
    small.wait(lambda: in_sync(small))
    small.sql("CREATE TABLE kept AS SELECT 1 AS a", host=small.lab.hosts[0].ip, port=6000)
    row = small.sql(
        "SELECT gp_segment_id, application_name, state, sync_state, host(client_addr)"
        " FROM gp_stat_replication"
    )
    assert row == [(0, "gp_walreceiver", "streaming", "sync", small.lab.hosts[1].ip)]

    killed = small.gpmirror("lab", "kill", "sdw1")
    assert killed.returncode == 0, killed.stderr
    small.wait(lambda: states(small) == {2: "mnd", 10: "pnu"})
    there = {"host": small.lab.hosts[1].ip, "port": 7000}
    small.wait(lambda: small.sql("SELECT pg_is_in_recovery()", **there) == [(False,)])
    small.sql("INSERT INTO kept VALUES (2)", **there)
    assert small.sql("SELECT count(*) FROM kept", **there) == [(2,)]
    assert small.ssh("sdw1", "true").returncode == 255

    back = small.gpmirror("lab", "restore", "sdw1")
    assert back.returncode == 0, back.stderr
    assert small.ssh("sdw1", "hostname").stdout == "sdw1\n"
    small.sql("SELECT gp_request_fts_probe_scan()")
    assert states(small) == {2: "mnd", 10: "pnu"}


def test_a_dead_mirror_is_marked_down_and_comes_back(small: Practice) -> None:
    mirror(small)
    small.wait(lambda: in_sync(small))
    small.gpmirror("lab", "kill", "sdw2")
    small.wait(lambda: states(small) == {2: "pnu", 10: "mnd"})
    small.sql("CREATE TABLE free AS SELECT 1", host=small.lab.hosts[0].ip, port=6000)
    assert small.sql("SELECT pid, state FROM gp_stat_replication") == [(None, None)]
    small.gpmirror("lab", "restore", "sdw2")
    data = small.lab.hosts[1].data / "mirror" / "gpseg0"
    small.ssh("sdw2", f"{small.lab.pg_bin}/pg_ctl -D {data} -s -W start >/dev/null 2>&1 </dev/null")
    small.wait(lambda: in_sync(small))


def test_two_dead_copies_change_nothing(small: Practice) -> None:
    small.gpmirror("lab", "kill", "sdw1")
    small.sql("SELECT gp_request_fts_probe_scan()")
    assert states(small) == {2: "pnu"}
    back = small.gpmirror("lab", "restore", "sdw1")
    assert back.stdout.startswith("sdw1 is back. "), back.stderr
    assert small.sql("SELECT 1", host=small.lab.hosts[0].ip, port=6000) == [(1,)]


def test_the_prober_outlives_the_coordinator(small: Practice) -> None:
    small.gpmirror("lab", "kill", "mdw")
    assert "coordinator 5432 down" in small.gpmirror("lab", "status").stdout.replace(
        str(small.lab.coordinator_port), "5432"
    )
    assert small.gpmirror("lab", "restore", "mdw").returncode == 0
    small.wait(lambda: small.sql("SELECT gp_request_fts_probe_scan()") == [(True,)])
    assert "prober: running" in small.gpmirror("lab", "status").stdout
    told = json.loads(small.gpmirror("lab", "status", "--json").stdout)
    assert told["prober"] is True
    assert {host["name"] for host in told["hosts"] if host["ssh"]} >= {"mdw", "sdw1"}


def test_psql_and_ssh_go_through(fresh: Practice) -> None:
    counted = fresh.gpmirror("lab", "psql", "-Atc", "SELECT count(*) FROM gp_segment_configuration")
    assert counted.stdout == "3\n"
    found = fresh.gpmirror("lab", "ssh", "mdw", "command -v gpstate; echo $MASTER_DATA_DIRECTORY")
    assert found.stdout.splitlines() == [
        str(fresh.lab.gphome / "bin" / "gpstate"),
        str(fresh.lab.coordinator_data),
    ]
    unknown = fresh.gpmirror("lab", "ssh", "sdw9", "true")
    assert unknown.returncode == 1
    assert "mdw, sdw1, sdw2" in unknown.stderr


def test_two_interfaces_have_names_and_addresses_of_their_own() -> None:
    with practice_cluster(dialect="gp5", hosts=1, primaries=2, addresses=2) as found:
        rows = found.sql(
            "SELECT c.content, c.address, c.mode, c.replication_port, f.fsname"
            " FROM gp_segment_configuration c JOIN pg_filespace_entry e ON e.fsedbid = c.dbid"
            " JOIN pg_filespace f ON f.oid = e.fsefsoid WHERE content >= 0 ORDER BY 1"
        )
        assert rows == [
            (0, "sdw1-1", "s", None, "pg_system"),
            (1, "sdw1-2", "s", None, "pg_system"),
        ]
        assert "8.3.23" in found.sql("SELECT version()")[0][0]
        assert found.ssh("sdw1-2", "hostname; getent hosts sdw1-2").stdout.split() == [
            "sdw1",
            found.lab.resolve("sdw1-2"),
            "sdw1-2",
        ]
        assert found.gpmirror("validate").returncode == 0


def test_an_uneven_lab_of_release_7_with_a_spare_host() -> None:
    with practice_cluster(
        release="7.0.0", hosts=2, primaries=1, addresses=2, spare=1, uneven=True
    ) as found:
        rows = found.sql("SELECT hostname, address FROM gp_segment_configuration ORDER BY dbid")
        assert rows[1:] == [("sdw1", "sdw1-1"), ("sdw2", "sdw2-1"), ("sdw2", "sdw2-2")]
        assert "Greenplum Database 7.0.0" in found.sql("SELECT version()")[0][0]
        assert found.sql("SELECT sent_lsn FROM gp_stat_replication") == []
        assert "sdw3" not in found.spec.read_text()
        assert "sdw3-2" in found.ssh("mdw", "getent hosts sdw3-2").stdout
        assert found.ssh("sdw3-2", "hostname; ls ../data").stdout.split() == [
            "sdw3",
            "mirror",
            "primary",
        ]
        told = found.gpmirror("lab", "status").stdout
        assert "7.0.0" in told
        assert "none, spare" in told
        again = found.gpmirror("lab", "up", "--release", "6.24.3")
        assert (
            "2 hosts with 1 primaries or one more, 1 spare, 2 addresses each, 7.0.0" in again.stderr
        )
        assert found.gpmirror("plan").returncode == 0


def test_down_leaves_nothing() -> None:
    with practice_cluster(hosts=1, primaries=1) as found:
        lab, state = found.lab, found.state
        ips = tuple(ip for host in lab.everywhere for ip in host.ips)
        session = subprocess.Popen(
            ["ssh", "-F", str(lab.ssh_config), "sdw1", "sleep 600"], stdin=subprocess.DEVNULL
        )
        found.wait(lambda: b"sleep" in _commands(lab_processes(state, ips)))
        assert found.gpmirror("lab", "down").returncode == 0
        assert session.wait(timeout=120) == 255
        assert lab_processes(state, ips) == set()
        assert not state.exists()
        assert found.spec.exists()
        again = found.gpmirror("lab", "down")
        assert (again.returncode, "no practice cluster" in again.stdout) == (0, True)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_up_is_cleared_by_the_next(seed: int) -> None:
    moment = random.Random(seed).uniform(0.3, 2.5)
    with lab_folder() as found:
        begun = subprocess.Popen(
            [sys.executable, "-m", "gpmirror", "lab", "up", "--hosts", "1", "--primaries", "2"],
            cwd=found.spec.parent,
            env=found.environment(),
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(moment)
        os.killpg(begun.pid, 9)
        begun.wait()
        built = found.gpmirror("lab", "up", "--hosts", "2", "--primaries", "1")
        if built.returncode:  # the first one was ready before the kill
            assert "another shape is up" in built.stderr
            return
        assert len(found.sql("SELECT 1 FROM gp_segment_configuration")) == 3
        assert len(_server_folders(lab_processes(found.state))) == 3


def _server_folders(pids: set[int]) -> set[Path]:
    """Where the servers among those that still run work: a session may end while it is looked at."""
    found = set()
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            folder = Path(f"/proc/{pid}/cwd").readlink()
            if Path(f"/proc/{pid}/comm").read_text().strip() == "postgres":
                found.add(folder)
    return found


def _commands(pids: set[int]) -> bytes:
    """The command lines of those that still run: others may have ended since they were listed."""
    found = b""
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            found += Path(f"/proc/{pid}/cmdline").read_bytes()
    return found


def test_a_login_on_a_terminal_is_a_shell(fresh: Practice) -> None:
    """Also where the SSH server may not give one: OpenSSH hands a terminal to the group tty, and
    hangs up where an ordinary account cannot.
    """
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(fresh.spec.parent)
        words = [sys.executable, "-m", "gpmirror", "lab", "ssh", "sdw1"]
        os.execve(sys.executable, words, {**fresh.environment(), "TERM": "dumb"})
    seen = b""

    def read_until(what: bytes) -> None:
        nonlocal seen
        deadline = time.monotonic() + 60
        while what not in seen and time.monotonic() < deadline:
            if select.select([terminal], [], [], 1)[0]:
                seen += os.read(terminal, 4096)
        assert what in seen, seen

    read_until(b"sdw1 ~]$ ")
    os.write(terminal, b"echo on $(hostname), $(tty | cut -c1-8), $(basename $GPHOME)\r")
    read_until(b"on sdw1, /dev/pts, gphome")
    os.write(terminal, b"exit 7\r")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)
