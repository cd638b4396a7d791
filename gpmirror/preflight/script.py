"""The script that asks one host everything at once: questions put into shell text."""

from collections.abc import Iterable, Sequence
from shlex import quote

from gpmirror.model.observed import Observed
from gpmirror.plan.model import Plan
from gpmirror.preflight import shell
from gpmirror.preflight.asking import questions
from gpmirror.preflight.facts import Questions
from gpmirror.preflight.reading import control_paths

# --- Which running programs stand in the way of a plan, and how to tell them from their look-alikes.


UTILITIES = (
    "gpaddmirrors",
    "gpmovemirrors",
    "gprecoverseg",
    "gpexpand",
    "gpshrink",
    "ggrebalance",
    "gpbackup",
    "gprestore",
    "gpinitstandby",
    "gpactivatestandby",
    "gpstart",
    "gpstop",
)
"""Programs of the coordinator's host that change the cluster or must not be disturbed."""

COPIERS = (
    "pg_basebackup",
    "pg_rewind",
    "gpsegrecovery",
    "gpsegsetuprecovery",
    "gpconfigurenewsegment",
    "rsync",
)
"""Programs that write a copy's directory."""

_INTERPRETERS = ("python", "bash", "sh", "dash", "env", "perl")
_LOOKED_AT = 5


def _bracketed(name: str) -> str:
    """A pattern for the name that does not match its own text in a command line."""
    return f"[{name[0]}]{name[1:]}"


PROCESS_PATTERN = "|".join(_bracketed(name) for name in (*UTILITIES, *COPIERS))
"""Extended regular expression; a first sieve, `program_of` decides."""


def program_of(arguments: Sequence[str]) -> str | None:
    """The utility or copier that a command line runs, None for editors, pagers and the like."""
    if not arguments:
        return None
    own = _base(arguments[0])
    if own in _KNOWN:
        return own
    if own.rstrip("0123456789.") not in _INTERPRETERS:
        return None
    return next((name for word in arguments[1:_LOOKED_AT] if (name := _base(word)) in _KNOWN), None)


def _base(word: str) -> str:
    return word.rpartition("/")[2].removesuffix(".py")


_KNOWN = frozenset((*UTILITIES, *COPIERS))


# --- The script that asks one host everything at once: questions put into shell text, all quoted.


def scripts(plan: Plan, observed: Observed) -> dict[str, str]:
    """One POSIX sh script per host that the plan touches or leaves, by host name, the coordinator's
    first. They change nothing and print what `reading.read_facts` reads.
    """
    return {host: script(asked) for host, asked in questions(plan, observed).items()}


def script(asked: Questions) -> str:
    """One host's script."""
    if asked.only_left:
        return "".join((shell.PRELUDE, shell.HOST, _end()))
    parts = (
        shell.PRELUDE,
        shell.HOST,
        _sockets(asked),
        _directories(asked),
        _controls(asked),
        _software(asked),
        _names(asked.all_names),
        _related(name for pair in asked.pairs for name in (pair.hostname, pair.address)),
        processes_text(asked.coordinator),
        locks_text(asked.coordinator),
        _utilities(asked),
        _sizes(asked),
        _end(),
    )
    return "".join(parts)


def copies_script(asked: Questions) -> str:
    """A short script: directories, whose they are, and what writes there."""
    parts = (
        shell.PRELUDE,
        _directories(asked),
        _controls(asked),
        processes_text(None),
        _end(),
    )
    return "".join(parts)


def related_script(names: Iterable[str]) -> str:
    """What names are to the utilities, on the coordinator's host; prints what
    `names.read_machines` reads.
    """
    return "".join((shell.PRELUDE, _related(names), _end()))


def processes_text(directory: str | None) -> str:
    """The look at programs that run; `directory` is the coordinator's, None on other hosts."""
    text = shell.PROCESSES.format(pattern=PROCESS_PATTERN)
    return f"\nc={quote(directory or '')}{text}"


def locks_text(directory: str | None) -> str:
    """The look at the coordinator's locks; nothing on other hosts."""
    return "" if directory is None else f"\nc={quote(directory)}{shell.LOCKS}"


def _end() -> str:
    return f"echo '{shell.END}'\n"


def _sockets(asked: Questions) -> str:
    ports = " ".join(sorted({f"{binding.port:04X}" for binding in asked.bindings}))
    return f"P='{ports}'\n{shell.SOCKETS}" if ports else ""


def _each(paths: Iterable[str], body: str) -> str:
    """The body for every path; paths collect in the positional parameters."""
    given = " ".join(quote(path) for path in paths)
    return f"i=0; for d in {given}; do{body}done\n" if given else ""


def _directories(asked: Questions) -> str:
    loops = (
        _each(asked.parents, shell.PARENT),
        _each((landing.path for landing in asked.landings), shell.PLACE),
        _each((source.path for source in asked.sources), shell.SERVER),
    )
    return f"set --\nx=\n{''.join(loops)}{shell.STATUS}"


def _controls(asked: Questions) -> str:
    loop = _each(control_paths(asked), shell.CONTROL)
    return f"set --\n{loop}{shell.CONTROL_HEADS}" if loop else ""


def _software(asked: Questions) -> str:
    first = quote(asked.sources[0].path) if asked.sources else "''"
    return f"s={first}{shell.SOFTWARE}"


def _utilities(asked: Questions) -> str:
    """The utilities' own answers; in a shell of their own, whose settings break other programs."""
    if not asked.told:
        return ""
    calls = (
        " ".join(("a", told.utility, *(quote(word) for option in told.options for word in option)))
        for told in asked.told
    )
    text = asked.environment + shell.UTILITIES + "\n".join(calls) + "\n"
    return f"${{T:+timeout 40}} bash -c {quote(text)} 2>/dev/null </dev/null\n"


def word(text: str) -> str:
    """Text as the scripts write it: its bytes in hexadecimal."""
    return f"x{text.encode('utf-8', 'backslashreplace').hex()}"


def mark(number: int) -> str:
    """The address that ends the answer about the name of this number."""
    high, low = divmod(number + 1, 256)
    return f"0.0.{high}.{low}"


def _names(names: Sequence[str]) -> str:
    if not names:
        return ""
    pairs = [(quote(name), mark(number)) for number, name in enumerate(names)]
    batch = " ".join(f"{name} {end}" for name, end in pairs)
    calls = "; ".join(f"r {name} {end}" for name, end in pairs)
    text = shell.NAMES_BATCH.format(batch=batch, last=pairs[-1][1], calls=calls)
    return shell.NAMES_MISSING + text


def _related(names: Iterable[str]) -> str:
    calls = "".join(f"  n {quote(name)}\n" for name in dict.fromkeys(names))
    return f"{shell.RELATED}{calls}fi\n" if calls else ""


def _sizes(asked: Questions) -> str:
    if not asked.measured:
        return ""
    copied, measured = (" ".join(map(quote, paths)) for paths in (asked.copied, asked.measured))
    return shell.SIZES.format(copied=copied, measured=measured)
