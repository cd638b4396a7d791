"""Failure simulation for machines: plain values, ready to be written as JSON."""

from collections.abc import Mapping, Sequence

from gpmirror.simulate.loss import Loss
from gpmirror.simulate.surveys import Survey

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
