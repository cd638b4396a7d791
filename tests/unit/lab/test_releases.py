"""The table of releases: complete, proved, and offered by the command line as it stands."""

import dataclasses
import typing

import pytest

from gpmirror.catalog.detect import version_evidence
from gpmirror.cli import lab as command
from gpmirror.diagnostics import Source
from gpmirror.lab.releases import DEFAULTS, PROOFS, RELEASES, Release
from gpmirror.lab.utilities import gpaddmirrors, gpmovemirrors, gprecoverseg

NAMES = {"name", "dialect", "backend", "number", "product", "build", "path_file"}


def test_every_trait_has_a_proof_that_names_a_release() -> None:
    traits = {field.name for field in dataclasses.fields(Release)} - NAMES
    assert set(PROOFS) == traits
    numbers = [release.number for release in RELEASES.values()]
    assert all(any(number in proof for number in numbers) for proof in PROOFS.values())


def test_6_1_0_differs_by_one_option_alone() -> None:
    """Nothing else is known of it."""
    one, other = RELEASES["6.1.0"], RELEASES["6.24.3"]
    fields = [f.name for f in dataclasses.fields(Release)]
    different = {name for name in fields if getattr(one, name) != getattr(other, name)}
    assert different == {"name", "number", "backend", "per_host_option"}


def test_the_command_line_offers_the_table() -> None:
    hints = typing.get_type_hints(command.up)
    (named, _) = typing.get_args(hints["release"])
    (dialect, _) = typing.get_args(hints["dialect"])
    assert set(typing.get_args(named)) == set(RELEASES)
    assert set(typing.get_args(dialect)) == set(DEFAULTS)
    assert {RELEASES[name].dialect.value: name for name in DEFAULTS.values()} == DEFAULTS


@pytest.mark.parametrize("name", ["5.8.1", "6.1.0"])
def test_the_option_b_is_refused_as_optparse_does(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for program in (gpaddmirrors, gprecoverseg, gpmovemirrors):
        with pytest.raises(SystemExit) as ended:
            program.parser(RELEASES[name]).parse_args(["-i", "file", "-b", "64"])
        assert ended.value.code == 2
        assert capsys.readouterr().err.endswith("error: no such option: -b\n")


def test_the_other_releases_know_it() -> None:
    for release in (r for r in RELEASES.values() if r.per_host_option):
        for program in (gpaddmirrors, gprecoverseg, gpmovemirrors):
            values, _ = program.parser(release).parse_args(["-B", "1", "-b", "7"])
            assert values.per_host == 7


def test_the_coordinator_is_called_as_the_release_does() -> None:
    values, _ = gprecoverseg.parser(RELEASES["7.0.0"]).parse_args(
        ["--coordinator-data-directory", "/c"]
    )
    assert values.data_directory == "/c"
    with pytest.raises(SystemExit):
        gprecoverseg.parser(RELEASES["6.24.3"]).parse_args(["--coordinator-data-directory", "/c"])


def test_the_server_version_is_known_to_readers_of_catalogs() -> None:
    for release in RELEASES.values():
        text = release.server_version
        (evidence,) = version_evidence(Source(file="c", lines=[text]), text)
        assert (evidence.preferred, evidence.version) == (release.dialect, release.number)
