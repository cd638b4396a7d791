"""What kind of file an import starts from, and what the cluster is called."""

import pytest

from gpmirror.errors import InvalidInput
from gpmirror.run.importing import default_name, import_spec


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("prod-dwh.txt", "prod-dwh"),
        ("/var/tmp/Prod DWH (old).out", "prod-dwh-old"),
        ("-", "imported"),
        ("...", "imported"),
        ("x" * 99, "x" * 63),
    ],
)
def test_a_cluster_is_called_after_its_file(file: str, name: str) -> None:
    assert default_name(file) == name


@pytest.mark.parametrize(
    ("text", "strategy"),
    [
        ("0|sdw1|7000|/data/m/gpseg0\n1|sdw2|7000|/data/m/gpseg1\n", "pinned"),
        ("MIRROR_PORT_BASE=7000\nSEG_PREFIX=gpseg\n", "group"),
    ],
)
def test_native_files_are_known_by_their_text(text: str, strategy: str) -> None:
    inferred = import_spec(text.encode(), "file", table=None, name=None)
    assert inferred.strategy.value == strategy


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("plain words\n", "GPM-C002"),
        ("see http://greenplum.org/docs: it says\nthat nothing\nis here\n", "GPM-C002"),
        (
            "filespaceOrder=\nmirror0=0\uff1asdw2\uff1a5\uff1a6\uff1a7\uff1a/data/m/gpseg0\n",
            "GPM-N003",
        ),
        ("{}", "GPM-C050"),
    ],
)
def test_other_files_get_the_complaint_that_is_to_the_point(text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        import_spec(text.encode(), "file", table=None, name=None)
    assert code in {found.code for found in caught.value.diagnostics}
