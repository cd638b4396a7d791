"""gpstop -r on 5, as much of it as a mirror needs that never started: a restart starts its server too,
and the pair resynchronises in full. Servers that run are left running, unlike natively.
"""

from gpmirror.lab.utilities import console
from gpmirror.lab.utilities.catalog import Catalog
from gpmirror.lab.utilities.console import BadOption, Session
from gpmirror.lab.utilities.recovery import Crew, Recovery, resynchronise, task_of
from gpmirror.lab.utilities.remote import Remote


def run(session: Session, argv: list[str]) -> int:
    """0, or 1 where a mirror did not start again. Raises BadOption, psycopg.Error."""
    found = console.parser(session.lab.release, "gpstop", "%prog [options] ")
    found.add_option("-a", action="store_true", dest="quietly", default=False)
    found.add_option("-r", action="store_true", dest="restart", default=False)
    found.add_option("-M", dest="mode", default="smart")
    values, rest = found.parse_args(argv)
    console.no_arguments(found, rest)
    if not values.restart or not session.old:
        raise BadOption("the practice cluster knows gpstop -r of 5 only; see `gpmirror lab down`")
    session.console.info(f"Starting gpstop with args: {' '.join(argv)}")
    session.console.info("Restarting System...")
    catalog = Catalog(session.lab, old=True)
    try:
        return _start(session, catalog)
    finally:
        catalog.close()


def _start(session: Session, catalog: Catalog) -> int:
    array = catalog.load()
    missing = catalog.never_started()
    mirrors = [row for row in array.mirrors.values() if row.dbid in missing and row.is_up]
    recoveries = [Recovery(target=row, source=array.primaries[row.content]) for row in mirrors]
    crew = Crew(session=session, remote=Remote(session.lab), hosts=16, per_host=64)
    ports = [(one.target.address, task_of(session, one)) for one in recoveries]
    crew.all_do("stop", ports)  # one that runs and does not replicate
    outcomes = crew.all_do("port", ports)
    failed = {dbid for dbid, (_, outcome) in outcomes.items() if outcome.failed}
    for one in recoveries:
        lost = one.target.dbid in failed
        catalog.resynchronise(one.target, waits=session.faults.connect_timeout if lost else None)
    resynchronise(crew, [one for one in recoveries if one.target.dbid not in failed])
    session.console.info(f"Successfully started {len(recoveries) - len(failed)} mirrors")
    return 1 if failed else 0
