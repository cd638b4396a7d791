"""Do the same for many hosts at once, and let an interrupt through without waiting for them."""

from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(work: Callable[[Item], Result], items: Iterable[Item], most: int) -> dict[Item, Result]:
    """`work(item)` for every item, `most` of them at a time, in the items' order.

    The first exception of a worker is raised here. An interrupt of the caller starts no more
    work and is raised at once; what runs then ends by its own deadlines.
    """
    wanted = list(items)
    if len(wanted) == 1:
        return {wanted[0]: work(wanted[0])}
    waiting = deque(wanted)
    done: SimpleQueue[tuple[Item, Result | None, BaseException | None]] = SimpleQueue()
    for _ in range(min(most, len(wanted))):
        # daemons: a host that hangs must not hold up the end of the program
        Thread(target=_drain, args=(work, waiting, done), daemon=True).start()
    results: dict[Item, Result] = {}
    try:
        for _ in wanted:
            item, result, error = done.get()
            if error is not None:
                raise error
            results[item] = result  # type: ignore[assignment]
    finally:
        waiting.clear()
    return {item: results[item] for item in wanted}


def _drain(
    work: Callable[[Item], Result],
    waiting: deque[Item],
    done: "SimpleQueue[tuple[Item, Result | None, BaseException | None]]",
) -> None:
    while True:
        try:
            item = waiting.popleft()
        except IndexError:
            return
        try:
            done.put((item, work(item), None))
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller's thread
            done.put((item, None, error))
