"""The shared practice clusters."""

from tests.labs import practice, shared_labs

__all__ = ["practice", "shared_labs"]
