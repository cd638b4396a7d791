"""Many hosts at once: bounded, in order, and never waiting for the last one after a failure."""

import threading

import pytest

from gpmirror.adapters.ssh import at_once


def test_results_keep_the_order_of_the_items() -> None:
    assert list(at_once(lambda n: n * n, [3, 1, 2], 2).items()) == [(3, 9), (1, 1), (2, 4)]
    assert at_once(lambda n: n, [], 4) == {}


def test_no_more_than_allowed_at_a_time() -> None:
    lock, now, most = threading.Lock(), [0], [0]
    together = threading.Barrier(3)

    def work(_: int) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        together.wait(20)
        with lock:
            now[0] -= 1

    at_once(work, range(9), 3)
    assert most == [3]


def test_a_failure_is_raised_without_waiting_for_the_others() -> None:
    release = threading.Event()

    def work(item: str) -> None:
        if item == "bad":
            raise ValueError("bad item")
        release.wait(60)

    try:
        with pytest.raises(ValueError, match="bad item"):
            at_once(work, ["slow", "bad"], 2)
    finally:
        release.set()
