"""Connections as values, before any network: many threads may make them at once."""

from threading import Thread

from gpmirror.adapters.ssh_connection import StrictConnection
from gpmirror.adapters.ssh_target import KeyStore, KnownHosts, SshTarget


def test_many_threads_make_connections_at_once() -> None:
    known, keys = KnownHosts(), KeyStore()
    made: list[StrictConnection] = []

    def make() -> None:
        for number in range(60):
            target = SshTarget(alias=f"sdw{number}", address=f"10.0.0.{number}", port=22, user="gp")
            connection = StrictConnection(target, known, keys)
            connection.close()
            made.append(connection)

    threads = [Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 480
    assert {connection.host for connection in made} == {f"10.0.0.{n}" for n in range(60)}
