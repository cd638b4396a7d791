"""Many specs in one command, and the snapshot beside a spec: `--offline`."""

import json
import shutil
from pathlib import Path

import pytest

from gpmirror.catalog import read_catalog, snapshot_text
from gpmirror.cli.main import main
from gpmirror.cli.many import folders_of
from gpmirror.errors import ExitCode, Usage, worst_of
from tests.clusters import mirrored, mirrorless
from tests.shapes import aligned_text

REPOSITORY = Path(__file__).parents[3] / "examples" / "layouts-repo"
PROD, TEST = "clusters/prod/gpmirror.yaml", "clusters/test/gpmirror.yaml"
Shown = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example repository, also the current folder; no cluster is reached from it."""
    folder = tmp_path / "repository"
    shutil.copytree(REPOSITORY, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PGHOST", str(tmp_path))  # nobody's socket is there
    return folder


def broken(repository: Path, name: str, old: str, new: str) -> str:
    """A third cluster, made of the test cluster's spec."""
    folder = repository / "clusters" / name
    shutil.copytree(repository / "clusters" / "test", folder)
    text = (folder / "gpmirror.yaml").read_text()
    assert old in text
    (folder / "gpmirror.yaml").write_text(text.replace(old, new))
    return f"clusters/{name}/gpmirror.yaml"


def table(text: str) -> dict[str, str]:
    """Spec -> the rest of its row."""
    lines = [line for line in text.splitlines() if line.startswith("clusters/")]
    return {line.split()[0]: " ".join(line.split()[1:]) for line in lines}


def test_plans_of_many_specs_are_one_table(capsys: Shown) -> None:
    assert main(["plan", "--offline", PROD, TEST]) == ExitCode.OK
    shown = capsys.readouterr()
    assert table(shown.out) == {
        PROD: "0 prod-dwh 0 0 0 snapshot of 2026-11-28 21:30:05 UTC",
        TEST: "0 test-dwh 4 0 0 snapshot of 2026-11-29 06:12:44 UTC",
    }
    assert shown.out.splitlines()[-1] == "2 specs, by exit code: 2 with 0."
    assert shown.err.startswith(f"{PROD}: offline: clusters/prod/snapshot.json, ")
    assert "taken 2026-11-28 21:30:05 UTC" in shown.err.splitlines()[0]
    assert main(["plan", "--offline", PROD, TEST, "--detailed-exitcode"]) == ExitCode.DIFFERENCES
    assert table(capsys.readouterr().out)[TEST].startswith("2 test-dwh")


def test_a_spec_that_fails_stops_no_other(repository: Path, capsys: Shown) -> None:
    bad = broken(repository, "bad", "strategy", "stratgy")
    tight = broken(repository, "tight", "group", "spread")
    code = main(["plan", "--offline", bad, tight, TEST, "--detailed-exitcode"])
    shown = capsys.readouterr()
    assert code == ExitCode.INVALID
    rows = table(shown.out)
    assert rows[bad].startswith("3 GPM-V")
    assert rows[tight].startswith("6 GPM-P")
    assert rows[TEST].startswith("2 test-dwh 4")
    assert f"{bad}:\nerror[GPM-V" in shown.err
    assert shown.out.endswith("3 specs, by exit code: 1 with 2, 1 with 3, 1 with 6.\n")


@pytest.mark.parametrize(
    ("codes", "worst"),
    [
        ((), 0),
        ((0, 2), 2),
        ((2, 4), 4),
        ((4, 5), 5),
        ((5, 6), 6),
        ((6, 3), 3),
        ((3, 1), 1),
        ((64, 3), 64),
        ((1, 64, 70), 70),
    ],
)
def test_the_worst_code_of_several(codes: tuple[int, ...], worst: int) -> None:
    assert worst_of(map(ExitCode, codes)) == worst
    assert worst_of(map(ExitCode, reversed(codes))) == worst


def test_programs_get_every_row_and_the_findings(repository: Path, capsys: Shown) -> None:
    bad = broken(repository, "bad", "strategy", "stratgy")
    assert main(["plan", "--offline", "--json", bad, TEST]) == ExitCode.INVALID
    found = json.loads(capsys.readouterr().out)
    assert found["exit_code"] == ExitCode.INVALID
    first, second = found["specs"]
    assert (first["spec"], first["plan"]) == (bad, None)
    places = {(one["place"]["file"], one["place"]["line"]) for one in first["error"]["findings"]}
    assert (bad, 8) in places
    assert second["plan"]["summary"]["add"] == len(mirrorless(("a", "b"), 2).pairs())
    assert second["catalog"]["taken"] == "2026-11-29T06:12:44Z"
    assert second["error"] is None


