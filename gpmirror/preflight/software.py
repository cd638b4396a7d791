"""Checks across hosts: the same software, checksums, names and clocks everywhere."""

from gpmirror.preflight.names import differs, is_loopback
from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown

MOST_SKEW = 60
"""Seconds by which clocks may differ without a remark."""


def judge_software(visit: Visit) -> list[Finding]:
    """The same server software as on the other hosts."""
    facts = visit.facts
    wanted = visit.survey.usual.version
    if facts.software is None:
        return [
            bad(
                "no server software was found: not beside a running server, not in GPHOME, not in "
                "the usual places, not in PATH",
                f"install {wanted or 'the release that the cluster runs'} on {visit.host}, and set "
                "GPHOME if it is in an unusual place",
            )
        ]
    if facts.version is None:
        return [
            unknown(
                f"{facts.software}/postgres does not show its version",
                f"`{facts.software}/postgres --gp-version`",
            )
        ]
    if wanted is not None and facts.version != wanted:
        return [
            bad(
                f"{facts.software} has {facts.version}, most hosts have {wanted}",
                "install one release on all hosts",
            )
        ]
    return [ok(f"{facts.version} in {facts.software}")]


def judge_checksums(visit: Visit) -> list[Finding]:
    """Data checksums are on everywhere or nowhere; gpaddmirrors refuses a mixture."""
    own, wanted = visit.facts.checksums, visit.survey.usual.checksums
    if own is None:
        return []
    if own != wanted:
        return [
            bad(
                f"data checksums have version {own} here and {wanted} on most hosts",
                "compare `pg_controldata` of the servers; they do not belong to one cluster",
            )
        ]
    return [ok(f"data checksums have version {own}")]


def judge_names(visit: Visit) -> list[Finding]:
    """Every name resolves, to the same addresses as on the other hosts."""
    answers = visit.facts.names
    if answers is None:
        return [unknown("getent is not there to resolve names", "check /etc/hosts by eye")]
    found = []
    for name, owner in visit.asked.names.items():
        here, usual = answers.get(name), visit.survey.resolved.get(name)
        if here is None:
            found.append(unknown(f"resolving {name} took too long", f"`getent ahosts {name}`"))
        elif not here:
            found.append(bad(f"{name} does not resolve here", _mend(name, visit.host)))
        elif usual and differs(here, usual) and not (owner == visit.host and is_loopback(here)):
            found.append(
                bad(
                    f"{name} is {_list(here)} here and {_list(usual)} on most hosts",
                    _mend(name, visit.host),
                )
            )
    return found or ([ok(f"{len(answers)} names resolve as elsewhere")] if answers else [])


def _mend(name: str, host: str) -> str:
    return f"fix /etc/hosts or DNS: `getent ahosts {name}` on {host} and on the others"


def _list(addresses: frozenset[str]) -> str:
    return ", ".join(sorted(addresses))


def remarks(visit: Visit) -> list[str]:
    """What is worth knowing and stops nothing: a name that is loopback at home, a clock that is
    off, a progress file that was left behind.
    """
    found = []
    for name, owner in visit.asked.names.items():
        here = (visit.facts.names or {}).get(name) or frozenset()
        usual = visit.survey.resolved.get(name) or frozenset()
        if owner == visit.host and here and is_loopback(here) and not is_loopback(usual):
            found.append(
                f"{name} is {_list(here)} on {visit.host} itself and {_list(usual)} elsewhere: a "
                "server that listens there under its name cannot be reached; fix /etc/hosts"
            )
    usual_clock = visit.survey.usual.clock
    if usual_clock is not None and visit.facts.clock is not None:
        skew = visit.facts.clock - usual_clock
        if abs(skew) > MOST_SKEW:
            found.append(f"the clock of {visit.host} is {skew:+d} s off the others: logs mislead")
    found += [
        f"{path} on {visit.host} was left by a run that was killed: gpstate -e will report a "
        "recovery until it is removed"
        for path in visit.facts.leftovers
    ]
    return found
