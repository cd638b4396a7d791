"""What is written is read back the same; what cannot be carried is refused before."""

import string
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpmirror import native
from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, Dialect, DialectName, MoveEngine
from gpmirror.native import write_add, write_move
from gpmirror.native.codes import CODES
from gpmirror.native.lines import AddFile, AddLine, Location, MoveFile, MoveLine
from gpmirror.native.reader import read_native

CONFIGS = Path(__file__).parents[2] / "fixtures" / "configs"
GP4, GP5, GP6, GP7 = (DIALECTS[DialectName(name)] for name in ("gp4", "gp5", "gp6", "gp7"))
CLOUDBERRY = DIALECTS[DialectName.CLOUDBERRY]

NAMES = st.text(string.ascii_lowercase + string.digits + "_-.", min_size=1, max_size=12).filter(
    lambda text: text[0] not in "-."
)
ADDRESSES = st.one_of(NAMES.filter(str.isalpha), st.ip_addresses(v=6).map(str))
PATHS = st.lists(
    st.text(string.ascii_letters + string.digits + "_-+,@%", min_size=1, max_size=8),
    min_size=1,
    max_size=4,
).map(lambda parts: "/" + "/".join(parts))
PORTS = st.integers(1, 65535)


@st.composite
def add_lines(draw: st.DrawFn, dialect: Dialect, names: tuple[str, ...]) -> list[AddLine]:
    contents = draw(st.lists(st.integers(0, 32767), min_size=1, max_size=5, unique=True))
    lines = []
    for index, content in enumerate(contents):
        port = 10_000 + 10 * index
        old = dialect.file_replication
        lines.append(
            AddLine(
                content=content,
                address=draw(ADDRESSES),
                port=port,
                directory=f"{draw(PATHS)}/seg{content}",
                replication_port=port + 1 if old else None,
                primary_replication_port=draw(PORTS) if old else None,
                filespaces=tuple((n, f"{draw(PATHS)}/{n}/fs{content}") for n in sorted(names)),
            )
        )
    return lines


@st.composite
def move_lines(draw: st.DrawFn, dialect: Dialect, names: tuple[str, ...]) -> list[MoveLine]:
    lines = []
    for line in draw(add_lines(dialect, names)):
        new = Location(
            address=line.address,
            port=line.port,
            directory=line.directory,
            replication_port=line.replication_port,
            filespaces=line.filespaces,
        )
        old = Location(
            address=draw(ADDRESSES), port=line.port + 5, directory=f"{draw(PATHS)}/s{line.content}"
        )
        lines.append(MoveLine(old=old, new=draw(st.sampled_from([new, None]))))
    return lines


@pytest.mark.parametrize("names", [(), ("fs_a", "fs_b")])
@pytest.mark.parametrize("dialect", [GP5, GP7], ids=lambda d: d.name)
@given(data=st.data())
def test_round_trip_of_additions(
    dialect: Dialect, names: tuple[str, ...], data: st.DataObject
) -> None:
    known = names if dialect.file_replication else ()
    lines = data.draw(add_lines(dialect, known))
    found = read_native(write_add(dialect, lines, known).encode(), "file", dialect)
    assert isinstance(found, AddFile)
    assert (list(found.lines), found.filespaces) == (lines, known)


@pytest.mark.parametrize("names", [(), ("fs_a", "fs_b")])
@pytest.mark.parametrize("dialect", [GP5, GP7], ids=lambda d: d.name)
@given(data=st.data())
def test_round_trip_of_moves(dialect: Dialect, names: tuple[str, ...], data: st.DataObject) -> None:
    known = names if dialect.file_replication else ()
    lines = data.draw(move_lines(dialect, known))
    found = read_native(write_move(dialect, lines, known).encode(), "file", dialect)
    assert isinstance(found, MoveFile)
    assert (list(found.lines), found.filespaces) == (lines, known)


@pytest.mark.parametrize("dialect", [GP5, GP6], ids=lambda d: d.name)
@given(address=st.text(max_size=6), directory=st.text(max_size=8))
def test_any_text_survives_or_is_refused_by_code(
    dialect: Dialect, address: str, directory: str
) -> None:
    old = dialect.file_replication
    line = AddLine(
        content=3,
        address=address,
        port=7000,
        directory=f"/{directory}",
        replication_port=8000 if old else None,
        primary_replication_port=9000 if old else None,
    )
    found = written_and_read(dialect, line)
    if isinstance(found, AddFile):
        assert found.lines == (line,)
    else:
        assert all(d.code in CODES and "content 3" in d.message for d in found)


