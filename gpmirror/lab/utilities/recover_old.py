"""gprecoverseg on 5: stop, write rows, start, resynchronise in the background."""

from collections.abc import Sequence

from gpmirror.lab.utilities.add_old import start_mirrors
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import STARS
from gpmirror.lab.utilities.recover_later import stop_failed, wait_until_down
from gpmirror.lab.utilities.recovery import Crew, Recovery, stand_still

_RECOVERED = (
    STARS,
    "Updating segments for resynchronization is completed.",
    "For segments updated successfully, resynchronization will continue in the background.",
    "",
    "Use  gpstate -s  to check the resynchronization progress.",
    STARS,
)


def execute(crew: Crew, catalog: Catalog, recoveries: Sequence[Recovery]) -> int:
    """0, or 1 when a mirror did not start."""
    console = crew.session.console
    console.info(f"{len(recoveries)} segment(s) to recover")
    stop_failed(crew, recoveries)
    up = {r.failed.dbid for r in recoveries if r.failed is not None and r.failed.is_up}
    if up:
        wait_until_down(crew, catalog, up)
    stand_still(crew.session)
    console.info("Updating configuration with new mirrors")
    for recovery in recoveries:
        catalog.place(recovery.target)
    if not start_mirrors(crew, catalog, recoveries):
        return 1
    for line in _RECOVERED:
        console.info(line)
    return 0
