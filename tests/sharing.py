"""Which process takes which file: at most four hold practice clusters, the others go on meanwhile.

Tests on practice clusters wait most of the time, the others reckon. If all processes began with the
former, the processors would idle, and what reckons would come last.
"""

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.labs import MOST_LABS

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_WITH_LABS = (
    "tests/conformance/",
    "tests/e2e/",
    "tests/integration/lab/",
    "tests/integration/preflight/",
    "tests/test_dist.py",
    "tests/test_docs_live.py",
    "tests/test_labs.py",
)
"""A file that is missing here is no harm: its process waits for one of the four places."""


def has_labs(file: str) -> bool:
    """Whether the tests of this file (or folder) start practice clusters."""
    return file.startswith(_WITH_LABS)


class LabsApart(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A file a process, in order; with more than four processes the first four take those with
    practice clusters first, the others those without.
    """

    def _assign_work_unit(self, node: "WorkerController") -> None:
        nodes = self.nodes
        if len(nodes) > MOST_LABS:
            wanted = nodes.index(node) < MOST_LABS
            found = next((one for one in self.workqueue if has_labs(one) == wanted), None)
            if found is not None:
                self.workqueue.move_to_end(found, last=False)
        super()._assign_work_unit(node)


class Sharing:
    """The plugin that gives a run with several processes this order."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: object) -> LabsApart:
        """In place of the one that `--dist=loadfile` names."""
        return LabsApart(config, log)
