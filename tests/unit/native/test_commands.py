"""Command lines of every family."""

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.model.dialect import DIALECTS, DialectName
from gpmirror.native.commands import (
    UtilityOptions,
    add_argv,
    move_argv,
    rebalance_argv,
    recover_argv,
)

GP5, GP6 = DIALECTS[DialectName.GP5], DIALECTS[DialectName.GP6]
USUAL = UtilityOptions()
SMALL = UtilityOptions(hosts=2, per_host=3, verbose=True)
LATER = UtilityOptions(hba_hostnames=True, max_rate="32M", replay_lag=2.5)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (add_argv(GP6, "w1", USUAL), "gpaddmirrors -a -i w1"),
        (add_argv(GP5, "w1", USUAL), "gpaddmirrors -a -i w1"),
        (add_argv(GP5, "w1", SMALL), "gpaddmirrors -a -i w1 -B 2 -v"),
        (add_argv(GP6, "w1", LATER), "gpaddmirrors -a -i w1 --hba-hostnames"),
        (move_argv(GP6, "gprecoverseg", "w1", USUAL), "gprecoverseg -a -i w1"),
        (move_argv(GP6, "gpmovemirrors", "w1", SMALL), "gpmovemirrors -i w1 -B 2 -b 3 -v"),
        (move_argv(GP5, "gpmovemirrors", "w1", SMALL), "gpmovemirrors -i w1 -B 2 -v"),
        (move_argv(GP6, "gpmovemirrors", "w1", LATER), "gpmovemirrors -i w1 --hba-hostnames"),
        (
            move_argv(GP6, "gprecoverseg", "w1", LATER),
            "gprecoverseg -a -i w1 --hba-hostnames --max-rate 32M",
        ),
        (
            recover_argv(GP6, "w1", how="incremental", told=SMALL),
            "gprecoverseg -a -i w1 -B 2 -b 3 -v",
        ),
        (recover_argv(GP6, "w1", how="full", told=USUAL), "gprecoverseg -a -F -i w1"),
        (
            recover_argv(GP6, "w1", how="incremental", told=LATER),
            "gprecoverseg -a -i w1 --hba-hostnames",
        ),
        (
            recover_argv(GP6, "w1", how="full", told=LATER),
            "gprecoverseg -a -F -i w1 --hba-hostnames --max-rate 32M",
        ),
        (
            recover_argv(GP6, "w1", how="differential", told=LATER),
            "gprecoverseg -a --differential -i w1 --hba-hostnames",
        ),
        (rebalance_argv(GP5, USUAL), "gprecoverseg -a -r"),
        (rebalance_argv(GP6, SMALL), "gprecoverseg -a -r -B 2 -b 3 -v"),
        (rebalance_argv(GP6, LATER), "gprecoverseg -a -r --replay-lag 2.5"),
    ],
)
def test_argv(argv: tuple[str, ...], expected: str) -> None:
    assert " ".join(argv) == expected


def test_a_file_name_is_one_argument() -> None:
    assert add_argv(GP6, "a b; rm -rf /", USUAL)[3] == "a b; rm -rf /"


@pytest.mark.parametrize(
    "native", [UtilityOptions(hosts=0), UtilityOptions(hosts=65), UtilityOptions(per_host=129)]
)
def test_parallelism_out_of_range(native: UtilityOptions) -> None:
    with pytest.raises(InvalidInput) as caught:
        rebalance_argv(GP6, native)
    assert caught.value.diagnostics[0].code == "GPM-N035"
