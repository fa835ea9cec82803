"""Promise 26 with real processes and real stores: one token for all of them, and no failed API request."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore, RedisStore, TokenStore
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.stores.told import Told

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks processes")

WORKERS = Path(__file__).with_name("workers.py")
LIMIT = 100.0  # seconds; whatever takes longer counts as a hang
LEFT_ALONE = "the token store is left alone for 30 s, so tokens are not shared: "


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with LoopbackServer(client_id="abcd-1234", client_secret="secret123456") as running:
        yield running


@pytest.fixture(params=["file", "redis"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A folder, or the URL of a Redis."""
    if request.param == "file":
        return str(tmp_path / "tokens")
    url: str = request.getfixturevalue("redis_server").url
    return url


def run(n: int, where: str, server: LoopbackServer, times: int = 1) -> Counter[str]:
    """What the workers wrote, and how many of them wrote it."""
    command = [sys.executable, str(WORKERS), str(n), where, server.token_url, server.api_url, str(times)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    assert done.stderr == ""
    return Counter(line.strip() for line in done.stdout.splitlines())


def token_requests(server: LoopbackServer) -> int:
    return len(server.token_requests)  # type checkers take the length of a tuple for final


def test_a_hundred_workers_send_one_token_request(where: str, server: LoopbackServer) -> None:
    """On a cold store; and on a warm one none at all."""
    assert run(100, where, server) == {"200": 100}
    assert len(server.token_requests) == 1
    assert run(5, where, server) == {"200": 5}
    assert len(server.token_requests) == 1


def test_a_winner_that_is_killed(where: str, server: LoopbackServer) -> None:
    """With a file lock, the next one goes on at once; with Redis, when the lease ends."""
    gate = server.token_endpoint.hold()
    with Told(where, server, longest_lease=1.0) as winner:  # by the clock of Redis
        winner.begin("send", 1)
        gate.wait_for(1, timeout=LIMIT)
        command = [sys.executable, str(WORKERS), "3", where, server.token_url, server.api_url]
        with (
            asking_for_the_lease(where) as wait_for,
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as others,
        ):
            wait_for(3)
            winner.process.kill()
            gate.release()
            assert others.communicate(timeout=LIMIT)[0].split() == ["200"] * 3
    assert len(server.token_requests) == 2


@contextmanager
def asking_for_the_lease(where: str) -> Iterator[Callable[[int], None]]:
    """What waits until so many have asked a Redis for the lease; of files no one can tell, so it waits for nothing."""
    if "://" not in where:
        yield lambda count: None
        return
    # Not `Redis.monitor()`: that of redis-py 5 cannot read a command with a script in it.
    connection: Any = redis.ConnectionPool.from_url(where, socket_timeout=LIMIT).make_connection()
    connection.send_command("MONITOR")
    assert connection.read_response() == b"OK"

    def wait_for(count: int) -> None:
        owners: set[bytes] = set()
        while len(owners) < count:
            if asks := re.search(rb'}:lease" "(\S+)" "\d+"$', connection.read_response()):
                owners.add(asks[1])

    try:
        yield wait_for
    finally:
        connection.disconnect()


def store_at(where: str) -> TokenStore:
    return RedisStore(where) if "://" in where else FileStore(where)


class OneLiveToken:
    """An endpoint that ends a client's token when it issues another, and an API that ends each after five requests.

    All workers stand at the API when their token ends. Every other token is due for a renewal at once, and that token
    request is under way then; the others end because someone revokes them.
    """

    GOOD_FOR = 5  # requests of each worker

    def __init__(self, server: LoopbackServer, workers: int) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str | None, str]] = Counter()
        self._ends: dict[str | None, threading.Barrier] = {}
        for number in range(100):
            is_due = number % 2 == 0
            self._ends[f"token-{number}"] = threading.Barrier(workers + is_due, server.revoke_all, LIMIT)
        server.token_endpoint.always(self._issue)
        server.api.always(self._answer)

    def _issue(self, request: RecordedRequest) -> Answer:
        number = len(self._server.issued)
        is_due = number % 2 == 0
        if number and not is_due:
            self._ends[f"token-{number - 1}"].wait()
        self._server.revoke_all()
        life = {"refresh_in": 1e-6} if is_due else {"expires_in": 3600}  # chance would have its say with both
        return Answer(200, {"access_token": f"token-{number}", "token_type": "Bearer", **life})

    def _answer(self, request: RecordedRequest) -> Answer | None:
        with self._lock:
            self._seen[request.token, request.headers["Worker"]] += 1
            is_its_end = self._seen[request.token, request.headers["Worker"]] == self.GOOD_FOR + 1
        if is_its_end:
            self._ends[request.token].wait()
        return None


