"""`ok-to-stop` and `maintenance` from arguments to output and exit code, of saved and live catalogs."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpmirror.catalog import snapshot_text
from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from tests.clusters import mirrored, mirrorless, observed, row
from tests.servers import Postgres
from tests.shapes import aligned_text
from tests.unit.cli.test_live_commands import cut_mirror, fill, mend_mirror

HOSTS = ("sdw1", "sdw2", "sdw3", "sdw4")
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "json.md"
Shown = pytest.CaptureFixture[str]
SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: prod}
hosts:
  - {name: "sdw[1-2]", addresses: ["{host}", "{host}-2"], rack: a, roots: [/data/mirror]}
  - {name: "sdw[3-4]", rack: b, roots: [/data/mirror]}
mirrors: {strategy: group, ports: {offset: 1000}}
policy: {max_load_factor: 2.0}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (tmp_path / "full.txt").write_text(aligned_text(mirrored(HOSTS, 2)))
    (tmp_path / "bare.txt").write_text(aligned_text(mirrorless(HOSTS, 2)))
    (tmp_path / "full.json").write_text(snapshot_text(mirrored(HOSTS, 2)))
    return tmp_path


def documented(name: str) -> set[str]:
    (line,) = [one for one in PAGE.read_text().splitlines() if one.startswith(f"| `{name}` |")]
    return set(re.findall(r"`(\w+)`", line.split("|")[3]))


def read(text: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert found["format_version"] == "1.0"
    assert {*found} - {"format_version"} == documented(name)
    return found


# --- ok-to-stop of a saved catalog ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "first", "told"),
    [
        (["sdw1"], 0, "yes", "takes over: sdw2 2 -> 4 primaries (x2.0)"),
        (["sdw[1,3]"], 0, "yes", "stop sdw1, sdw3: 0 of 8 contents lost"),
        (["sdw1", "sdw2"], 4, "no", "contents 0-1 would be lost: both copies stand on hosts"),
        (["sdw[1-4]"], 4, "no", "contents 0-7 would be lost"),
        (["mdw"], 4, "no", "`--allow coordinator`"),
        (["mdw", "--allow", "coordinator"], 0, "yes", "coordinator: mdw:5432 stops with them"),
        (["sdw1", "mdw", "sdw2", "--allow", "coordinator"], 4, "no", "contents 0-1 would be lost"),
    ],
)
def test_a_saved_catalog(words: list[str], code: int, first: str, told: str, capsys: Shown) -> None:
    assert main(["ok-to-stop", *words, "--catalog", "full.txt"]) == code
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0] == first
    assert told in " ".join(shown.out.split())
    assert shown.err == ""


def test_the_answer_says_of_when_it_is(folder: Path, capsys: Shown) -> None:
    os.utime(folder / "full.json", (1_700_000_000, 1_700_000_000))
    assert main(["ok-to-stop", "sdw1", "--catalog", "full.json"]) == ExitCode.OK
    assert (
        capsys.readouterr().out.splitlines()[1] == "as of full.json, written 2023-11-14T22:13:20Z"
    )


def test_a_cluster_without_mirrors(capsys: Shown) -> None:
    assert main(["ok-to-stop", "sdw2", "--catalog", "bare.txt"]) == ExitCode.UNSAFE
    out = " ".join(capsys.readouterr().out.split())
    assert "contents 2-3 would be lost: there is no other copy" in out
    assert "takes over: nobody" in out
    assert "not in sync now: contents 0-7 without a mirror" in out


def test_a_host_that_had_no_primaries_has_no_factor(folder: Path, capsys: Shown) -> None:
    """`0 -> 2 primaries (x1.0 of the average host's)` was no help."""
    rows = [
        replace(one, hostname="sdw3", address="sdw3")
        if one.hostname == "sdw2" and one.is_preferred_primary
        else one
        for one in mirrored(HOSTS[:2], 2).segments
    ]
    (folder / "odd.txt").write_text(aligned_text(observed(rows)))
    assert main(["ok-to-stop", "sdw1", "--catalog", "odd.txt"]) == ExitCode.OK
    assert "takes over: sdw2 0 -> 2 primaries\n" in capsys.readouterr().out
    assert main(["ok-to-stop", "sdw2", "--catalog", "odd.txt"]) == ExitCode.OK
    assert "takes over: nothing to take over\n" in capsys.readouterr().out


def test_the_spec_of_the_folder_knows_addresses(folder: Path, capsys: Shown) -> None:
    words = ["ok-to-stop", "sdw1-2", "sdw2-2", "--catalog", "full.txt"]
    assert main(words) == ExitCode.INVALID
    assert "host 'sdw1-2' is not one of the 5 hosts of this cluster" in capsys.readouterr().err
    (folder / "gpmirror.yaml").write_text(SPEC)
    assert main(words) == ExitCode.UNSAFE
    out = capsys.readouterr().out
    assert "stop sdw1, sdw2 (asked for as sdw1-2, sdw2-2): 2 of 8 contents lost" in out
    (folder / "gpmirror.yaml").rename(folder / "other.yaml")
    assert main([*words, "--spec", "other.yaml"]) == ExitCode.UNSAFE


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["sdw9", "--catalog", "full.txt"], ExitCode.INVALID, "did you mean `sdw"),
        (["sdw[3-1]", "--catalog", "full.txt"], ExitCode.USAGE, "reversed range"),
        (["sdw1", "--allow", "all", "--catalog", "full.txt"], ExitCode.USAGE, "allows nothing"),
        (["sdw1", "--wait", "1h", "--catalog", "full.txt"], ExitCode.USAGE, "stays as it is"),
        (["sdw1", "--wait", "soon"], ExitCode.USAGE, "for example `--wait 30m`"),
        (["sdw1", "--table", "2"], ExitCode.USAGE, "--table picks"),
        (["sdw1", "--via-ssh", "--catalog", "full.txt"], ExitCode.USAGE, "--via-ssh"),
        (["sdw1", "--catalog", "missing.txt"], ExitCode.INVALID, "no such file"),
        ([], ExitCode.USAGE, "HOST"),
    ],
)
def test_refusals(words: list[str], code: ExitCode, said: str, capsys: Shown) -> None:
    assert main(["ok-to-stop", *words]) == code
    shown = capsys.readouterr()
    assert (shown.out, said in shown.err) == ("", True), shown.err


def test_what_is_not_in_sync_is_told_and_the_standby(folder: Path, capsys: Shown) -> None:
    rows = [
        replace(one, status=type(one.status)("d"))
        if (one.content, one.role.value) == (5, "m")
        else one
        for one in mirrored(HOSTS, 2).segments
    ]
    rows.append(row(90, -1, "m", "sdw1", 5432))
    (folder / "odd.txt").write_text(aligned_text(observed(rows)))
    assert main(["ok-to-stop", "sdw1", "--catalog", "odd.txt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "not in sync now: content 5" in out
    assert "content 5: single, the mirror sdw4:7001 is down" in out
    assert "standby: sdw1:5432 stops with them" in out
    assert main(["ok-to-stop", "sdw3", "--catalog", "odd.txt"]) == ExitCode.UNSAFE
    assert "content 5 would be lost: the other copy is down" in capsys.readouterr().out


def test_what_has_no_live_copy_is_not_lost_by_stopping(folder: Path, capsys: Shown) -> None:
    rows = [
        replace(one, status=type(one.status)("d")) if one.content == 5 else one
        for one in mirrored(HOSTS, 2).segments
    ]
    (folder / "dead.txt").write_text(aligned_text(observed(rows)))
    assert main(["ok-to-stop", "sdw1", "--catalog", "dead.txt"]) == ExitCode.UNSAFE
    out = capsys.readouterr().out
    assert "stop sdw1: 0 of 8 contents lost; no live copy already: 1\n" in out
    assert "content 5: already without a copy that can serve" in out


def test_json_of_a_yes_and_of_a_no(capsys: Shown) -> None:
    assert main(["ok-to-stop", "sdw1", "--catalog", "full.txt", "--json"]) == ExitCode.OK
    good = read(capsys.readouterr().out, "gpmirror ok-to-stop")
    assert (good["ok_to_stop"], good["exit_code"], good["lost"]) == (True, 0, [])
    assert good["takeovers"] == [{"host": "sdw2", "before": 2, "after": 4, "factor": 2.0}]
    assert good["coordinator"]["listed"] is False
    assert good["as_of"]["file"] == "full.txt"
    words = ["ok-to-stop", "sdw1", "sdw2", "mdw", "--catalog", "full.txt", "--json"]
    assert main(words) == ExitCode.UNSAFE
    bad = read(capsys.readouterr().out, "gpmirror ok-to-stop")
    assert (bad["ok_to_stop"], bad["exit_code"]) == (False, 4)
    assert [(one["content"], one["why"]) for one in bad["lost"]] == [
        (0, "both-stopped"),
        (1, "both-stopped"),
    ]
    assert (bad["coordinator"]["listed"], bad["coordinator"]["allowed"]) == (True, False)
    assert len(bad["reasons"]) == 2


def test_the_environments_catalog_is_never_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Shown
) -> None:
    """It may be of last week."""
    monkeypatch.setenv("GPMIRROR_CATALOG", "full.txt")
    monkeypatch.setenv("PGHOST", str(tmp_path))
    assert main(["ok-to-stop", "sdw1"]) == ExitCode.ERROR
    assert capsys.readouterr().out == ""


# --- maintenance ----------------------------------------------------------------------------------


def test_groups_of_a_catalog_alone(capsys: Shown) -> None:
    assert main(["maintenance", "--catalog", "full.txt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "group 1 of 2: sdw1, sdw3\n" in out
    assert "group 2 of 2: sdw2, sdw4\n" in out
    assert "in no group: mdw, " in out
    assert "`gpmirror status --wait 2h`" in " ".join(out.split())
    assert out.splitlines()[-1].startswith("2 groups for 4 hosts, proven fewest")


def test_groups_as_json(folder: Path, capsys: Shown) -> None:
    assert main(["maintenance", "--catalog", "full.txt", "--json"]) == ExitCode.OK
    found = read(capsys.readouterr().out, "gpmirror maintenance")
    assert (found["groups"], found["bound"]) == ([["sdw1", "sdw3"], ["sdw2", "sdw4"]], 2)
    assert (found["by"], found["racks"], found["max_load_factor"]) == ("host", None, None)
    assert (found["not_now"], found["exit_code"]) == (None, 0)
    (folder / "gpmirror.yaml").write_text(SPEC.replace("2.0", "1.5"))
    assert main(["maintenance", "--catalog", "full.txt", "--json"]) == ExitCode.OK
    shown = capsys.readouterr()
    none = read(shown.out, "gpmirror maintenance")
    assert (none["groups"], none["bound"]) == ([], 0)
    assert {one["why"] for one in none["left_out"]} == {"overload"}
    assert "in no group: hosts sdw1, sdw2, sdw3, sdw4" in shown.err


def test_racks_and_policy_come_from_the_spec(folder: Path, capsys: Shown) -> None:
    spec = SPEC.replace('"sdw[1-2]"', '"sdw[1,3]"').replace('"sdw[3-4]"', '"sdw[2,4]"')
    (folder / "racks.yaml").write_text(spec)
    assert main(["maintenance", "racks.yaml", "--catalog", "full.txt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "group 1 of 2: sdw1, sdw3 (rack a)" in out
    assert "return the roles" in " ".join(out.split())
    assert out.splitlines()[-1].startswith("2 groups for 4 hosts, whole racks, proven fewest")
    words = ["maintenance", "racks.yaml", "--catalog", "full.txt", "--by", "host", "--json"]
    assert main(words) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["by"] == "host"


def test_hosts_that_hold_contents_alone_are_named(capsys: Shown) -> None:
    assert main(["maintenance", "--catalog", "bare.txt"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "in no group: sdw1, it holds contents 0-1 alone" in out
    assert out.splitlines()[-1] == "No group: no host may be down without losing a segment."
    assert main(["maintenance", "--catalog", "bare.txt", "--script"]) == ExitCode.UNSAFE
    assert "no script: no host may be down without losing a segment\n" in capsys.readouterr().err


def test_hosts_that_overload_another_lose_no_content(folder: Path, capsys: Shown) -> None:
    (folder / "tight.yaml").write_text(SPEC.replace("2.0", "1.25"))
    assert main(["maintenance", "tight.yaml", "--catalog", "full.txt"]) == ExitCode.OK
    told = "No group: no host may be down without exceeding max_load_factor 1.25."
    assert capsys.readouterr().out.splitlines()[-1] == told


def test_many_hosts_in_no_group_are_folded(folder: Path, capsys: Shown) -> None:
    many = tuple(f"sdw{n}" for n in range(1, 21))
    (folder / "many.txt").write_text(aligned_text(mirrorless(many, 1)))
    assert main(["maintenance", "--catalog", "many.txt"]) == ExitCode.OK
    assert "in no group: sdw[1-20], each holds contents alone" in capsys.readouterr().out


def test_what_is_not_in_sync_now_is_a_warning(folder: Path, capsys: Shown) -> None:
    rows = [
        replace(one, status=type(one.status)("d"))
        if (one.content, one.role.value) == (0, "m")
        else one
        for one in mirrored(HOSTS, 2).segments
    ]
    (folder / "odd.txt").write_text(aligned_text(observed(rows)))
    assert main(["maintenance", "--catalog", "odd.txt"]) == ExitCode.UNSAFE
    out = capsys.readouterr().out
    assert out.startswith("NOT NOW: content 0 has one copy; these groups hold once all are in sync")
    assert "content 0: single, the mirror sdw2:7000 is down" in out
    assert "2 groups for 4 hosts" in out, "the layout counts, not the hour"
    assert main(["maintenance", "--catalog", "odd.txt", "--json"]) == ExitCode.UNSAFE
    found = read(capsys.readouterr().out, "gpmirror maintenance")
    assert found["not_now"].startswith("NOT NOW: content 0 has one copy")
    assert (found["exit_code"], len(found["groups"])) == (4, 2)
    for form in ("--script", "--format=svg"):
        assert main(["maintenance", "--catalog", "odd.txt", form]) == ExitCode.OK, "it waits itself"
        shown = capsys.readouterr()
        assert shown.err.startswith("NOT NOW: content 0 has one copy")
        assert "NOT NOW" not in shown.out


def test_maintenance_in_every_form(capsys: Shown, folder: Path) -> None:
    (folder / "sound.txt").write_text(aligned_text(mirrored(HOSTS, 2)))
    for form, flag in (("json", "--json"), ("script", "--script")):
        printed = []
        for words in (["--format", form], [flag], ["--format", form, flag]):
            assert main(["maintenance", "--catalog", "sound.txt", *words]) == ExitCode.OK
            printed.append(capsys.readouterr().out)
        assert len(set(printed)) == 1
    assert main(["maintenance", "--catalog", "sound.txt", "--format", "svg"]) == ExitCode.OK
    drawn = capsys.readouterr().out
    assert "<title>sdw1; group " in drawn
    assert "2 groups for 4 hosts" in drawn


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--json", "--script"], ExitCode.USAGE, "exclude each other"),
        (["--json", "--format", "svg"], ExitCode.USAGE, "--json and --format svg are two formats"),
        (["--by", "rack"], ExitCode.INVALID, "the hosts are in no rack"),
        (["--by", "room"], ExitCode.USAGE, "host or rack"),
    ],
)
def test_refusals_of_maintenance(
    words: list[str], code: ExitCode, said: str, capsys: Shown
) -> None:
    assert main(["maintenance", "--catalog", "full.txt", *words]) == code
    assert said in capsys.readouterr().err


def test_the_catalog_of_the_environment_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_CATALOG", "full.txt")
    assert main(["maintenance"]) == ExitCode.OK
    assert "catalog: full.txt, as GPMIRROR_CATALOG says\n" in capsys.readouterr().err


# --- the script -----------------------------------------------------------------------------------


FAKE = """\
#!/bin/sh
echo "gpmirror $*" >>"$LOG"
case "$1 $*" in
    ok-to-stop*"$REFUSED"*) exit 4 ;;
