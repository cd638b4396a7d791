"""Whether the installed utilities take what the plan tells them: the utilities themselves say."""

from gpmirror.gputils.commands import SETTINGS
from gpmirror.preflight.facts import UtilityHelp
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
        f"leave {setting.key} out of the spec and plan again (then {setting.default}); this "
        f"{utility} offers {', '.join(offered) or 'none of such options'}",
    )
