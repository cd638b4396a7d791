"""The spec as it stands in YAML: shapes, types and limits, sizes and times as people write them.

Its JSON Schema, for editors and the reference, is made from the same model.
"""

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo

from gpmirror.model.dialect import DialectName
from gpmirror.model.segment import MAX_PORT
from gpmirror.spec.model import MEANINGS, Path, Strategy

# --- Sizes, times and rates as people write them: `5TB`, `24h`, `32M`.


_SIZE = re.compile(r"([0-9]{1,15})\s?(B|kB|KB|MB|GB|TB|PB)?")
_SIZE_FACTORS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE_FACTORS["PB"] = 10**15
_TIME = re.compile(r"([0-9]{1,9})([smhd])")
_TIME_FACTORS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_RATE = re.compile(r"([0-9]{1,7})([kM]?)")
_LEAST_RATE, _MOST_RATE = 32, 1_048_576
RATE_PATTERN = r"^[0-9]{1,7}[kM]?$"
SIZE_PATTERN = r"^[0-9]{1,15}\s?(B|kB|KB|MB|GB|TB|PB)?$"
TIME_PATTERN = r"^[0-9]{1,9}[smhd]$"


def bytes_of(value: object) -> int:
    """Bytes of a size, units being decimal. Raises `ValueError` for anything else."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a size such as 500GB, 5TB or a number of bytes")
    return int(match[1]) * _SIZE_FACTORS[match[2] or "B"]


def seconds_of(value: object) -> int:
    """Seconds of a time span. Raises `ValueError` for anything else and for zero."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        raise ValueError("must be a time such as 30s, 90m, 24h or 2d, and more than zero")
    return int(match[1]) * _TIME_FACTORS[match[2]]


def rate_of(value: object) -> str:
    """A rate as pg_basebackup takes it, kB a second or MB with M. Raises `ValueError` for anything
    else and for what it refuses.
    """
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    match = _RATE.fullmatch(text) if isinstance(text, str) else None
    number = int(match[1]) * (1024 if match[2] == "M" else 1) if match else 0
    if not isinstance(text, str) or not _LEAST_RATE <= number <= _MOST_RATE:
        raise ValueError("must be a rate from 32 to 1048576 (kB a second), or up to 1024M")
    return text


def time_text(seconds: int) -> str:
    """The shortest way to write `seconds` as a spec takes it: 86400 is `24h`."""
    for unit in ("h", "m"):
        if seconds % _TIME_FACTORS[unit] == 0:
            return f"{seconds // _TIME_FACTORS[unit]}{unit}"
    return f"{seconds}s"


# --- The spec as it stands in YAML: shapes, types and limits that need no other field to judge.
#
# The descriptions are the reference documentation and the JSON Schema. What one field must be in
# the light of another is judged afterwards, with places, in the modules beside this one.


if TYPE_CHECKING:
    Dialect: TypeAlias = str
    StrategyName: TypeAlias = str
else:
    StrategyName = Literal[tuple(one.value for one in Strategy)]
    Dialect = Literal[tuple(one.value for one in DialectName)]

API_VERSION = "gpmirror/v1"

Port: TypeAlias = Annotated[int, Field(ge=1, le=MAX_PORT)]
Content: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]
Count: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
Word: TypeAlias = Annotated[str, Field(pattern=r"^\S+$", max_length=255)]
Account: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,62}$")]
Line: TypeAlias = Annotated[str, Field(pattern=r"^[^\n]+$", max_length=1_000)]
Argument: TypeAlias = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=1_000)]
Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=1_000)]
Size: TypeAlias = Annotated[
    int,
    BeforeValidator(bytes_of),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": SIZE_PATTERN}]}
    ),
]
Time: TypeAlias = Annotated[
    int,
    BeforeValidator(seconds_of),
    WithJsonSchema({"type": "string", "pattern": TIME_PATTERN}),
]

Rate: TypeAlias = Annotated[
    str,
    BeforeValidator(rate_of),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 32, "maximum": 1_048_576},
                {"type": "string", "pattern": RATE_PATTERN},
            ]
        }
    ),
]


def _shape_of_roots(value: object) -> str:
    return "by_filespace" if isinstance(value, dict) else "list"