esac
"""


def written(folder: Path, capsys: Shown, *words: str) -> Path:
    assert main(["maintenance", *words, "--catalog", "full.txt", "--script"]) == ExitCode.OK
    script = folder / "maintenance.sh"
    script.write_text(capsys.readouterr().out)
    return script


def run(script: Path, *words: str, refused: str = "nobody") -> tuple[int, list[str], str]:
    """Exit code, what was called, and what was said, with programs that only note their calls."""
    bin_folder = script.parent / "bin"
    bin_folder.mkdir(exist_ok=True)
    for name in ("gpmirror", "gprecoverseg", "patch"):
        (bin_folder / name).write_text(FAKE.replace("gpmirror $*", f"{name} $*"))
        (bin_folder / name).chmod(0o755)
    log = script.parent / "log"
    log.write_text("")
    done = subprocess.run(
        ["sh", str(script), *words],
        env={"PATH": f"{bin_folder}:/usr/bin:/bin", "LOG": str(log), "REFUSED": refused},
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, log.read_text().splitlines(), done.stderr


def with_work(script: Path) -> Path:
    text = script.read_text()
    begin, end = (text.index(f"YOUR WORK {word} HERE") for word in ("BEGINS", "ENDS"))
    first, last = text.index("\n", begin) + 1, text.rindex("\n", 0, end) + 1
    script.write_text(f'{text[:first]}    patch "$@"\n{text[last:]}')
    return script


def test_the_script_walks_the_groups(folder: Path, capsys: Shown) -> None:
    (folder / "my spec's.yaml").write_text(SPEC)
    script = with_work(written(folder, capsys, "my spec's.yaml"))
    code, calls, said = run(script)
    assert (code, "every group is done" in said) == (0, True), said
    spec = "my spec's.yaml"
    assert calls == [
        line
        for hosts in ("sdw1 sdw3", "sdw2 sdw4")
        for line in (
            f"gpmirror ok-to-stop --spec {spec} --wait 30m {hosts}",
            f"patch {hosts}",
            f"gpmirror apply {spec} --host {hosts.replace(' ', ' --host ')} --yes",
            f"gpmirror apply {spec} --rebalance --allow cancels-queries --yes",
            f"gpmirror status {spec} --wait 2h",
        )
    ]
    assert run(script, "2")[1] == calls[5:]


def test_the_script_stops_at_a_no(folder: Path, capsys: Shown) -> None:
    script = with_work(written(folder, capsys))
    code, calls, said = run(script, refused="sdw2")
    assert code == 4
    assert calls[-1] == "gpmirror ok-to-stop --wait 30m sdw2 sdw4"
    assert "every group is done" not in said
    assert "gprecoverseg -a" in calls, "without a spec the utility itself brings copies back"
    assert not any("rebalance" in one or "-r" in one.split() for one in calls)


def test_the_script_does_nothing_before_the_work_is_written(folder: Path, capsys: Shown) -> None:
    code, calls, said = run(written(folder, capsys))
    assert (code, len(calls)) == (1, 1)
    assert "put the work for sdw1 sdw3 into this script" in said


@pytest.mark.parametrize("first", ["0", "3", "x", "-1", "1x", ""])
def test_the_script_takes_no_group_that_is_not_there(
    first: str, folder: Path, capsys: Shown
) -> None:
    code, calls, said = run(with_work(written(folder, capsys)), first)
    if first == "":
        assert code == 0  # as without an argument
        return
    assert (code, calls) == (64, [])
    assert "1 to 2" in said


@pytest.mark.parametrize("spec", [None, "limited.yaml", "free.yaml"])
def test_the_script_is_clean(spec: str | None, folder: Path, capsys: Shown) -> None:
    (folder / "limited.yaml").write_text(SPEC)
    (folder / "free.yaml").write_text(SPEC.replace("policy: {max_load_factor: 2.0}\n", ""))
    script = written(folder, capsys, *([] if spec is None else [spec]))
    checked = subprocess.run(
        [Path(sys.executable).with_name("shellcheck"), str(script)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


# --- a live catalog -------------------------------------------------------------------------------


@pytest.fixture
def live(postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    for name, value in postgres_server.environment("gp6").items():
        monkeypatch.setenv(name, value)
    fill(postgres_server, mirrored(HOSTS[:3], 2).segments)
    return postgres_server


def statements(server: Postgres, since: int) -> int:
    """Round trips of gpmirror's sessions since then."""
    lines = server.log[since:].splitlines()
    return sum("|gpmirror" in one and "statement:" in one for one in lines)


