"""The releases that a practice cluster can stand for: one table of what the stand-ins do in each.

A stand-in asks its lab's `release` for a trait; it never asks for a release by name. Each trait
has its proof in `PROOFS`: the release and the utility in whose transcript it was seen, or the
source it was read in. What a release was not seen to do follows its nearest neighbour.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.values import dataclass

Locking = Literal["folder", "folder, dead cleared", "file, dead cleared"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """One release. `backend` and `product` stand in its `version()`, `build` behind its number.

    `per_host_option`: the utilities know `-b`. `host_fields`: gprecoverseg reads groups with a
    hostname before the address, `kind_prefix` also with I, D or F before that; `relates_names`: it
    skips a line whose hostname and address share no IP. `dead_host_left`: a line of two groups that
    leaves a host which does not answer is carried out; else it is skipped. `names_left_out`: every
    segment of a silent host is named as not recovered. `asks_target`: a target host that does not
    answer is refused at once. `minds_backup_mode`: a primary in backup mode is left out. `locking`: what keeps two runs
    apart, and whether the lock of a dead process is cleared. `backs_out`: a mirror whose full copy
    failed returns to its old row. `removes_failed_copy`: a base backup that fails takes away what it
    wrote. `differential`: the option exists; `differential_with_input`: it
    goes with `-i`. `asks_of_odd_arrays`: gpaddmirrors asks on a "non-standard" array even with
    `-a`. `output_comments`: `gprecoverseg -o` writes lines of comment above, and as comments what
    lies on silent hosts. `quick_fails`:
    `gpstate -Q` ends with 1 where a segment is down. `hba_hostnames`, `replay_lag`: the options exist;
    `replay_lag_alone`: it is taken without `-r` too.
    """

    name: str
    dialect: DialectName
    backend: str
    number: str
    product: str = "Greenplum"
    build: str = "build practice"
    path_file: str = "greenplum_path.sh"
    per_host_option: bool = True
    host_fields: bool = False
    kind_prefix: bool = False
    relates_names: bool = False
    dead_host_left: bool = False
    names_left_out: bool = True
    asks_target: bool = False
    minds_backup_mode: bool = False
    locking: Locking = "folder"
    backs_out: bool = True
    removes_failed_copy: bool = False
    differential: bool = False
    differential_with_input: bool = False
    asks_of_odd_arrays: bool = False
    output_comments: bool = False
    quick_fails: bool = False
    hba_hostnames: bool = True
    replay_lag: bool = False
    replay_lag_alone: bool = False

    @property
    def old(self) -> bool:
        """Whether it is of the file-replication generation (4.3, 5)."""
        return DIALECTS[self.dialect].file_replication

    @property
    def coordinator_word(self) -> Literal["master", "coordinator"]:
        """What its utilities call the coordinator."""
        return DIALECTS[self.dialect].coordinator_word

    @property
    def server_version(self) -> str:
        """What `version()` says; it says too that this is no Greenplum."""
        return (
            f"PostgreSQL {self.backend} ({self.product} Database {self.number} {self.build})"
            " on x86_64-unknown-linux-gnu, a practice cluster, not Greenplum"
        )


_6 = Release(
    name="6.24.3",
    number="6.24.3",
    dialect=DialectName.GP6,
    backend="9.4.26",
    quick_fails=True,
)

RELEASES: Mapping[str, Release] = {
    found.name: found
    for found in (
        Release(
            name="5.8.1",
            number="5.8.1",
            dialect=DialectName.GP5,
            backend="8.3.23",
            per_host_option=False,
            locking="file, dead cleared",
            asks_of_odd_arrays=True,
            quick_fails=True,
            hba_hostnames=False,
        ),
        # the same as 6.24.3 but for what is known to be younger
        replace(
            _6,
            name="6.1.0",
            number="6.1.0",
            backend="9.4.24",
            per_host_option=False,
        ),
        _6,
        Release(
            name="7.0.0",
            number="7.0.0",
            dialect=DialectName.GP7,
            backend="12.12",
            host_fields=True,
            quick_fails=True,
            relates_names=True,
            dead_host_left=True,
            names_left_out=False,
            asks_target=True,
            minds_backup_mode=True,
            locking="folder, dead cleared",
            removes_failed_copy=True,
            differential=True,
            replay_lag=True,
            replay_lag_alone=True,
        ),
        replace(
            _6,
            name="greengage-6.27.1",
            number="6.27.1",
            product="Greengage",
            dialect=DialectName.GREENGAGE6,
            path_file="greengage_path.sh",
            host_fields=True,
            kind_prefix=True,
            relates_names=True,
            dead_host_left=True,
            asks_target=True,
            minds_backup_mode=True,
            locking="folder, dead cleared",
            differential=True,
            differential_with_input=True,
            output_comments=True,
            replay_lag=True,
        ),
    )
}

DEFAULTS: Mapping[str, str] = {
    DialectName.GP5.value: "5.8.1",
    DialectName.GP6.value: "6.24.3",
    DialectName.GP7.value: "7.0.0",
    DialectName.GREENGAGE6.value: "greengage-6.27.1",
}
"""The release that stands for a dialect where none is named."""

PROOFS: Mapping[str, str] = {
    "per_host_option": "help texts of 5.8.1, 6.24.3, 7.0.0; a catalog and logs of 6.1.0 in public"
    " reports; -b entered 6X in May 2021",
    "host_fields": "gprecoverseg -i on 6.24.3 (exit 2), 7.0.0 and Greengage 6.27.1",
    "kind_prefix": "gprecoverseg -i on Greengage 6.27.1; on 7.0.0 exit 2",
    "relates_names": "gprecoverseg -i on 7.0.0 and Greengage 6.27.1 with two addresses a host",
    "dead_host_left": "gprecoverseg -i with a host cut off: 6.24.3 skips, 7.0.0 and Greengage"
    " 6.27.1 carry out",
    "names_left_out": "gprecoverseg with a host cut off: 6.24.3 and Greengage 6.27.1 name them,"
    " 7.0.0 does not",
    "asks_target": "gprecoverseg of 7.0.0 and Greengage 6.27.1 by source",
    "minds_backup_mode": "gprecoverseg with a backup_label at the primary: 7.0.0 and Greengage"
    " 6.27.1 leave it out, 6.24.3 does not look",
    "locking": "locks left before gprecoverseg and gpmovemirrors, dead, living and empty: 6.24.3,"
    " 7.0.0, Greengage 6.27.1; 5.8.1 by its source and by two gprecoverseg at once",
    "backs_out": "gprecoverseg with pg_basebackup killed: 6.24.3, 7.0.0, Greengage 6.27.1",
    "removes_failed_copy": "gprecoverseg onto a full disk: 5.8.1, 6.24.3 and Greengage 6.27.1 leave it,"
    " 7.0.0 does not",
    "differential": "gprecoverseg --differential on 7.0.0 and Greengage 6.27.1",
    "differential_with_input": "gprecoverseg -i with D lines on Greengage 6.27.1; 7.0.0 refuses",
    "asks_of_odd_arrays": "gpaddmirrors 5.8.1; 6.24.3, 7.0.0 and Greengage 6.27.1 do not ask with -a",
    "output_comments": "gprecoverseg -o on Greengage 6.27.1; 7.0.0 and 6.24.3 write none",
    "quick_fails": "gpstate -Q with a mirror down on 5.8.1, 6.24.3, 7.0.0, Greengage 6.27.1",
    "hba_hostnames": "help texts of 5.8.1, 6.24.3, 7.0.0",
    "replay_lag": "gprecoverseg --help on 6.24.3, 7.0.0 and Greengage 6.27.1",
    "replay_lag_alone": "gprecoverseg --replay-lag on 7.0.0 and Greengage 6.27.1",
}
"""Where each trait was seen."""
