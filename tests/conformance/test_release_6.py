"""Greenplum 6.24.3."""

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

RELEASE = "6.24.3"
