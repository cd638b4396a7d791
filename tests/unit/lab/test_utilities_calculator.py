"""`gpaddmirrors -o` lays mirrors out as recorded: group and spread on 6, three offsets on 5."""

import pytest

from gpmirror.lab.utilities.array import Array
from gpmirror.lab.utilities.colon_files import write_add as write_colon
from gpmirror.lab.utilities.console import BadOption, Broken
from gpmirror.lab.utilities.gpaddmirrors import Layout, place, read_directories, wanted_directories
from gpmirror.lab.utilities.pipe_files import write_add as write_pipe
from gpmirror.model.segment import Mode, Role, Segment, Status

PATHS = {"": ["/data/mirror", "/data/mirror"]}


def array(hosts: int, port: int) -> Array:
    segments = [
        Segment(
            dbid=2 + content,
            content=content,
            role=Role.PRIMARY,
            preferred_role=Role.PRIMARY,
            mode=Mode.NOT_IN_SYNC,
            status=Status.UP,
            port=port + content % 2,
            hostname=f"sdw{content // 2 + 1}",
            address=f"sdw{content // 2 + 1}",
            directory=f"/data/primary/gpseg{content}",
        )
        for content in range(2 * hosts)
    ]
    return Array(segments=tuple(segments), top_dbid=1 + 2 * hosts)


def test_group_of_6() -> None:
    layout = Layout(offset=1000, spread=False, old=False)
    assert write_pipe(place(array(4, 6000), layout, PATHS, "gpseg-1")) == (
        "0|sdw2|7000|/data/mirror/gpseg0\n"
        "1|sdw2|7001|/data/mirror/gpseg1\n"
        "2|sdw3|7000|/data/mirror/gpseg2\n"
        "3|sdw3|7001|/data/mirror/gpseg3\n"
        "4|sdw4|7000|/data/mirror/gpseg4\n"
        "5|sdw4|7001|/data/mirror/gpseg5\n"
        "6|sdw1|7000|/data/mirror/gpseg6\n"
        "7|sdw1|7001|/data/mirror/gpseg7\n"
    )


def test_spread_of_6() -> None:
    layout = Layout(offset=1000, spread=True, old=False)
    assert write_pipe(place(array(4, 6000), layout, PATHS, "gpseg-1")) == (
        "0|sdw2|7000|/data/mirror/gpseg0\n"
        "1|sdw3|7000|/data/mirror/gpseg1\n"
        "2|sdw3|7001|/data/mirror/gpseg2\n"
        "3|sdw4|7000|/data/mirror/gpseg3\n"
        "4|sdw4|7001|/data/mirror/gpseg4\n"
        "5|sdw1|7000|/data/mirror/gpseg5\n"
        "6|sdw1|7001|/data/mirror/gpseg6\n"
        "7|sdw2|7001|/data/mirror/gpseg7\n"
    )


def test_5_writes_ports_that_do_not_exist() -> None:
    layout = Layout(offset=10000, spread=False, old=True)
    assert write_colon([], place(array(2, 40000), layout, PATHS, "gpseg-1")) == (
        "filespaceOrder=\n"
        "mirror0=0:sdw2:50000:60000:70000:/data/mirror/gpseg0\n"
        "mirror1=1:sdw2:50001:60001:70001:/data/mirror/gpseg1\n"
        "mirror2=2:sdw1:50000:60000:70000:/data/mirror/gpseg2\n"
        "mirror3=3:sdw1:50001:60001:70001:/data/mirror/gpseg3\n"
    )


@pytest.mark.parametrize(
    ("name", "leaf"), [("gpseg-1", "gpseg0"), ("gp-1-1", "gp-10"), ("coordinator", "gp0")]
)
def test_the_prefix_is_the_coordinators(name: str, leaf: str) -> None:
    layout = Layout(offset=1000, spread=False, old=False)
    assert place(array(2, 6000), layout, PATHS, name)[0].directory == f"/data/mirror/{leaf}"


def test_6_refuses_an_offset_below_its_range() -> None:
    layout = Layout(offset=500, spread=False, old=False)
    with pytest.raises(BadOption) as refused:
        layout.check_offset(array(4, 6000).segments, 5432)
    assert str(refused.value) == (
        "Value of port offset supplied via -p option produces ports outside of the valid range"
        "Mirror port base range must be between 6432 and 61000"
    )
    Layout(offset=1000, spread=False, old=False).check_offset(array(4, 6000).segments, 5432)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("/d\n", "Number of data directories must equal 2 but 1 were read from dirs"),
        ("/d\n/d\n/d\n", "Number of data directories must equal 2 but more were read from dirs"),
        ("rel\n/d\n", "Path entered config file is invalid; it must be a full path.  Path: 'rel'"),
        ("/d\n/d\n", "Only read directories for 0 of 1 filespaces from dirs"),
    ],
)
def test_what_a_directory_file_must_hold(text: str, said: str) -> None:
    filespaces = ["fs1"] if "Only" in said else []
    with pytest.raises(Broken) as broken:
        read_directories("dirs", text, wanted_directories(array(4, 6000)), filespaces)
    assert str(broken.value) == said


def test_directories_of_filespaces() -> None:
    text = "/data/mirror\n/data/mirror\nfilespace fs1\n/data/f\n/data/f\n"
    paths = read_directories("dirs", text, 2, ["fs1"])
    layout = Layout(offset=1000, spread=False, old=True)
    lines = place(array(2, 40000), layout, paths, "gpseg-1")
    assert lines[0].filespaces == (("fs1", "/data/f/gpseg0"),)
