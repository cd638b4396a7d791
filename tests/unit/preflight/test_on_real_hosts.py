"""Scripts run by a real sh against real directories and sockets, judged to the end."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from gpmirror.diagnostics import Place
from gpmirror.model.observed import Observed
from gpmirror.model.segment import Segment
from gpmirror.plan.request import Request
from gpmirror.preflight import shell
from gpmirror.preflight.directories import (
    locations_script,
    locations_to_ask,
    read_locations,
    with_locations,
)
from gpmirror.preflight.judge import Silent, judge, read_answers
from gpmirror.preflight.model import Check, Preflight, Result
from gpmirror.preflight.script import scripts
from gpmirror.spec.model import Offset, Pin
from tests.clusters import host, planned, row, spec
from tests.machines import HOSTS, Machines, told, troubles

PORT = 7000
SHELLS = [shell for shell in ("dash", "bash", "busybox sh") if shutil.which(shell.split()[0])]
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
SIZES = dict.fromkeys(range(4), 1000000)


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def adding(machines: Machines, **facts: Any) -> Preflight:
    seen = machines.seen(**({"sizes": SIZES} | facts))
    return machines.judged(machines.plan(seen), seen)


def only(found: Preflight) -> Check:
    problems = troubles(found)
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize("shell", SHELLS)
def test_sound_hosts_are_ready(machines: Machines, shell: str) -> None:
    machines.shell = shell
    found = adding(machines)
    assert troubles(found) == []
    assert found.hazards == ()
    assert found.notes == ()
    assert {check.host for check in found.checks} == {"mdw", "sdw1", "sdw2"}


def test_the_scripts_change_nothing(machines: Machines) -> None:
    adding(machines)
    (machines.folder / "names").unlink()
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in machines.folder.rglob("*"))
    seen = machines.seen()
    outputs = scripts(machines.plan(seen), seen)
    machines.answers(outputs)
    (machines.folder / "names").unlink()
    after = sorted((str(path), path.lstat().st_mtime_ns) for path in machines.folder.rglob("*"))
    assert [path for path, _ in before] == [path for path, _ in after]
    assert before[1:] == after[1:]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.skipif(not PORT_RANGE.exists(), reason="this kernel has no port range to read")
def test_ports_that_the_kernel_hands_out(machines: Machines, shell: str) -> None:
    machines.shell = shell
    low, high = PORT_RANGE.read_text().split()
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen, ports=Offset(int(low) - 6000))
    (hazard,) = machines.judged(plan, seen).hazards
    assert hazard.name == "ephemeral-port"
    assert f"port {low}-{int(low) + 1} lies inside ip_local_port_range ({low}-{high})" in (
        hazard.message
    )


# --- directories ------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [0o700, 0o2700])
def test_an_empty_private_directory_will_do(machines: Machines, mode: int) -> None:
    place = machines.at("sdw2", "mirror", "gpseg0")
    place.mkdir()
    place.chmod(mode)
    assert troubles(adding(machines)) == []


def test_an_empty_open_directory_will_not(machines: Machines) -> None:
    place = machines.at("sdw2", "mirror", "gpseg0")
    place.mkdir()
    place.chmod(0o755)
    check = only(adding(machines))
    assert (check.host, check.name, check.result) == ("sdw2", "directories", "bad")
    assert "content 0" in check.detail
    assert "mode 0755" in check.detail
    assert check.remedy == f"`chmod 0700 {place}`"


def test_a_full_directory_is_named_with_some_of_its_entries(machines: Machines) -> None:
    place = machines.at("sdw2", "mirror", "gpseg0")
    place.mkdir(mode=0o700)
    for name in (".hidden", "a b", "$(touch x)", "new\nline", "späť"):
        (place / name).touch()
    check = only(adding(machines))
    assert "is not empty" in check.detail
    assert "and 2 more" in check.detail
    assert "mv" in check.remedy


@pytest.mark.parametrize(
    ("reverts", "is_down", "words"),
    [
        (None, False, "`gpmirror prune RUN` deletes it after proof; else make sure"),
        ("r1", False, "`gpmirror prune r1` deletes it after proof"),
        ("r1", True, "set it aside: `mv {place} {place}.gpmirror-r1`; `gpmirror prune r1` deletes"),
    ],
)
def test_what_clears_a_full_directory_away(
    machines: Machines, reverts: str | None, is_down: bool, words: str
) -> None:
    """Prune touches nothing of a content with one copy: then the old directory must step aside."""
    down, *others = down_mirror(machines)
    first = down if is_down else replace(down, status=others[0].status)
    seen = machines.seen(first, *others, sizes=SIZES)
    place = machines.at("sdw2", "mirror", "new0")
    place.mkdir(mode=0o700)
    (place / "PG_VERSION").touch()
    plan = machines.plan(seen, Request(contents=frozenset({0})), directory="{root}/new{content}")
    plan = replace(plan, settings=replace(plan.settings, reverts=reverts))
    check = only(machines.judged(plan, seen))
    assert words.format(place=place) in check.remedy


def test_a_file_in_the_way(machines: Machines) -> None:
    machines.at("sdw2", "mirror", "gpseg0").touch()
    assert "is not a directory" in only(adding(machines)).detail


def test_a_link_in_the_way(machines: Machines) -> None:
    machines.at("sdw2", "elsewhere").mkdir(mode=0o700)
    machines.at("sdw2", "mirror", "gpseg0").symlink_to(machines.at("sdw2", "elsewhere"))
    assert "symbolic link" in only(adding(machines)).detail


def test_a_root_that_is_a_link_is_followed(machines: Machines) -> None:
    machines.at("sdw2", "mirror").rename(machines.at("sdw2", "disk"))
    machines.at("sdw2", "mirror").symlink_to(machines.at("sdw2", "disk"))
    assert troubles(adding(machines)) == []


def test_a_root_that_is_a_dangling_link(machines: Machines) -> None:
    machines.at("sdw2", "mirror").rmdir()
    machines.at("sdw2", "mirror").symlink_to("/nowhere/at/all")
    bad = [check for check in troubles(adding(machines)) if check.name == "parents"]
    assert "leads to no directory" in bad[0].detail


def test_two_roots_that_are_one_place(machines: Machines) -> None:
    """The catalog and the spec cannot see that a root leads to where a primary stands."""
    machines.at("sdw2", "mirror").rmdir()
    machines.at("sdw2", "mirror").symlink_to(machines.at("sdw2", "primary"))
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen, directory="{root}/mirrors/{prefix}{content}")
    found = troubles(machines.judged(plan, seen))
    assert found == []
    twice = machines.plan(seen, directory="{root}/gpseg{content}")
    machines.at("sdw2", "primary", "gpseg0").symlink_to(machines.at("sdw2", "primary", "gpseg2"))
    details = [check.detail for check in troubles(machines.judged(twice, seen))]
    assert any("symbolic link" in detail for detail in details)


def test_a_root_that_leads_into_a_data_directory(machines: Machines) -> None:
    machines.at("sdw2", "mirror").rmdir()
    machines.at("sdw2", "mirror").symlink_to(machines.at("sdw2", "primary"))
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen, directory="{root}/gpseg2/a/{prefix}{content}")
    found = troubles(machines.judged(plan, seen))
    assert [(check.host, check.name, check.result) for check in found] == [
        ("sdw2", "directories", "bad")
    ] * 2
    inside = machines.at("sdw2", "primary", "gpseg2")
    assert all(f"would lie inside the data directory {inside}" in one.detail for one in found)


def test_a_missing_root_is_created_below_the_nearest_ancestor(machines: Machines) -> None:
    machines.at("sdw2", "mirror").rmdir()
    assert troubles(adding(machines)) == []


def test_a_root_below_a_file(machines: Machines) -> None:
    machines.at("sdw2", "mirror").rmdir()
    machines.at("sdw2", "mirror").touch()
    check = troubles(adding(machines))[0]
    assert (check.name, check.result) == ("parents", "bad")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_root_that_may_not_be_written(machines: Machines) -> None:
    machines.at("sdw2", "mirror").chmod(0o500)
    check = only(adding(machines))
    assert check.name == "parents"
    assert "mode 0500" in check.detail
    assert "install -d" in check.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_an_owner_that_is_not_the_login(machines: Machines) -> None:
    for path in machines.at("sdw2", "primary").iterdir():
        os.chown(path, 65534, 65534)
    found = [check for check in troubles(adding(machines)) if check.name == "login"]
    assert [(check.host, check.result) for check in found] == [("sdw2", "bad")]
    assert "belongs to nobody" in found[0].detail


def test_a_host_that_does_not_have_its_primary(machines: Machines) -> None:
    shutil.rmtree(machines.at("sdw1", "primary", "gpseg1"))
    check = troubles(adding(machines))[0]
    assert (check.host, check.name, check.result) == ("sdw1", "identity", "bad")
    assert "acting primary of content 1" in check.detail


# --- ports --------------------------------------------------------------------------------------


@contextmanager
def listening(address: str, port: int, *, both: bool = False) -> Iterator[None]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if both else 1)
        server.bind((address, port))
        server.listen()
        yield


def free_port() -> int:
    """A port below 32768 that nobody uses on any address."""
    for port in range(21_000 + os.getpid() % 5000, 32_000):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def with_port(machines: Machines, port: int) -> Preflight:
    seen = machines.seen(sizes=SIZES)
    return machines.judged(machines.plan(seen, ports=Offset(port - 6000)), seen)


def has_ipv6() -> bool:
    try:
        with listening("::1", 0):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("address", ["0.0.0.0", "127.66.0.12"])
def test_a_listener_on_ipv4(machines: Machines, address: str) -> None:
    port = free_port()
    with listening(address, port):
        found = [c for c in troubles(with_port(machines, port)) if c.host == "sdw2"]
    assert told(found) == [("sdw2", "ports", "bad")]
    assert f"content 0: port {port}" in found[0].detail
    assert f"{address}:{port}" in found[0].detail


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("both", [True, False])
def test_a_listener_on_the_ipv6_wildcard(machines: Machines, both: bool) -> None:
    port = free_port()
    with listening("::", port, both=both):
        found = troubles(with_port(machines, port))
    assert told(found) == [("sdw1", "ports", "bad"), ("sdw2", "ports", "bad")]
    assert f"[::]:{port}" in found[0].detail


def test_a_listener_on_another_hosts_address_is_not_ours(machines: Machines) -> None:
    port = free_port()
    with listening("127.66.0.99", port):
        assert troubles(with_port(machines, port)) == []


def test_a_listener_on_another_address_of_the_host(machines: Machines) -> None:
    """Greenplum listens on all of them, whichever the catalog names."""
    port = free_port()
    machines.names |= {"sdw2-1": "127.66.1.12", "sdw2-2": "127.66.2.12", "sdw1-1": "127.66.1.11"}
    hosts = [
        host(name, roots=(str(machines.at(name, "mirror")),), addresses=addresses)
        for name, addresses in (("sdw1", ("sdw1-1",)), ("sdw2", ("sdw2-1", "sdw2-2")))
    ]
    seen = machines.seen(sizes=SIZES)
    plan = planned(spec(hosts, ports=Offset(port - 6000)), seen)
    for address in ("127.66.0.12", "127.66.1.12", "127.66.2.12"):
        with listening(address, port):
            found = [c for c in troubles(machines.judged(plan, seen)) if c.name == "ports"]
        assert told(found) == [("sdw2", "ports", "bad")], address


def test_a_listener_on_the_port_of_a_down_copy(machines: Machines) -> None:
    """Who has no server any more holds no port, whatever the catalog says."""
    down = down_mirror(machines)
    port = free_port()
    moved = replace(down[0], port=port)
    seen = machines.seen(moved, *down[1:], sizes=SIZES)
    pins = (
        Pin(content=0, host="sdw2", port=port, directory=moved.directory, place=Place(file="x")),
    )
    plan = machines.plan(seen, pins=pins)
    assert troubles(machines.judged(plan, seen)) == []
    with listening("127.66.0.12", port):
        check = only(machines.judged(plan, seen))
        assert (check.name, check.result) == ("ports", "bad")
        home = Path(moved.directory or "")
        with subprocess.Popen(["sleep", "60"], cwd=home) as server:
            (home / "postmaster.pid").write_text(f"{server.pid}\n")
            try:
                assert troubles(machines.judged(plan, seen)) == []
            finally:
                server.kill()


def test_a_held_port_on_a_host_whose_name_is_unknown(machines: Machines) -> None:
    port = free_port()
    del machines.names["sdw2"]
    with listening("127.66.0.99", port):
        found = [c for c in troubles(with_port(machines, port)) if c.name == "ports"]
    assert told(found) == [("sdw2", "ports", "unknown")]


# --- names, shell, machine, software ------------------------------------------------------------


class Software:
    """A data directory, and a program `postgres` that a process of ours runs."""

    def __init__(self, folder: Path) -> None:
        self.data, self.bin, self.ran = folder / "gpseg0", folder / "gp" / "bin", folder / "ran"
        self.data.mkdir()
        self.bin.mkdir(parents=True)
        self.program = self.bin / "postgres"
        shutil.copy("/bin/sleep", self.program)

    def replace(self) -> None:
        """Another program stands in its place, and tells when it is run."""
        self.program.unlink()
        self.program.write_text(f"#!/bin/sh\ntouch {self.ran}\n")
        self.program.chmod(0o755)

    @contextmanager
    def running(self, folder: Path) -> Iterator[None]:
        with subprocess.Popen([self.program, "60"], cwd=folder) as server:
            (self.data / "postmaster.pid").write_text(f"{server.pid}\n")
            try:
                yield
            finally:
                server.kill()

    def is_taken(self, sh: str) -> bool:
        """Whether preflight takes this software for the server's."""
        script = (
            f"{shell.PRELUDE}x=; i=0; d={quote(str(self.data))}{shell.SERVER}s=\n{shell.SOFTWARE}"
        )
        done = subprocess.run(
            sh.split(), input=script, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True,
            timeout=300, check=True,
        )  # fmt: skip
        return f"software t{self.bin}\n" in done.stdout


