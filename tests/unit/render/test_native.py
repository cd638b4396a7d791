from dataclasses import replace

from gpmirror.render.waves import native_files, plan_native
from tests import plans


def test_one_file_is_its_bytes_alone() -> None:
    plan = plans.adding()
    assert plan_native(plan) == plan.waves[0].native[0].file_text
    assert plan_native(plan).splitlines()[0] == "0|sdw2|7000|/data/mirror/gpseg0"


def test_several_files_follow_a_line_each() -> None:
    plan = plans.moving()
    heads = [line for line in plan_native(plan).splitlines() if line.startswith("#")]
    assert heads == [f"# wave {n} wave-{n:03d}-gprecoverseg.conf" for n in range(1, 5)]
    text = "".join(line for line in plan_native(plan).splitlines(True) if not line.startswith("#"))
    assert text == "".join(wave.native[0].file_text or "" for wave in plan.waves)


def test_a_run_without_a_file_is_a_comment() -> None:
    assert plan_native(plans.rebalancing()).endswith("# wave 2\n# gprecoverseg -a -r\n")
    alone = replace(plans.rebalancing(), waves=plans.rebalancing().waves[1:])
    assert plan_native(alone) == "# wave 2\n# gprecoverseg -a -r\n"


def test_no_changes_are_no_text() -> None:
    assert plan_native(plans.unchanged()) == ""
    assert native_files(plans.unchanged()) == {}


def test_files_come_with_the_commands_that_use_them() -> None:
    plan = plans.swapping()
    files = native_files(plan)
    assert set(files) == {run.file_name for wave in plan.waves for run in wave.native} | {
        "commands.txt"
    }
    commands = [x for x in files["commands.txt"].splitlines() if not x.startswith("#")]
    assert len(commands) == 3
    assert all(any(name in x for name in files) for x in commands)


def test_commands_are_quoted_for_a_shell() -> None:
    plan = plans.adding()
    run = replace(plan.waves[0].native[0], argv=("gpaddmirrors", "-i", "a b;c"))
    hostile = replace(plan, waves=(replace(plan.waves[0], native=(run,)),))
    assert "gpaddmirrors -i 'a b;c'\n" in native_files(hostile)["commands.txt"]
