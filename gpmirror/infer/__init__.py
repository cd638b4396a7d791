"""From an observed cluster to the smallest spec that describes it, proved by a plan."""

from gpmirror.infer.facts import Inferred
from gpmirror.infer.inference import infer_spec
from gpmirror.infer.native import infer_from_native

__all__ = ["Inferred", "infer_from_native", "infer_spec"]