@pytest.fixture
def software(tmp_path: Path) -> Software:
    return Software(tmp_path)


@pytest.mark.parametrize("sh", SHELLS)
def test_the_software_is_that_of_the_process_that_works_there(software: Software, sh: str) -> None:
    with software.running(software.data.parent):
        assert not software.is_taken(sh), "the number is a file's word"
    with software.running(software.data):
        assert software.is_taken(sh)
        software.replace()
        assert software.is_taken(sh), "it was upgraded"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("sh", SHELLS)
@pytest.mark.parametrize("what", ["folder", "program"])
def test_a_program_that_somebody_else_put_there_is_not_run(
    software: Software, what: str, sh: str
) -> None:
    given = software.bin if what == "folder" else software.program
    with software.running(software.data):
        os.chown(given, 65534, 65534)
        assert software.is_taken(sh), "it is the very program that our account runs there"
        software.replace()
        os.chown(given, 65534, 65534)
        assert not software.is_taken(sh)
        assert not software.ran.exists()
        os.chown(software.data, 65534, 65534)
        if what == "program":
            assert software.is_taken(sh), "it belongs to whom the copy belongs to"


def test_a_name_that_does_not_resolve(machines: Machines) -> None:
    del machines.names["sdw2"]
    found = [check for check in troubles(adding(machines)) if check.name == "names"]
    assert [check.host for check in found] == ["mdw", "sdw1", "sdw2"]
    assert "sdw2 does not resolve here" in found[0].detail


