"""Scripts about old directories, run by a real sh on real directories."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import gpmirror
from gpmirror.native.directories import (
    DirectoryLook,
    Leftover,
    Pulse,
    delete_script,
    look_script,
    pulse_script,
    read_looks,
    read_measures,
    read_numbers,
    read_pulses,
    set_aside_name,
    set_aside_script,
)
from gpmirror.native.process import last_words, read_list

SHELLS = [shell for shell in ("dash", "bash", "busybox sh") if shutil.which(shell.split()[0])]
OWN = bytes.fromhex("07ab6d5f1a2b3c4d")
HEX = OWN.hex()
NAMES = ["gpseg1", "with space", "it's [a] $(touch x) *", "-n", "späte\nzeile", "wow;rm -rf ."]


def proved(*paths: Path | str, identifier: str = HEX, run: str = "r1") -> list[Leftover]:
    """Directories as they are proved, and where they stand once they are set aside."""
    return [
        Leftover(
            content=0,
            host="sdw1",
            path=str(path),
            at=set_aside_name(str(path), run),
            identifier=identifier,
        )
        for path in paths
    ]


def sh(script: str, shell: str = "sh") -> str:
    done = subprocess.run(shell.split(), input=script, capture_output=True, text=True, check=False)
    return done.stdout


def data_directory(path: Path, identifier: bytes = OWN) -> Path:
    """What the leftovers of a mirror look like, with a tablespace that lies elsewhere."""
    (path / "global").mkdir(parents=True, mode=0o700)
    (path / "global" / "pg_control").write_bytes(identifier + bytes(8184))
    (path / "global" / "1262").write_text("rows")
    (path / "base" / "1").mkdir(parents=True)
    (path / "base" / "1" / "2619").write_text("rows")
    (path / "PG_VERSION").write_text("9.4\n")
    elsewhere = path.parent / f"tablespace of {path.name}"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("rows")
    (path / "pg_tblspc").mkdir()
    (path / "pg_tblspc" / "16400").symlink_to(elsewhere)
    return path


def looked(*paths: Path, shell: str = "sh", used: tuple[Path, ...] = ()) -> list[DirectoryLook]:
    given = [str(path) for path in paths]
    found = read_looks(sh(look_script(given, [str(path) for path in used]), shell), given)
    assert found is not None
    return [found[path] for path in given]


def own(path: Path, *, nested: bool = False) -> DirectoryLook:
    """A directory of ours as it looks when nobody lives in it."""
    elsewhere = path.parent / f"tablespace of {path.name}"
    linked = [] if "\n" in path.name else [str(elsewhere)]
    return DirectoryLook(kind="directory", identifier=HEX, nested=nested, linked=linked)


@contextmanager
def standing_in(folder: Path) -> Iterator[int]:
    """A process with that working directory, and its id."""
    with subprocess.Popen(["sleep", "60"], cwd=folder) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_directory_is_known_by_its_identifier(tmp_path: Path, name: str, shell: str) -> None:
    here = data_directory(tmp_path / name)
    (found,) = looked(here, shell=shell)
    assert found == own(here)
    assert not (tmp_path / "x").exists()


def test_what_is_no_directory(tmp_path: Path) -> None:
    real = data_directory(tmp_path / "real")
    link, dangling, file = tmp_path / "link", tmp_path / "dangling", tmp_path / "file"
    link.symlink_to(real)
    dangling.symlink_to(tmp_path / "nothing")
    file.touch()
    gone = tmp_path / "gone" / "gpseg1"
    kinds = [found.kind for found in looked(link, dangling, file, gone, tmp_path / "gone2")]
    assert kinds == ["link", "link", "other", "absent", "absent"]


@pytest.mark.parametrize("shell", SHELLS)
def test_processes_that_work_in_it_are_found(tmp_path: Path, shell: str) -> None:
    here = data_directory(tmp_path / "gpseg1")
    way_there = tmp_path / "by another way"
    way_there.symlink_to(tmp_path)
    with standing_in(here) as pid:
        found, other = looked(here, way_there / "gpseg1", shell=shell)
        assert found.processes == [pid]
        assert other.processes == [pid], "it is the same directory"
    (found,) = looked(here, shell=shell)
    assert found.processes == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_process_below_lives_in_it(tmp_path: Path, name: str, shell: str) -> None:
    here = data_directory(tmp_path / name)
    with standing_in(here / "base" / "1") as pid, standing_in(here / "base" / "1") as other:
        (found,) = looked(here, shell=shell)
        assert sorted(found.processes) == sorted([pid, other])
        out = sh(set_aside_script(proved(here), "r1"), shell)
        assert out == ""
        aside = here.rename(set_aside_name(str(here), "r1"))
        assert sh(delete_script(proved(here)), shell) == ""
    assert (aside / "base" / "1" / "2619").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_another_data_directory_in_it_keeps_it(tmp_path: Path, shell: str) -> None:
    """A mirror that was moved into its own old directory, and one that was copied half."""
    here = data_directory(tmp_path / "gpseg1")
    (inner,) = looked(data_directory(here / "new"), shell=shell)
    assert inner == own(here / "new")
    (found,) = looked(here, shell=shell)
    assert found == own(here, nested=True)
    assert sh(set_aside_script(proved(here), "r1"), shell) == ""
    aside = here.rename(set_aside_name(str(here), "r1"))
    assert sh(delete_script(proved(here)), shell) == ""
    (aside / "new" / "PG_VERSION").unlink()
    assert sh(delete_script(proved(here)), shell) == "", "its pg_control is there"
    assert (aside / "new" / "base" / "1" / "2619").exists()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("swap", ["ln -s {victim} {aside}", "mv {victim} {aside}"])
@pytest.mark.parametrize("late", [False, True])
def test_what_takes_its_place_meanwhile_is_not_deleted(
    tmp_path: Path, swap: str, late: bool, shell: str
) -> None:
    """Between the last look and the deletion somebody puts another directory there, or a link."""
    here = data_directory(tmp_path / "gpseg1")
    victim = data_directory(tmp_path / "victim", identifier=bytes(8))
    aside = here.rename(set_aside_name(str(here), "r1"))
    attack = f"mv {aside} {tmp_path / 'away'}; {swap.format(victim=victim, aside=aside)}"
    look = '    deserted "$2" "$4" || return 1\n'
    script = delete_script(proved(here))
    assert look in script
    script = script.replace(look, f"{look}    {attack}\n" if late else f"    {attack}\n{look}")
    assert sh(script, shell) == ""
    kept = victim if victim.exists() else aside
    assert (kept / "base" / "1" / "2619").exists()
    assert (tmp_path / "away" / "base" / "1" / "2619").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_copy_of_the_catalog_in_it_or_around_it_keeps_it(tmp_path: Path, shell: str) -> None:
    """Whatever names lead there; a tablespace of the copy counts as the copy."""
    here = data_directory(tmp_path / "it's gpseg1")
    (tmp_path / "other").mkdir()
    way_there = tmp_path / "way"
    way_there.symlink_to(here)
    inner, outer = way_there / "copies" / "a", tmp_path
    inner.mkdir(parents=True)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "pg_tblspc").mkdir(parents=True)
    (elsewhere / "pg_tblspc" / "16400").symlink_to(way_there / "copies")
    unused, gone = tmp_path / "other", tmp_path / "gone"
    cases = {(inner,): [0], (unused, outer): [1], (unused, gone): [], (unused, elsewhere): [1]}
    for used, copies in cases.items():
        (found,) = looked(here, shell=shell, used=used)
        assert found.copies == copies, used
    script = set_aside_script(proved(here), "r1", [str(unused), str(inner)])
    assert sh(script, shell) == ""
    aside = here.rename(set_aside_name(str(here), "r1"))
    assert sh(delete_script(proved(here), [str(aside / "copies" / "a")]), shell) == ""
    out = sh(delete_script(proved(here), [str(unused)]), shell)
    assert read_numbers(out, "deleted", [str(here)]) == [str(here)]


@pytest.mark.parametrize("shell", SHELLS)
def test_tablespace_folders_that_another_copy_uses_are_not_named(
    tmp_path: Path, shell: str
) -> None:
    """The copy moved on the same host, or stands there under another name of it."""
    here = data_directory(tmp_path / "gpseg1")
    folder = tmp_path / "tablespace of gpseg1"
    copy = tmp_path / "copy"
    (copy / "pg_tblspc").mkdir(parents=True)
    (copy / "pg_tblspc" / "16400").symlink_to(folder)
    (unnamed,) = looked(here, shell=shell)
    assert unnamed.linked == [str(folder)]
    (found,) = looked(here, shell=shell, used=(tmp_path / "other", copy))
    assert found.linked == []
    with standing_in(copy):
        (found,) = looked(here, shell=shell)
        assert found.linked == []


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["pg_wal", "pg_xlog"])
def test_a_wal_folder_elsewhere_is_named_and_stays(tmp_path: Path, name: str, shell: str) -> None:
    here = data_directory(tmp_path / "gpseg1")
    wal = tmp_path / "wal of gpseg1"
    wal.mkdir()
    (wal / "000000010000000000000001").write_bytes(bytes(24) + OWN)
    (here / name).symlink_to(wal)
    (found,) = looked(here, shell=shell)
    assert found.wal == [str(wal)]
    assert found.linked == [str(tmp_path / "tablespace of gpseg1")]
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / name).symlink_to(wal)
    (found,) = looked(here, shell=shell, used=(copy,))
    assert found.wal == [], "a copy of the catalog uses it"
    sh(set_aside_script(proved(here), "r1"), shell)
    assert "deleted 0" in sh(delete_script(proved(here)), shell)
    assert not Path(set_aside_name(str(here), "r1")).exists()
    assert list(wal.iterdir()) != [], "the WAL itself is left to a person"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_copy_whose_wal_lies_in_it_keeps_it(tmp_path: Path, shell: str) -> None:
    here = data_directory(tmp_path / "gpseg1")
    (here / "wal of another").mkdir()
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "pg_wal").symlink_to(here / "wal of another")
    (found,) = looked(here, shell=shell, used=(copy,))
    assert found.copies == [0]


@pytest.mark.parametrize("where", [".", "pg_log/mnt"])
@pytest.mark.parametrize("name", ["gpseg1", "with \\ space"])
def test_a_mounted_file_system_keeps_it(tmp_path: Path, name: str, where: str) -> None:
    """Also one of the same device, which no comparison of devices can tell."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("only root may mount, in a namespace of its own")
    here = data_directory(tmp_path / name)
    kept = tmp_path / "kept"
    (here / where).mkdir(parents=True, exist_ok=True)
    kept.mkdir()
    (kept / "file").touch()
    aside = Path(set_aside_name(str(here), "r1"))
    mount = f"mount --bind {shlex.quote(str(kept))} {shlex.quote(str(here / where))} || exit 9\n"
    script = mount + look_script([str(here)])
    done = subprocess.run(
        ["unshare", "-m", "sh"], input=script, capture_output=True, text=True, check=False
    )
    if done.returncode == 9 or "unshare" in done.stderr:
        pytest.skip("nothing may be mounted here")
    assert "0 mounted\n" in done.stdout
    here.rename(aside)
    script = mount.replace(str(here), str(aside)) + delete_script(proved(here))
    done = subprocess.run(
        ["unshare", "-m", "sh"], input=script, capture_output=True, text=True, check=False
    )
    assert "deleted" not in done.stdout
    assert (kept / "file").exists()


