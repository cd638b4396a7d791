"""Greenplum 5.8.1."""

import pytest

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

pytestmark = pytest.mark.long
RELEASE = "5.8.1"
