"""Signatures beside plan files, with the real ssh-keygen."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gpmirror.adapters.signatures import check_signature, sign, signature_of
from gpmirror.errors import Failure, Unreadable, Unsafe

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, Path]:
    """A signed plan file, and the list with its signer."""
    key, plan = _key(tmp_path / "key"), tmp_path / "-plan.json"
    plan.write_bytes(b"{}\n")
    public = key.with_suffix(".pub").read_text()
    signers = tmp_path / "signers"
    signers.write_text(f'dba@example.com namespaces="gpmirror-plan" {public}')
    assert sign(str(plan), b"{}\n", str(key)) == signature_of(str(plan))
    return plan, signers


def test_who_signed_is_told(signed: tuple[Path, Path]) -> None:
    plan, signers = signed
    assert check_signature(str(plan), b"{}\n", str(signers)) == "dba@example.com"
    assert sign(str(plan), b"{}\n", str(plan.parent / "key"))  # once more, over the old one


def test_other_bytes_are_refused(signed: tuple[Path, Path]) -> None:
    plan, signers = signed
    with pytest.raises(Unsafe, match="does not fit"):
        check_signature(str(plan), b"{} \n", str(signers))


def test_a_signature_for_another_purpose_is_refused(signed: tuple[Path, Path]) -> None:
    plan, signers = signed
    Path(signature_of(str(plan))).unlink()
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(plan.parent / "key")]
    subprocess.run([*words, "--", str(plan)], check=True, capture_output=True)
    with pytest.raises(Unsafe):
        check_signature(str(plan), b"{}\n", str(signers))


def test_a_stranger_is_refused(signed: tuple[Path, Path]) -> None:
    plan, signers = signed
    sign(str(plan), b"{}\n", str(_key(plan.parent / "other")))
    with pytest.raises(Unsafe, match="nobody who is listed"):
        check_signature(str(plan), b"{}\n", str(signers))


def test_what_is_missing_is_named(signed: tuple[Path, Path]) -> None:
    plan, signers = signed
    with pytest.raises(Unreadable, match="none: no such file"):
        check_signature(str(plan), b"{}\n", str(plan.parent / "none"))
    Path(signature_of(str(plan))).unlink()
    with pytest.raises(Unreadable, match=r"plan\.json\.sig: no such file"):
        check_signature(str(plan), b"{}\n", str(signers))
    with pytest.raises(Failure, match="could not be signed with"):
        sign(str(plan), b"{}\n", str(plan.parent / "none"))


def test_what_was_made_is_signed_not_what_stands_there_by_now(signed: tuple[Path, Path]) -> None:
    """Somebody who may write the folder puts another plan there before the signature is made."""
    plan, signers = signed
    plan.write_bytes(b"forged")
    sign(str(plan), b"{}\n", str(plan.parent / "key"))
    with pytest.raises(Unsafe, match="does not fit"):
        check_signature(str(plan), plan.read_bytes(), str(signers))