def test_a_getent_that_takes_one_name(machines: Machines) -> None:
    one = (
        '#!/bin/sh\nwhile read -r a n; do [ "$n" = "$2" ] && echo "$a STREAM $n"; done <"$NAMES"\n'
    )
    for name in ("mdw", "sdw1", "sdw2"):
        machines.program(name, "getent", one)
    assert troubles(adding(machines)) == []


def test_a_shell_that_talks(machines: Machines) -> None:
    machines.program("sdw1", "loud", '#!/bin/sh\necho "welcome to $0 `date`"\necho more\n')
    machines.environment["sdw1"]["SHELL"] = str(machines.at("sdw1", "bin", "loud"))
    check = only(adding(machines))
    assert (check.host, check.name, check.result) == ("sdw1", "shell", "bad")
    assert "welcome to" in check.detail


def test_one_machine_under_two_names(machines: Machines) -> None:
    machines.environment["sdw2"]["GPMIRROR_MACHINE_ID"] = "id-of-sdw1"
    found = adding(machines)
    assert troubles(found) == []
    (hazard,) = found.hazards
    assert (hazard.name, hazard.contents, hazard.allowed) == ("same-machine", (0, 1, 2, 3), False)
    assert hazard.flag == "--allow same-machine"


def test_another_release_on_one_host(machines: Machines) -> None:
    machines.program("sdw2", "postgres", "#!/bin/sh\necho 'postgres (Greenplum Database) 6.25.0'\n")
    check = only(adding(machines))
    assert (check.host, check.name, check.result) == ("sdw2", "software", "bad")
    assert "6.25.0" in check.detail
    assert "6.24.3" in check.detail


