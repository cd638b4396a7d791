"""What the user wrote: YAML to a checked `Spec`, and back to text."""

from gpmirror.spec.model import Spec

__all__ = ["load"]


def load(data: bytes, file: str) -> Spec:
    """The spec in `data`; `file` is the name shown in places.

    Raises `InvalidInput` with every problem of the text, each with its place, code and hint.
    """
    from gpmirror.spec.loading import load_spec

    return load_spec(data, file)
