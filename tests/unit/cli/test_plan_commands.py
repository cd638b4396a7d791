"""plan, show, diff and explain, from arguments to output and exit code."""

import json
import re
from pathlib import Path

import pytest

from gpmirror.cli.main import main
from gpmirror.errors import ExitCode
from tests.clusters import mirrored, mirrorless
from tests.shapes import aligned_text

SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: prod}
hosts:
  - name: sdw[1-3]
    roots: [/data/mirror]
mirrors:
  strategy: group
  ports: {offset: 1000}
"""
HOSTS = ("sdw1", "sdw2", "sdw3")
SUMMARY = (
    "Plan: 6 to add, 0 to move, 0 to recover, 0 to rebalance; 0 unchanged, 0 blocked, 0 switched."
)
NO_CHANGES = "No changes. The catalog matches the spec."
PLAN = ["plan", "--catalog", "bare.txt"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PGHOST", str(tmp_path))  # nobody's socket is there
    (tmp_path / "gpmirror.yaml").write_text(SPEC)
    (tmp_path / "bare.txt").write_text(aligned_text(mirrorless(HOSTS, 2)))
    (tmp_path / "full.txt").write_text(aligned_text(mirrored(HOSTS, 2)))
    return tmp_path


Shown = pytest.CaptureFixture[str]


def test_plan_prints_the_summary_last(capsys: Shown) -> None:
    assert main(PLAN) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == SUMMARY
    assert (shown.err, "\x1b" in shown.out) == ("", False)


@pytest.mark.parametrize(
    ("catalog", "code"), [("bare.txt", ExitCode.DIFFERENCES), ("full.txt", ExitCode.OK)]
)
def test_detailed_exit_code(catalog: str, code: ExitCode, capsys: Shown) -> None:
    assert main(["plan", "--catalog", catalog, "--detailed-exitcode"]) == code
    assert capsys.readouterr().out.splitlines()[-1] in {SUMMARY, NO_CHANGES}


def test_every_way_to_a_plan_file_gives_the_same_bytes(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "-o", "p", "--out-json", "j", "--format", "json"]) == ExitCode.OK
    texts = {capsys.readouterr().out, (folder / "p").read_text(), (folder / "j").read_text()}
    assert len(texts) == 1
    assert json.loads(texts.pop())["format_version"] == "1.0"


def test_o_still_prints_the_plan(capsys: Shown) -> None:
    assert main([*PLAN, "-o", "p.json"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out.splitlines()[-1] == SUMMARY
    assert shown.err == "written: p.json\n"


@pytest.mark.parametrize("form", ["human", "json", "md", "native", "html", "svg"])
def test_show_prints_what_plan_printed(form: str, capsys: Shown) -> None:
    assert main([*PLAN, "-o", "p.json", "--format", form]) == ExitCode.OK
    planned = capsys.readouterr().out
    assert main(["show", "p.json", "--format", form]) == ExitCode.OK
    assert capsys.readouterr().out == planned


def test_native_output_of_one_file_is_its_bytes(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "--format", "native", "--out-native", "n", "--quiet"]) == ExitCode.OK
    shown = capsys.readouterr()
    assert shown.out == (folder / "n" / "wave-001-gpaddmirrors.conf").read_text()
    assert shown.out.startswith("0|sdw2|7000|/data/mirror/gpseg0\n")
    assert (shown.err, len(list((folder / "n").iterdir()))) == ("", 2)


def test_native_files_of_another_plan_are_removed(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "--out-native", "n"]) == ExitCode.OK
    (folder / "n" / "mine.txt").write_text("mine")
    assert main(["plan", "--catalog", "full.txt", "--out-native", "n"]) == ExitCode.OK
    assert [found.name for found in (folder / "n").iterdir()] == ["mine.txt"]
    assert "removed, left by another plan: n/wave-001-gpaddmirrors.conf" in capsys.readouterr().err


def test_markdown_goes_to_a_file_beside_the_human_text(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "--out-md", "p.md"]) == ExitCode.OK
    assert (folder / "p.md").read_text().startswith("<!-- gpmirror:plan:prod -->\n")
    assert SUMMARY in capsys.readouterr().out


def test_pictures_go_to_files(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "--out-html", "p.html", "--out-svg", "p.svg"]) == ExitCode.OK
    assert (folder / "p.html").read_text().startswith("<!doctype html>\n")
    assert (folder / "p.svg").read_text().startswith("<?xml ")
    assert capsys.readouterr().err == "written: p.html\nwritten: p.svg\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plan"], ExitCode.ERROR, "cannot connect to localhost:5432"),
        (["plan", "--table", "2"], ExitCode.USAGE, "add `--catalog FILE`"),
        ([*PLAN, "--via-ssh"], ExitCode.USAGE, "leave one of them out"),
        (["plan", "-", "--catalog", "-"], ExitCode.USAGE, "cannot both come from stdin"),
        (["plan", "no.yaml", "--catalog", "bare.txt"], ExitCode.INVALID, "no such file"),
        ([*PLAN, "--format", "pdf"], ExitCode.USAGE, "--format"),
        ([*PLAN, "--table", "0"], ExitCode.USAGE, "--table"),
        ([*PLAN, "-o", "bare.txt"], ExitCode.USAGE, "would overwrite bare.txt"),
        ([*PLAN, "-o", "./gpmirror.yaml"], ExitCode.USAGE, "would overwrite gpmirror.yaml"),
        ([*PLAN, "-o", "x", "--out-md", "x"], ExitCode.USAGE, "would overwrite -o x"),
        ([*PLAN, "-o", "-"], ExitCode.USAGE, "use --format instead"),
        ([*PLAN, "-o", "no/folder/p"], ExitCode.ERROR, "its folder does not exist"),
        ([*PLAN, "--out-native", "no/folder"], ExitCode.ERROR, "cannot write into no/folder"),
        ([*PLAN, "--content", "1"], ExitCode.INVALID, "GPM-P304"),
        ([*PLAN, "--content", "x"], ExitCode.INVALID, "GPM-P301"),
        ([*PLAN, "--content", "99"], ExitCode.INVALID, "GPM-P302"),
        ([*PLAN, "--host", "sdw9"], ExitCode.INVALID, "did you mean"),
        ([*PLAN, "--allow", "everything"], ExitCode.INVALID, "GPM-P303"),
        ([*PLAN, "--unprotect", "content:0"], ExitCode.INVALID, "GPM-P303"),
        (["show", "bare.txt"], ExitCode.INVALID, "is a catalog text"),
        (["show", "no.json"], ExitCode.INVALID, "no such file"),
        (["show"], ExitCode.USAGE, "missing argument"),
        (["diff", "bare.txt", "gpmirror.yaml"], ExitCode.INVALID, "GPM-C"),
        (["diff", "-", "-"], ExitCode.USAGE, "cannot both come from stdin"),
        (
            ["diff", "bare.txt", "full.txt", *["--table", "1"] * 3],
            ExitCode.USAGE,
            "more than twice",
        ),
        (["explain", "content", "x"], ExitCode.USAGE, "cannot explain content x"),
        (["explain", "exit"], ExitCode.USAGE, "give an exit code, as in `explain exit 4`"),
        (["explain", "content", "1"], ExitCode.ERROR, "cannot connect to localhost:5432"),
        (["explain", "GPM-V999"], ExitCode.INVALID, "no such code"),
        (["explain", "content", "77", "--catalog", "bare.txt"], ExitCode.INVALID, "contents 0-5"),
    ],
)
def test_refusals(arguments: list[str], code: ExitCode, words: str, capsys: Shown) -> None:
    assert main(arguments) == code
    shown = capsys.readouterr()
    assert words in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_inputs_are_never_overwritten(folder: Path) -> None:
    before = (folder / "bare.txt").read_text()
    main([*PLAN, "--out-json", "bare.txt"])
    assert (folder / "bare.txt").read_text() == before


def test_diff_of_catalogs(capsys: Shown) -> None:
    assert main(["diff", "bare.txt", "bare.txt"]) == ExitCode.OK
    assert capsys.readouterr().out == "No differences.\n"
    assert main(["diff", "bare.txt", "full.txt"]) == ExitCode.DIFFERENCES
    assert capsys.readouterr().out.count("added: content") == 6


def test_diff_of_two_states_in_one_text(folder: Path, capsys: Shown) -> None:
    both = (folder / "bare.txt").read_text() + "\n" + (folder / "full.txt").read_text()
    (folder / "both.txt").write_text(both)
    arguments = ["diff", "both.txt", "both.txt", "--table"]
    assert main([*arguments, "1", "--table", "2"]) == ExitCode.DIFFERENCES
    assert main([*arguments, "2"]) == ExitCode.OK
    capsys.readouterr()


def test_diff_of_plans(capsys: Shown) -> None:
    assert main([*PLAN, "-o", "a.json"]) == ExitCode.OK
    assert main(["plan", "--catalog", "full.txt", "-o", "b.json"]) == ExitCode.OK
    capsys.readouterr()
    assert main(["diff", "a.json", "a.json"]) == ExitCode.OK
    assert capsys.readouterr().out == "No differences.\n"
    assert main(["diff", "a.json", "b.json"]) == ExitCode.DIFFERENCES
    assert "Only in a.json" in capsys.readouterr().out


@pytest.mark.parametrize("pair", [("p.json", "bare.txt"), ("bare.txt", "p.json")])
def test_a_plan_is_not_compared_with_a_catalog(pair: tuple[str, str], capsys: Shown) -> None:
    assert main([*PLAN, "-o", "p.json"]) == ExitCode.OK
    capsys.readouterr()
    assert main(["diff", *pair]) == ExitCode.USAGE
    assert "p.json is a plan and bare.txt is a catalog" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("topic", "words"),
    [
        (["content", "3"], "decision  content 3: add sdw3:7001"),
        (["host", "sdw2"], "desired mirrors of contents 0-1"),
        (["gpm-v012"], "GPM-V012: "),
    ],
)
def test_explain(topic: list[str], words: str, capsys: Shown) -> None:
    assert main(["explain", *topic, "--catalog", "bare.txt"]) == ExitCode.OK
    assert words in capsys.readouterr().out


def test_a_mirror_that_stays_is_told_why_it_is_there(capsys: Shown) -> None:
    assert main(["explain", "content", "0", "--catalog", "full.txt"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert re.search(
        r"decision  nothing: the mirror is where the spec wants it; group: next host after sdw1 "
        r"\(gpmirror\.yaml:\d+\)\n",
        told,
    ), told


def test_the_width_is_taken_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(PLAN) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()[:-2]
    assert max(map(len, lines)) <= 60


def test_an_edited_plan_is_refused(folder: Path, capsys: Shown) -> None:
    assert main([*PLAN, "-o", "p.json"]) == ExitCode.OK
    text = (folder / "p.json").read_text()
    (folder / "p.json").write_text(text.replace('"sdw3"', '"sdw4"', 1))
    assert main(["show", "p.json"]) == ExitCode.INVALID
    assert "GPM-P801" in capsys.readouterr().err


def test_a_spec_may_stand_behind_what_is_explained(folder: Path, capsys: Shown) -> None:
    (folder / "gpmirror.yaml").rename(folder / "other.yaml")
    for topic in (("content", "1"), ("host", "sdw1")):
        assert main(["explain", *topic, "other.yaml", "--catalog", "full.txt"]) == ExitCode.OK
        assert capsys.readouterr().out.startswith(f"{topic[0]} {topic[1]} of ")
    assert main(["explain", "content", "1", "a.yaml", "b.yaml"]) == ExitCode.USAGE
    assert main(["explain", "host", "loss"]) == ExitCode.OK
    assert capsys.readouterr().out.startswith("host loss: ")


@pytest.mark.parametrize("command", ["apply", "preflight"])
def test_a_plan_for_review_is_refused_before_anybody_is_asked(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Shown
) -> None:
    monkeypatch.chdir(tmp_path)
    golden = Path(__file__).parents[2] / "golden" / "review-only" / "plan.json"
    assert main([command, str(golden)]) == ExitCode.STALE
    said = " ".join(capsys.readouterr().err.split())
    assert "for review only: its catalog does not show the directories" in said
    assert "without `--catalog`" in said
    assert "cannot connect" not in said


def test_explain_of_a_word_that_also_takes_a_name(capsys: Shown) -> None:
    assert main(["explain", "content"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("content ID: ")
    assert out.endswith("`gpmirror explain content 3`.\n")
    assert main(["explain", "host", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["name"] == "host"
