"""Failure simulation: which contents lost hosts lose, and who carries the load."""

from gpmirror.simulate.loss import Load, Loss, lose
from gpmirror.simulate.report import loss_text, survey_json, survey_text
from gpmirror.simulate.surveys import (
    Demand,
    RackLoss,
    Survey,
    Verdict,
    WorstLoad,
    judge,
    judge_survey,
    survey,
)
from gpmirror.simulate.targets import Target, lose_targets, parse_targets

__all__ = [
    "Demand",
    "Load",
    "Loss",
    "RackLoss",
    "Survey",
    "Target",
    "Verdict",
    "WorstLoad",
    "judge",
    "judge_survey",
    "lose",
    "lose_targets",
    "loss_text",
    "parse_targets",
    "survey",
    "survey_json",
    "survey_text",
]
