"""Greenplum 7.0.0."""

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

RELEASE = "7.0.0"