# --- space --------------------------------------------------------------------------------------


def test_sizes_are_measured_where_nobody_tells_them(machines: Machines) -> None:
    found = adding(machines, sizes={})
    assert troubles(found) == []


def test_more_bytes_than_there_are(machines: Machines) -> None:
    """What the primaries' hosts measure counts, not what the server says of its databases."""
    for name in HOSTS:
        machines.program(
            name, "du", '#!/bin/sh\nfor d in "$@"; do printf "97656250000000\\t%s\\n" "$d"; done\n'
        )
    found = troubles(adding(machines))
    assert told(found) == [("sdw1", "space", "bad"), ("sdw2", "space", "bad")]
    assert "2 copies need 220.0 PB" in found[0].detail


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_copy_gets_is_measured(machines: Machines, shell: str) -> None:
    """WAL wherever it lies, tablespaces by their links; logs and backups stay behind."""
    machines.shell = shell
    primary, away = machines.at("sdw1", "primary", "gpseg0"), machines.at("sdw1", "a wal")
    for folder in ("base", "pg_log", "backups"):
        (primary / folder).mkdir()
        (primary / folder / "file").write_bytes(bytes(4_000_000))
    away.mkdir()
    (away / "segment").write_bytes(bytes(8_000_000))
    (primary / "pg_xlog").symlink_to(away)
    space = machines.at("sdw1", "ts", "2")
    space.mkdir(parents=True)
    (space / "table").write_bytes(bytes(2_000_000))
    (primary / "pg_tblspc").mkdir()
    (primary / "pg_tblspc" / "16385").symlink_to(space)
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen)
    answers = read_answers(plan, seen, machines.answers(scripts(plan, seen)), {})
    weight = answers.found.sources[0].server.weight
    assert weight.wal == pytest.approx(8_000_000, rel=0.02)
    assert weight.data == pytest.approx(12_000_000, rel=0.02)
    assert weight.spaces == {str(space): pytest.approx(2_000_000, rel=0.02)}
    assert judge(answers).sizes[0] == weight.data


