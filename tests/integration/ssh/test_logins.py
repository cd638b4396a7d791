"""Logging in: keys alone, each file read once, and clear words when the server takes none."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gpmirror.adapters.ssh import SshHosts, open_hosts
from gpmirror.boundary import Silence
from gpmirror.errors import Unreadable
from gpmirror.spec.model import SshOptions
from tests.ssh_replies import answered, run, silent
from tests.sshd import USER, Farm, make_key

pytestmark = pytest.mark.ssh

Connect = Callable[[], SshHosts]


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty agent of our own."""
    path = tmp_path / "agent"
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout
        process.stdout.readline()  # it says where it listens once it does
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield path
        process.terminate()


def identities(farm: Farm, *paths: Path) -> None:
    lines = "".join(f"  IdentityFile {path}\n" for path in paths)
    text = farm.config.read_text().replace(f"  IdentityFile {farm.key}\n", lines)
    farm.config.write_text(text)


def test_a_refused_login_says_what_was_tried(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    stranger = farm.folder / "stranger"
    make_key(stranger)
    identities(farm, stranger, farm.folder / "absent")
    reply = silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    assert str(stranger) in reply.message
    assert "absent" not in reply.message
    assert "the server accepts publickey" in reply.message
    assert f"{USER}@{farm.servers['sdw1'].address}" in reply.message


def test_without_any_key_the_server_is_asked_what_it_accepts(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    identities(farm, farm.folder / "absent")
    reply = silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    assert "no key to try" in reply.message
    assert "the server accepts publickey" in reply.message


def test_several_keys_are_tried_in_turn(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    stranger = farm.folder / "stranger"
    make_key(stranger, "ecdsa")
    identities(farm, stranger, farm.key)
    answered(run(connect(), "echo yes"))


def test_too_many_keys(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", "MaxAuthTries 2")
    strangers = [farm.folder / f"stranger{number}" for number in range(4)]
    for path in strangers:
        make_key(path)
    identities(farm, *strangers, farm.key)
    reply = silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    assert "closed the connection" in reply.message
    assert "IdentitiesOnly yes" in reply.hint


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_every_kind_of_key_and_pem_files(farm: Farm, connect: Connect, kind: str) -> None:
    farm.key.unlink()
    farm.key.with_suffix(".pub").unlink()
    make_key(farm.key, kind, "", *(["-m", "PEM"] if kind != "ed25519" else []))
    farm.start("sdw1")
    answered(run(connect(), "echo yes"))


def test_an_encrypted_key_without_an_agent(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(farm.key)],
        check=True,
        capture_output=True,
    )
    reply = silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    assert f"{farm.key} (encrypted, and no agent holds it)" in reply.message
    assert "ssh-add" in reply.hint


@pytest.mark.usefixtures("agent")
@pytest.mark.parametrize("only", ["yes", "no"])
def test_an_encrypted_key_that_the_agent_holds(farm: Farm, connect: Connect, only: str) -> None:
    farm.start("sdw1")
    farm.write_config(f"Host *\n  IdentitiesOnly {only}\n")
    subprocess.run(["ssh-add", "-q", str(farm.key)], check=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(farm.key)],
        check=True,
        capture_output=True,
    )
    before = len(list(Path("/proc/self/fd").iterdir()))
    hosts = connect()
    answered(run(hosts, "echo yes"))
    hosts.close()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


@pytest.mark.usefixtures("agent")
def test_other_keys_of_the_agent_only_without_identities_only(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    subprocess.run(["ssh-add", "-q", str(farm.key)], check=True)
    identities(farm, farm.folder / "absent")
    silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    farm.config.write_text(farm.config.read_text().replace("IdentitiesOnly yes", ""))
    answered(run(connect(), "echo yes"))


@pytest.mark.parametrize("content", ["", "junk\n", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_a_file_that_is_no_key(farm: Farm, connect: Connect, content: str) -> None:
    farm.start("sdw1")
    farm.key.write_text(content)
    reply = silent(run(connect(), "echo no"), Silence.NO_LOGIN)
    assert f"{farm.key} (not a usable private key" in reply.message


def test_the_user_of_the_spec_wins(farm: Farm) -> None:
    farm.start("sdw1")
    farm.write_config("Host *\n  User somebody\n")
    with open_hosts(SshOptions(config=str(farm.config))) as hosts:
        assert "somebody@" in silent(run(hosts, "id -un"), Silence.NO_LOGIN).message
    with open_hosts(SshOptions(config=str(farm.config), user=USER)) as hosts:
        assert answered(run(hosts, "id -un")).out == f"{USER}\n"


@pytest.mark.parametrize("user", ["-oProxyCommand=touch x", "a b", "$(id)", "a;b"])
def test_a_user_that_is_no_user(farm: Farm, user: str) -> None:
    farm.start("sdw1")
    with open_hosts(SshOptions(config=str(farm.config), user=user)) as hosts:
        reply = silent(run(hosts, "id -un"), Silence.UNREACHABLE)
    assert repr(user) in reply.message


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable) as caught:
        open_hosts(SshOptions(config=str(tmp_path / "none")))
    assert f"{tmp_path}/none" in caught.value.message


def test_a_broken_configuration(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    farm.write_config("Host *\n  NoSuchThing yes\n")
    reply = silent(run(connect(), "echo no"), Silence.UNREACHABLE)
    assert "line 2" in reply.message
    assert "nosuchthing" in reply.message.lower()


def test_no_agent_is_forwarded_whatever_the_configuration_says(
    farm: Farm, connect: Connect, agent: Path
) -> None:
    """A host could log in elsewhere with it."""
    farm.start("sdw1")
    farm.write_config("Host *\n  ForwardAgent yes\n")
    ssh = ["ssh", "-F", str(farm.config), "sdw1", 'echo "[$SSH_AUTH_SOCK]"']
    theirs = subprocess.run(ssh, capture_output=True, text=True, timeout=60, check=True)
    assert theirs.stdout != "[]\n", "OpenSSH itself would"
    assert answered(run(connect(), 'echo "[$SSH_AUTH_SOCK]"')).out == "[]\n"
