"""Known-hosts files: who is trusted, by every way of writing a name."""

import base64
import hmac
from pathlib import Path

import pytest

from gpmirror.adapters.ssh_target import Changed, Known, KnownHosts, Revoked, Unknown, Verdict

KEY, OTHER = b"\0\0\0\x0bssh-ed25519key", b"\0\0\0\x0bssh-ed25519other"
NAMES = ("[sdw1]:2200", "sdw1")


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def hashed(name: str) -> str:
    salt = b"s" * 20
    digest = hmac.digest(salt, name.encode(), "sha1")
    return f"|1|{text_of(salt)}|{text_of(digest)}"


def judge(folder: Path, *lines: str, kind: str = "ssh-ed25519") -> Verdict:
    file = folder / "known_hosts"
    file.write_text("\n".join([*lines, ""]))
    return KnownHosts().judge([str(folder / "absent"), str(file)], NAMES, kind, KEY)


@pytest.mark.parametrize(
    "names",
    [
        "[sdw1]:2200",
        "[SDW1]:2200",
        "a,b,[sdw1]:2200",
        "sdw1",
        "sdw?",
        "*",
        "[sdw1]:*",
        "[sdw*]:2200",
        hashed("[sdw1]:2200"),
        hashed("sdw1"),
    ],
)
def test_known_names(tmp_path: Path, names: str) -> None:
    assert judge(tmp_path, f"{names} ssh-ed25519 {text_of(KEY)} a comment") == Known()


@pytest.mark.parametrize(
    "names",
    [
        "sdw2",
        "[sdw1]:22",
        "[sdw1]:220",
        "*,![sdw1]:2200,!sdw1",
        "sdw",
        hashed("x"),
        "|1|junk|=",
        "|",
    ],
)
def test_other_names(tmp_path: Path, names: str) -> None:
    assert judge(tmp_path, f"{names} ssh-ed25519 {text_of(KEY)}") == Unknown(others=())


@pytest.mark.parametrize(
    "line",
    ["", "# comment", "sdw1", "sdw1 ssh-ed25519", "sdw1 ssh-ed25519 not-base64!", "@revoked", "\0"],
)
def test_lines_that_are_no_keys_are_skipped(tmp_path: Path, line: str) -> None:
    assert judge(tmp_path, line, f"sdw1 ssh-ed25519 {text_of(KEY)}") == Known()
    assert judge(tmp_path, line) == Unknown(others=())


def test_another_key_of_the_same_kind_is_a_change(tmp_path: Path) -> None:
    verdict = judge(tmp_path, "# first", f"[sdw1]:2200 ssh-ed25519 {text_of(OTHER)}")
    assert isinstance(verdict, Changed)
    assert str(verdict.line) == f"{tmp_path}/known_hosts:2"


def test_the_plain_name_may_only_confirm(tmp_path: Path) -> None:
    """A key under `sdw1` is that of port 22: another server on 2200 is no change."""
    assert judge(tmp_path, f"sdw1 ssh-ed25519 {text_of(OTHER)}") == Unknown(others=())


def test_one_of_several_keys_is_enough(tmp_path: Path) -> None:
    lines = [f"[sdw1]:2200 ssh-ed25519 {text_of(key)}" for key in (OTHER, KEY)]
    assert judge(tmp_path, *lines) == Known()


def test_a_key_of_another_kind_is_told(tmp_path: Path) -> None:
    verdict = judge(tmp_path, f"[sdw1]:2200 ssh-rsa {text_of(OTHER)}")
    assert isinstance(verdict, Unknown)
    assert [line.kind for line in verdict.others] == ["ssh-rsa"]


@pytest.mark.parametrize("names", ["*", "sdw1", "[sdw1]:2200", hashed("[sdw1]:2200")])
def test_a_revoked_key_wins_over_all(tmp_path: Path, names: str) -> None:
    known = f"[sdw1]:2200 ssh-ed25519 {text_of(KEY)}"
    verdict = judge(tmp_path, known, f"@revoked {names} ssh-ed25519 {text_of(KEY)}")
    assert isinstance(verdict, Revoked)
    assert verdict.line.number == 2
    assert judge(tmp_path, known, f"@revoked * ssh-ed25519 {text_of(OTHER)}") == Known()


def test_an_authority_is_no_key(tmp_path: Path) -> None:
    verdict = judge(tmp_path, f"@cert-authority * ssh-ed25519 {text_of(KEY)}")
    assert isinstance(verdict, Unknown)
    assert [line.mark for line in verdict.others] == ["@cert-authority"]


def test_kinds_known_for_a_host(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(
        f"sdw1 ssh-rsa {text_of(KEY)}\n[sdw1]:2200 ssh-ed25519 {text_of(KEY)}\n"
        f"@revoked [sdw1]:2200 ecdsa-sha2-nistp256 {text_of(KEY)}\n"
    )
    assert KnownHosts().kinds([str(file)], NAMES) == ("ssh-ed25519",)
    assert KnownHosts().kinds([str(file)], ("[sdw1]:2201", "sdw1")) == ("ssh-rsa",)


def test_large_files_are_read_once(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    lines = [f"{hashed(f'host{n}')} ssh-ed25519 {text_of(OTHER)}" for n in range(500)]
    lines += [f"host{n} ssh-ed25519 {text_of(OTHER)}" for n in range(3000)]
    file.write_text("\n".join(lines))
    known = KnownHosts()
    names = ("[sdw1]:2200", "sdw1")
    assert isinstance(known.judge([str(file)], names, "ssh-ed25519", KEY), Unknown)
    file.unlink()
    assert known.judge([str(file)], ("[host7]:2200", "host7"), "ssh-ed25519", OTHER) == Known()
