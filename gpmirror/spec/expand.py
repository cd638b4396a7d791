"""The spec with every range and default written out, for eyes and for `validate --expand`."""

from gpmirror.spec.emit import yaml_text
from gpmirror.spec.meaning import meaning
from gpmirror.spec.model import Spec


def expanded_text(spec: Spec) -> str:
    """YAML that means the same as `spec`; loading it gives the same digest."""
    return yaml_text(meaning(spec))
