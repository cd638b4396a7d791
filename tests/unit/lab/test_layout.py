"""`lab.json` comes back as it was written; names lead to hosts; what is broken is said."""

from pathlib import Path

import pytest

from gpmirror.errors import Failure
from gpmirror.lab.building import primaries, spec_text
from gpmirror.lab.layout import FILE, Lab, LabHost, read_lab, write_lab
from gpmirror.lab.releases import RELEASES
from gpmirror.model.dialect import DialectName
from gpmirror.spec import load


def host(state: Path, name: str, *addresses: tuple[str, str]) -> LabHost:
    folder = state / "hosts" / name
    return LabHost(
        name=name,
        addresses=addresses,
        home=folder / "home",
        data=folder / "data",
        ssh_port=2222,
        primaries=2,
    )


def a_lab(state: Path, *hosts: LabHost) -> Lab:
    return Lab(
        release=RELEASES["6.24.3"],
        state=state,
        gphome=state / "gphome",
        pg_bin=Path("/opt/pg/bin"),
        coordinator=host(state, "mdw", ("mdw", "127.77.3.10")),
        hosts=hosts,
        coordinator_port=5432,
        user="gpadmin",
        account="somebody",
        primary_port=6000,
        python=Path("/usr/bin/python3"),
        python_path="/opt/gpmirror",
    )


def two_nics(state: Path) -> Lab:
    return a_lab(
        state,
        host(state, "sdw1", ("sdw1-1", "127.77.3.11"), ("sdw1-2", "127.78.3.11")),
        host(state, "sdw2", ("sdw2-1", "127.77.3.12"), ("sdw2-2", "127.78.3.12")),
    )


def test_it_comes_back_as_written(tmp_path: Path) -> None:
    write_lab(two_nics(tmp_path))
    assert read_lab(tmp_path) == two_nics(tmp_path)


@pytest.mark.parametrize(
    ("name", "ip", "owner"),
    [
        ("mdw", "127.77.3.10", "mdw"),
        ("sdw1", "127.77.3.11", "sdw1"),
        ("sdw1-2", "127.78.3.11", "sdw1"),
        ("127.78.3.12", "127.78.3.12", "sdw2"),
    ],
)
def test_names_lead_to_hosts(tmp_path: Path, name: str, ip: str, owner: str) -> None:
    lab = two_nics(tmp_path)
    assert lab.resolve(name) == ip
    assert lab.host_of(name).name == owner


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="sdw9") as caught:
        two_nics(tmp_path).resolve("sdw9")
    assert caught.value.hint == "it has mdw, sdw1, sdw2"


def test_no_lab(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no practice cluster") as caught:
        read_lab(tmp_path)
    assert "lab up" in str(caught.value.hint)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"release": "6.99.0"}', "\x00", "nul"])
def test_a_broken_file_is_said_and_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(Failure, match=r"lab\.json") as caught:
        read_lab(tmp_path)
    assert "lab down" in str(caught.value.hint)


def test_primaries_take_contents_and_interfaces_in_turn(tmp_path: Path) -> None:
    found = [(c, h.name, address, port) for c, h, address, port, _ in primaries(two_nics(tmp_path))]
    assert found == [
        (0, "sdw1", "sdw1-1", 6000),
        (1, "sdw1", "sdw1-2", 6001),
        (2, "sdw2", "sdw2-1", 6000),
        (3, "sdw2", "sdw2-2", 6001),
    ]


def test_the_spec_loads(tmp_path: Path) -> None:
    one = a_lab(tmp_path, host(tmp_path, "sdw1", ("sdw1", "127.77.3.11")))
    for lab in (two_nics(tmp_path), one):
        spec = load(spec_text(lab).encode(), "gpmirror.yaml")
        assert [found.name for found in spec.hosts] == [own.name for own in lab.hosts]
        assert spec.dialect is DialectName.GP6
