"""The machine's clock."""

import time
from datetime import UTC, datetime


class SystemClock:
    """`boundary.Clock` by the operating system."""

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def utc_now() -> str:
    """Now, as records and events write it: `2026-11-21T07:05:39Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
