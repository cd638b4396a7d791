"""Whether the installed utilities take what the plan tells them, options and names."""

from gpmirror.gputils.commands import SETTINGS
from gpmirror.preflight.facts import UtilityHelp
from gpmirror.preflight.names import one_machine
from gpmirror.preflight.survey import Finding, Visit, bad, ok, unknown

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
