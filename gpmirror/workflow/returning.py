"""Roles about to return: what that costs now, and a question of its own."""

from gpmirror.errors import Partial
from gpmirror.plan.model import Action, Wave
from gpmirror.verify import Health
from gpmirror.workflow.running import Run

_SHOWN = 8


def tell_cost(run: Run, wave: Wave) -> str:
    """What the wave costs, told as a phase; empty for a wave that returns no roles."""
    if wave.action is not Action.REBALANCE:
        return ""
    with run.phase("rebalance") as detail:
        text = cost_text(wave, run.health, run.world.catalog.busy_sessions())
        detail.append(text)
    return text


def confirm_return(run: Run, wave: Wave) -> None:
    """Ask before roles return at the end of a longer plan: it may be a busy hour by then.

    Raises Partial (10): the answer was not yes; all copies are in sync.
    """
    if wave.action is not Action.REBALANCE or wave is run.plan.waves[0]:
        return
    question = f"Return these roles on cluster {run.plan.cluster} now? Only 'yes' is accepted:"
    agreed = run.world.operator.confirm(f"{tell_cost(run, wave)}\n{question}")
    if not agreed or run.world.operator.stop_asked():
        raise Partial(
            f"stopped before wave {wave.number} of {len(run.plan.waves)}: the roles were not "
            "returned, the copies are in sync",
            hint=f"in a maintenance window, `gpmirror resume {run.name}` asks again",
        )


def cost_text(wave: Wave, health: Health | None, sessions: int | None) -> str:
    """Contents, sessions that lose what they run, and how far each mirror is behind."""
    count = len(wave.contents)
    what = f"{count} content{'' if count == 1 else 's'} to return to the preferred roles"
    return "; ".join(part for part in (what, _sessions(sessions), _lag(wave, health)) if part)


def _sessions(sessions: int | None) -> str:
    match sessions:
        case None:
            return "the number of active sessions is not known"
        case 0:
            return "no session is active"
        case 1:
            return "1 active session loses what it runs"
        case _:
            return f"{sessions} active sessions lose what they run"


def _lag(wave: Wave, health: Health | None) -> str:
    """Before 6 nobody tells it: there a mirror in sync has everything."""
    known = () if health is None else health.contents
    behind = [
        (found.content, found.lag_bytes)
        for found in known
        if found.content in wave.contents and found.lag_bytes is not None
    ]
    behind.sort(key=lambda one: (-one[1], one[0]))
    shown = [f"content {content} {lag} bytes" for content, lag in behind[:_SHOWN]]
    more = f" and {len(behind) - _SHOWN} more" if len(behind) > _SHOWN else ""
    return f"replication lag: {', '.join(shown)}{more}" if shown else ""
