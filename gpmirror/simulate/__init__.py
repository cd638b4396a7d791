"""Failure simulation: which contents lost hosts lose, and who carries the load."""

from gpmirror.simulate.loss import Load, Loss, lose
from gpmirror.simulate.maintenance import (
    Group,
    LeftOut,
    Maintenance,
    Unit,
    WhyLeftOut,
    maintenance,
)
from gpmirror.simulate.report import loss_text, survey_json, survey_text
from gpmirror.simulate.stopping import Stop, WhyLost, named_hosts, stop
from gpmirror.simulate.surveys import (
    Demand,
    Judgement,
    RackLoss,
    Survey,
    WorstLoad,
    judge_policy,
    judge_survey,
    survey,
)
from gpmirror.simulate.targets import LossTarget, lose_targets, parse_targets

__all__ = [
    "Demand",
    "Group",
    "Judgement",
    "LeftOut",
    "Load",
    "Loss",
    "LossTarget",
    "Maintenance",
    "RackLoss",
    "Stop",
    "Survey",
    "Unit",
    "WhyLeftOut",
    "WhyLost",
    "WorstLoad",
    "judge_policy",
    "judge_survey",
    "lose",
    "lose_targets",
    "loss_text",
    "maintenance",
    "named_hosts",
    "parse_targets",
    "stop",
    "survey",
    "survey_json",
    "survey_text",
]