def test_an_answer_about_who_lives_there_must_be_whole(tmp_path: Path) -> None:
    here = data_directory(tmp_path / "gpseg1")
    aside = here.rename(set_aside_name(str(here), "r1"))
    script = delete_script(proved(here))
    for missing in ("/proc/self/mountinfo", "echo end"):
        broken = script.replace(missing, "/no/such/thing")
        assert broken != script
        assert sh(broken) == ""
    assert aside.exists()


def test_a_server_that_wrote_its_pid_is_found(tmp_path: Path) -> None:
    here = data_directory(tmp_path / "gpseg1")
    with standing_in(tmp_path) as pid:
        (here / "postmaster.pid").write_text(f"{pid}\n/data\n")
        (found,) = looked(here)
        assert found.processes == [pid]
    (here / "postmaster.pid").write_text("not a number; echo 0 kind absent\n")
    (found,) = looked(here)
    assert found == own(here)


def test_no_pg_control_and_no_file_at_all(tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    (bare / "global").mkdir(parents=True)
    assert looked(bare) == [
        DirectoryLook(kind="directory", empty=True, hollow=True, unfinished=True)
    ]
    (bare / "base").mkdir()
    (bare / "base" / "x").touch()
    assert looked(bare) == [DirectoryLook(kind="directory", unfinished=True)]


def half_a_copy(path: Path, wal: str, identifier: bytes = OWN) -> Path:
    """What a base backup leaves that was cut off: WAL streams from the start, pg_control is last."""
    (path / wal / "archive_status").mkdir(parents=True, mode=0o700)
    (path / wal / "00000001.history").write_text("it stands first, and bears no identifier")
    (path / wal / "000000010000000000000007").write_bytes(bytes(24) + identifier + bytes(8160))
    (path / "global").mkdir()
    (path / "base").mkdir()
    (path / "base" / "2619").write_text("rows")
    (path / "PG_VERSION").write_text("9.4\n")
    (path / "backup_label").write_text("START WAL LOCATION: 0/1C000028\n")
    return path


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("wal", ["pg_wal", "pg_xlog"])
def test_half_a_copy_is_known_by_its_wal(tmp_path: Path, wal: str, shell: str) -> None:
    here = half_a_copy(tmp_path / "gpseg1", wal)
    there = half_a_copy(tmp_path / "gpseg2", wal, b"\x01" * 8)
    begun = half_a_copy(tmp_path / "gpseg3", wal, bytes(8))
    half = DirectoryLook(kind="directory", identifier=HEX, unfinished=True)
    assert looked(here, there, begun, shell=shell) == [
        half,
        replace(half, identifier="01" * 8),
        replace(half, identifier=None),
    ], "WAL that was laid out and not written yet proves nothing"
    paths = [str(here), str(there), str(begun)]
    out = sh(set_aside_script(proved(*paths), "r1"), shell)
    assert read_numbers(out, "aside", paths) == [str(here)]
    script = delete_script(proved(here))
    aside = Path(set_aside_name(str(here), "r1"))
    broken = script.replace("-delete || exit 1", "-delete; exit 1", 1)
    assert broken != script
    assert sh(broken, shell) == ""
    assert {path.name for path in aside.iterdir()} == {"backup_label", "global", wal}
    assert looked(aside, shell=shell) == [half]
    assert read_numbers(sh(script, shell), "deleted", [str(here)]) == [str(here)]
    assert not aside.exists()


def half_deleted(here: Path, blank: DirectoryLook, shell: str) -> tuple[Path, str]:
    """Set aside a copy that was only begun, and break its deletion off at the end: what tells of it
    is still there. Where it stands, and the script that deletes it.
    """
    assert sh(set_aside_script(proved(here, identifier=""), "r1"), shell) == "aside 0\n"
    aside = Path(set_aside_name(str(here), "r1"))
    script = delete_script(proved(here, identifier=""))
    broken = script.replace("rm -f ./global/pg_control ./backup_label ./gp_dbid", "exit 1")
    assert broken != script
    assert sh(broken, shell) == ""
    assert looked(aside, shell=shell) == [blank]
    return aside, script


@pytest.mark.parametrize("shell", SHELLS)
def test_a_base_backup_that_brought_nothing_yet_says_so(tmp_path: Path, shell: str) -> None:
    """Its WAL is laid out and not written; it stays so until the last of it is deleted."""
    here = half_a_copy(tmp_path / "gpseg1", "pg_xlog", bytes(8))
    assert not looked(here, shell=shell)[0].blank, "somebody else's label"
    label = here / "backup_label"
    label.write_text(label.read_text() + "LABEL: pg_basebackup base backup\n")
    blank = DirectoryLook(kind="directory", blank=True, unfinished=True)
    assert looked(here, shell=shell) == [blank]
    aside, script = half_deleted(here, blank, shell)
    (aside / "global" / "pg_control").write_bytes(OWN)
    assert not looked(aside, shell=shell)[0].blank
    (aside / "global" / "pg_control").unlink()
    assert sh(script, shell) == "deleted 0\n"
    assert not aside.exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_what_a_utility_of_5_laid_out_says_so(tmp_path: Path, shell: str) -> None:
    """All that gprecoverseg of 5.8.1 had made when it was killed before the catalog knew the place;
    what tells of it goes last.
    """
    here = tmp_path / "gpseg1"
    for folder in ("global", "base/1", "pg_xlog/archive_status", "pg_tblspc", "pg_log"):
        (here / folder).mkdir(parents=True)
    for name in ("PG_VERSION", "postgresql.conf", "postgresql.conf.bak", "pg_hba.conf"):
        (here / name).write_text("x\n")
    assert not looked(here, shell=shell)[0].blank, "it may be anybody's"
    (here / "gp_dbid").write_text(
        "# Greenplum Database identifier for this master/segment.\n# Do not change.\ndbid = 10\n"
    )
    blank = DirectoryLook(kind="directory", blank=True, unfinished=True)
    assert looked(here, shell=shell) == [blank]
    for data in ("base/1/1259", "pg_xlog/000000010000000000000001", "notes.txt"):
        (here / data).write_bytes(bytes(64))
        assert not looked(here, shell=shell)[0].blank, data
        (here / data).unlink()
    aside, script = half_deleted(here, blank, shell)
    assert sh(script, shell) == "deleted 0\n"
    assert not aside.exists()


@pytest.mark.parametrize(("label", "unfinished"), [(True, True), (False, False)])
def test_a_server_that_started_took_the_label_away(
    tmp_path: Path, label: bool, unfinished: bool
) -> None:
    here = data_directory(tmp_path / "gpseg1")
    if label:
        (here / "backup_label").write_text("START WAL LOCATION: 0/1C000028\n")
    assert looked(here) == [replace(own(here), unfinished=unfinished)]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_what_may_not_be_looked_at_is_not_called_absent(tmp_path: Path) -> None:
    here = data_directory(tmp_path / "closed" / "gpseg1")
    here.parent.chmod(0o000)
    try:
        assert looked(here) == [DirectoryLook(kind="unreadable")]
    finally:
        here.parent.chmod(0o700)


def test_what_may_not_be_looked_at_is_not_called_absent_by_anybody(tmp_path: Path) -> None:
    """The same as another user, where the tests run as root."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("this needs root, to be somebody else")
    here = data_directory(tmp_path / "gpseg1")
    tmp_path.chmod(0o700)
    script = look_script([str(here)])
    user = "setpriv --reuid=nobody --regid=nogroup --clear-groups sh"
    found = read_looks(sh(script, user), [str(here)])
    assert found == {str(here): DirectoryLook(kind="unreadable")}


@pytest.mark.parametrize("answer", ["", "0 kind directory\n", "0 kind directory\nen"])
def test_an_answer_that_breaks_off_is_none(answer: str) -> None:
    assert read_looks(answer, ["/a"]) is None


def test_lines_that_make_no_sense_say_nothing() -> None:
    answer = "7 kind absent\n0 kind heap\n0 process x\n0 identifier\n\n0\nend\n"
    assert read_looks(answer, ["/a"]) == {"/a": DirectoryLook()}


SEPARATORS = ["\f", "\v", "\x1c", "\x1e", "\x85", "\u2028", "\r", "\n"]
"""Where `str.splitlines` parts lines."""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("part", SEPARATORS)
def test_a_name_in_one_directory_says_nothing_of_another(
    tmp_path: Path, part: str, shell: str
) -> None:
    """The folder behind a link of a tablespace is called like a line of an answer."""
    here = data_directory(tmp_path / "gpseg0")
    payroll = tmp_path / "gpseg1"
    payroll.mkdir()
    (payroll / "payroll.csv").write_text("rows")
    for number, said in enumerate(
        ("blank", "empty", "unfinished", f"identifier {HEX}", "kind link")
    ):
        forged = tmp_path / f"t{part}1 {said}"
        forged.mkdir()
        (here / "pg_tblspc" / str(number)).symlink_to(forged)
    _, other = looked(here, payroll, shell=shell)
    assert other == DirectoryLook(kind="directory", unfinished=True)


@pytest.mark.parametrize("shell", SHELLS)
def test_without_an_identifier_the_scripts_look_for_themselves(tmp_path: Path, shell: str) -> None:
    """What was proved to be empty or only begun is not so any more, or never was."""
    payroll = tmp_path / "gpseg1"
    payroll.mkdir()
    (payroll / "payroll.csv").write_text("rows")
    assert sh(set_aside_script(proved(payroll, identifier=""), "r1"), shell) == ""
    aside = payroll.rename(set_aside_name(str(payroll), "r1"))
    assert sh(delete_script(proved(payroll, identifier="")), shell) == ""
    assert (aside / "payroll.csv").exists()
    (aside / "payroll.csv").unlink()
    (aside / "base" / "1").mkdir(parents=True)
    assert sh(delete_script(proved(payroll, identifier="")), shell) == "deleted 0\n"
    assert not aside.exists()


@pytest.mark.parametrize("part", SEPARATORS[:-1])
def test_only_a_line_feed_parts_what_hosts_say(part: str) -> None:
    assert read_measures(f"5\t/a{part}7\t/b\n") == {f"/a{part}7\t/b": 5 * 1024}
    assert list(read_list(f"a{part}b 9\n")) == [f"a{part}b"]
    assert read_numbers(f"x{part}deleted 0\n", "deleted", ["/a"]) == []
    assert read_looks(f"0 x{part}end\n", ["/a"]) is None
    assert read_pulses(f"0 said x{part}1 process 7\nend\n", ["/a", "/b"])["/b"].alive is False
    assert last_words(f"a{part}gpmirror: b: c\nx\ny\nz\n") == ("x", "y", "z")


def test_no_reader_of_a_host_s_answer_parts_lines_elsewhere() -> None:
    package = Path(gpmirror.__file__).parent
    readers = [
        file.relative_to(package).as_posix()
        for layer in ("native", "preflight", "run", "catalog")
        for file in (package / layer).rglob("*.py")
        if ".splitlines(" in file.read_text(encoding="utf-8")
    ]
    assert readers == [], "use lines_of"


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", NAMES)
def test_set_aside_then_deleted(tmp_path: Path, name: str, shell: str) -> None:
    here = data_directory(tmp_path / name)
    beside = data_directory(tmp_path / "beside")
    aside = Path(set_aside_name(str(here), "20261121T070539Z-1f3a9c"))
    out = sh(set_aside_script(proved(here), "20261121T070539Z-1f3a9c"), shell)
    assert read_numbers(out, "aside", [str(here)]) == [str(here)]
    assert not here.exists()
    assert looked(aside)[0].identifier == HEX
    out = sh(delete_script(proved(here, run="20261121T070539Z-1f3a9c")), shell)
    assert read_numbers(out, "deleted", [str(here)]) == [str(here)]
    assert not aside.exists()
    assert beside.exists()
    assert (tmp_path / f"tablespace of {name}" / "kept").exists(), "links are not followed"
    assert not (tmp_path / "x").exists()
    again = sh(delete_script(proved(here, run="20261121T070539Z-1f3a9c")), shell)
    assert again == out, "gone already is as good"


def test_what_changed_since_the_proof_stays(tmp_path: Path) -> None:
    other = data_directory(tmp_path / "other", identifier=bytes(8))
    link = tmp_path / "link"
    link.symlink_to(data_directory(tmp_path / "real"))
    taken = data_directory(tmp_path / "taken")
    Path(set_aside_name(str(taken), "r1")).mkdir()
    blocked = data_directory(tmp_path / "blocked")
    Path(set_aside_name(str(blocked), "r1")).symlink_to(tmp_path / "nothing")
    good = data_directory(tmp_path / "good")
    paths = [str(path) for path in (other, link, taken, blocked, tmp_path / "gone", good)]
    out = sh(set_aside_script(proved(*paths), "r1"))
    assert read_numbers(out, "aside", paths) == [str(good)]
    assert all(path.exists() for path in (other, link, taken, blocked))


def test_half_a_deletion_can_still_be_proved(tmp_path: Path) -> None:
    here = data_directory(tmp_path / "gpseg1")
    aside = here.rename(set_aside_name(str(here), "r1"))
    stuck = aside / "base" / "stuck"
    stuck.mkdir()
    (stuck / "file").touch()
    script = delete_script(proved(here))
    broken = script.replace("rm -f ./global/pg_control ./backup_label ./gp_dbid", "exit 1")
    assert broken != script
    assert read_numbers(sh(broken), "deleted", [str(here)]) == []
    assert looked(aside) == [DirectoryLook(kind="directory", identifier=HEX)]
    assert [path.name for path in aside.iterdir()] == ["global"]
    assert read_numbers(sh(script), "deleted", [str(here)]) == [str(here)]
    assert not aside.exists()


def test_links_in_place_of_what_is_deleted_are_not_followed(tmp_path: Path) -> None:
    real = data_directory(tmp_path / "real")
    Path(set_aside_name(str(tmp_path / "a"), "r1")).symlink_to(real)
    outer = tmp_path / set_aside_name("b", "r1")
    outer.mkdir()
    (outer / "global").symlink_to(real / "global")
    paths = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert read_numbers(sh(delete_script(proved(*paths))), "deleted", paths) == []
    assert looked(real)[0].identifier == HEX


def test_numbers_are_of_the_word_asked_for() -> None:
    answer = "aside 0\ndeleted 1\nasides 2\naside x\naside 2\n"
    assert read_numbers(answer, "aside", ["/a", "/b", "/c"]) == ["/a", "/c"]


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_copy_that_still_runs_names_where_it_writes(
    tmp_path: Path, name: str, shell: str
) -> None:
    """It stands elsewhere; a longer name, and a name beside, are other directories."""
    here = half_a_copy(tmp_path / name, "pg_wal")
    words = ["sh", "-c", "sleep 60; :", "pg_basebackup", "-D"]
    with subprocess.Popen([*words, str(here)], cwd="/") as process:
        try:
            (found,) = looked(here, shell=shell)
            assert found.processes == [process.pid]
            assert sh(set_aside_script(proved(here), "r1"), shell) == ""
        finally:
            process.kill()
    beside = [f"{here}0", f"{here}.gpmirror-r1", str(tmp_path)]
    with subprocess.Popen([*words, *beside], cwd="/") as process:
        try:
            (found,) = looked(here, shell=shell)
            assert found.processes == []
        finally:
            process.kill()


def filespace(path: Path, *databases: str) -> Path:
    """A filespace's directory: databases by tablespace (4.3, 5)."""
    for database in databases:
        (path / database).mkdir(parents=True, mode=0o700)
        (path / database / "PG_VERSION").write_text("8.3\n")
        (path / database / "16390").write_text("rows")
    return path


@pytest.mark.parametrize("shell", SHELLS)
def test_a_filespace_s_databases_are_its_own(tmp_path: Path, shell: str) -> None:
    """The same below a data directory would be another one; and one in a filespace is another."""
    here = filespace(tmp_path / "fs1" / "gpseg0", "16385/10890", "16385/16386")
    paths = [str(here)]
    found = read_looks(sh(look_script(paths, (), paths), shell), paths)
    assert found == {str(here): DirectoryLook(kind="directory", unfinished=True)}
    (as_data,) = looked(here, shell=shell)
    assert as_data.nested
    (space,) = proved(here, identifier="")
    space = replace(space, home="/data/mirror/gpseg0")
    inner = data_directory(here / "16385" / "gpseg9")
    assert sh(set_aside_script([space], "r1"), shell) == ""
    shutil.rmtree(inner)
    assert read_numbers(sh(set_aside_script([space], "r1"), shell), "aside", paths) == paths
    assert read_numbers(sh(delete_script([space]), shell), "deleted", paths) == paths
    assert list((tmp_path / "fs1").iterdir()) == []


@pytest.mark.parametrize("shell", SHELLS)
def test_a_copy_lives_where_a_server_works_or_something_writes(tmp_path: Path, shell: str) -> None:
    """Its own log tells why it does not, if it does not."""
    names = ["gpseg1", "with space", "it's [a]"]
    server, written, dead = (data_directory(tmp_path / name) for name in names)
    (dead / "pg_log").mkdir()
    (dead / "pg_log" / "startup.log").write_text("x FATAL: first\nLOG: x\ny FATAL:  no port\nLOG\n")
    paths = [str(server), str(written), str(dead), str(tmp_path / "gone")]
    words = ["sh", "-c", "sleep 60; :", "gpsegrecovery.py", "-c", f'{{"target": "{written}"}}']
    with standing_in(server), subprocess.Popen(words, cwd="/") as copy:
        try:
            found = read_pulses(sh(pulse_script(paths), shell), paths)
        finally:
            copy.kill()
    assert [found[path].alive for path in paths] == [True, True, False, False]
    assert [found[path].said for path in paths] == ["", "", "y FATAL:  no port", ""]
    assert read_pulses("0 process 7\n", paths) == {}, "only a whole answer counts"


TOLD = """Success: mode:{mode}
segmentState:{state}
dataState:InResync
faultType:{fault}
databaseStatus:Down
postmasterState:init
"""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("told", "fault"),
    [
        (("MirrorSegment", "Fault", "FaultMirror"), "FaultMirror"),
        (("MirrorSegment", "Ready", "NotInitialized"), ""),
        (("PrimarySegment", "InResyncTransition", "NotInitialized"), ""),
        (None, ""),
    ],
)
def test_a_mirror_s_server_that_does_not_replicate_tells_so(
    tmp_path: Path, shell: str, told: tuple[str, str, str] | None, fault: str
) -> None:
    """gp_primarymirror lies beside the server's own program, and is asked at its own port (5.8.1)."""
    here, programs = data_directory(tmp_path / "gpseg0"), tmp_path / "db" / "bin"
    programs.mkdir(parents=True)
    shutil.copy("/bin/sh", programs / "postgres")
    if told is not None:
        said = TOLD.format(**dict(zip(("mode", "state", "fault"), told, strict=True)))
        asked = '[ "$(cat) $*" = "getMirrorStatus -h localhost -p 7000" ] || exit 1\n'
        (programs / "gp_primarymirror").write_text(f"#!/bin/sh\n{asked}echo '{said}' >&2\n")
        (programs / "gp_primarymirror").chmod(0o755)
    (here / "pg_log").mkdir()
    (here / "pg_log" / "a.csv").write_text(
        'FATAL,"the database system is in mirror or uninitialized mode"\n'
        "WARNING,\"could not start listener, host:'sdw2' port:'8000': Address already in use\"\n"
        'FATAL,"the database system is in mirror or uninitialized mode"\n'
    )
    words = [str(programs / "postgres"), "-c", "sleep 60; :", "-D", str(here), "-p", "7000"]
    with subprocess.Popen(words, cwd=here, start_new_session=True) as server:
        (here / "postmaster.pid").write_text(f"{server.pid}\n{here}\n  7000001        14\n")
        try:
            found = read_pulses(sh(pulse_script([str(here)]), shell), [str(here)])[str(here)]
        finally:
            os.killpg(server.pid, signal.SIGKILL)
    assert (found.alive, found.fault) == (not fault, fault)
    assert "Address already in use" in found.said


