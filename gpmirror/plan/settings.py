"""What a plan takes from the spec, so that apply, resume and revert need nothing but the plan file."""

import re
from dataclasses import dataclass, field
from typing import Literal

from gpmirror.plan.canonical import LATER
from gpmirror.spec.model import ApplyOptions, CoordinatorAddress, Guards, SshOptions

RUN_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,99}")
"""What a run may be called: the name stands in paths and in commands to copy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLoss:
    """A loss that the spec's policy wants survived: any `count` hosts or racks."""

    count: Literal[1, 2]
    of: Literal["host", "rack"]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPolicy:
    """The spec's policy, so that whatever is made of the plan is judged alike."""

    survive: tuple[PlannedLoss, ...]
    max_load_factor: float | None
    load_source: str
    guards: Guards


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedProtection:
    """A content or a host that the spec protects against moves; exactly one of the two is set."""

    content: int | None
    host: str | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the plan is carried out, as the spec says: apply needs nothing but the plan file.
    `policy` and `protect` None: an earlier version wrote the plan. `reverts` names the run whose
    moves the plan takes back. `same_host_source` is the line that allows mirrors beside primaries.
    """

    coordinator: CoordinatorAddress
    ssh: SshOptions
    apply: ApplyOptions
    allow_same_host: bool
    policy: PlannedPolicy | None = field(default=None, metadata=LATER)
    protect: tuple[PlannedProtection, ...] | None = field(default=None, metadata=LATER)
    same_host_source: str | None = field(default=None, metadata=LATER)
    reverts: str | None = field(default=None, metadata=LATER)
