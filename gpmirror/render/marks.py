"""The mark, word and colour of every action, in the order plans are read."""

from collections.abc import Mapping
from dataclasses import dataclass

from gpmirror.plan.model import Action
from gpmirror.render.spans import Span, Style


@dataclass(frozen=True, slots=True)
class Mark:
    """How an action is shown; `sign` and word are readable without colour."""

    action: Action
    sign: str
    style: Style

    @property
    def span(self) -> Span:
        """Sign and word: `+ add`."""
        return Span(f"{self.sign} {self.action.value}", self.style)


MARKS: Mapping[Action, Mark] = {
    found.action: found
    for found in (
        Mark(Action.ADD, "+", Style.ADD),
        Mark(Action.RECOVER, "!", Style.ALARM),
        Mark(Action.MOVE, "~", Style.CARE),
        Mark(Action.REBALANCE, "<>", Style.ROLE),
        Mark(Action.BLOCKED, "x", Style.ALARM),
    )
}
