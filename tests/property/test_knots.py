"""A host dies while mirrors move, and comes back: plans free what waits for each other around.

Copies that failed over act where others are to go, roles return only when every copy is in sync,
and a copy that is down waits for one of those places: none of it may keep a content single.
"""

from functools import partial
from itertools import product

import pytest

from gpmirror.errors import ExitCode, NotReady
from gpmirror.placement.place import place
from gpmirror.plan.request import Request
from gpmirror.run.context import Outcome
from gpmirror.spec.model import ApplyOptions, Pin, Spec
from tests import strategies
from tests.clusters import PLACE, host, mirrored, mirrorless, spec
from tests.life import FOREIGN, Files, Life
from tests.person import Person
from tests.plans import HOSTS

CHANGES = (("spread", "group"), ("group", "spread"), ("spread", "block"), ("block", "spread"))
SECONDS = (0.5, 5.0, 10.0, 15.0)
"""Before, in and between waves."""


def moving(before: str, after: Spec) -> Person:
    bare = mirrorless(HOSTS, 2)
    seen = strategies.applied(bare, place(spec(HOSTS, strategy=before), bare))
    return Person(Life(seen, same_host=False), after)


def wanted(strategy: str, drained: str | None = None) -> Spec:
    hosts = [host(name, weight=0 if name == drained else 1) for name in HOSTS]
    return spec(hosts, strategy=strategy, apply=ApplyOptions(sync_timeout=300))


@pytest.mark.parametrize("dead", HOSTS)
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_host_that_died_and_came_back_holds_nobody_up(before: str, after: str, dead: str) -> None:
    for seconds, drained in product(SECONDS, (None, "sdw3")):
        person = moving(before, wanted(after, drained))
        life = person.life
        life.later(seconds, partial(life.host_dies, dead))
        person.apply(person.plan(Request()))
        life.sleep(60)
        life.host_returns(dead)
        person.settle()


def test_every_recovery_that_can_be_had_is_in_the_first_plan() -> None:
    """The target host of the first wave dies: five contents have one copy, one plan fixes all."""
    person = moving("spread", wanted("group"))
    life = person.life
    life.later(2.0, partial(life.host_dies, "sdw2"))
    person.apply(person.plan(Request()))
    life.sleep(60)
    life.host_returns("sdw2")
    ended = person.apply(person.plan(Request()))
    assert isinstance(ended, Outcome)
    assert ended.code is ExitCode.OK
    assert all(life.is_synced(content) for content in life.by_content())


def test_a_directory_in_the_way_of_a_copy_that_steps_aside_is_told_once() -> None:
    """It enters its directory at a temporary port first, then at its own."""
    life = Life(mirrored(HOSTS), same_host=False)
    life.mirror_dies(0)
    path = "/data/mirror/x0"
    life.files["sdw3", path] = Files(FOREIGN)
    pins = (
        Pin(content=0, host="sdw3", port=7000, directory=path, place=PLACE),
        Pin(content=1, host="sdw4", port=7500, place=PLACE),
    )
    person = Person(life, spec(HOSTS, pins=pins))
    plan = person.plan(Request())
    assert [wave.contents for wave in plan.waves] == [(0,), (1,), (0,)]
    refusal = person.apply(plan)
    assert isinstance(refusal, NotReady)
    assert refusal.message.count(f"content 0: {path} is not empty") == 1
