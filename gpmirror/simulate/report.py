"""Failure simulation in words and for programs."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from gpmirror.model.names import one_expression
from gpmirror.simulate import surveys
from gpmirror.simulate.loss import Copies, Loss, lose_from
from gpmirror.simulate.surveys import Survey

# --- Failure simulation for eyes: one line a loss, then what is fatal and what is worst.


_LOADS_SHOWN = 4
_PAIRS_SHOWN = 20


def survey_text(simulated: Survey | Sequence[Loss], *, title: str) -> str:
    """The lines below `title`, the worst case last; ends with a newline."""
    match simulated:
        case Survey():
            lines = _survey_lines(simulated)
        case _:
            lines = _loss_lines(simulated)
    return "\n".join([title, *lines]) + "\n"


def loss_text(loss: Loss) -> str:
    """`lose data01: 0 contents lost; data02 4 -> 8 primaries (x2.0)`, without a newline."""
    return f"lose {loss.label}: {_harm(loss)}"


def _survey_lines(surveyed: Survey) -> list[str]:
    lines = _dead_lines(surveyed.copies)
    lines += [loss_text(loss) for loss in surveyed.hosts]
    lines += [loss_text(found.loss) for found in surveyed.racks]
    if surveyed.shows_pairs:
        lines += _pair_lines(surveyed)
    lines.append(f"fatal host pairs: {surveyed.fatal_pair_count} of {surveyed.pair_count}")
    return lines + _closing("worst single host", surveyed.hosts)


def _loss_lines(losses: Sequence[Loss]) -> list[str]:
    lines = _dead_lines(losses[0].copies) if losses else []
    lines += [loss_text(loss) for loss in losses]
    return lines + (_closing("worst", losses) if len(losses) > 1 else [])


def _dead_lines(copies: Copies) -> list[str]:
    """Contents that are lost already, until one of their copies is started: no loss counts them."""
    return [surveys.without_copy(copies.dead)] if copies.dead else []


def _pair_lines(surveyed: Survey) -> list[str]:
    shown = [
        loss_text(lose_from(surveyed.copies, pair)) for pair in surveyed.fatal_pairs[:_PAIRS_SHOWN]
    ]
    more = surveyed.fatal_pair_count - len(shown)
    if more > 0:
        shown.append(f"+{more} more fatal pairs")
    return shown + _closing("worst pair", filter(None, [surveyed.worst_pair]))


def _closing(what: str, losses: Iterable[Loss]) -> list[str]:
    """The worst of them; others that are as bad are named, for it is not worse than they are."""
    found = list(losses)
    worst = max(found, key=lambda loss: loss.severity, default=None)
    if worst is None:
        return []
    alike = [one.label for one in found if one is not worst and one.severity == worst.severity]
    others = f"; as bad: {one_expression(alike)}" if alike else ""
    return [f"{what}: {worst.label}, {_harm(worst)}{others}"]


def _harm(loss: Loss) -> str:
    lost = surveys.contents_lost(loss.contents_lost)
    loads = loss.loads
    if not loads:
        return f"{lost}; no primaries move"
    shown = ", ".join(surveys.load_told(load) for load in islice(loads, _LOADS_SHOWN))
    more = len(loads) - _LOADS_SHOWN
    return f"{lost}; {shown}" + (f", +{more} more" if more > 0 else "")


# --- Failure simulation for machines: plain values, ready to be written as JSON.


FORMAT_VERSION = "1.0"

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_FACTOR_DECIMALS = 4


def survey_json(simulated: Survey | Sequence[Loss], *, title: str) -> dict[str, Json]:
    """All losses, their hosts in ring order, keys and ids sorted.

    `primaries_after` of a loss holds only the survivors that take over primaries; all others
    keep their number in `primaries`. `pairs` are the fatal ones. `none` are the contents without a live copy: no loss counts
    them.
    """
    match simulated:
        case Survey():
            body, dead = _survey(simulated), simulated.copies.dead
        case _:
            body = {"losses": [_loss(loss) for loss in simulated]}
            dead = simulated[0].copies.dead if simulated else ()
    return {"format_version": FORMAT_VERSION, "title": title, "none": list(dead), **body}


def _survey(surveyed: Survey) -> dict[str, Json]:
    body: dict[str, Json] = {
        "fatal_pairs": [list(pair) for pair in surveyed.fatal_pairs],
        "fatal_pair_count": surveyed.fatal_pair_count,
        "hosts": [_loss(loss) for loss in surveyed.hosts],
        "pair_count": surveyed.pair_count,
        "primaries": dict(sorted(surveyed.copies.primaries.items())),
        "racks": [{"rack": found.rack, **_loss(found.loss)} for found in surveyed.racks],
        "survives": {
            "any_host": surveyed.survives_any_host,
            "any_rack": surveyed.survives_any_rack,
            "any_two_hosts": surveyed.survives_any_two_hosts,
        },
        "worst_load_after_one_host": _worst_load(surveyed),
    }
    if surveyed.shows_pairs:
        worst = surveyed.worst_pair
        body["pairs"] = [_loss(loss) for loss in surveyed.fatal_pair_losses()]
        body["worst_pair"] = None if worst is None else _loss(worst)
    return body


def _worst_load(surveyed: Survey) -> Json:
    worst = surveyed.worst_load_after_one_host
    if worst is None:
        return None
    return {
        "after": worst.after,
        "before": worst.before,
        "factor": round(worst.factor, _FACTOR_DECIMALS),
        "lost": worst.lost,
        "survivor": worst.survivor,
    }


def _loss(loss: Loss) -> dict[str, Json]:
    primaries, gains = loss.copies.primaries, loss.gains
    return {
        "contents_lost": list(loss.contents_lost),
        "lost": list(loss.lost),
        "primaries_after": {host: primaries[host] + gains[host] for host in sorted(gains)},
        "worst_host": loss.worst_host,
        "worst_load_factor": round(loss.worst_load_factor, _FACTOR_DECIMALS),
    }
