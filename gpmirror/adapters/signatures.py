"""Signed plan files: a signature beside the file, made and verified by `ssh-keygen -Y`.

The namespace keeps a signature of a plan from being one of anything else. The tool comes with
OpenSSH 8.0 and later.
"""

import subprocess
from pathlib import Path

from gpmirror.adapters.files import write_output
from gpmirror.adapters.operator import ssh_environment
from gpmirror.errors import Failure, Unreadable, Unsafe

NAMESPACE = "gpmirror-plan"
_SECONDS = 60


def signature_of(plan: str) -> str:
    """The name of the file that holds a plan file's signature."""
    return f"{plan}.sig"


def sign(plan: str, data: bytes, key: str) -> str:
    """Sign the bytes that were written as a plan file, not what somebody has put there since, with a
    private key, or with a public one whose private part an agent holds. The signature's file name.
    Raises Failure: ssh-keygen is missing or refuses, the signature cannot be written.
    """
    done = _keygen(["sign", "-n", NAMESPACE, "-f", key], data)
    if done.returncode != 0:
        raise Failure(
            f"{plan} was written, and could not be signed with {key}: {_said(done)}",
            hint="name a private key that may sign without a passphrase, or one of your agent",
        )
    write_output(signature_of(plan), done.stdout.decode("ascii"), force=True)
    return signature_of(plan)


def check_signature(plan: str, data: bytes, signers: str) -> str:
    """Who signed exactly these bytes, out of the allowed signers (ssh-keygen(1), ALLOWED SIGNERS).

    Raises Unreadable: there is no signature beside the plan, or no list of signers; Unsafe (4):
    nobody of the list signed this.
    """
    if plan == "-":
        raise Unreadable(
            "a plan from standard input has no signature beside it", hint="name the plan file"
        )
    signature = signature_of(plan)
    for file in (signers, signature):
        if not Path(file).is_file():
            raise Unreadable(f"cannot read {file}: no such file", hint=_MISSING[file == signature])
    found = _keygen(["find-principals", "-s", signature, "-f", signers])
    who = found.stdout.decode(errors="replace").splitlines()
    if found.returncode != 0 or not who:
        raise Unsafe(
            f"{signature} is of nobody who is listed in {signers}: {_said(found)}",
            hint="have the plan made and signed by somebody of that list",
        )
    options = ["-n", NAMESPACE, "-s", signature, "-f", signers, "-I", who[0]]
    verified = _keygen(["verify", *options], data)
    if verified.returncode != 0:
        raise Unsafe(
            f"{signature} does not fit {plan}: {_said(verified)}",
            hint="the plan was changed after it was signed, or signed for something else: have it "
            "made and signed again",
        )
    return who[0]


_MISSING = {
    True: "`gpmirror plan -o PLAN --sign KEY` writes it beside the plan",
    False: 'a line of it is `NAME namespaces="gpmirror-plan" ssh-ed25519 KEY`',
}


def _keygen(words: list[str], data: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(  # noqa: S603 - no shell
            ["ssh-keygen", "-Y", *words],  # noqa: S607 - as the user's PATH has it
            input=data,
            capture_output=True,
            check=False,
            timeout=_SECONDS,
            env=ssh_environment(),
        )
    except FileNotFoundError as error:
        raise Failure(
            "ssh-keygen is not there", hint="install OpenSSH's client programs (8.0 or later)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise Failure(
            f"ssh-keygen did not end in {_SECONDS} s", hint="does it wait for a passphrase?"
        ) from error


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    lines = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"ssh-keygen ended with {done.returncode}"
