"""What the installed utilities take: options by release, hostnames beside addresses."""

import pytest

from tests.labs import Practice, practice_cluster

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.ssh, pytest.mark.slow]

ROWS = """\
SELECT hostname, address, port FROM gp.gp_segment_configuration
 WHERE content = {} AND preferred_role = 'm'"""


def told(practice: Practice, *words: str, code: int = 0) -> str:
    """Everything that a command says."""
    done = practice.gpmirror(*words, seconds=300)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_release_without_b_gets_mirrors_and_names_the_key_that_asks_for_it() -> None:
    """Greenplum 6.0 to 6.16: gpaddmirrors ended at `-b`, and so did every resume."""
    with practice_cluster(release="6.1.0", hosts=2, primaries=1) as practice:
        spec = practice.spec.read_text()
        practice.spec.write_text(spec + "apply: {native: {per_host: 8}}\n")
        said = told(practice, "apply", "--yes", code=9)
        assert "the installed gpaddmirrors has no -b" in said
        assert "leave apply.native.per_host out of the spec and plan again" in said
        assert practice.sql(ROWS.format(0)) == []
        practice.spec.write_text(spec)
        assert "every mirror is in sync" in told(practice, "apply", "--yes")


def test_mirrors_move_between_hosts_with_two_addresses() -> None:
    """gprecoverseg left lines out whose hostname and address share no IP, and ended with 0."""
    allow = ("--allow", "hostname-becomes-address")
    with practice_cluster(release="7.0.0", hosts=3, primaries=1, addresses=2) as practice:
        told(practice, "apply", "--yes", *allow)
        spec = practice.spec.read_text()
        pins = (
            "  pins:\n    - {content: 0, host: sdw3, address: sdw3-2, port: 17500, "
            f"directory: {practice.lab.hosts[2].data}/mirror/moved0}}\n"
        )
        practice.spec.write_text(_with_pins(spec, pins))
        snapshot = practice.spec.parent / "snapshot.json"
        told(practice, "snapshot", "-o", str(snapshot))
        assert '["sdw3","sdw3-2",false]' in snapshot.read_text()
        native = ("--content", "0", "--format", "native")
        offline = practice.gpmirror("plan", "--catalog", str(snapshot), *native).stdout
        live = practice.gpmirror("plan", *native, seconds=300)
        assert (live.returncode, live.stdout) == (0, offline)
        assert "sdw3|sdw3-2" not in offline
        assert " sdw3-2|17500|" in offline
        told(practice, "apply", "--yes", "--content", "0", code=4)
        told(practice, "apply", "--yes", "--content", "0", *allow, "--allow", "guard:moves_percent")
        assert practice.sql(ROWS.format(0)) == [("sdw3-2", "sdw3-2", 17500)]


def _with_pins(spec: str, pins: str) -> str:
    head, rest = spec.split("mirrors:\n", 1)
    return f"{head}mirrors:\n{pins}{rest}"
