"""What the installed utilities are asked, and what they answer: real shells, pretended utilities."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from gpmirror.model.observed import Observed
from gpmirror.plan.model import Action, Plan
from gpmirror.plan.request import Request
from gpmirror.preflight.model import Check, Result, one_machine
from gpmirror.preflight.reading import read_related
from gpmirror.preflight.script import related_script, scripts
from gpmirror.spec.model import ApplyOptions, NativeOptions
from tests.machines import GETENT, Machines

HELP = """Usage: %s [options]
  -a
  -B <batch_size>, --batch-size=<batch_size>
%s"""
PER_HOST = "  -b <segment_batch_size>\n"

UTILITY = """#!/bin/bash
case $PYTHONHOME in */ext/python) ;; *) echo "not in its environment" >&2; exit 9 ;; esac
help() {{ cat <<'END'
{help}
END
exit 0; }}
while [ $# -gt 0 ]; do
  case $1 in
    --help) help ;;
    -a|-i) ;;
    {takes}) ;;
    -*) echo "{name}: error: no such option: $1" >&2; exit 2 ;;
  esac
  shift
done
touch "$HOME/worked"
"""


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    made = Machines(tmp_path)
    home = made.at("mdw", "gphome")
    (home / "bin").mkdir(parents=True)
    lines = ("PYTHONHOME=$GPHOME/ext/python", "PATH=$GPHOME/bin:$PATH", "export PYTHONHOME PATH")
    (home / "greenplum_path.sh").write_text("\n".join(lines) + "\n")
    made.environment["mdw"]["GPHOME"] = str(home)
    return made


def utility(machines: Machines, takes: str, text: str, name: str = "gpaddmirrors") -> None:
    """An installed utility whose parser takes these options, and whose help text is this."""
    file = machines.at("mdw", "gphome", "bin", name)
    file.write_text(UTILITY.format(name=name, takes=takes, help=HELP % (name, text)))
    file.chmod(0o755)


def planned(machines: Machines, seen: Observed, *, hosts: int = 16, per_host: int = 64) -> Plan:
    options = ApplyOptions(native=NativeOptions(hosts=hosts, per_host=per_host))
    return machines.plan(seen, Request(), apply=options)


def checked(machines: Machines, plan: Plan, seen: Observed) -> list[Check]:
    found = machines.judged(plan, seen).checks
    return [check for check in found if check.name == "utility-options"]


def test_an_option_that_the_release_lacks_is_found_with_its_key_and_what_there_is(
    machines: Machines,
) -> None:
    """As a real 6.1.0: -b came in 2021."""
    utility(machines, "-B", "  --hba-hostnames\n")
    seen = machines.seen()
    (check,) = checked(machines, planned(machines, seen, per_host=8), seen)
    assert (check.host, check.result) == ("mdw", Result.BAD)
    assert check.detail == (
        "the installed gpaddmirrors has no -b, which `-b 8` of this plan needs "
        "(apply.native.per_host); Greenplum 6 from 6.17 on, Greenplum 7, Cloudberry and Greengage "
        "have it"
    )
    assert check.remedy == (
        "leave apply.native.per_host out of the spec and plan again (then 64 segments of a host go "
        "at once); this gpaddmirrors offers --hba-hostnames"
    )
    assert not machines.at("mdw", "worked").exists()


@pytest.mark.parametrize(
    ("takes", "text"), [("-b|8", PER_HOST), ("-b|8", ""), ("-b|8", "  not a word of it\n")]
)
def test_an_option_that_it_takes_is_fine_whatever_its_help_text_leaves_out(
    machines: Machines, takes: str, text: str
) -> None:
    utility(machines, takes, text)
    seen = machines.seen()
    (check,) = checked(machines, planned(machines, seen, per_host=8), seen)
    assert (check.result, check.detail) == (Result.OK, "gpaddmirrors takes -b")


@pytest.mark.parametrize(
    ("text", "result", "detail"),
    [
        (" -B -a", Result.BAD, "the installed gpaddmirrors has no -b"),
        (" -b -a", Result.UNKNOWN, "whether gpaddmirrors takes -b is not known: cannot talk now"),
    ],
)
def test_where_the_parser_says_something_else_the_help_text_counts(
    machines: Machines, text: str, result: Result, detail: str
) -> None:
    seen = machines.seen()
    file = machines.at("mdw", "gphome", "bin", "gpaddmirrors")
    broken = '#!/bin/bash\n[ "$1" = --help ] || { echo "cannot talk now" >&2; exit 1; }\n'
    file.write_text(f"{broken}echo '{text}'\n")
    file.chmod(0o755)
    (check,) = checked(machines, planned(machines, seen, per_host=8), seen)
    assert check.result is result
    assert check.detail.startswith(detail)


def test_no_utility_no_answer(machines: Machines) -> None:
    (machines.at("mdw", "gphome") / "greenplum_path.sh").unlink()
    seen = machines.seen()
    (check,) = checked(machines, planned(machines, seen, per_host=8), seen)
    assert check.result is Result.UNKNOWN
    assert "it did not answer" in check.detail


def test_what_every_release_has_is_not_asked_for(machines: Machines) -> None:
    seen = machines.seen()
    for plan in (planned(machines, seen), planned(machines, seen, hosts=3)):
        assert "--help" not in scripts(plan, seen)["mdw"]
        assert not checked(machines, plan, seen)


def test_a_plan_of_before_is_asked_for_what_its_own_command_lines_hold(machines: Machines) -> None:
    """Plans used to pass defaults on; such a plan is carried out as it stands."""
    utility(machines, "-B", "")
    seen = machines.seen()
    plan = planned(machines, seen)
    wave = plan.waves[0]
    argv = (*wave.native[0].argv, "-B", "16", "-b", "64")
    old = replace(wave, native=(replace(wave.native[0], argv=argv),))
    (check,) = checked(machines, replace(plan, waves=(old,)), seen)
    assert check.result is Result.BAD


def test_the_coordinators_host_alone_is_asked(machines: Machines) -> None:
    utility(machines, "-b|8", PER_HOST)
    seen = machines.seen()
    asked = scripts(planned(machines, seen, per_host=8), seen)
    assert [host for host, text in asked.items() if "--help" in text] == ["mdw"]


def related(machines: Machines, names: Iterable[str]) -> dict[str, str | None]:
    """What the coordinator's host tells of names."""
    return read_related(machines.answers({"mdw": related_script(names)})["mdw"])


