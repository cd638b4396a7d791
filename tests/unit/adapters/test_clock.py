"""The machine's clock."""

import re
import time

from gpmirror.adapters.operator import SystemClock, utc_now


def test_time_goes_on_by_sleeping() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0.01)
    assert clock.monotonic() - before >= 0.01


def test_now_is_utc_to_the_second() -> None:
    told = utc_now()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told)
    assert told[:13] in {
        time.strftime("%Y-%m-%dT%H", time.gmtime(time.time() + shift)) for shift in (-5, 0, 5)
    }
