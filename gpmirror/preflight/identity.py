"""Checks of who answered: all of the answer is there, and it comes from the right machine."""

from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown


def judge_reachable(visit: Visit) -> list[Finding]:
    """The answer is complete."""
    if visit.facts.complete:
        return [ok("answered")]
    return [unknown("the answer breaks off before its end", "look at the host's load, try again")]


def judge_identity(visit: Visit) -> list[Finding]:
    """The servers' directories stand where the catalog says, and the machine has a name of its own."""
    machine, name = visit.facts.machine, visit.facts.hostname or "a host without a name"
    found = [
        bad(
            f"the catalog has {_what(source.content)} in {source.path} here, and {name} shows "
            f"{visit.facts.login or 'the login user'} no such directory",
            f"see where `ssh {visit.host} hostname` leads, and as whom",
        )
        for source, server in visit.sources()
        if not server.exists
    ]
    if machine is None:
        found.append(
            unknown(
                f"{name} has no readable /etc/machine-id",
                "run `systemd-machine-id-setup` there as root, or set GPMIRROR_MACHINE_ID in its "
                "environment",
            )
        )
    return found or [ok(f"calls itself {name}, machine-id {machine}")]


def _what(content: int) -> str:
    return "the coordinator" if content < 0 else f"the acting primary of content {content}"
