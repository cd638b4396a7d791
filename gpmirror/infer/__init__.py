"""From an observed cluster to the smallest spec that describes it, proved by a plan."""

from gpmirror.infer.inference import infer_spec
from gpmirror.infer.model import Inferred

__all__ = ["Inferred", "infer_spec"]