def test_a_folder_for_each_spec(repository: Path, capsys: Shown) -> None:
    assert main(["plan", "--offline", PROD, TEST, "--out-dir", "out"]) == ExitCode.OK
    capsys.readouterr()
    out = repository / "out"
    names = {str(file.relative_to(out)) for file in out.rglob("*") if file.is_file()}
    each = ("plan.json", "plan.md", "plan.html", "plan.svg", "plan.txt")
    native = {
        "clusters/test/native/wave-001-gpaddmirrors.conf",
        "clusters/test/native/commands.txt",
    }
    own = {f"clusters/{name}/{file}" for name in ("prod", "test") for file in each}
    of_all = {"summary.json", "summary.md", "annotations.txt", "code-quality.json"}
    assert names == {*own, *native, *of_all}
    assert main(["show", "out/clusters/test/plan.json"]) == ExitCode.OK
    assert capsys.readouterr().out == (out / "clusters/test/plan.txt").read_text()
    folders = [one["folder"] for one in json.loads((out / "summary.json").read_text())["specs"]]
    assert folders == ["out/clusters/prod", "out/clusters/test"]


def test_a_plan_of_yesterday_does_not_stay(repository: Path) -> None:
    spec = repository / TEST
    assert main(["plan", "--offline", TEST, "--out-dir", "out"]) == ExitCode.OK
    spec.write_text(spec.read_text().replace("group", "grup"))
    assert main(["plan", "--offline", TEST, "--out-dir", "out"]) == ExitCode.INVALID
    left = [file for file in (repository / "out" / "clusters").rglob("*") if file.is_file()]
    assert left == []
    assert json.loads((repository / "out" / "summary.json").read_text())["exit_code"] == 3


