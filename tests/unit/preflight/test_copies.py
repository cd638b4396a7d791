"""Copies as they stand on their hosts, through a real shell, against their rows in the catalog."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from gpmirror.boundary import Answered, NoAnswer, Reply, Silence
from gpmirror.model.segment import Mode, Role, Segment
from gpmirror.preflight.copies import (
    copies_by_host,
    is_sound,
    judge_standing,
    read_standing,
    standing_script,
)
from gpmirror.preflight.model import Check, Result
from gpmirror.run.preflight import look_at_copies, preflight_everywhere, run_preflight
from tests.clusters import mirrored, observed, row
from tests.machines import Machines

_SERVE = """
import socket, sys, time
one = socket.create_server(("127.0.0.1", 0))
print(one.getsockname()[1], flush=True)
time.sleep(600)
"""


class Copy:
    """A directory with a server of sorts: a process in it that listens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.server = subprocess.Popen(
            [sys.executable, "-c", _SERVE], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        self.port = int(self.server.stdout.readline())
        self.tell(self.server.pid, folder, self.port)
        (folder / "internal.auto.conf").write_text("gp_dbid=12\n")

    def tell(self, pid: int, folder: Path, port: int) -> None:
        text = f"{pid}\n{folder}\n1796050579\n{port}\n/tmp\n*\n  7001001 3\n"
        (self.folder / "postmaster.pid").write_text(text)

    def stop(self) -> None:
        self.server.kill()
        self.server.wait()
        if self.server.stdout is not None:
            self.server.stdout.close()

    @property
    def row(self) -> Segment:
        return row(12, 1, "m", "sdw2", self.port, str(self.folder))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Copy]:
    found = Copy(tmp_path / "gp seg'1")
    yield found
    found.stop()


def judged(*rows: Segment) -> list[Check]:
    done = subprocess.run(
        ["/bin/sh"], input=standing_script(rows), capture_output=True, text=True, check=True
    )
    return judge_standing("sdw2", rows, read_standing(done.stdout, rows))


def told(*rows: Segment) -> str:
    return "\n".join(f"{one.result.value} {one.detail} -> {one.remedy}" for one in judged(*rows))


def test_a_copy_that_stands_as_the_catalog_says(copy: Copy) -> None:
    checks = judged(copy.row)
    assert [one.detail for one in checks] == ["1 copy stands as the catalog says"]
    assert is_sound(checks)


def test_a_port_edited_by_hand_is_found_however_well_it_streams(copy: Copy) -> None:
    (check,) = judged(replace(copy.row, port=7200))
    assert check.result is Result.BAD
    assert check.detail == (
        "content 1, mirror (dbid 12): the catalog says port 7200, its server listens on "
        f"{copy.port}"
    )
    assert "then `gpmirror apply` starts it on the catalog's port" in check.remedy


def test_the_listener_counts_not_what_postmaster_pid_says(copy: Copy) -> None:
    copy.tell(copy.server.pid, copy.folder, 7200)
    assert "its server listens on" in told(replace(copy.row, port=7200))


def test_another_dbid_is_found_also_where_the_copy_is_down(copy: Copy) -> None:
    (copy.folder / "internal.auto.conf").write_text("# made\ngp_dbid = 99\n")
    for status in ("u", "d"):
        found = told(row(12, 1, "m", "sdw2", copy.port, str(copy.folder), status=status))
        assert "the catalog says dbid 12, " in found
        assert "says gp_dbid 99" in found
        assert "gpmirror apply --full --content 1" in found


def test_before_6_the_dbid_stands_in_a_file_of_its_own(copy: Copy) -> None:
    (copy.folder / "internal.auto.conf").unlink()
    assert is_sound(judged(copy.row))
    (copy.folder / "gp_dbid").write_text(
        "# Greenplum Database identifier for this master/segment.\ndbid = 13\n"
    )
    assert "says gp_dbid 13" in told(copy.row)


def test_no_server_where_the_catalog_says_up(copy: Copy) -> None:
    copy.stop()
    assert "the catalog says up, and no server runs in" in told(copy.row)
    assert f"(pid {copy.server.pid} is not its server)" in told(copy.row)
    copy.tell(os.getpid(), copy.folder, copy.port)
    assert f"(pid {os.getpid()} is not its server)" in told(copy.row)
    (copy.folder / "postmaster.pid").unlink()
    assert "(no postmaster.pid)" in told(copy.row)
    down = row(12, 1, "m", "sdw2", copy.port, str(copy.folder), status="d")
    assert is_sound(judged(down))


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    gone = row(12, 1, "m", "sdw2", 7001, str(tmp_path / "gone"))
    assert "there is no such directory" in told(gone)


def test_postmaster_pid_of_another_directory(copy: Copy, tmp_path: Path) -> None:
    copy.tell(copy.server.pid, tmp_path, copy.port)
    assert f"postmaster.pid there says {tmp_path}" in told(copy.row)


