"""Failure simulation for eyes: one line a loss, then what is fatal and what is worst."""

from collections.abc import Iterable, Sequence
from itertools import islice

from gpmirror.simulate import phrases
from gpmirror.simulate.copies import Copies
from gpmirror.simulate.loss import Loss, lose_from
from gpmirror.simulate.surveys import Survey

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
    return [phrases.without_copy(copies.dead)] if copies.dead else []


def _pair_lines(surveyed: Survey) -> list[str]:
    shown = [_pair_line(surveyed.copies, pair) for pair in surveyed.fatal_pairs[:_PAIRS_SHOWN]]
    more = surveyed.fatal_pair_count - len(shown)
    if more > 0:
        shown.append(f"+{more} more fatal pairs")
    return shown + _closing("worst pair", filter(None, [surveyed.worst_pair]))


def _pair_line(copies: Copies, pair: tuple[str, str]) -> str:
    return loss_text(lose_from(copies, pair))


def _closing(what: str, losses: Iterable[Loss]) -> list[str]:
    worst = max(losses, key=lambda loss: loss.severity, default=None)
    return [] if worst is None else [f"{what}: {worst.label}, {_harm(worst)}"]


def _harm(loss: Loss) -> str:
    lost = phrases.contents_lost(loss.contents_lost)
    loads = loss.loads
    if not loads:
        return f"{lost}; no primaries move"
    shown = ", ".join(phrases.load(load) for load in islice(loads, _LOADS_SHOWN))
    more = len(loads) - _LOADS_SHOWN
    return f"{lost}; {shown}" + (f", +{more} more" if more > 0 else "")
