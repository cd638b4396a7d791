"""Checks of the software: the same everywhere, and utilities that take what the plan tells them."""

from gpmirror.native.commands import SETTINGS
from gpmirror.preflight.facts import UtilityHelp
from gpmirror.preflight.model import (
    Finding,
    Visit,
    bad,
    differs,
    is_loopback,
    ok,
    one_machine,
    unknown,
)

# --- Checks across hosts: the same software, checksums, names and clocks everywhere.


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


# --- Whether the installed utilities take what the plan tells them, options and names.


_NO_SUCH = "no such option"


def judge_utility_options(visit: Visit) -> list[Finding]:
    """A finding for each utility on the coordinator's host, for each option that it lacks."""
    found = []
    for told in visit.asked.told:
        answer = visit.facts.utilities.get(told.utility)
        lacking = [] if answer is None else [o for o in told.options if _lacks(answer, o[0])]
        names = ", ".join(option[0] for option in told.options)
        if lacking and answer is not None:
            found += [_bad(told.utility, option, answer) for option in lacking]
        elif answer is not None and answer.status == 0:
            found.append(ok(f"{told.utility} takes {names}"))
        else:
            said = "did not answer in time" if answer is None else answer.said or "says nothing"
            found.append(
                unknown(
                    f"whether {told.utility} takes {names} is not known: it {said}"
                    if answer is None
                    else f"whether {told.utility} takes {names} is not known: {said}",
                    f"`{told.utility} --help` on {visit.host}: see whether it lists {names}",
                )
            )
    return found


def judge_utility_names(visit: Visit) -> list[Finding]:
    """A hostname that the plan's lines tell beside an address must be the same machine to the
    utility: it was so when the plan was made.
    """
    found = []
    for pair in visit.asked.pairs:
        same = one_machine(visit.facts.machines, pair.hostname, pair.address)
        both = f"{pair.hostname} and {pair.address}"
        if same is None:
            found.append(
                unknown(
                    f"content {pair.content}: whether {both} share an IP here is not known",
                    f"`getent ahosts {pair.hostname} {pair.address}` on {visit.host}",
                )
            )
        elif not same:
            found.append(
                bad(
                    f"content {pair.content}: {both} share no IP here any more, so gprecoverseg "
                    "would leave the line out and end with exit 0",
                    "plan again: a line of three fields is written then, and the address becomes "
                    f"the hostname; or fix /etc/hosts or DNS on {visit.host}",
                )
            )
    return found or ([ok("hostnames and addresses belong together")] if visit.asked.pairs else [])


def _lacks(answer: UtilityHelp, option: str) -> bool:
    """The parser's word counts; where it said something else, the help text's."""
    if answer.status == 0:
        return False
    if _NO_SUCH in answer.said:
        return answer.said.split(_NO_SUCH, 1)[1].strip(" :").split(" ")[0] == option
    return bool(answer.offers) and option not in answer.offers


def _bad(utility: str, option: tuple[str, ...], answer: UtilityHelp) -> Finding:
    setting = SETTINGS[option[0]]
    offered = sorted(answer.offers & SETTINGS.keys())
    return bad(
        f"the installed {utility} has no {option[0]}, which `{' '.join(option)}` of this plan needs "
        f"({setting.key}); {setting.since} have it",
        f"leave {setting.key} out{' of the spec' if '.' in setting.key else ''} and plan again (then {setting.default}); this "
        f"{utility} offers {', '.join(offered) or 'none of such options'}",
    )