def test_one_live_token(where: str, server: LoopbackServer) -> None:
    """A token that is replaced or revoked under four workers: each end costs one token request, and no caller a 401."""
    OneLiveToken(server, workers=4)
    tokens = 12
    times = tokens * OneLiveToken.GOOD_FOR
    assert run(4, where, server, times) == {",".join(["200"] * times): 4}
    assert len(server.token_requests) == tokens
    statuses = Counter(request.status for request in server.api_requests)
    assert statuses == {200: 4 * times, 401: 4 * (tokens - 1)}


def test_a_store_that_is_wiped(where: str, server: LoopbackServer) -> None:
    """The token is there again with the next token request; those who have one go on with it."""
    assert run(2, where, server) == {"200": 2}
    store: Any = store_at(where)
    assert store.clear() == 1
    assert store.clear() == 0
    assert run(2, where, server) == {"200": 2}
    assert len(server.token_requests) == 2


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_clocks_an_hour_apart(server: LoopbackServer, redis_server: Any, ahead: float) -> None:
    """Both hosts use one token, and neither keeps it for longer than it lives."""
    passed = 0.0
    server.clock = lambda: time.time() + passed
    server.expires_in = 1000
    with Told(redis_server.url, server, ahead=ahead) as first, Told(redis_server.url, server) as second:
        for seconds in 0.0, 700.0, 301.0:
            passed += seconds
            if passed > 1000:  # by the clock of Redis, it is not that late; so what Redis does then is done here
                client: Any = redis.Redis.from_url(redis_server.url)
                (entry,) = client.scan_iter()
                assert 0 < client.pttl(entry) <= 1_000_000
                client.delete(entry)
            for host in first, second:
                host.let_pass(seconds)
                assert host.send(2) == ([200, 200], [])
    assert Counter(request.token for request in server.api_requests) == dict(zip(server.issued, [8, 4], strict=True))
    assert {request.status for request in server.api_requests} == {200}
    assert len(server.token_requests) == 2


@pytest.mark.parametrize("room", [0, 64])
def test_a_full_disk(server: LoopbackServer, tmp_path: Path, room: int) -> None:
    """With no room for a lease, or for a token: who has it says so once, leaves nothing locked, and comes back."""
    folder = str(tmp_path / "tokens")
    with Told(folder, server) as full, Told(folder, server) as other:
        full.limit_files(room)
        statuses, (warning,) = full.send(3)
        assert statuses == [200, 200, 200]
        assert warning == f"{LEFT_ALONE}the file system says: {os.strerror(errno.EFBIG)}"
        for host in other, full:  # the lock is free, and the store is left alone
            server.revoke_all()
            assert host.send(3) == ([200, 200, 200], [])
        assert token_requests(server) == 3
        full.limit_files(-1)
        full.end_rest()
        for host in full, other:
            server.revoke_all()
            for each in host, *({full, other} - {host}):
                assert each.send(2) == ([200, 200], [])
        assert token_requests(server) == 5


