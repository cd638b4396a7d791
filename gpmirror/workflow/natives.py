"""Native utilities run through shell scripts on the coordinator's host."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpmirror.boundary import Answered, Hosts, NoAnswer, Reply, Silence
from gpmirror.errors import Failure
from gpmirror.gputils.detached import (
    Poll,
    Utility,
    append_script,
    dry_run_script,
    forestall_script,
    keep_script,
    poll_script,
    read_poll,
    replace_script,
    start_script,
)
from gpmirror.journal.records import JOURNAL
from gpmirror.plan.model import Wave

_SECONDS = 60
_TRY_SECONDS = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachedNatives:
    """`boundary.Natives` for a run; `environment` is shell text as `environment_text` gives."""

    hosts: Hosts
    coordinator: str
    run: str
    environment: str

    def keep(self, files: Sequence[tuple[str, str]]) -> None:
        """See `boundary.Natives.keep`."""
        match self._change(keep_script(self.run, files)):
            case NoAnswer() as silent:
                raise Failure(f"the run directory was not made: {silent.message}", hint=silent.hint)
            case Answered() as reply:
                self._check_written(reply)

    def start(self, wave: Wave, utility: Utility) -> NoAnswer | None:
        """See `boundary.Natives.start`."""
        del wave
        match self._change(start_script(self.run, utility, self.environment)):
            case NoAnswer() as silent:
                return silent
            case Answered() as reply:
                self._check_written(reply)
                return None

    def poll(self, name: str, offset: int, *, wait: float = 0.0) -> Poll | NoAnswer:
        """See `boundary.Natives.poll`."""
        match self._ask(poll_script(self.run, name, offset, wait=wait), _SECONDS + wait):
            case NoAnswer() as silent:
                return silent
            case Answered(status=0, out=out) if (poll := read_poll(out, offset)) is not None:
                return poll
            case Answered() as reply:
                return self._no_sense(reply)

    def forestall(self, name: str) -> bool | NoAnswer:
        """See `boundary.Natives.forestall`."""
        match self._change(forestall_script(self.run, name)):
            case NoAnswer() as silent:
                return silent
            case Answered() as reply:
                if reply.out.strip() not in {"forestalled", "already"}:
                    self._check_written(reply)
                return reply.out.strip() == "forestalled"

    def try_out(self, utility: Utility) -> Reply:
        """See `boundary.Natives.try_out`."""
        return self._ask(dry_run_script(utility, self.environment), _TRY_SECONDS)

    def _ask(self, script: str, seconds: float) -> Reply:
        return self.hosts.ask({self.coordinator: script}, seconds=seconds)[self.coordinator]

    def _change(self, script: str) -> Reply:
        return self.hosts.change({self.coordinator: script}, seconds=_SECONDS)[self.coordinator]

    def _no_sense(self, reply: Answered) -> NoAnswer:
        """A host that cannot start a process or reach the home directory answers something."""
        return NoAnswer(
            host=self.coordinator,
            why=Silence.LOST,
            message=f"{self.coordinator} does not show how the utility is doing (exit "
            f"{reply.status}): {reply.err.strip()[:200] or 'no reason given'}",
            hint="look at the load and the home directory there",
        )

    def _check_written(self, reply: Answered) -> None:
        if reply.status != 0:
            raise Failure(
                f"the run directory on {self.coordinator} cannot be written (exit {reply.status}): "
                f"{reply.err.strip() or 'no reason given'}",
                hint="check space and rights of the login user's home there",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FarJournal:
    """The copy of a run's journal in its run directory on the coordinator's host."""

    hosts: Hosts
    coordinator: str
    run: str

    def replace(self, text: str) -> bool:
        """Put the whole journal there; False: the host did not take it, or knows more than this."""
        return self._change(replace_script(self.run, JOURNAL, text))

    def append(self, text: str) -> bool:
        """Add to it; False: the host did not take it."""
        return self._change(append_script(self.run, JOURNAL, text))

    def _change(self, script: str) -> bool:
        reply = self.hosts.change({self.coordinator: script}, seconds=_SECONDS)[self.coordinator]
        return isinstance(reply, Answered) and reply.status == 0
