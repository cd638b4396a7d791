"""Greengage 6.27.1."""

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

RELEASE = "greengage-6.27.1"
