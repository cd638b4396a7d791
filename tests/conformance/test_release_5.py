"""Greenplum 5.8.1."""

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

RELEASE = "5.8.1"