def test_what_stands_behind_the_words_of_a_log_is_no_fault() -> None:
    assert read_pulses("0 said FATAL\n0 fault FaultMirror\nend\n", ["/a"])["/a"].fault == ""
    assert read_pulses("0 fault a-b\nend\n", ["/a"])["/a"].fault == ""


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("part", SEPARATORS)
def test_words_of_a_log_name_no_process(tmp_path: Path, part: str, shell: str) -> None:
    """A user's name stands in the log of a server that refuses him; its operator is told to end what
    is left of a base backup.
    """
    here, other = (data_directory(tmp_path / name) for name in ("gpseg0", "gpseg1"))
    (here / "log").mkdir()
    said = f'"u{part}0 rest 1{part}1 process 7{part}","db",FATAL,"no such role"'
    (here / "log" / "startup.csv").write_text(f"{said}\n")
    paths = [str(here), str(other)]
    found = read_pulses(sh(pulse_script(paths), shell), paths)
    assert [found[path].rest for path in paths] == [None, None]
    assert [found[path].alive for path in paths] == [False, False]
    assert "FATAL" in found[paths[0]].said
    assert found[paths[0]].said.isprintable()


def test_what_stands_behind_the_words_of_a_log_is_not_the_script_s() -> None:
    assert read_pulses("0 said FATAL\n0 rest 1\nend\n", ["/a"])["/a"].rest is None
    assert read_pulses("0 rest ²\nend\n", ["/a"])["/a"].rest is None
    assert read_pulses("0 rest 7\n0 said FATAL\nend\n", ["/a"])["/a"].rest == 7


