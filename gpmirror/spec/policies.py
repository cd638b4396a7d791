"""Policy, protection and apply options to values."""

from typing import Literal, cast

from gpmirror.spec.document import ApplyPart, GuardsPart, PolicyPart, ProtectPart
from gpmirror.spec.findings import Findings, Problem
from gpmirror.spec.model import (
    ApplyOptions,
    Guards,
    Host,
    NativeOptions,
    Path,
    Policy,
    Protection,
    Survive,
    WaveLimits,
)
from gpmirror.spec.pins import unknown_host


def compile_policy(part: PolicyPart | None, hosts: tuple[Host, ...], findings: Findings) -> Policy:
    """The policy; losing racks can only be judged where every host has one."""
    if part is None:
        return Policy()
    survive: list[Survive] = []
    for index, entry in enumerate(part.survive or []):
        at: Path = ("policy", "survive", index)
        if entry.of == "rack":
            _check_racks(hosts, at, findings)
        count = cast("Literal[1, 2]", entry.any)
        survive.append(Survive(count=count, of=entry.of, place=findings.place(at)))
    return Policy(
        survive=tuple(survive),
        max_load_factor=part.max_load_factor,
        guards=_guards(part.guards),
    )


def _check_racks(hosts: tuple[Host, ...], at: Path, findings: Findings) -> None:
    bare = next((host for host in hosts if host.rack is None), None)
    if bare is None or not findings.is_sound("hosts"):
        return
    problem = Problem(
        code="GPM-V057",
        message=f"losing a rack is to be survived, but host `{bare.name}` has no `rack`",
        hint="give every host a `rack`",
    )
    findings.add(at, problem, findings.related_at(bare.place, "no rack here"))


def _guards(part: GuardsPart) -> Guards:
    return Guards(
        moves_percent=part.moves_percent, min_contents=part.min_contents, max_bytes=part.bytes
    )


def compile_protection(
    parts: list[ProtectPart], hosts: tuple[Host, ...], findings: Findings
) -> tuple[Protection, ...]:
    """What must not move; each entry names one content or one listed host."""
    known = {host.name: host for host in hosts}
    found: list[Protection] = []
    for index, part in enumerate(parts):
        at: Path = ("protect", index)
        if (part.content is None) == (part.host is None):
            findings.add(at, _ONE_OF_TWO)
        elif part.host is not None and part.host not in known and findings.is_sound("hosts"):
            findings.add((*at, "host"), unknown_host(part.host, known, findings))
        found.append(Protection(content=part.content, host=part.host, place=findings.place(at)))
    return tuple(found)


def compile_apply(part: ApplyPart | None) -> ApplyOptions:
    """How apply works; what is left out has its default."""
    if part is None:
        return ApplyOptions()
    waves, native = part.waves, part.native
    return ApplyOptions(
        waves=WaveLimits(
            max_contents=waves.max_contents,
            per_source_host=waves.per_source_host,
            per_target_host=waves.per_target_host,
        ),
        native=NativeOptions(
            hosts=native.hosts,
            per_host=native.per_host,
            verbose=native.verbose,
            hba_hostnames=native.hba_hostnames or None,
            max_rate=native.max_rate,
            replay_lag=native.replay_lag,
        ),
        hosts_at_once=part.hosts_at_once,
        sync_timeout=part.sync_timeout,
    )


_ONE_OF_TWO = Problem(
    code="GPM-V055",
    message="an entry of `protect` names exactly one of `content` and `host`",
    hint="write `- content: 0` or `- host: sdw1`",
)
