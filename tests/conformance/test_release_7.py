"""Greenplum 7.0.0."""

import pytest

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

pytestmark = pytest.mark.long
RELEASE = "7.0.0"
