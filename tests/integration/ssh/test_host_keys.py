"""Only a key that a known-hosts file holds is trusted, whatever the configuration says."""

import subprocess
from collections.abc import Callable

import pytest

from gpmirror.adapters.ssh import SshHosts
from gpmirror.boundary import Silence
from tests.ssh_replies import answered, run, silent
from tests.sshd import Farm, make_key

pytestmark = pytest.mark.ssh

Connect = Callable[[], SshHosts]


def key_line(farm: Farm, names: str, mark: str = "") -> str:
    return f"{mark}{names} {farm.servers['sdw1'].host_key}\n"


def other_key(farm: Farm, kind: str = "ed25519") -> str:
    path = farm.folder / f"other_{kind}"
    make_key(path, kind)
    return " ".join(path.with_suffix(".pub").read_text().split()[:2])


def place(farm: Farm) -> str:
    server = farm.servers["sdw1"]
    return f"[{server.address}]:{server.port}"


@pytest.mark.parametrize("strict", ["", "Host *\n  StrictHostKeyChecking no\n"])
def test_an_unknown_key_is_refused(farm: Farm, connect: Connect, strict: str) -> None:
    server = farm.start("sdw1", known=False)
    farm.write_config(strict)
    reply = silent(run(connect(), "echo no"), Silence.UNKNOWN_KEY)
    assert str(farm.known_hosts) in reply.message
    assert server.address in reply.message
    assert "SHA256:" in reply.message
    assert f"ssh-keyscan -p {server.port} {server.address}" in reply.hint
    assert farm.known_hosts.read_text() == ""
    assert "Accepted publickey" not in server.log()


def test_a_changed_key_is_refused(farm: Farm, connect: Connect) -> None:
    server = farm.start("sdw1", known=False)
    farm.write_config("Host *\n  StrictHostKeyChecking no\n")
    farm.known_hosts.write_text(f"# first line\n{place(farm)} {other_key(farm)}\n")
    reply = silent(run(connect(), "echo no"), Silence.CHANGED_KEY)
    assert f"{farm.known_hosts}:2" in reply.message
    assert f"ssh-keygen -R '{place(farm)}' -f {farm.known_hosts}" in reply.hint
    assert "Accepted publickey" not in server.log()


def test_a_revoked_key_is_refused_though_it_is_listed_too(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    farm.known_hosts.write_text(key_line(farm, place(farm)) + key_line(farm, "*", mark="@revoked "))
    reply = silent(run(connect(), "echo no"), Silence.CHANGED_KEY)
    assert f"{farm.known_hosts}:2 revokes" in reply.message


def test_an_authority_alone_is_not_enough(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    authority = f"@cert-authority * {other_key(farm)}\n"
    farm.known_hosts.write_text(authority)
    reply = silent(run(connect(), "echo no"), Silence.UNKNOWN_KEY)
    assert f"{farm.known_hosts}:1" in reply.message
    assert "certificate" in reply.message
    farm.known_hosts.write_text(authority + key_line(farm, place(farm)))
    answered(run(connect(), "echo yes"))


def test_a_key_of_another_kind_is_named(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    farm.known_hosts.write_text(f"{place(farm)} {other_key(farm, 'ecdsa')}\n")
    reply = silent(run(connect(), "echo no"), Silence.UNKNOWN_KEY)
    assert f"{farm.known_hosts}:1" in reply.message
    assert "ssh-ed25519" in reply.message


def test_the_server_is_asked_for_the_kind_that_is_known(farm: Farm, connect: Connect) -> None:
    keys = {kind: farm.folder / f"host_{kind}" for kind in ("rsa", "ecdsa")}
    for kind, path in keys.items():
        make_key(path, kind)
    farm.start("sdw1", *(f"HostKey {path}" for path in keys.values()), known=False)
    for path in keys.values():
        public = path.with_suffix(".pub").read_text()
        farm.known_hosts.write_text(f"{place(farm)} {public}")
        answered(run(connect(), "echo yes"))


@pytest.mark.parametrize(
    "names", ["{place}", "other,{place},third", "[127.0.*]:{port}", "{address}", "*,!nobody"]
)
def test_names_in_every_form(farm: Farm, connect: Connect, names: str) -> None:
    server = farm.start("sdw1", known=False)
    text = names.format(place=place(farm), port=server.port, address=server.address)
    farm.known_hosts.write_text(key_line(farm, text))
    answered(run(connect(), "echo yes"))


def test_hashed_names(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1")
    subprocess.run(
        ["ssh-keygen", "-q", "-H", "-f", str(farm.known_hosts)], check=True, capture_output=True
    )
    assert place(farm) not in farm.known_hosts.read_text()
    answered(run(connect(), "echo yes"))


def test_the_alias_of_the_configuration_names_the_key(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    farm.write_config("Host sdw1\n  HostKeyAlias Segment-One\n")
    farm.known_hosts.write_text(key_line(farm, place(farm)))
    reply = silent(run(connect(), "echo no"), Silence.UNKNOWN_KEY)
    assert "segment-one" in reply.message
    farm.known_hosts.write_text(key_line(farm, "segment-one"))
    answered(run(connect(), "echo yes"))


def test_the_global_file_counts(farm: Farm, connect: Connect) -> None:
    farm.start("sdw1", known=False)
    shared = farm.folder / "shared"
    shared.write_text(key_line(farm, place(farm)))
    farm.write_config(f"Host *\n  GlobalKnownHostsFile {farm.folder}/missing {shared}\n")
    answered(run(connect(), "echo yes"))