def test_several_copies_are_told_apart(copy: Copy, tmp_path: Path) -> None:
    other = Copy(tmp_path / "gpseg2")
    try:
        second = row(14, 2, "p", "sdw2", other.port, str(other.folder))
        (other.folder / "internal.auto.conf").write_text("gp_dbid=14\n")
        assert [one.detail for one in judged(copy.row, second)] == [
            "2 copies stand as the catalog says"
        ]
        bad, good = judged(copy.row, replace(second, port=1))
        assert bad.detail.startswith(
            "content 2, acting primary (dbid 14): the catalog says port 1,"
        )
        assert good.detail == "1 copy stands as the catalog says"
    finally:
        other.stop()


@pytest.mark.parametrize("text", ["", "noise\n", "gpmirror-facts 1\ngpmirror-facts end\n"])
def test_what_is_no_whole_answer_is_unknown(text: str) -> None:
    rows = (row(12, 1, "m", "sdw2", 7001),)
    (check,) = judge_standing("sdw2", rows, read_standing(text, rows))
    assert check.result is Result.UNKNOWN
    assert not is_sound([check])


def test_a_server_that_runs_and_does_not_replicate_is_named_with_the_way_out(copy: Copy) -> None:
    """As 5.8.1 calls such a mirror up and resynchronising."""
    mirror = replace(copy.row, mode=Mode.RESYNCING)
    done = subprocess.run(
        ["/bin/sh"], input=standing_script((mirror,)), capture_output=True, text=True, check=True
    )
    seen = read_standing(done.stdout, (mirror,))
    why = "the server in sdw2:/d runs and does not replicate (FaultMirror)"
    (check,) = judge_standing("sdw2", (mirror,), seen, {1: why})
    assert check.result is Result.BAD
    assert check.detail.startswith("content 1, mirror (dbid 12): the catalog says up and resync")
    assert why in check.detail
    assert "gp_segment_connect_timeout" in check.remedy
    for other in ({}, {2: why}):
        assert [one.result for one in judge_standing("sdw2", (mirror,), seen, other)] == [Result.OK]
    primary = replace(mirror, role=Role.PRIMARY)
    assert [one.result for one in judge_standing("sdw2", (primary,), seen, {1: why})] == [Result.OK]


class Quiet:
    """Hosts of which none answers."""

    def ask(self, scripts: dict[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        return {
            host: NoAnswer(host=host, why=Silence.UNREACHABLE, message=f"{host} away", hint="look")
            for host in scripts
        }

    change = ask


def test_every_host_is_asked_once_and_a_silent_one_is_unknown() -> None:
    seen = mirrored(("sdw1", "sdw2"), 1)
    checks = look_at_copies(seen, Quiet(), ())  # type: ignore[arg-type]
    assert [(one.host, one.result) for one in checks] == [
        ("sdw1", Result.UNKNOWN),
        ("sdw2", Result.UNKNOWN),
    ]
    assert checks[0].detail == "2 copies were not looked at: sdw1 away"
    assert copies_by_host(
        observed([row(2, 0, "p", "a", 1, address="b")]), {"b": "sdw9"}
    ).keys() == {"sdw9"}


@dataclass
class Asked:
    """Pretended hosts that count how often each is asked."""

    machines: Machines
    times: Counter[str] = field(default_factory=Counter)
    broken: str = ""

    def ask(self, scripts: Mapping[str, str], *, seconds: float) -> dict[str, Reply]:
        del seconds
        self.times.update(scripts.keys())
        return {
            host: Answered(
                host=host, status=0, out=text if host != self.broken else "# motd\n", err=""
            )
            for host, text in self.machines.answers(scripts).items()
        }


def but_figures(checks: Sequence[Check]) -> list[Check]:
    """Without the figures of the disk, which other programs fill meanwhile."""
    return [replace(one, detail="") if one.name == "space" else one for one in checks]


def test_the_look_at_every_copy_goes_along_with_the_checks(tmp_path: Path) -> None:
    """One round trip a host, and the answers of neither are taken for the other's."""
    machines = Machines(tmp_path)
    seen = machines.seen(sizes=dict.fromkeys(range(4), 1))
    plan = machines.plan(seen)
    hosts = Asked(machines)
    found = preflight_everywhere(plan, seen, hosts, ())  # type: ignore[arg-type]
    assert set(hosts.times.values()) == {1}
    alone = run_preflight(plan, seen, hosts)  # type: ignore[arg-type]
    copies = look_at_copies(seen, hosts, ())  # type: ignore[arg-type]
    assert copies
    assert but_figures(found.checks) == but_figures([*alone.checks, *copies])
    # and hosts that the plan does not touch
    nothing = replace(plan, changes=(), waves=())
    looked = preflight_everywhere(nothing, seen, Asked(machines), ())  # type: ignore[arg-type]
    assert [one for one in looked.checks if one.name == "copies"] == [*copies]


def test_an_answer_that_is_none_is_none_of_either(tmp_path: Path) -> None:
    machines = Machines(tmp_path)
    seen = machines.seen(sizes=dict.fromkeys(range(4), 1))
    hosts = Asked(machines, broken="sdw1")
    found = preflight_everywhere(machines.plan(seen), seen, hosts, ())  # type: ignore[arg-type]
    said = [one for one in found.checks if one.host == "sdw1"]
    assert Result.OK not in {one.result for one in said}
    assert any("'# motd'" in one.detail for one in said)
    assert "copies" in {one.name for one in said}
