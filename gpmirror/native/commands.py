"""The utilities' command lines, as argument vectors: nothing ever passes through a shell.

`-a` is given where a utility takes it; the data directory is left to the sourced environment. What
equals a utility's own default is left out, so that only an option that somebody wants can be one
that the release lacks: `-b` is none of 6.0 to 6.16.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, assert_never

from gpmirror.diagnostics import Diagnostic
from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import Dialect, DialectName, MoveEngine, families, has, release_of
from gpmirror.values import dataclass

RecoveryMethod = Literal["incremental", "differential", "full"]

MAX_HOSTS = 64
MAX_PER_HOST = 128
"""What 6 and later accept for -B and -b; 4.3 and 5 know -B alone, up to 64 segments at once."""

DEFAULT_HOSTS = 16
DEFAULT_PER_HOST = 64
"""What -B and -b are when left out: gpaddmirrors, gprecoverseg and gpmovemirrors of 4.3, 5.8.1,
6.24.3, 7.0.0 and Greengage 6.27.1, by their sources (the help texts of 5 name other numbers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UtilityOptions:
    """What a utility is told beside its task. `hosts` (1..64) and segments of one host (1..128) at
    once; before 6 `hosts` counts segments and `per_host` is not used. `max_rate` limits what a full
    copy takes (`32M`, see pg_basebackup), `replay_lag` how far a mirror may be behind when roles
    return (GB); None: the utility's own.
    """

    hosts: int = DEFAULT_HOSTS
    per_host: int = DEFAULT_PER_HOST
    verbose: bool = False
    hba_hostnames: bool = False
    max_rate: str | None = None
    replay_lag: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An option that not every release has: `key` of the spec asks for it, `since` names those that
    have it, `default` is what its absence means. `families` are those of which some release may.
    """

    key: str
    since: str
    default: str
    families: frozenset[DialectName]
    takes_value: bool = True


_LATER = families(lambda one: not one.file_replication)

SETTINGS: Mapping[str, Setting] = {
    "-b": Setting(
        key="apply.native.per_host",
        since="Greenplum 6 from 6.17 on, Greenplum 7, Cloudberry and Greengage",
        default="64 segments of a host go at once",
        families=_LATER,
    ),
    "--hba-hostnames": Setting(
        key="apply.native.hba_hostnames",
        since="Greenplum 6 and later",
        default="pg_hba.conf gets IP addresses",
        families=_LATER,
        takes_value=False,
    ),
    "--max-rate": Setting(
        key="apply.native.max_rate",
        since="WarehousePG 7.4 and Greengage 7",
        default="full copies take what the network gives",
        families=families(lambda one: one.limits_rate),
    ),
    "--replay-lag": Setting(
        key="apply.native.replay_lag",
        since="the latest Greenplum 6, Greenplum 7 and Greengage",
        default="the utility's own limit holds, if it has one",
        families=_LATER,
    ),
    "--differential": Setting(
        key="--differential",
        since="Greenplum 6.27 and 7.1, and Greengage",
        default="only what the log tells to differ is fetched",
        families=_LATER,
        takes_value=False,
    ),
}
"""By option. -B, -v, -a, -i, -F and -r are known from 4.3 on."""


def settings_in(argv: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The options of a command line that not every release has, each with its value."""
    return tuple(
        tuple(argv[at : at + 1 + SETTINGS[word].takes_value])
        for at, word in enumerate(argv)
        if word in SETTINGS
    )


def lacking(dialect: Dialect, told: UtilityOptions) -> list[str]:
    """The options asked for that no release of the family has; `-b` is passed over there."""
    asked = {
        "--hba-hostnames": told.hba_hostnames,
        "--max-rate": told.max_rate is not None,
        "--replay-lag": told.replay_lag is not None,
    }
    return [o for o, wanted in asked.items() if wanted and dialect.name not in SETTINGS[o].families]


def why_not_differential(dialect: Dialect, server_version: str | None) -> str | None:
    """Why this server's gprecoverseg cannot be told to recover the copies of a file differentially;
    None: it can. 7.0.0 takes `--differential` without a file alone, for every down copy at once
    (recorded); with one since 7.1 and 6.27 (gpdb pull requests 16719 and 17257; Greengage 6.27.1,
    recorded).
    """
    if dialect.file_replication:
        return f"{dialect.title} has no such recovery"
    if dialect.differential is False:
        return f"that gprecoverseg of {dialect.title} has it is on no record"
    release = release_of(server_version)
    if release is None:
        return "the catalog does not show the server's release, and not every one has it"
    if has(dialect.differential, server_version):
        return None
    told = ".".join(map(str, release))
    if has(dialect.backup_mode, server_version):
        return (
            f"gprecoverseg of {told} takes --differential for every down copy at once, not for "
            "those of a file"
        )
    return f"gprecoverseg of {told} has no --differential"


def add_argv(dialect: Dialect, file_name: str, told: UtilityOptions) -> tuple[str, ...]:
    """`gpaddmirrors -a -i FILE ...`. Raises InvalidInput for a parallelism out of range."""
    return ("gpaddmirrors", "-a", "-i", file_name, *_options(dialect, told), *_hba(told))


def move_argv(
    dialect: Dialect, engine: MoveEngine, file_name: str, told: UtilityOptions
) -> tuple[str, ...]:
    """The engine's command line for a file of moves; gpmovemirrors knows no `-a`. Raises
    InvalidInput for a parallelism out of range.
    """
    options = (*_options(dialect, told), *_hba(told))
    match engine:
        case "gprecoverseg":
            return ("gprecoverseg", "-a", "-i", file_name, *options, *_rate(told))
        case "gpmovemirrors":
            return ("gpmovemirrors", "-i", file_name, *options)
        case _:
            assert_never(engine)


def recover_argv(
    dialect: Dialect, file_name: str, *, how: RecoveryMethod, told: UtilityOptions
) -> tuple[str, ...]:
    """`gprecoverseg -a -i FILE ...`, with `-F` where the copies are made anew; only then a rate can
    be limited. Raises InvalidInput for a parallelism out of range.
    """
    options = (*_options(dialect, told), *_hba(told))
    match how:
        case "incremental":
            return ("gprecoverseg", "-a", "-i", file_name, *options)
        case "differential":
            return ("gprecoverseg", "-a", "--differential", "-i", file_name, *options)
        case "full":
            return ("gprecoverseg", "-a", "-F", "-i", file_name, *options, *_rate(told))
        case _:
            assert_never(how)


def rebalance_argv(dialect: Dialect, told: UtilityOptions) -> tuple[str, ...]:
    """`gprecoverseg -a -r ...`: every switched pair at once, there is no choosing. Raises
    InvalidInput for a parallelism out of range.
    """
    lag = () if told.replay_lag is None else ("--replay-lag", f"{told.replay_lag:g}")
    return ("gprecoverseg", "-a", "-r", *_options(dialect, told), *lag)


def answer_of(dialect: Dialect, utility: str) -> str:
    """What a utility is given on standard input. Before 6 gpaddmirrors asks whether to go on wherever
    hosts are uneven or addresses irregular, even with -a and -i (5.8.1, recorded: the calculator that
    asks is built to read the file); the plan was approved by then.
    """
    return "y\n" if dialect.asks_anyway and utility == "gpaddmirrors" else ""


def _options(dialect: Dialect, told: UtilityOptions) -> tuple[str, ...]:
    _check("hosts", told.hosts, MAX_HOSTS)
    _check("per_host", told.per_host, MAX_PER_HOST)
    hosts = () if told.hosts == DEFAULT_HOSTS else ("-B", str(told.hosts))
    default = not dialect.knows_per_host or told.per_host == DEFAULT_PER_HOST
    per_host = () if default else ("-b", str(told.per_host))
    return (*hosts, *per_host, *(("-v",) if told.verbose else ()))


def _hba(told: UtilityOptions) -> tuple[str, ...]:
    return ("--hba-hostnames",) if told.hba_hostnames else ()


def _rate(told: UtilityOptions) -> tuple[str, ...]:
    return () if told.max_rate is None else ("--max-rate", told.max_rate)


def _check(name: str, value: int, limit: int) -> None:
    if not 1 <= value <= limit:
        message = f"parallelism: {name} {value} is not within 1..{limit}"
        hint = "the utility refuses the option, gpmovemirrors even with exit status 0"
        raise InvalidInput([Diagnostic(code="GPM-N035", message=message, hint=hint)])