RootList: TypeAlias = Annotated[list[str], Field(min_length=1, max_length=1_000)]
Roots: TypeAlias = Annotated[
    Annotated[RootList, Tag("list")] | Annotated[dict[str, RootList], Tag("by_filespace")],
    Discriminator(_shape_of_roots),
]


class Part(BaseModel):
    """A mapping of the spec: no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)


class CoordinatorPart(Part):
    """Where the coordinator listens; what is left out comes from the PG* environment. Without a
    host it is looked for on this machine, by its socket in /tmp or /var/run/postgresql.

    Passwords never stand in a spec: they come from PGPASSWORD, PGPASSFILE or ~/.pgpass.
    """

    host: str | None = Field(
        None, description="Host name or address of the coordinator, or the folder of its socket."
    )
    port: Port | None = Field(None, description="TCP port of the coordinator.")
    database: Line | None = Field(None, description="Database to connect to.")
    user: Line | None = Field(None, description="Database role to connect as.")


class ClusterPart(Part):
    """Which cluster this is."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$",
        description="Name of the cluster in plans and messages: small letters, digits, . _ -",
    )
    dialect: Dialect | None = Field(
        None, description="Server family; detected from the catalog when left out."
    )
    coordinator: CoordinatorPart | None = Field(
        None,
        description="Where the coordinator listens; PG* variables fill what is left out.",
    )


class SshPart(Part):
    """How hosts are reached. Host keys are always checked: an unknown or changed key is an error."""

    user: Account | None = Field(
        None,
        description="Account on the hosts; default: what the SSH configuration says, else "
        "your own.",
    )
    config: Line | None = Field(
        None, description="OpenSSH client configuration file; default: ~/.ssh/config."
    )


def _name_or_zip(schema: dict[str, Any]) -> None:
    schema["required"].remove("name")
    schema["oneOf"] = [{"required": ["name"]}, {"required": ["zip"]}]


class HostPart(Part):
    """One host, or several that differ by number only."""

    model_config = ConfigDict(json_schema_extra=_name_or_zip)

    name: str = Field(
        description="Host name or range: sdw1, sdw[1-4], sdw[01-16,20], rack[1-2]-sdw[1-8]."
    )
    zip: list[str] | None = Field(
        None,
        min_length=2,
        max_length=64,
        description="Instead of name: ranges of equal length whose hosts stand in turn, so that "
        "racks alternate: [sdw[1-6], sdw[7-12]] is sdw1, sdw7, sdw2, sdw8 and so on.",
    )
    racks: list[Word] | None = Field(
        None, description="With zip, instead of rack: the rack of each of its ranges."
    )
    addresses: list[str] | None = Field(
        None,
        min_length=1,
        max_length=64,
        description="The host's interfaces, {host} standing for its name; default: the name.",
    )
    rack: Word | None = Field(None, description="Failure domain the host belongs to.")
    roots: Roots | None = Field(
        None,
        description="Directory roots that hold mirrors, used in turn; with filespaces (gp4, gp5) "
        "a mapping from filespace to roots. May be left out where weight is 0.",
    )
    weight: int = Field(
        1,
        ge=0,
        le=1_000,
        description="0: no mirrors here, its primaries are still mirrored; any other value: takes "
        "part. Only strategy balanced weighs further: a host of weight 2 gets twice the mirrors of one of 1.",
    )
    replaces: str | None = Field(
        None, description="Name of a dead host whose segments this host takes over."
    )

    @model_validator(mode="before")
    @classmethod
    def _zip_names_the_hosts(cls, data: object) -> object:
        if isinstance(data, dict) and "zip" in data and "name" not in data:
            return {**data, "name": ""}
        return data


class PortsPart(Part):
    """Mirror ports: by offset, or by bases as gpinitsystem counts them."""

    offset: int | None = Field(
        None,
        ge=-MAX_PORT,
        le=MAX_PORT,
        description="Distance of mirror ports from the target host's lowest primary port; not 0.",
    )
    mirror_base: Port | None = Field(None, description="First mirror port of a host.")
    replication_base: Port | None = Field(
        None, description="First replication port of primaries (gp4, gp5)."
    )
    mirror_replication_base: Port | None = Field(
        None, description="First replication port of mirrors (gp4, gp5)."
    )


