"""Failure simulation: which contents lost hosts lose, and who carries the load."""

from gpmirror.simulate.loss import Load, Loss, LossTarget, lose, lose_targets, parse_targets
from gpmirror.simulate.surveys import (
    Demand,
    Judgement,
    RackLoss,
    Survey,
    WorstLoad,
    judge_policy,
    judge_survey,
    loss_text,
    survey,
    survey_json,
    survey_text,
)

__all__ = [
    "Demand",
    "Judgement",
    "Load",
    "Loss",
    "LossTarget",
    "RackLoss",
    "Survey",
    "WorstLoad",
    "judge_policy",
    "judge_survey",
    "lose",
    "lose_targets",
    "loss_text",
    "parse_targets",
    "survey",
    "survey_json",
    "survey_text",
]