def test_a_tablespace_counts_on_its_own_file_system(machines: Machines) -> None:
    primary, space = machines.at("sdw1", "primary", "gpseg0"), machines.at("sdw1", "ts", "2")
    space.mkdir(parents=True)
    (space / "table").write_bytes(bytes(2_000_000))
    (primary / "pg_tblspc").mkdir()
    (primary / "pg_tblspc" / "16385").symlink_to(space)
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen)
    answers = read_answers(plan, seen, machines.answers(scripts(plan, seen)), {})
    asked = locations_to_ask(answers.found)
    location = str(machines.at("sdw1", "ts"))
    assert asked == {"sdw2": (location,)}
    told_of = machines.answers({"sdw2": locations_script(asked["sdw2"])})
    found = with_locations(answers.found, told_of)
    assert found.locations == {"sdw2": {location: "usable"}}
    device, room = found.rooms["sdw2"][location]
    assert device == Path(location).stat().st_dev
    rooms = {"sdw2": {location: (device + 1, replace(room, available=2_100_000))}}
    checks = judge(replace(answers, found=replace(found, rooms=rooms))).checks
    (check,) = [one for one in checks if one.name == "space" and one.result is Result.BAD]
    assert check.host == "sdw2"
    assert check.detail.startswith(f"{location}: 2.1 MB are free, 1 copy needs 2.2 MB (content 0; ")


def test_a_measuring_that_takes_too_long_falls_back_on_the_databases(machines: Machines) -> None:
    slow = '#!/bin/sh\nfor d in "$@"; do case $d in */pg_xlog/) printf "1000\\t%s\\n" "$d";; esac; done\n'
    (machines.at("sdw1", "primary", "gpseg0") / "pg_xlog").mkdir()
    (machines.at("sdw1", "primary", "gpseg1") / "pg_xlog").mkdir()
    machines.program("sdw1", "du", f"{slow}exit 124\n")
    found = adding(machines, sizes=dict.fromkeys(range(2), 10**17))
    (check,) = [check for check in troubles(found) if check.name == "space"]
    assert (check.host, check.result) == ("sdw2", "bad")
    assert "2 copies need 220.0 PB" in check.detail
    assert "in part by the size of the databases" in check.detail