def written_and_read(dialect: Dialect, line: AddLine) -> AddFile | tuple[Diagnostic, ...]:
    try:
        text = write_add(dialect, [line])
    except InvalidInput as refused:
        return refused.diagnostics
    found = read_native(text.encode(), "file", dialect)
    assert isinstance(found, AddFile)
    return found


def test_founding_document_byte_for_byte() -> None:
    lines = [
        AddLine(
            content=i,
            address="digoal.sqa.zmf",
            port=41000 + i,
            directory=f"/disk1/digoal/gpdata_mirror/gpseg{i}",
            replication_port=42000 + i,
            primary_replication_port=43000 + i,
        )
        for i in range(23)
    ]
    golden = (CONFIGS / "01-add-gp4-23-contents.txt").read_bytes()
    assert write_add(GP4, lines).encode() == golden.rstrip(b"\n") + b"\n"


def test_labels_count_lines_not_contents() -> None:
    line = AddLine(
        content=9,
        address="fd00::2",
        port=7000,
        directory="/m/9",
        replication_port=8000,
        primary_replication_port=9000,
        filespaces=(("b", "/b/9"), ("a", "/a/9")),
    )
    expected = "filespaceOrder=a:b\nmirror0=9:[fd00::2]:7000:8000:9000:/m/9:/a/9:/b/9\n"
    assert write_add(GP5, [line], ("b", "a")) == expected


def located(address: str, hostname: str | None = None, port: int = 7000) -> Location:
    return Location(address=address, port=port, directory="/m/gpseg0", hostname=hostname)


THREE = "sdw1-1|7000|/m/gpseg0 sdw2-1|7000|/m/gpseg0\n"
FOUR = "sdw1|sdw1-1|7000|/m/gpseg0 sdw2|sdw2-1|7000|/m/gpseg0\n"


@pytest.mark.parametrize(
    ("dialect", "version", "engine", "expected"),
    [
        (GP6, None, None, THREE),
        (GP6, "6.24.3", None, THREE),
        (GP6, "6.25.0", None, FOUR),
        (GP6, "PostgreSQL 9.4.26 (Greenplum Database 6.27.1 build x) on x86_64", None, FOUR),
        (GP6, "PostgreSQL 9.4.26 (Greenplum Database 6.9.0 build x) on x86_64", None, THREE),
        (GP7, "7.0.0", None, FOUR),
        (GP7, "7.0.0", "gpmovemirrors", THREE),
        (CLOUDBERRY, "14.4", None, THREE),
    ],
)
def test_hostnames_only_where_they_are_read(
    dialect: Dialect, version: str | None, engine: MoveEngine | None, expected: str
) -> None:
    line = MoveLine(old=located("sdw1-1", "sdw1"), new=located("sdw2-1", "sdw2"))
    assert write_move(dialect, [line], server_version=version, engine=engine) == expected


def test_equal_hostnames_and_recovery_in_place_stay_short() -> None:
    lines = [
        MoveLine(old=located("sdw1", "sdw1"), new=located("sdw2", None)),
        MoveLine(old=located("sdw3-1", "sdw3", 7001)),
    ]
    text = write_move(GP7, lines, server_version="7.1.0")
    assert text == "sdw1|7000|/m/gpseg0 sdw2|7000|/m/gpseg0\nsdw3-1|7001|/m/gpseg0\n"


