"""Greengage 6.27.1."""

import pytest

from tests.conformance.playing import test_scenario

__all__ = ["test_scenario"]

pytestmark = pytest.mark.long
RELEASE = "greengage-6.27.1"
