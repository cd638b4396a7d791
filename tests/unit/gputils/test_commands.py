"""Command lines of every family."""

import pytest

from gpmirror.cluster.dialect import DIALECTS, DialectName
from gpmirror.errors import InvalidInput
from gpmirror.gputils.commands import (
    Parallelism,
    add_argv,
    move_argv,
    rebalance_argv,
    recover_argv,
)

GP5, GP6 = DIALECTS[DialectName.GP5], DIALECTS[DialectName.GP6]
USUAL = Parallelism()
SMALL = Parallelism(hosts=2, per_host=3, verbose=True)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (add_argv(GP6, "w1", USUAL), "gpaddmirrors -a -i w1 -B 16 -b 64"),
        (add_argv(GP5, "w1", USUAL), "gpaddmirrors -a -i w1 -B 64"),
        (add_argv(GP5, "w1", SMALL), "gpaddmirrors -a -i w1 -B 6 -v"),
        (move_argv(GP6, "gprecoverseg", "w1", USUAL), "gprecoverseg -a -i w1 -B 16 -b 64"),
        (move_argv(GP6, "gpmovemirrors", "w1", SMALL), "gpmovemirrors -i w1 -B 2 -b 3 -v"),
        (move_argv(GP5, "gpmovemirrors", "w1", SMALL), "gpmovemirrors -i w1 -B 6 -v"),
        (recover_argv(GP6, "w1", full=False, native=SMALL), "gprecoverseg -a -i w1 -B 2 -b 3 -v"),
        (recover_argv(GP6, "w1", full=True, native=USUAL), "gprecoverseg -a -F -i w1 -B 16 -b 64"),
        (rebalance_argv(GP5, USUAL), "gprecoverseg -a -r -B 64"),
        (rebalance_argv(GP6, USUAL), "gprecoverseg -a -r -B 16 -b 64"),
    ],
)
def test_argv(argv: tuple[str, ...], expected: str) -> None:
    assert " ".join(argv) == expected


def test_a_file_name_is_one_argument() -> None:
    assert add_argv(GP6, "a b; rm -rf /", USUAL)[3] == "a b; rm -rf /"


@pytest.mark.parametrize(
    "native", [Parallelism(hosts=0), Parallelism(hosts=65), Parallelism(per_host=129)]
)
def test_parallelism_out_of_range(native: Parallelism) -> None:
    with pytest.raises(InvalidInput) as caught:
        rebalance_argv(GP6, native)
    assert caught.value.diagnostics[0].code == "GPM-N035"
