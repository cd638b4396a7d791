"""Host checks that block, turned into one refusal."""

from collections.abc import Collection

from gpmirror.errors import NotReady
from gpmirror.plan.model import Plan
from gpmirror.preflight.model import Preflight, Result
from gpmirror.preflight.sparing import advice_without_silent

_SHOWN = 20


def check_preflight(plan: Plan, preflight: Preflight, allowed: Collection[str]) -> None:
    """Raises NotReady (9), naming each bad or unknown check with its remedy."""
    blocking = preflight.blocking(allowed)
    if not blocking:
        return
    lines = [f"  {one.host}: {one.name}: {one.detail} ({one.remedy})" for one in blocking[:_SHOWN]]
    if len(blocking) > _SHOWN:
        lines.append(f"  and {len(blocking) - _SHOWN} more: `gpmirror preflight` shows all")
    bad = {one.host for one in blocking if one.result is Result.BAD and not one.override}
    # of a host that does not answer everything is unknown, and no flag helps it
    rest = (one for one in blocking if one.result is Result.UNKNOWN and one.host not in bad)
    unknown = sorted({one.name for one in rest})
    flags = " ".join(f"--allow unchecked:{name}" for name in unknown)
    hint = "nothing was changed; fix the hosts and apply again"
    if overrides := sorted({one.override for one in blocking if one.override}):
        given = " ".join(f"--allow {name}" for name in overrides)
        hint = f"{hint}, or go on over what these figures say: {given}"
    if spared := advice_without_silent(plan, preflight.checks):
        hint = f"{hint}; until then {spared}"
    raise NotReady(
        f"{_counted(len(blocking))}:\n" + "\n".join(lines),
        hint=f"{hint}, or accept what could not be checked: {flags}" if unknown else hint,
    )


def _counted(number: int) -> str:
    return "a host check blocks" if number == 1 else f"{number} host checks block"
