"""How a run begins and ends: what is told first and last, and what a refusal then promises."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gpmirror.errors import (
    Detached,
    ExitCode,
    Failure,
    GpmirrorError,
    Partial,
    Unverified,
)
from gpmirror.events import RunEnded, RunStarted
from gpmirror.journal.records import Record, end, step
from gpmirror.plan.planfile import plan_id
from gpmirror.workflow.running import Outcome, Run


def tell_start(run: Run, *, resumed: bool) -> None:
    """The first event."""
    run.world.reporter.tell(
        RunStarted(
            run=run.name,
            plan_id=plan_id(run.plan),
            cluster=run.plan.cluster,
            changes=len(run.plan.changes),
            waves=len(run.plan.waves),
            rehearsal=run.wishes.rehearsal,
            resumed=resumed,
        )
    )


@contextmanager
def ending(run: Run) -> Iterator[None]:
    """Whatever ends the run is told last; a detached run stays open in the journal."""
    try:
        yield
    except Detached as error:
        _note(run, step("detach", "done"))
        _tell_end(run, error.exit_code, error.message, (error.hint or "",))
        raise
    except KeyboardInterrupt:
        _note(run, end(ExitCode.INTERRUPTED, "interrupted; nothing was changed"))
        _tell_end(run, ExitCode.INTERRUPTED, "interrupted; nothing was changed", ())
        raise
    except GpmirrorError as error:
        _note(run, end(error.exit_code, error.message[:2000]))
        _tell_end(run, error.exit_code, error.message, (error.hint,) if error.hint else ())
        raise


def _note(run: Run, record: Record) -> None:
    """A last record, if it can be kept: why the run ended is told before why that is not."""
    with suppress(Failure):
        run.world.journal.write(record)


@contextmanager
def changing(run: Run) -> Iterator[None]:
    """From here on a refusal no longer means that nothing was changed."""
    run.world.operator.changes_begin()
    run.world.journal.also_far()
    try:
        yield
    except (Partial, Unverified, Detached):
        raise
    except KeyboardInterrupt as interrupt:
        raise _left_alone(run) from interrupt
    except GpmirrorError as error:
        hint = error.hint or "fix what is said above"
        raise Partial(error.message, hint=f"{hint}; then `gpmirror resume {run.name}`") from error


def _left_alone(run: Run) -> Detached:
    if run.at_work is None:
        return Detached(
            "stopped waiting: no native utility of this run is running, what it began may go on",
            hint=f"`gpmirror resume {run.name}` waits on, then does what is left",
        )
    return Detached(
        f"detached: {run.at_work} goes on by itself on {run.world.coordinator}",
        hint=f"`gpmirror resume {run.name}` follows it to the end",
    )


def finish(run: Run, outcome: Outcome) -> Outcome:
    """Close the journal and tell the end."""
    run.world.journal.write(end(outcome.code, outcome.summary))
    _tell_end(run, outcome.code, outcome.summary, outcome.next_actions)
    return outcome


def _tell_end(run: Run, code: int, summary: str, next_actions: tuple[str, ...]) -> None:
    run.world.reporter.tell(
        RunEnded(
            run=run.name,
            exit_code=code,
            summary=summary,
            next_actions=tuple(action for action in next_actions if action),
            seconds=run.seconds(),
        )
    )