def test_an_old_copy_makes_room_for_the_new_one(machines: Machines) -> None:
    """As much as was measured there, and no more."""
    mirrors = down_mirror(machines)
    data = f"{10**11}"
    du = '#!/bin/sh\nfor d in "$@"; do case $d in {old}) k={there};; *) k={data};; esac\nprintf "$k\\t%s\\n" "$d"; done\n'
    seen = machines.seen(*mirrors, sizes=SIZES)
    old = machines.at("sdw2", "mirror", "gpseg0")
    (old / "file").touch()
    found = Preflight(checks=(), hazards=())
    for there, expected in ((2 * 10**11, []), (1000, [("sdw2", "space", "bad")])):
        for name in HOSTS:
            machines.program(name, "du", du.format(old=old, there=there, data=data))
        found = recovered(machines, seen, FULL)
        assert told(troubles(found)) == expected
    assert "the old copies make 1.0 MB free" in troubles(found)[0].detail


# --- recovery in place ----------------------------------------------------------------------------


def down_mirror(machines: Machines) -> tuple[Segment, ...]:
    """Group mirrors of all contents; that of content 0 is down."""
    mirrors = []
    for content in range(4):
        name = ("sdw2", "sdw1")[content // 2]
        where = str(machines.at(name, "mirror", f"gpseg{content}"))
        found = row(content + 6, content, "m", name, 7000 + content % 2, where)
        machines.server(found)
        mirrors.append(found)
    return (replace(mirrors[0], status=mirrors[0].status.__class__.DOWN), *mirrors[1:])


def recovered(machines: Machines, seen: Observed, request: Request = Request()) -> Preflight:  # noqa: B008
    return machines.judged(machines.plan(seen, request), seen)


FULL = Request(full=True)


@pytest.mark.parametrize("wanted", [Request(), FULL])
def test_a_down_copy_in_an_open_directory(machines: Machines, wanted: Request) -> None:
    seen = machines.seen(*down_mirror(machines), sizes=SIZES)
    place = machines.at("sdw2", "mirror", "gpseg0")
    place.chmod(0o750)
    check = only(recovered(machines, seen, wanted))
    assert (check.name, check.result) == ("directories", "bad")
    assert "has mode 0750; a server starts only in 0700" in check.detail
    assert check.remedy == f"`chmod 0700 {place}`"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_down_copy_of_another_account(machines: Machines) -> None:
    seen = machines.seen(*down_mirror(machines), sizes=SIZES)
    os.chown(machines.at("sdw2", "mirror", "gpseg0"), 65534, -1)
    check = only(recovered(machines, seen))
    assert (check.name, check.result) == ("directories", "bad")
    assert "belongs to nobody, not to root" in check.detail
    assert "chown -R root" in check.remedy


@pytest.mark.parametrize("mode", [0o700, 0o2700])
def test_a_copy_of_our_own_is_caught_up(machines: Machines, mode: int) -> None:
    seen = machines.seen(*down_mirror(machines), sizes=SIZES)
    machines.at("sdw2", "mirror", "gpseg0").chmod(mode)
    assert troubles(recovered(machines, seen)) == []


@pytest.mark.parametrize("wanted", [Request(), FULL], ids=["incremental", "full"])
def test_a_copy_of_another_system_is_never_written_over(
    machines: Machines, wanted: Request
) -> None:
    mirrors = down_mirror(machines)
    machines.server(mirrors[0], identifier=7)
    check = only(recovered(machines, machines.seen(*mirrors, sizes=SIZES), wanted))
    assert (check.host, check.name, check.result) == ("sdw2", "directories", "bad")
    assert "belongs to another system" in check.detail


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda place: (place / "backup_label").touch(), "partial base backup"),
        (lambda place: (place / "global" / "pg_control").unlink(), "no global/pg_control"),
        (shutil.rmtree, "is not there"),
    ],
    ids=["backup_label", "no pg_control", "absent"],
)
def test_an_incomplete_copy_needs_a_full_recovery(
    machines: Machines, damage: "object", words: str
) -> None:
    mirrors = down_mirror(machines)
    damage(Path(mirrors[0].directory or ""))  # type: ignore[operator]
    seen = machines.seen(*mirrors, sizes=SIZES)
    check = only(recovered(machines, seen))
    assert words in check.detail
    assert "plan --full --content 0" in check.remedy
    assert troubles(recovered(machines, seen, FULL)) == []


