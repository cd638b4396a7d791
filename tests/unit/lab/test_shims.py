"""The programs on a practice host answer for the host; run by the real shell."""

import dataclasses
import subprocess
from pathlib import Path

import pytest

from gpmirror.lab.building import UTILITIES, write_gphome, write_host_programs, write_hosts_table
from gpmirror.lab.layout import Lab, LabHost
from gpmirror.lab.releases import RELEASES


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """The files of a lab with one segment host of two interfaces."""
    hosts = [
        LabHost(
            name=name,
            addresses=addresses,
            home=tmp_path / name / "home",
            data=tmp_path / name / "data",
            ssh_port=2222,
        )
        for name, addresses in (
            ("mdw", (("mdw", "127.77.3.10"),)),
            ("sdw1", (("sdw1-1", "127.77.3.11"), ("sdw1-2", "127.78.3.11"))),
        )
    ]
    found = Lab(
        release=RELEASES["6.24.3"],
        state=tmp_path,
        gphome=tmp_path / "gphome",
        pg_bin=Path("/nowhere"),
        coordinator=hosts[0],
        hosts=(hosts[1],),
        coordinator_port=5432,
        user="gpadmin",
        account="somebody",
        primary_port=6000,
        python=Path("/usr/bin/python3"),
        python_path="/opt/gp mirror",
    )
    hosts[1].home.mkdir(parents=True)
    write_hosts_table(found)
    write_host_programs(found, hosts[1])
    write_gphome(found)
    return found


def run(lab: Lab, *words: str) -> "subprocess.CompletedProcess[str]":
    program = str(lab.hosts[0].bin / words[0])
    return subprocess.run([program, *words[1:]], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("hosts", "sdw1"), "127.77.3.11     sdw1-1 sdw1\n"),
        (("hosts", "sdw1-2"), "127.78.3.11     sdw1-2\n"),
        (("hosts", "127.78.3.11"), "127.78.3.11     sdw1-2\n"),
        (("hosts", "mdw", "sdw1-2"), "127.77.3.10     mdw\n127.78.3.11     sdw1-2\n"),
    ],
)
def test_getent_knows_the_lab(lab: Lab, words: tuple[str, ...], answer: str) -> None:
    done = run(lab, "getent", *words)
    assert (done.stdout, done.returncode) == (answer, 0)


def test_getent_ahosts_has_three_lines_an_address(lab: Lab) -> None:
    lines = run(lab, "getent", "ahosts", "sdw1").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["127.77.3.11", kind] for kind in ("STREAM", "DGRAM", "RAW")
    ]


def test_getent_passes_the_rest_on(lab: Lab) -> None:
    assert run(lab, "getent", "passwd", "root").stdout.startswith("root:")
    assert run(lab, "getent", "hosts", "no-such-host.invalid").returncode == 2


def test_hostname(lab: Lab) -> None:
    assert run(lab, "hostname").stdout == "sdw1\n"
    assert run(lab, "hostname", "-I").stdout == "127.77.3.11 127.78.3.11\n"


def test_the_utilities_shed_the_old_python_settings(lab: Lab) -> None:
    for name in UTILITIES:
        text = (lab.gphome / "bin" / name).read_text()
        assert "env -u PYTHONHOME" in text
        assert "'PYTHONPATH=/opt/gp mirror'" in text
    sourced = f'. {lab.gphome}/greenplum_path.sh; echo "$PYTHONHOME"'
    done = subprocess.run(["sh", "-c", sourced], capture_output=True, text=True, check=True)
    assert done.stdout == f"{lab.gphome}/ext/python\n"


def test_gphome_holds_the_server_that_a_silent_host_is_asked_for(lab: Lab, tmp_path: Path) -> None:
    found = dataclasses.replace(lab, pg_bin=tmp_path / "postgresql")
    found.pg_bin.mkdir()
    (found.pg_bin / "postgres").touch()
    write_gphome(found)
    assert (found.gphome / "bin" / "postgres").resolve() == found.pg_bin / "postgres"