@pytest.mark.parametrize(
    ("hostname", "address", "one"),
    [
        ("127.66.0.11", "127.66.0.11", True),
        ("127.66.0.11", "127.67.0.11", False),
        # 7.0.0, recorded: several IPs of the name do not help; the first alone counts
        ("127.66.0.11 127.67.0.11", "127.67.0.11", False),
        ("127.67.0.11 127.66.0.11", "127.67.0.11 127.68.0.11", True),
        ("fe80::1", "fe80::1", True),
        ("", "127.67.0.11", False),
    ],
)
def test_names_are_one_machine_by_their_first_ip(
    machines: Machines, hostname: str, address: str, one: bool
) -> None:
    machines.names |= {"sdw9": hostname, "sdw9-2": address}
    told = related(machines, ["sdw9", "sdw9-2"])
    assert one_machine(told, "sdw9", "sdw9-2") is one


def test_an_ip_from_which_no_name_leads_back_is_no_machine(machines: Machines) -> None:
    """gethostbyaddr fails there, and the utility calls the hostname unresolved."""
    program = GETENT.replace("shift\n", '[ "$1" = hosts ] && exit 2\nshift\n', 1)
    machines.program("mdw", "getent", program)
    assert related(machines, ["sdw1"]) == {"sdw1": None}
    assert one_machine({"sdw1": None}, "sdw1", "sdw1") is False


def test_without_getent_nothing_is_known(machines: Machines) -> None:
    machines.environment["mdw"]["PATH"] = str(machines.at("mdw", "empty"))
    script = related_script(["sdw1"]).replace("od -A", "/usr/bin/od -A")
    machines.shell = "/bin/sh"
    assert read_related(machines.answers({"mdw": script})["mdw"]) == {}
    assert one_machine({}, "sdw1", "sdw1") is None


def moved(machines: Machines, seen: Observed) -> Plan:
    """A plan whose only line tells the hostname sdw2 beside the address sdw2-b."""
    plan = machines.plan(seen, Request())
    wave = plan.waves[0]
    step = next(s for s in wave.steps if s.to is not None and s.to.host == "sdw2")
    assert step.to is not None
    old = replace(step.to, port=step.to.port + 50, address="sdw2")
    step = replace(step, from_=old, to=replace(step.to, address="sdw2-b"))
    text = f"sdw2|sdw2|{old.port}|/m sdw2|sdw2-b|{step.to.port}|/m\n" if step.to else ""
    native = replace(wave.native[0], file_text=text)
    action, contents = Action.MOVE, (step.content,)
    wave = replace(wave, action=action, steps=(step,), native=(native,), contents=contents)
    return replace(plan, waves=(wave,))


@pytest.mark.parametrize(
    ("address", "result"), [("127.66.0.12", Result.OK), ("127.67.0.12", Result.BAD)]
)
def test_names_that_part_after_the_plan_was_made_are_found_before_the_first_change(
    machines: Machines, address: str, result: Result
) -> None:
    machines.names["sdw2-b"] = address
    seen = machines.seen()
    found = machines.judged(moved(machines, seen), seen)
    (check,) = [check for check in found.checks if check.name == "utility-names"]
    assert (check.host, check.result) == ("mdw", result)
    if result is Result.BAD:
        assert "sdw2 and sdw2-b share no IP here any more" in check.detail
        assert check.remedy.startswith("plan again: a line of three fields is written then")