def test_a_finished_copy_that_never_started_is_caught_up(machines: Machines) -> None:
    mirrors = down_mirror(machines)
    for name in ("backup_label", "recovery.conf"):
        (Path(mirrors[0].directory or "") / name).touch()
    assert troubles(recovered(machines, machines.seen(*mirrors, sizes=SIZES))) == []


def test_a_host_that_is_only_left_may_be_silent(machines: Machines) -> None:
    mirrors = down_mirror(machines)
    gone = [
        replace(found, hostname="sdw9", address="sdw9") if found.content < 2 else found
        for found in mirrors
    ]
    shutil.rmtree(machines.at("sdw2", "mirror"))
    machines.at("sdw2", "mirror").mkdir(mode=0o700)
    machines.silent["sdw9"] = Silent(reason="no route to sdw9", remedy="-")
    found = recovered(machines, machines.seen(*gone, sizes=SIZES))
    assert troubles(found) == []
    assert "no route to sdw9" in found.notes[0]


def test_a_silent_host_is_bad(machines: Machines) -> None:
    machines.silent["sdw2"] = Silent(reason="sdw2: connection refused", remedy="start sshd")
    check = only(adding(machines))
    assert (check.name, check.result, check.remedy) == ("reachable", "bad", "start sshd")


def test_a_host_that_answers_nonsense_is_bad(machines: Machines) -> None:
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen)
    outputs = machines.answers(scripts(plan, seen)) | {"sdw1": "You are not welcome\n"}
    check = only(judge(read_answers(plan, seen, outputs, {})))
    assert (check.host, check.name) == ("sdw1", "reachable")
    assert "You are not welcome" in check.detail


def test_a_host_whose_answer_breaks_off_is_unknown(machines: Machines) -> None:
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen)
    outputs = machines.answers(scripts(plan, seen))
    outputs["sdw2"] = outputs["sdw2"][: outputs["sdw2"].index("place")]
    found = troubles(judge(read_answers(plan, seen, outputs, {})))
    assert {check.host for check in found} == {"sdw2"}
    assert ("sdw2", "reachable", "unknown") in told(found)
    assert ("sdw2", "directories", "unknown") in told(found)
    assert ("sdw2", "names", "unknown") in told(found)


# --- tablespaces ------------------------------------------------------------------------------


def with_tablespace(machines: Machines) -> Path:
    """Content 0 has a tablespace, as 6 lays it out; its location. Its mirror goes to sdw2."""
    location = machines.folder / "fast ts"
    (location / "2").mkdir(parents=True)
    links = machines.at("sdw1", "primary", "gpseg0", "pg_tblspc")
    links.mkdir()
    (links / "16400").symlink_to(location / "2")
    return location


@pytest.mark.parametrize("shell", SHELLS)
def test_a_tablespace_location_that_is_there_will_do(machines: Machines, shell: str) -> None:
    """All hosts share this machine's paths."""
    machines.shell = shell
    with_tablespace(machines)
    found = adding(machines)
    assert troubles(found) == []
    assert ("sdw2", "tablespaces", "ok") in told(found.checks)


@pytest.mark.parametrize("shell", SHELLS)
def test_locations_are_told_as_a_base_backup_names_them(machines: Machines, shell: str) -> None:
    """By the text of the link: elsewhere the same name may lead to another disk."""
    machines.shell = shell
    location = with_tablespace(machines)
    name = location.with_name("by name")
    name.symlink_to(location)
    link = machines.at("sdw1", "primary", "gpseg0", "pg_tblspc", "16400")
    link.unlink()
    link.symlink_to(name / "2")
    seen = machines.seen(sizes=SIZES)
    plan = machines.plan(seen)
    answers = read_answers(plan, seen, machines.answers(scripts(plan, seen)), {})
    assert locations_to_ask(answers.found) == {"sdw2": (str(name),)}


@pytest.mark.parametrize("shell", SHELLS)
def test_what_stands_at_tablespace_locations(tmp_path: Path, shell: str) -> None:
    usable, closed, link = tmp_path / "it's $(here)", tmp_path / "file", tmp_path / "link"
    usable.mkdir()
    closed.touch()
    link.symlink_to(usable)
    paths = [str(path) for path in (usable, closed, link, tmp_path / "gone")]
    words = [*shell.split(), "-c", locations_script(paths)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    states = dict(zip(paths, ("usable", "closed", "usable", "absent"), strict=True))
    assert read_locations(done.stdout, paths) == states
    assert list(read_locations(done.stdout[:20], paths)) == paths[:1]