@pytest.mark.parametrize("shell", SHELLS)
def test_what_is_left_of_a_base_backup_is_no_copy_under_way(tmp_path: Path, shell: str) -> None:
    """Killed, it leaves the process that fetches its WAL; as long as it lives it is not alone."""
    here = tmp_path / "gpseg1"
    here.mkdir()
    program = tmp_path / "pg_basebackup"
    program.symlink_to("/bin/sleep")
    wait = "import os, sys, time; os.fork(); time.sleep(60)"

    def pulse() -> Pulse:
        return read_pulses(sh(pulse_script([str(here)]), shell), [str(here)])[str(here)]

    def backup(method: str) -> "subprocess.Popen[bytes]":
        words = [str(program), "-c", wait, "-D", str(here), "--wal-method", method]
        return subprocess.Popen(words, executable=sys.executable, cwd="/", start_new_session=True)

    with backup("stream") as both:
        try:
            deadline = time.monotonic() + 120
            while not pulse().alive:  # before it forks it is alone, too
                assert time.monotonic() < deadline
            both.kill()
            both.wait()
            found = pulse()
            assert not found.alive
            assert found.rest is not None
        finally:
            os.killpg(both.pid, signal.SIGKILL)
    with subprocess.Popen(
        [str(program), "-c", "import time; time.sleep(60)", "-D", str(here), "-X", "fetch"],
        executable=sys.executable,
        cwd="/",
    ) as alone:
        try:
            assert pulse().alive, "it fetches its WAL itself"
        finally:
            alone.kill()


@pytest.mark.parametrize("shell", SHELLS)
def test_a_copy_that_seems_dead_is_looked_at_twice(tmp_path: Path, shell: str) -> None:
    """A server takes a moment to start."""
    late, dead = (data_directory(tmp_path / name) for name in ("late", "dead"))
    paths = [str(late), str(dead)]
    script = pulse_script(paths, again=4)
    with subprocess.Popen(["sh", "-c", 'sleep 1; cd "$0"; sleep 60; :', str(late)], cwd="/") as one:
        try:
            found = read_pulses(sh(script, shell), paths)
        finally:
            one.kill()
    assert [found[path].alive for path in paths] == [True, False]


def test_of_another_account_s_copy_nothing_is_told(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("this needs root, to give a directory away")
    here = data_directory(tmp_path / "gpseg1")
    os.chown(here, 65534, 65534)
    paths = [str(here)]
    assert read_pulses(sh(pulse_script(paths)), paths)[paths[0]].alive
