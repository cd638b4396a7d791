"""What a plan needs allowed, and what is enough."""

from dataclasses import replace

import pytest

from gpmirror.errors import Stale, Unsafe
from gpmirror.run.gates import check_allowed
from tests.plans import moving

PLAN = moving()
NAMES = {hazard.name for hazard in PLAN.hazards}
GUARDS = {f"guard:{guard.name}" for guard in PLAN.guards if guard.exceeded}


def test_every_danger_is_named_with_its_flag_and_each_flag_once() -> None:
    twice = replace(PLAN, hazards=(*PLAN.hazards, *PLAN.hazards))
    with pytest.raises(Unsafe) as caught:
        check_allowed(twice, ())
    flags = (caught.value.hint or "").removeprefix("if that is meant, add: ")
    assert flags.count("--unprotect content:4") == 1
    assert all(flags.count(f"--allow {name}") == 1 for name in GUARDS)
    assert "protected:content:4" in caught.value.message


def test_what_the_command_line_allows_is_enough() -> None:
    check_allowed(PLAN, NAMES | GUARDS)
    with pytest.raises(Unsafe, match="protected:content:4"):
        check_allowed(PLAN, (NAMES | GUARDS) - {"protected:content:4"})


def test_a_plan_for_review_is_never_carried_out() -> None:
    with pytest.raises(Stale, match="for review only"):
        check_allowed(replace(PLAN, review_only=True), NAMES | GUARDS)
