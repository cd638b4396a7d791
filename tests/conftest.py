"""What every test may use: golden files, repeatable hypothesis, and no network in unit tests."""

import os
import socket
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, settings

from tests import greenplum, second_try, sharing, talking

if TYPE_CHECKING:
    from tests.servers import Postgres

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
settings.register_profile("thorough", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-golden", action="store_true", help="rewrite the expected outputs; review the diff"
    )
    greenplum.add_options(parser)
    talking.add_options(parser)
    second_try.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    talking.begin(config)
    config.pluginmanager.register(sharing.Sharing(), "sharing")
    greenplum.target(config)  # what is wrong with the options is said before anything begins


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    greenplum.select(config, items)
    second_try.mark(config, items)
    turns = config.pluginmanager.get_plugin("turns")
    assert isinstance(turns, talking.Turns)
    turns.sort(items)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tests that start servers need their programs; where results count, that is an error."""
    marks = [name for name in ("postgres", "ssh") if item.get_closest_marker(name)]
    if not marks or not (missing := _missing_programs()):
        return
    if os.environ.get("CI"):
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """A practice cluster ends with the last test that uses it."""
    result = yield
    if (labs := sys.modules.get("tests.labs")) is not None:
        labs.end_unless_used(item, nextitem)
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests drove, where they say it: `record_property("told", ...)`; what was unsteady."""
    second_try.tell(terminalreporter)
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.write_line(str(text))


@cache
def _missing_programs() -> str:
    from gpmirror.errors import Failure
    from gpmirror.lab.programs import find_client, find_postgres, find_sshd

    try:
        find_postgres(None), find_sshd(), find_client("ssh-keygen")
    except Failure as error:
        return f"{error.message}: `make servers` installs it, or says how"
    return ""


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden("plan.txt", text)`: compare with `golden/plan.txt` beside the test file."""
    folder = request.path.parent / "golden"

    def compare(name: str, text: str) -> None:
        file = folder / name
        if request.config.getoption("--write-golden"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        assert file.exists(), f"{file} is missing: run `make golden` and review it"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unit tests open no sockets; tests marked `postgres` or `ssh` may."""
    if any(request.node.get_closest_marker(name) for name in ("postgres", "ssh")):
        return

    def refuse(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError("a unit test tried to open a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)


@pytest.fixture(scope="session")
def postgres_server() -> "Iterator[Postgres]":
    """One server for all tests of a session; a test fills the database it reads."""
    from tests.servers import running

    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller's colours, width and cluster do not reach the code under test."""
    own = (
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "GPMIRROR_SPEC",
        "GPMIRROR_CATALOG",
    )
    for name in (*own, *(n for n in os.environ if n[:2] == "PG")):
        monkeypatch.delenv(name, raising=False)
