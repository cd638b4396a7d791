"""Completion in real shells: what a person gets who presses TAB."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gpmirror.cli.completion import Shell, script
from tests.clusters import mirrorless
from tests.shapes import aligned_text

ROOT = Path(__file__).parents[2]
SPEC = """\
apiVersion: gpmirror/v1
cluster: {name: prod}
hosts:
  - {name: 'sdw[1-3]', rack: a, roots: [/data/mirror]}
  - {name: etl1, weight: 0, roots: [/data/mirror]}
mirrors:
  strategy: group
  ports: {offset: 1000}
  pins: [{content: 5, port: 7777}]
protect: [{content: 2}, {host: sdw1}]
"""
# presses TAB at the end of the line $1, as readline does, and prints what it would insert
IN_BASH = r"""
source /dev/stdin <<<"$SCRIPT"
COMP_LINE=$1 COMP_POINT=${#1} COMP_TYPE=9 COMP_KEY=9
# words as readline splits them, at blanks and at the characters of COMP_WORDBREAKS
mapfile -t COMP_WORDS < <(printf %s "$1" | sed -E 's/[[:space:]]+/\n/g; s/([=:])/\n\1\n/g')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_gpmirror_completion gpmirror "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path))
    if shutil.which("gpmirror") is None:
        pytest.skip("gpmirror is not installed here")
    (tmp_path / "gpmirror.yaml").write_text(SPEC)
    (tmp_path / "bare.txt").write_text(aligned_text(mirrorless(("sdw1", "sdw2", "sdw3"), 2)))
    return tmp_path


def shell(name: str, *words: str, **more: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    done = subprocess.run(
        [name, *words], capture_output=True, text=True, check=False, env={**os.environ, **more}
    )
    assert done.stderr == "", done.stderr
    return done.stdout


def in_bash(line: str) -> list[str]:
    text = shell("bash", "-c", IN_BASH, "bash", line, SCRIPT=script(Shell.BASH))
    return text.split()


def in_zsh(line: str) -> str:
    """What the function hands to zsh's own completion, which needs a terminal."""
    catch = (
        'compdef() { : }; _arguments() { print -rl -- "$@" }; _files() { print files }\n'
        f"{script(Shell.ZSH)}\nwords=(${{=1}}); [[ $1 == *' ' ]] && words+=(''); "
        "CURRENT=${#words}; _gpmirror_completion"
    )
    return shell("zsh", "-f", "-c", catch, "zsh", line)


def in_fish(line: str) -> list[str]:
    text = shell("fish", "-N", "-c", f'{script(Shell.FISH)}\ncomplete -C "$argv[1]"', line)
    return [one.split("\t")[0] for one in text.splitlines()]


CASES = [
    ("gpmirror pl", ["plan"]),
    ("gpmirror plan --via", ["--via-ssh"]),
    ("gpmirror plan --no-c", ["--no-color"]),
    ("gpmirror --vers", ["--version"]),
    ("gpmirror plan --format s", ["svg"]),
    ("gpmirror plan --host sdw", ["sdw1", "sdw2", "sdw3"]),
    ("gpmirror explain host e", ["etl1"]),
    ("gpmirror explain content ", ["2", "5"]),
    ("gpmirror plan --catalog bare.txt --content ", ["0", "1", "2", "3", "4", "5"]),
    ("gpmirror plan --catalog bare.txt --content 3,", [f"3,{n}" for n in range(6)]),
    ("gpmirror explain GPM-V00", [f"GPM-V00{n}" for n in range(1, 10)]),
    ("gpmirror explain hostname", ["hostname-becomes-address"]),
    ("gpmirror explain spa", ["space"]),
    ("gpmirror explain stal", ["stale"]),
    ("gpmirror plan --allow cancels", ["cancels-queries"]),
    ("gpmirror whatif --remove-host sdw", ["sdw1", "sdw2", "sdw3"]),
    ("gpmirror whatif --strategy sp", ["spread"]),
    ("gpmirror ok-to-stop sdw1 sdw", ["sdw1", "sdw2", "sdw3"]),
    ("gpmirror ok-to-stop sdw1 --allow c", ["coordinator"]),
    ("gpmirror maintenance --by r", ["rack"]),
    ("gpmirror lab fail", ["fail-over"]),
    ("gpmirror schema sna", ["snapshot"]),
]
COLONS = [
    ("gpmirror simulate --lose rack:", ["rack:a"]),
    ("gpmirror simulate --lose host:sdw2", ["host:sdw2"]),
    ("gpmirror apply --allow unchecked:inod", ["unchecked:inodes"]),
    ("gpmirror apply --allow guard:b", ["guard:bytes"]),
    ("gpmirror apply --unprotect c", ["content:2"]),
    ("gpmirror apply --unprotect=host:s", ["host:sdw1"]),
]

SOME = [CASES[0], CASES[3], CASES[5], CASES[8], COLONS[0], COLONS[2]]


@pytest.mark.parametrize(("line", "offered"), CASES)
def test_bash(line: str, offered: list[str]) -> None:
    assert in_bash(line) == offered


@pytest.mark.parametrize(("line", "offered"), COLONS)
def test_bash_replaces_what_follows_the_last_colon(line: str, offered: list[str]) -> None:
    word = line.rpartition(" ")[2].rpartition("=")[2]
    assert in_bash(line) == [one[word.rfind(":") + 1 :] for one in offered]


@pytest.mark.parametrize(("line", "offered"), SOME)
def test_zsh(line: str, offered: list[str]) -> None:
    shown = in_zsh(line).replace("\\", "")
    assert all(f'"{one}"' in shown for one in offered), shown
    assert shown.count('"') >= 2 * len(offered)


@pytest.mark.parametrize(("line", "offered"), SOME)
def test_fish(line: str, offered: list[str]) -> None:
    assert in_fish(line) == sorted(offered) or in_fish(line) == offered


def test_hosts_of_a_catalog_where_there_is_no_spec(folder: Path) -> None:
    (folder / "gpmirror.yaml").unlink()
    assert in_bash("gpmirror ok-to-stop --catalog bare.txt sdw") == ["sdw1", "sdw2", "sdw3"]
    assert in_bash("gpmirror ok-to-stop sdw") == []


def test_a_run_of_this_machine(folder: Path) -> None:
    name = "20261121T070539Z-aaaaaa"
    (folder / "state" / "gpmirror" / "runs" / name).mkdir(parents=True)
    assert in_bash("gpmirror resume 2026") == [name]


@pytest.mark.parametrize("line", ["gpmirror plan --host ", "gpmirror plan --content "])
def test_a_spec_with_faults_offers_nothing_and_says_nothing(folder: Path, line: str) -> None:
    (folder / "gpmirror.yaml").write_text("cluster: [")
    assert in_bash(line) == []


def test_what_a_shell_would_run_is_not_offered(folder: Path) -> None:
    hostile = folder / "state" / "gpmirror" / "runs" / "$(touch owned)"
    hostile.mkdir(parents=True)
    assert in_bash("gpmirror resume ") == []
    assert "touch" not in in_zsh("gpmirror resume ")
    assert not (folder / "owned").exists()


@pytest.mark.parametrize("name", list(Shell))
def test_the_command_prints_the_script(name: Shell) -> None:
    done = subprocess.run(
        ["gpmirror", "completion", name], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == script(name).rstrip("\n") + "\n"


def test_the_shell_is_taken_from_the_environment() -> None:
    told = {**os.environ, "SHELL": "/usr/bin/fish"}
    done = subprocess.run(
        ["gpmirror", "completion"], capture_output=True, text=True, check=False, env=told
    )
    assert "complete --command gpmirror" in done.stdout
    told["SHELL"] = "/bin/ksh"
    done = subprocess.run(
        ["gpmirror", "completion"], capture_output=True, text=True, check=False, env=told
    )
    assert done.returncode == 64
    assert "gpmirror completion bash" in done.stderr
