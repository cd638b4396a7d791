"""What the SSH configuration says of a host, asked from OpenSSH and, without it, from paramiko."""

import os
import pwd
import shutil
from pathlib import Path

import pytest

from gpmirror.adapters.ssh_failures import Unanswered
from gpmirror.adapters.ssh_settings import Resolver, Tokens, expand, parse_settings, target_of
from gpmirror.adapters.ssh_target import SshTarget
from gpmirror.errors import Unreadable
from gpmirror.spec.model import SshOptions

ME = pwd.getpwuid(os.geteuid()).pw_name

CONFIG = """\
Host sdw1
  HostName 10.0.0.1
  Port 2200
  User gpadmin
  IdentityFile ~/.ssh/one
  IdentityFile /keys/%h_%r
  IdentitiesOnly yes
  ConnectTimeout 3
  HostKeyAlias segment
  UserKnownHostsFile /k/one /k/two
Host behind
  ProxyJump u@bastion:2222,inner
Host program
  ProxyCommand nc %h %p
Host *
  StrictHostKeyChecking no
"""


@pytest.fixture(params=["ssh", "paramiko"])
def config(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The configuration, read by OpenSSH or as on a machine without it."""
    if request.param == "paramiko":
        monkeypatch.setattr(shutil, "which", lambda _: None)
    file = tmp_path / "config"
    file.write_text(CONFIG)
    return str(file)


def test_everything_said_of_a_host(config: str) -> None:
    target = Resolver(SshOptions(config=config)).host("sdw1")
    assert (target.alias, target.address, target.port, target.user) == (
        *("sdw1", "10.0.0.1", 2200, "gpadmin"),
    )
    assert target.identities == (str(Path("~/.ssh/one").expanduser()), "/keys/10.0.0.1_gpadmin")
    assert target.identities_only
    assert target.connect_seconds == 3
    assert target.known_hosts[:2] == ("/k/one", "/k/two")
    assert target.key_names == ("segment",)


def test_a_host_of_which_nothing_is_said(config: str) -> None:
    target = Resolver(SshOptions(config=config)).host("SDW9")
    assert (target.port, target.user, target.connect_seconds) == (22, ME, 10.0)
    assert target.address.lower() == "sdw9"
    assert any(path.endswith("/.ssh/id_ed25519") for path in target.identities)
    assert any(path.endswith("/.ssh/known_hosts") for path in target.known_hosts)
    assert target.key_names == ("sdw9",)
    assert target.jumps == ()
    assert target.proxy_command is None


def test_many_hosts_at_once_are_looked_up_as_one_by_one(config: str) -> None:
    names = ["sdw1", "behind", "program", *(f"other{n}" for n in range(12)), "-bad", "a;b"]
    together, alone = (Resolver(SshOptions(config=config)) for _ in range(2))
    together.prepare(names)
    for name in names[:-2]:
        assert together.host(name) == alone.host(name)
    for name in names[-2:]:
        with pytest.raises(Unanswered):
            together.host(name)


def test_a_broken_configuration_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  Nonsense yes\n")
    resolver = Resolver(SshOptions(config=str(file)))
    resolver.prepare(["sdw1", "sdw2"])
    with pytest.raises(Unanswered, match="line 2"):
        resolver.host("sdw2")


def test_a_port_that_is_no_number(config: str) -> None:
    with Path(config).open("a") as file:
        file.write("Host odd\n  Port many\n")
    with pytest.raises(Unanswered, match="odd"):
        Resolver(SshOptions(config=config)).host("odd")


def test_the_user_of_the_spec_wins(config: str) -> None:
    target = Resolver(SshOptions(config=config, user="dba")).host("sdw1")
    assert target.user == "dba"


def test_jump_hosts_and_proxies(config: str) -> None:
    resolver = Resolver(SshOptions(config=config, user="dba"))
    assert resolver.host("behind").jumps == ("u@bastion:2222", "inner")
    assert resolver.host("program").proxy_command == "nc program 22"
    hop = resolver.jump("u@bastion:2222")
    assert (hop.alias, hop.user, hop.port) == ("bastion", "u", 2222)
    assert resolver.jump("inner").user == ME


@pytest.mark.parametrize("name", ["-v", "a b", "a;b", "", "ssh://x", "a@b", "$(id)", "a\nb"])
def test_names_that_could_be_anything_else(config: str, name: str) -> None:
    with pytest.raises(Unanswered) as caught:
        Resolver(SshOptions(config=config)).host(name)
    assert repr(name) in caught.value.message


def test_a_missing_configuration(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="No such file"):
        Resolver(SshOptions(config=str(tmp_path / "none")))


def test_a_home_in_the_name_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_text("Host sdw1\n  Port 2345\n")
    assert Resolver(SshOptions(config="~/mine")).host("sdw1").port == 2345


def test_settings_may_repeat() -> None:
    settings = parse_settings("user me\nidentityfile a\nidentityfile b c\nproxycommand none\n")
    assert settings["identityfile"] == ["a", "b c"]
    target = target_of("x", settings, None, None)
    assert target.identities == ("a", "b c")
    assert target.proxy_command is None


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%h:%p", "10.0.0.1:22"),
        ("%n %r %%", "sdw1 gp %"),
        ("100%", "100%"),
        ("%Z", "%Z"),
        ("%%h", "%h"),
        ("%k", "sdw1"),
    ],
)
def test_tokens(text: str, expanded: str) -> None:
    assert expand(text, Tokens(name="sdw1", address="10.0.0.1", port=22, user="gp")) == expanded


@pytest.mark.parametrize(
    ("target", "text", "command"),
    [
        (
            SshTarget(alias="sdw1", address="10.0.0.1", port=22, user="gp"),
            "sdw1 (gp@10.0.0.1 port 22)",
            "ssh sdw1",
        ),
        (
            SshTarget(alias="sdw1", address="s", port=23, user="gp", jumps=("a", "b")),
            "sdw1 (gp@s port 23 through a, b)",
            "ssh -p 23 sdw1",
        ),
        (
            SshTarget(alias="sdw1", address="s", port=22, user="gp", proxy_command="nc"),
            "sdw1 (gp@s port 22 through its ProxyCommand)",
            "ssh sdw1",
        ),
        (
            SshTarget(alias="sdw1", address="s", port=23, user="gp", config="/my lab/config"),
            "sdw1 (gp@s port 23)",
            "ssh -F '/my lab/config' sdw1",
        ),
    ],
)
def test_targets_in_words(target: SshTarget, text: str, command: str) -> None:
    assert (str(target), target.command) == (text, command)