class PinPart(Part):
    """A wish for one content that wins over the strategy."""

    content: Content = Field(description="Content id.")
    host: str | None = Field(None, description="Host of the mirror, one of `hosts`.")
    address: str | None = Field(None, description="Address of the mirror, one of its host's.")
    port: Port | None = Field(None, description="TCP port of the mirror.")
    directory: str | None = Field(None, description="Data directory of the mirror.")
    replication_port: Port | None = Field(
        None, description="Replication port of the mirror (gp4, gp5)."
    )
    filespaces: dict[str, str] | None = Field(
        None, description="Directory of each further filespace (gp4, gp5)."
    )
    reason: Text | None = Field(None, description="Why; shown in the plan.")


class MirrorsPart(Part):
    """How mirrors are spread and where they live."""

    strategy: StrategyName = Field(
        description=" ".join(f"{one.value}: {MEANINGS[one]}" for one in Strategy)
    )
    block_size: int | None = Field(
        None, ge=2, le=10_000, description="Hosts in a block; only with strategy block."
    )
    minimise: Literal["moves", "bytes"] | None = Field(
        None,
        description="What strategy balanced keeps low: moves (the default) counts mirrors that change "
        "their host, bytes what is copied for them, where all sizes are known; only with balanced.",
    )
    ports: PortsPart = Field(description="How mirror ports are counted.")
    directory: str = Field(
        "{root}/{prefix}{content}",
        description="Data directory of a mirror; placeholders root, prefix, content, host.",
    )
    pins: list[PinPart] | None = Field(
        None, description="Wishes for single contents that win over the strategy."
    )
    allow_same_host: bool = Field(
        default=False, description="Accept a mirror beside its primary (single-host systems)."
    )


class SurvivePart(Part):
    """A loss that must not cost data."""

    any: int = Field(ge=1, le=2, description="How many may be lost at once.")
    of: Literal["host", "rack"] = Field(description="What is lost.")


class GuardsPart(Part):
    """Limits on how much one plan may copy; beyond them the plan asks to be allowed."""

    moves_percent: int = Field(
        30, ge=0, le=100, description="Most contents moved or fully recovered, in percent of all."
    )
    min_contents: int = Field(
        10, ge=0, le=1_000_000, description="Contents from which on moves_percent is judged."
    )
    bytes: Size | None = Field(
        None, description="Most bytes copied: 500GB, 5TB (decimal units) or a number."
    )


class PolicyPart(Part):
    """What every layout and plan is judged by."""

    survive: list[SurvivePart] | None = Field(
        None, max_length=4, description="Losses that must not cost data."
    )
    max_load_factor: float | None = Field(
        None,
        ge=1.0,
        le=1_000.0,
        description="Most primaries on a survivor after losing one host, over its own number.",
    )
    guards: GuardsPart = Field(
        default_factory=GuardsPart, description="Limits on how much one plan may copy."
    )


class ProtectPart(Part):
    """A content or a host whose mirrors must not move."""

    content: Content | None = Field(None, description="Content id; or give `host`.")
    host: str | None = Field(None, description="One of `hosts`; or give `content`.")


class WavesPart(Part):
    """Most contents that may be without a second copy at once."""

    max_contents: Count = Field(16, description="Most contents in one wave.")
    per_source_host: Count = Field(1, description="Most of them with one acting primary's host.")
    per_target_host: Count = Field(2, description="Most of them with one target host.")


class NativePart(Part):
    """What the native utilities are told. A value that equals a utility's own default is left out of
    its command line; whether an installed utility takes the others is asked in preflight.
    """

    hosts: int = Field(
        16, ge=1, le=64, description="Hosts at once (-B); on gp4 and gp5 segments at once."
    )
    per_host: int = Field(
        64,
        ge=1,
        le=128,
        description="Segments at once on a host (-b); not used on gp4 and gp5. Greenplum 6 has it "
        "from 6.17 on.",
    )
    verbose: bool = Field(default=False, description="Verbose output of the utilities (-v).")
    hba_hostnames: bool = Field(
        default=False,
        description="Host names instead of IP addresses in pg_hba.conf (--hba-hostnames); not on "
        "gp4 and gp5.",
    )
    max_rate: Rate | None = Field(
        None,
        description="Most that a full copy may take (--max-rate): 32 to 1048576 kB/s, or 32M to "
        "1024M; of gp7 WarehousePG 7.4 has it, and Greengage 7.",
    )
    replay_lag: float | None = Field(
        None,
        ge=0.1,
        le=1_000_000,
        description="Most GB that a mirror may still have to replay when its role returns "
        "(--replay-lag); of gp6 the latest releases have it; not on gp4 and gp5.",
    )