def add(**changes: object) -> AddLine:
    values: dict[str, object] = {
        "content": 3, "address": "sdw1", "port": 7000, "directory": "/m/gpseg3",
    }  # fmt: skip
    return AddLine(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (add(directory="/m/my seg"), "GPM-N026", "U+0020 SPACE"),
        (add(directory="/m/a|b"), "GPM-N026", "U+007C VERTICAL LINE"),
        (add(directory="/m/a\nb"), "GPM-N026", "U+000A"),
        (add(directory="/m/a\x00b"), "GPM-N026", "U+0000"),
        (add(directory="/m/#1"), "GPM-N026", "U+0023 NUMBER SIGN"),
        (add(directory="/m/it's"), "GPM-N026", "U+0027 APOSTROPHE"),
        (add(directory="/m/$(id)"), "GPM-N026", "shell unquoted"),
        (add(directory="/m/\u955c\u50cf"), "GPM-N026", "U+955C"),
        (add(directory="m/gpseg3"), "GPM-N024", "not absolute"),
        (add(directory=""), "GPM-N024", "is empty"),
        (add(directory="/"), "GPM-N024", "root directory"),
        (add(directory="/m/../gpseg3"), "GPM-N025", "`/../`"),
        (add(directory="/m/gpseg3/"), "GPM-N025", "shortest"),
        (add(directory="/m//gpseg3"), "GPM-N025", "`//`"),
        (add(address=""), "GPM-N023", "is empty"),
        (add(address="-oProxyCommand"), "GPM-N023", "option"),
        (add(address="[fd00::1]"), "GPM-N034", "brackets"),
        (add(address="a:b"), "GPM-N026", "U+003A COLON"),
        (add(port=0), "GPM-N022", "1..65535"),
        (add(port=70000), "GPM-N022", "70000"),
        (add(content=-1), "GPM-N022", "0..32767"),
        (add(replication_port=8000), "GPM-N029", "8000"),
        (add(primary_replication_port=9000), "GPM-N029", "9000"),
        (add(filespaces=(("fs", "/f/3"),)), "GPM-N029", "fs"),
    ],
)
def test_refused_before_it_is_written(line: AddLine, code: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        write_add(GP6, [line])
    (found,) = caught.value.diagnostics
    assert found.code == code
    assert words in found.message
    assert found.message.startswith(f"content {line.content}: ")


@pytest.mark.parametrize(
    ("changes", "filespaces", "codes"),
    [
        ({}, (), ["GPM-N028", "GPM-N028"]),
        ({"replication_port": 1, "primary_replication_port": 2}, ("fs",), ["GPM-N017"]),
        ({"directory": "/m/a:b", "replication_port": 1, "primary_replication_port": 2}, (), ["GPM-N026"]),
        ({"replication_port": 7000, "primary_replication_port": 2}, (), ["GPM-N031"]),
    ],
)  # fmt: skip
def test_refused_by_the_old_generation(
    changes: dict[str, object], filespaces: tuple[str, ...], codes: list[str]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        write_add(GP4, [add(**changes)], filespaces)
    found = [d.code for d in caught.value.diagnostics if "directory of filespace" not in d.message]
    assert found == codes


@pytest.mark.parametrize("names", [("pg_system",), ("a b",), ("a", "a"), ("",)])
def test_bad_filespace_names_are_refused(names: tuple[str, ...]) -> None:
    line = add(
        replication_port=1,
        primary_replication_port=2,
        filespaces=tuple((name, f"/f{i}") for i, name in enumerate(names)),
    )
    with pytest.raises(InvalidInput) as caught:
        write_add(GP5, [line], names)
    assert {d.code for d in caught.value.diagnostics} & {"GPM-N016", "GPM-N026"}


def test_duplicates_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        write_add(GP6, [add(), add()])
    assert [d.code for d in caught.value.diagnostics] == ["GPM-N030", "GPM-N031", "GPM-N032"]


@pytest.mark.parametrize("dialect", [GP5, GP6], ids=lambda d: d.name)
def test_nothing_to_write(dialect: Dialect) -> None:
    with pytest.raises(InvalidInput) as additions:
        write_add(dialect, [])
    with pytest.raises(InvalidInput) as moves:
        write_move(dialect, [])
    codes = [caught.value.diagnostics[0].code for caught in (additions, moves)]
    assert codes == ["GPM-N008", "GPM-N008"]


@pytest.mark.parametrize("dialect", [GP5, GP6], ids=lambda d: d.name)
def test_gpmovemirrors_has_no_recovery_in_place(dialect: Dialect) -> None:
    with pytest.raises(InvalidInput) as caught:
        write_move(dialect, [MoveLine(old=located("sdw1"), content=4)], engine="gpmovemirrors")
    (found,) = caught.value.diagnostics
    assert found.code == "GPM-N011"
    assert found.message.startswith("content 4 (mirror sdw1:7000)")


def test_no_filespaces_since_six() -> None:
    with pytest.raises(InvalidInput) as caught:
        write_move(GP6, [MoveLine(old=located("sdw1"))], ("fs",))
    assert caught.value.diagnostics[0].code == "GPM-N029"


def test_old_directory_may_be_as_unusual_as_the_catalog_says() -> None:
    old = Location(address="sdw1", port=7000, directory="/m//gpseg0/")
    line = MoveLine(old=old, new=located("sdw2"))
    assert write_move(GP6, [line]).startswith("sdw1|7000|/m//gpseg0/ ")


def test_planning_does_not_load_what_reading_needs() -> None:
    script = "import sys, gpmirror.native; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "gpmirror.native.reader" not in done.stdout.split()


def test_unknown_names_are_unknown() -> None:
    assert not hasattr(native, "read_anything")
