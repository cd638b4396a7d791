"""Failure simulation: which contents lost hosts lose, and who carries the load."""

from gpmirror.simulate.document import survey_json
from gpmirror.simulate.loss import Load, Loss, lose
from gpmirror.simulate.policy import Demand, Verdict, judge, judge_survey
from gpmirror.simulate.surveys import RackLoss, Survey, WorstLoad, survey
from gpmirror.simulate.targets import Target, lose_targets, parse_targets
from gpmirror.simulate.text import loss_text, survey_text

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