@pytest.mark.postgres
def test_a_live_answer_costs_no_more_round_trips_than_status(live: Postgres, capsys: Shown) -> None:
    since = len(live.log)
    assert main(["status"]) == ExitCode.OK
    status = statements(live, since)
    since = len(live.log)
    assert main(["ok-to-stop", "sdw1"]) == ExitCode.OK
    assert 0 < statements(live, since) <= status + 1
    assert "gp_request_fts_probe_scan" in live.log[since:], "it asks for a fault probe first"
    out = capsys.readouterr().out
    assert "up to date (" in out
    assert "a check, not a reservation" in out


@pytest.mark.postgres
def test_a_mirror_that_does_not_stream_is_no_copy(live: Postgres, capsys: Shown) -> None:
    fill(live, mirrored(HOSTS[:3], 2).segments, streaming=False)
    assert main(["ok-to-stop", "sdw1"]) == ExitCode.UNSAFE
    assert "contents 0-1 would be lost: the other copy is not in sync" in capsys.readouterr().out


@pytest.mark.postgres
def test_waiting_in_vain_ends_with_the_last_reason(live: Postgres, capsys: Shown) -> None:
    cut_mirror(live)
    assert main(["ok-to-stop", "sdw1", "--wait", "1s", "--json"]) == ExitCode.UNSAFE
    shown = capsys.readouterr()
    assert "no: content 1 would be lost: the other copy is down" in shown.err
    assert read(shown.out, "gpmirror ok-to-stop")["lost"][0]["why"] == "other-down"