class TestRedisFails:
    @pytest.mark.parametrize("is_killed", [True, False])
    def test_it_comes_back(self, server: LoopbackServer, redis_server: Any, is_killed: bool) -> None:
        """Killed or hanging, it costs a token request of each process and one warning, and then is used again."""
        with Told(redis_server.url, server) as first, Told(redis_server.url, server) as second:
            hosts = first, second
            for host in hosts:
                assert host.send(2) == ([200, 200], [])
            assert token_requests(server) == 1
            if is_killed:
                redis_server.stop()
            else:
                redis_server.process.send_signal(signal.SIGSTOP)
            server.revoke_all()
            for host in hosts:
                host.give_store(0.1)
                statuses, (warning,) = host.send(3)
                assert statuses == [200, 200, 200]
                assert warning.startswith(LEFT_ALONE)
            server.revoke_all()
            for host in hosts:
                assert host.send(3) == ([200, 200, 200], [])  # no second warning
            assert token_requests(server) == 5
            if is_killed:
                redis_server.start()
            else:
                redis_server.process.send_signal(signal.SIGCONT)
            server.revoke_all()
            for host in hosts:
                host.give_store(LIMIT)
                host.end_rest()
                assert host.send(2) == ([200, 200], [])
            assert token_requests(server) == 6

    def test_it_has_an_old_token(self, server: LoopbackServer, redis_server: Any) -> None:
        """That a token request has ended meanwhile: who has a later one does not go back to it."""
        with Told(redis_server.url, server) as first, Told(redis_server.url, server) as second:
            assert first.send(1) == ([200], [])
            redis_server.process.send_signal(signal.SIGSTOP)
            second.give_store(0.1)
            server.revoke_all()
            statuses, (_,) = second.send(1)
            assert statuses == [200]
            redis_server.process.send_signal(signal.SIGCONT)
            second.give_store(LIMIT)
            second.end_rest()
            server.revoke_all()
            assert second.send(1) == ([200], [])
            assert first.send(1) == ([200], [])
        assert len(server.token_requests) == 3

    def test_it_is_wiped_in_the_middle(self, server: LoopbackServer, redis_server: Any) -> None:
        """Its leases are gone too, so another one asks; both are served, and those who come later find a token."""
        with Told(redis_server.url, server) as first, Told(redis_server.url, server) as second:
            gate = server.token_endpoint.hold()
            first.begin("send", 3)
            gate.wait_for(1, timeout=LIMIT)
            redis.Redis.from_url(redis_server.url).flushall()
            second.begin("send", 3)
            gate.wait_for(2, timeout=LIMIT)
            gate.release()
            for host in first, second:
                assert host.outcome() == [[200, 200, 200], []]
        assert run(2, redis_server.url, server) == {"200": 2}
        assert len(server.token_requests) == 2

    def test_it_hangs_between_lease_and_token(self, server: LoopbackServer, redis_server: Any) -> None:
        """The token is used all the same, and one warning says that it is not shared."""
        with Told(redis_server.url, server) as host:
            gate = server.token_endpoint.hold()
            host.give_store(0.1)
            host.begin("send", 3)
            gate.wait_for(1, timeout=LIMIT)
            redis_server.process.send_signal(signal.SIGSTOP)
            gate.release()
            statuses, (warning,) = host.outcome()
            redis_server.process.send_signal(signal.SIGCONT)
        assert statuses == [200, 200, 200]
        assert warning.startswith(LEFT_ALONE)

    def test_it_refuses(self, server: LoopbackServer, redis_server: Any) -> None:
        """Each process fetches for itself, and says once that it does."""
        redis_server.stop()
        (line,) = run(1, redis_server.url, server, 3)
        assert line.startswith("200,200,200 the token store is left alone for 30 s")
        assert line.count("left alone") == 1
        redis_server.start()

    def test_it_hangs(self, server: LoopbackServer, redis_server: Any) -> None:
        """A stopped process accepts connections, and answers nothing."""
        redis_server.process.send_signal(signal.SIGSTOP)
        try:
            (line,) = run(1, redis_server.url, server, 3)
        finally:
            redis_server.process.send_signal(signal.SIGCONT)
        assert line.startswith("200,200,200 the token store is left alone for 30 s")

    def test_it_is_killed_between_lease_and_token(self, server: LoopbackServer, redis_server: Any) -> None:
        """The token is used all the same."""
        store = RedisStore(redis_server.url)
        auth = ClientCredentialsAuth(server.token_url, "abcd-1234", "secret123456", store=store)
        gate = server.token_endpoint.hold()
        statuses: list[int] = []

        def ask() -> None:
            statuses.append(requests.get(server.api_url, auth=auth, timeout=LIMIT).status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        gate.wait_for(1, timeout=LIMIT)
        redis_server.stop()
        gate.release()
        asking.join(LIMIT)
        assert statuses == [200]
        redis_server.start()

    def test_it_is_read_only(self, server: LoopbackServer, redis_server: Any) -> None:
        """A replica without its master, say."""
        redis_server.stop()
        redis_server.start("--replicaof", "127.0.0.1 1", "--replica-read-only", "yes")
        (line,) = run(1, redis_server.url, server, 2)
        assert line.startswith("200,200 the token store is left alone for 30 s")

    def test_it_is_full(self, server: LoopbackServer, redis_server: Any) -> None:
        redis_server.stop()
        redis_server.start("--maxmemory", "1", "--maxmemory-policy", "noeviction")
        (line,) = run(1, redis_server.url, server, 2)
        assert line.startswith("200,200 the token store is left alone for 30 s")