@pytest.mark.parametrize(
    "words",
    [
        ["--catalog", "c.txt"],
        ["-o", "p.json"],
        ["--out-md", "p.md"],
        ["--out-native", "n"],
        ["--content", "3"],
        ["--host", "sdw1"],
        ["--unprotect", "content:0"],
        ["--table", "1"],
        ["--sign", "key"],
        ["--verbose"],
        ["--format", "svg"],
    ],
)
def test_what_is_about_one_spec_is_refused_for_two(words: list[str], capsys: Shown) -> None:
    assert main(["plan", PROD, TEST, *words]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert (shown.out, words[0] in shown.err) == ("", True)


def test_the_catalog_of_the_environment_is_of_one_spec(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("GPMIRROR_CATALOG", "clusters/prod/snapshot.json")
    assert main(["plan", PROD, TEST]) == ExitCode.USAGE
    assert "GPMIRROR_CATALOG is about one spec" in capsys.readouterr().err
    assert main(["plan", PROD, TEST, "--offline"]) == ExitCode.OK


def test_two_specs_never_share_a_folder() -> None:
    assert folders_of(["a/gpmirror.yaml", "b.yaml"], "out") == {
        "a/gpmirror.yaml": "out/a",
        "b.yaml": "out/b",
    }
    assert folders_of(["gpmirror.yaml"], "out") == {"gpmirror.yaml": "out/gpmirror"}
    assert folders_of(["/etc/x/gpmirror.yaml", "-"], "out") == {
        "/etc/x/gpmirror.yaml": "out/etc/x",
        "-": "out/stdin",
    }
    for twice in (["a/gpmirror.yaml", "a.yaml"], ["a.yaml", "./a.yaml"]):
        with pytest.raises(Usage):
            folders_of(twice, "out")


def test_validate_and_fmt_of_many_specs(repository: Path, capsys: Shown) -> None:
    bad = broken(repository, "bad", "strategy", "stratgy")
    assert main(["validate", PROD, bad, "missing.yaml"]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert table(shown.out)[PROD] == "0 ok (4 hosts, group, offset 1000)"
    assert table(shown.out)[bad].startswith("3 GPM-V")
    (missing,) = (line for line in shown.out.splitlines() if line.startswith("missing.yaml"))
    assert missing.split()[1:4] == ["3", "cannot", "read"]
    assert "cannot read missing.yaml" in shown.err
    spec = repository / TEST
    spec.write_text(spec.read_text().replace("offset: 1000", "offset:   1000"))
    assert main(["fmt", "--check", PROD, TEST]) == ExitCode.DIFFERENCES
    assert table(capsys.readouterr().out) == {PROD: "0 as it should be", TEST: "2 would change"}
    assert main(["fmt", PROD, TEST]) == ExitCode.OK
    assert table(capsys.readouterr().out) == {PROD: "0 as it should be", TEST: "0 formatted"}
    spec.write_text(spec.read_text().replace("offset: 1000", "offset:   1000"))
    assert main(["fmt", "--diff", PROD, TEST]) == ExitCode.OK
    assert capsys.readouterr().out.startswith(f"--- {TEST}\n")


def test_fmt_writes_nothing_where_one_spec_cannot_be_read(repository: Path, capsys: Shown) -> None:
    spec = repository / TEST
    spec.write_text(spec.read_text().replace("offset: 1000", "offset:   1000"))
    before = spec.read_text()
    (repository / PROD).write_text("a: [\n")
    assert main(["fmt", PROD, TEST]) == ExitCode.INVALID
    assert spec.read_text() == before
    assert table(capsys.readouterr().out)[TEST] == "0 would change"


def test_status_and_drift_of_clusters_that_do_not_answer(capsys: Shown) -> None:
    for command in ("status", "drift"):
        words = [command, PROD, TEST, "--ignore-spec-connection"]
        assert main(words) == ExitCode.ERROR
        rows = table(capsys.readouterr().out)
        assert {spec: row[:16] for spec, row in rows.items()} == dict.fromkeys(
            (PROD, TEST), "1 cannot connect"
        )
        assert main([*words, "--json"]) == ExitCode.ERROR
        found = json.loads(capsys.readouterr().out)
        assert [one["exit_code"] for one in found["specs"]] == [1, 1]
    assert main(["status", PROD, TEST, "--watch"]) == ExitCode.USAGE


# --- offline


def test_the_first_line_tells_the_date_of_the_snapshot(capsys: Shown) -> None:
    assert main(["plan", "--offline", TEST]) == ExitCode.OK
    shown = capsys.readouterr()
    first = shown.out.splitlines()[0]
    assert first.startswith("offline: clusters/test/snapshot.json, ")
    assert "taken 2026-11-29 06:12:44 UTC" in first
    assert main(["plan", "--catalog", "clusters/test/snapshot.json", TEST]) == ExitCode.OK
    assert capsys.readouterr().out == shown.out.partition("\n")[2]
    assert main(["plan", "--offline", TEST, "--format", "md"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.err.startswith("offline: clusters/test/snapshot.json, ")
    assert "taken 2026-11-29" in shown.err
    assert "taken 2026-11-29 06:12:44 UTC" in shown.out


def test_a_snapshot_without_a_date_says_so(repository: Path, capsys: Shown) -> None:
    file = repository / "clusters/test/snapshot.json"
    text = aligned_text(mirrorless(("tdw1", "tdw2"), 2))
    file.write_text(snapshot_text(read_catalog(text.encode(), "catalog.txt")))
    assert main(["plan", "--offline", TEST]) == ExitCode.OK
    assert "a snapshot that does not say when it was taken" in capsys.readouterr().out


def test_the_environment_says_offline(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("GPMIRROR_OFFLINE", "1")
    assert main(["plan", TEST]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("offline: ")
    assert main(["plan", TEST, "--catalog", "clusters/test/snapshot.json"]) == ExitCode.OK
    assert not capsys.readouterr().out.startswith("offline: ")
    monkeypatch.setenv("GPMIRROR_OFFLINE", "0")
    assert main(["plan", TEST, "--ignore-spec-connection"]) == ExitCode.ERROR


@pytest.mark.parametrize("words", [["--catalog", "x.json"], ["--via-ssh"]])
def test_offline_and_another_catalog_exclude_each_other(words: list[str], capsys: Shown) -> None:
    assert main(["plan", TEST, "--offline", *words]) == ExitCode.USAGE
    assert words[0] in capsys.readouterr().err


def test_a_failed_live_read_does_not_fall_back(repository: Path, capsys: Shown) -> None:
    spec = repository / TEST
    spec.write_text(f"{spec.read_text()}snapshot: snapshot.json\n")
    assert main(["plan", TEST, "--ignore-spec-connection"]) == ExitCode.ERROR
    shown = capsys.readouterr()
    assert (shown.out, "snapshot" in shown.err) == ("", False)


def test_apply_never_plans_over_a_snapshot(monkeypatch: pytest.MonkeyPatch, capsys: Shown) -> None:
    monkeypatch.setenv("GPMIRROR_OFFLINE", "1")
    words = ["apply", TEST, "--yes", "--ignore-spec-connection"]
    assert main(words) == ExitCode.ERROR
    shown = capsys.readouterr()
    assert "snapshot" not in shown.out + shown.err
    assert main(["apply", TEST, "--offline"]) == ExitCode.USAGE


def test_the_spec_names_its_snapshot(repository: Path, capsys: Shown) -> None:
    (repository / "clusters/test/snapshot.json").rename(repository / "clusters/test/saved.json")
    assert main(["plan", "--offline", TEST]) == ExitCode.INVALID
    assert "gpmirror snapshot clusters/test/gpmirror.yaml -o" in capsys.readouterr().err
    spec = repository / TEST
    spec.write_text(f"{spec.read_text()}snapshot: saved.json\n")
    assert main(["plan", "--offline", TEST]) == ExitCode.OK
    assert "clusters/test/saved.json" in capsys.readouterr().out


def test_a_link_out_of_the_folder_is_not_followed(repository: Path, capsys: Shown) -> None:
    secret = repository / "secret.txt"
    secret.write_text("token: hunter2\n")
    file = repository / "clusters/test/snapshot.json"
    file.unlink()
    file.symlink_to(secret)
    assert main(["plan", "--offline", TEST]) == ExitCode.INVALID
    shown = capsys.readouterr()
    assert "leads out of the spec's folder" in shown.err
    assert "hunter2" not in shown.out + shown.err


def test_mirrors_in_sync_are_no_news(repository: Path, capsys: Shown) -> None:
    file = repository / "clusters/test/snapshot.json"
    text = aligned_text(mirrored(("tdw1", "tdw2"), 2))
    file.write_text(snapshot_text(read_catalog(text.encode(), "catalog.txt")))
    assert main(["plan", "--offline", TEST, "--detailed-exitcode"]) == ExitCode.OK
    assert "No changes." in capsys.readouterr().out


@pytest.mark.parametrize("command", ["simulate", "whatif", "maintenance"])
def test_what_else_reads_the_snapshot(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    saved = ["--catalog", "clusters/prod/snapshot.json"]
    assert main([command, PROD, *saved]) == ExitCode.OK
    answer = capsys.readouterr().out
    assert main([command, PROD, "--offline"]) == ExitCode.OK
    first, _, rest = capsys.readouterr().out.partition("\n")
    assert first.startswith("offline: clusters/prod/snapshot.json, ")
    assert "taken 2026-11-28 21:30:05 UTC" in first
    assert rest == answer
    for other in (saved, ["--via-ssh"]):
        assert main([command, PROD, "--offline", *other]) == ExitCode.USAGE
        assert "--offline reads the snapshot beside the spec" in capsys.readouterr().err
    assert main([command, PROD, "--offline", "--table", "2"]) == ExitCode.USAGE
    monkeypatch.setenv("GPMIRROR_OFFLINE", "1")
    capsys.readouterr()
    assert main([command, PROD, "--json"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert (shown.out[:1], shown.err) == ("{", f"{first}\n")
    assert main([command, PROD, *saved]) == ExitCode.OK
    assert capsys.readouterr().out == answer
    monkeypatch.setenv("GPMIRROR_OFFLINE", "0")
    assert main([command, PROD, "--ignore-spec-connection"]) == ExitCode.ERROR
    assert "cannot connect to" in capsys.readouterr().err


def test_offline_without_a_spec(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    assert main(["maintenance", "--offline"]) == ExitCode.INVALID
    assert "cannot read gpmirror.yaml: no such file in this folder" in capsys.readouterr().err
    snapshot = "clusters/prod/snapshot.json"
    assert main(["simulate", snapshot, "--offline"]) == ExitCode.USAGE
    assert "--offline looks beside a spec" in capsys.readouterr().err
    monkeypatch.setenv("GPMIRROR_OFFLINE", "1")
    assert main(["simulate", snapshot]) == ExitCode.OK
    assert "offline" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "command", [["simulate"], ["whatif"], ["plan"], ["explain", "content", "0"]]
)
def test_the_environment_alone_says_where_the_cluster_is(
    command: list[str], tmp_path: Path, capsys: Shown
) -> None:
    """`simulate` went where the spec said, with the password of whoever looked at a pull request."""
    assert main([*command, PROD, "--ignore-spec-connection"]) == ExitCode.ERROR
    assert f"no server at a socket: {tmp_path}" in capsys.readouterr().err


def test_a_snapshot_tells_itself_of_when_it_is(capsys: Shown) -> None:
    words = ["--catalog", "clusters/prod/snapshot.json"]
    assert main(["maintenance", PROD, *words]) == ExitCode.OK
    said = "as of clusters/prod/snapshot.json, taken 2026-11-28T21:30:05Z"
    assert capsys.readouterr().out.splitlines()[1] == said
    host = json.loads(Path(words[1]).read_text())["segments"][1]["hostname"]
    main(["ok-to-stop", host, "--spec", PROD, *words])
    assert said in capsys.readouterr().out
    main(["ok-to-stop", host, "--spec", PROD, *words, "--json"])
    assert json.loads(capsys.readouterr().out)["as_of"]["taken"] == "2026-11-28T21:30:05Z"
