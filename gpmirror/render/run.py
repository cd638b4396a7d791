"""A run for people: what is shown before, while it goes on, at its end, and of past runs."""

from gpmirror.render.run_outcome import Outcome, outcome_lines, outcomes
from gpmirror.render.run_preview import preview, question
from gpmirror.render.run_summary import summary
from gpmirror.render.run_table import RunRow, RunState, runs_table
from gpmirror.render.run_view import RunView

__all__ = [
    "Outcome",
    "RunRow",
    "RunState",
    "RunView",
    "outcome_lines",
    "outcomes",
    "preview",
    "question",
    "runs_table",
    "summary",
]