@pytest.mark.postgres
def test_no_time_mends_the_coordinators_host(live: Postgres, capsys: Shown) -> None:
    began = time.monotonic()
    assert main(["ok-to-stop", "mdw", "--wait", "10m"]) == ExitCode.UNSAFE
    assert time.monotonic() - began < 300
    assert "--allow coordinator" in capsys.readouterr().out


@pytest.mark.postgres
def test_an_unknown_host_is_not_waited_for(live: Postgres, capsys: Shown) -> None:
    assert main(["ok-to-stop", "sdw8", "--wait", "10m"]) == ExitCode.INVALID
    assert "sdw8" in capsys.readouterr().err


def waiting(*words: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "gpmirror", "ok-to-stop", "sdw1", "--wait", "10m", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.postgres
def test_waiting_ends_with_a_yes(live: Postgres) -> None:
    cut_mirror(live)
    waiter = waiting()
    try:
        assert waiter.stderr is not None
        assert "the other copy is down" in waiter.stderr.readline()
        mend_mirror(live)
        out, err = waiter.communicate(timeout=120)
    finally:
        waiter.kill()
        waiter.communicate()
    assert (waiter.returncode, out.splitlines()[0]) == (0, "yes")
    assert err.rstrip().endswith(" yes")


@pytest.mark.postgres
def test_waiting_can_be_interrupted(live: Postgres) -> None:
    cut_mirror(live)
    waiter = waiting()
    try:
        assert waiter.stderr is not None
        assert "no: " in waiter.stderr.readline()
        waiter.send_signal(signal.SIGINT)
        out, _ = waiter.communicate(timeout=300)
    finally:
        waiter.kill()
        waiter.communicate()
    assert (waiter.returncode, out) == (ExitCode.INTERRUPTED, "")


@pytest.mark.postgres
def test_live_groups(live: Postgres, capsys: Shown) -> None:
    assert main(["maintenance"]) == ExitCode.OK
    assert "3 groups for 3 hosts, proven fewest (bound 3)." in capsys.readouterr().out
    cut_mirror(live)
    assert main(["maintenance", "--json"]) == ExitCode.UNSAFE
    found = json.loads(capsys.readouterr().out)
    assert [one["content"] for one in found["not_in_sync"]] == [1]
    assert (len(found["groups"]), found["as_of"]) == (3, None)


# --- what the page on patching shows --------------------------------------------------------------


PATCHING = PAGE.parents[1] / "how-to" / "patch-all-hosts.md"


def shown_block(kind: str, number: int = 0) -> str:
    """The n-th script or play of the page."""
    text = PATCHING.read_text(encoding="utf-8")
    found = re.findall(rf"^<!-- the test runs [^\n]*\n```{kind}\n(.*?)^```$", text, re.M | re.S)
    block: str = found[number].replace("/usr/local/sbin/patch-and-reboot", "patch-and-reboot")
    return block


GROUPS = '{"groups": [["sdw1", "sdw3"], ["sdw2", "sdw4"]], "left_out": []}'


def programs(folder: Path) -> Path:
    """gpmirror, ssh and the like that note their calls; gpmirror refuses whom `REFUSED` names."""
    found = folder / "bin"
    found.mkdir()
    for name in ("gpmirror", "ssh", "patch-and-reboot"):
        answer = f"[ $1 != maintenance ] || echo '{GROUPS}'\n" if name == "gpmirror" else ""
        (found / name).write_text(FAKE.replace("gpmirror $*", f"{name} $*") + answer)
        (found / name).chmod(0o755)
    return found


@pytest.mark.parametrize("refused", ["nobody", "sdw2"])
def test_the_script_for_one_host(refused: str, folder: Path) -> None:
    script = folder / "patch-host"
    script.write_text(shown_block("sh").replace("/var/lock", str(folder)))
    log = folder / "log"
    done = subprocess.run(
        ["sh", str(script), "sdw2"],
        env={"PATH": f"{programs(folder)}:/usr/bin:/bin", "LOG": str(log), "REFUSED": refused},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = log.read_text().splitlines()
    assert calls[0] == "gpmirror ok-to-stop --wait 30m sdw2"
    if refused == "sdw2":
        assert (done.returncode, len(calls)) == (4, 1), done.stderr
        return
    assert done.returncode == 0, done.stderr
    assert calls[1:] == [
        "ssh sdw2 sudo patch-and-reboot",
        "gpmirror apply --yes --host sdw2",
        "gpmirror status --wait 2h",
    ]


def test_the_play_uses_what_json_holds(capsys: Shown) -> None:
    """Whoever has no Ansible at hand still sees the keys and options that the play relies on."""
    play, tasks = shown_block("yaml", 0), shown_block("yaml", 1)
    assert set(re.findall(r"from_json\)\.(\w+)", play)) == {"groups", "left_out"}
    assert {"groups", "left_out"} <= documented("gpmirror maintenance")
    assert "['gpmirror', 'ok-to-stop', '--wait', '30m', '--json'] + group" in tasks
    assert main(["ok-to-stop", "-h"]) == ExitCode.OK
    options = capsys.readouterr().out
    assert "--wait" in options
    assert "--json" in options


@pytest.mark.skipif(
    shutil.which("ansible-playbook") is None, reason="ansible-playbook is not installed"
)
@pytest.mark.parametrize("refused", ["nobody", "sdw2"])
def test_the_play_walks_the_groups(refused: str, folder: Path) -> None:
    (folder / "patch.yml").write_text(shown_block("yaml", 0))
    (folder / "patch-group.yml").write_text(shown_block("yaml", 1))
    local = f"ansible_connection=local ansible_python_interpreter={sys.executable}"
    hosts = "".join(f"{host} {local}\n" for host in HOSTS)
    (folder / "hosts").write_text(hosts)
    log = folder / "log"
    done = subprocess.run(
        ["ansible-playbook", "-i", "hosts", "patch.yml"],
        env={
            **os.environ,
            "PATH": f"{programs(folder)}{os.pathsep}{os.environ['PATH']}",
            "LOG": str(log),
            "REFUSED": refused,
            "HOME": str(folder),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    calls = log.read_text().splitlines()
    assert calls[:6] == [
        "gpmirror maintenance --json",
        "gpmirror ok-to-stop --wait 30m --json sdw1 sdw3",
        "patch-and-reboot ",
        "patch-and-reboot ",
        "gpmirror apply --yes",
        "gpmirror status --wait 2h",
    ], done.stdout + done.stderr
    assert calls[6] == "gpmirror ok-to-stop --wait 30m --json sdw2 sdw4"
    if refused == "sdw2":
        assert (done.returncode != 0, len(calls)) == (True, 7), "a no ends the play"
    else:
        assert (done.returncode, len(calls)) == (0, 11), done.stdout