class NotifyPart(Part):
    """A program of yours that is told how a run goes."""

    command: list[Argument] = Field(
        min_length=1,
        max_length=64,
        description="Program and arguments, started without a shell at the start and the end of a run "
        "and of each wave, with the event as JSON on standard input. It is ended after 10 s; how it "
        "ends changes nothing. Never taken from a plan file.",
    )


class ApplyPart(Part):
    """How apply works through a plan."""

    waves: WavesPart = Field(default_factory=WavesPart, description="Limits of a wave.")
    native: NativePart = Field(
        default_factory=NativePart, description="Options of the native utilities."
    )
    hosts_at_once: int = Field(32, ge=1, le=1_000, description="Hosts asked and prepared at once.")
    sync_timeout: Time = Field(
        86_400,
        description="How long a wave may run, and then how long it may take to be in sync: 30s, "
        "90m, 24h, 2d.",
        json_schema_extra={"default": "24h"},
    )
    notify: NotifyPart | None = Field(None, description="Who is told how a run goes.")


class SpecPart(Part):
    """Mirrors of one Greenplum cluster, as they should be."""

    api_version: Literal["gpmirror/v1"] = Field(
        alias="apiVersion", description="Version of this format."
    )
    cluster: ClusterPart = Field(description="Which cluster this is.")
    ssh: SshPart | None = Field(None, description="How hosts are reached.")
    hosts: list[HostPart] = Field(
        min_length=1, max_length=10_000, description="All segment hosts, in ring order."
    )
    mirrors: MirrorsPart = Field(description="How mirrors are spread and where they live.")
    policy: PolicyPart | None = Field(None, description="What every layout and plan is judged by.")
    protect: list[ProtectPart] | None = Field(
        None, description="Contents and hosts whose mirrors must not move."
    )
    apply: ApplyPart | None = Field(None, description="How apply works through a plan.")
    snapshot: Line | None = Field(
        None,
        description="Saved catalog that `--offline` reads, in the spec's folder or below it; "
        "default: `snapshot.json` beside the spec.",
    )


# --- What the document model declares at a path: allowed keys, words, whether it is required.


def fields_at(path: Path) -> list[str]:
    """The keys that the mapping at `path` may have, as written in YAML."""
    part = _part_at(path)
    if part is None:
        return []
    return [found.alias or name for name, found in part.model_fields.items()]


def field_at(path: Path) -> FieldInfo | None:
    """The declaration of the key at `path`; None for free keys (filespaces) and list items."""
    part = _part_at(path[:-1])
    name = "api_version" if path[-1] == "apiVersion" else path[-1]
    return None if part is None else part.model_fields.get(str(name))


def literals(annotation: object) -> list[str]:
    """The words a field of this annotation may hold; none where it takes any text."""
    found: list[str] = []
    for inner in get_args(annotation):
        found += [inner] if isinstance(inner, str) else literals(inner)
    return found


def _part_at(path: Path) -> type[BaseModel] | None:
    part: type[BaseModel] | None = SpecPart
    for step in path:
        if isinstance(step, str) and part is not None:
            found = part.model_fields.get(step)
            part = None if found is None else _part_in(found.annotation)
    return part


def _part_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return annotation
    for inner in get_args(annotation):
        found = _part_in(inner)
        if found is not None:
            return found
    return None


# --- The shape of a spec as JSON Schema, for editors and the reference documentation.


def spec_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of the YAML document. Rules between fields are not in it."""
    schema = SpecPart.model_json_schema(mode="validation")
    for part in (schema, *schema["$defs"].values()):
        for field in part["properties"].values():
            _describe(field, schema["$defs"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "gpmirror spec",
    }


def _describe(field: dict[str, Any], parts: dict[str, Any]) -> None:
    """Give a field that only refers to a part the part's description."""
    if "description" not in field and "$ref" in field:
        field["description"] = parts[field["$ref"].removeprefix("#/$defs/")]["description"]
