"""`RedisStore` at a real server."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from oauth_cc_auth import ConfigurationError
from oauth_cc_auth._stores.redis import _client_for, _driver
from oauth_cc_auth.stores import RedisStore
from tests.stores.conftest import RedisServer, running
from tests.stores.programs import SERVERS

KEY = "ab" * 32


class TestAtAServer:
    """Redis and Valkey, those of them that are installed."""

    @pytest.fixture(params=SERVERS)
    def redis_server(self, request: pytest.FixtureRequest) -> Iterator[RedisServer]:
        with running(request.param) as server:
            yield server

    @pytest.fixture
    def store(self, redis_server: Any) -> RedisStore:
        return RedisStore(redis_server.url)

    @pytest.fixture
    def client(self, redis_server: Any) -> Any:
        with redis.Redis.from_url(redis_server.url) as opened:
            yield opened

    def test_read_and_write(self, store: RedisStore, client: Any) -> None:
        """With the server's time, and an end that the server keeps."""
        value, now = store.read(KEY)
        assert value is None
        assert abs(now - client.time()[0]) <= 1
        assert store.acquire(KEY, "me", 10.0)
        assert store.write(KEY, b"value", 100.0, "me")
        assert store.read(KEY)[0] == b"value"
        assert 99_000 < client.pttl(f"oauth_cc_auth:{{{KEY}}}:token") <= 100_000
        store.delete(KEY)
        assert store.read(KEY)[0] is None

    def test_a_lease_is_that_of_its_owner(self, store: RedisStore, client: Any) -> None:
        assert store.acquire(KEY, "me", 10.0)
        assert store.acquire(KEY, "me", 20.0)
        assert 19_000 < client.pttl(f"oauth_cc_auth:{{{KEY}}}:lease") <= 20_000
        assert not store.acquire(KEY, "you", 10.0)
        assert not store.write(KEY, b"value", 100.0, "you")
        store.release(KEY, "you")
        assert not store.acquire(KEY, "you", 10.0)
        store.release(KEY, "me")
        assert not store.write(KEY, b"value", 100.0, "me")
        assert store.acquire(KEY, "you", 10.0)

    def test_clear_takes_what_is_ours(self, redis_server: Any, client: Any) -> None:
        """And what has this prefix, as it is written."""
        client.set("somebody:else", "x")
        for prefix in ("a*", "ab"):
            store = RedisStore(redis_server.url, prefix=prefix)
            store.acquire(KEY, "me", 10.0)
            store.write(KEY, b"value", 100.0, "me")
        assert RedisStore(redis_server.url, prefix="a*").clear() == 1
        assert RedisStore(redis_server.url, prefix="ab").read(KEY)[0] == b"value"
        assert client.get("somebody:else") == b"x"

    def test_a_client_of_yours(self, client: Any) -> None:
        """It is used as it is."""
        store = RedisStore(client)
        assert store._client() is client
        assert store.acquire(KEY, "me", 10.0)
        with pytest.raises(TypeError, match="cannot be pickled; make it of a URL"):
            pickle.dumps(store)
        assert copy.deepcopy(store) is store

    def test_a_client_that_decodes(self, redis_server: Any) -> None:
        """It cannot bring bytes; the store counts as down."""
        store = RedisStore(redis.Redis.from_url(redis_server.url, decode_responses=True))
        assert store.read(KEY)[0] is None
        store.acquire(KEY, "me", 10.0)
        store.write(KEY, b"value", 100.0, "me")
        with pytest.raises(ConfigurationError, match="has decode_responses=True"):
            store.read(KEY)

    def test_a_pickle_of_a_url(self, store: RedisStore) -> None:
        other = pickle.loads(pickle.dumps(store))  # noqa: S301  # our own
        assert store.acquire(KEY, "me", 10.0)
        assert not other.acquire(KEY, "you", 10.0)
        assert repr(other) == "RedisStore(prefix='oauth_cc_auth')"


@pytest.mark.parametrize("url", ["http://localhost", "localhost:6379", ""])
def test_what_is_no_url_of_a_redis(url: str) -> None:
    with pytest.raises(ConfigurationError, match="client_or_url is no URL of a Redis; it begins with redis://"):
        RedisStore(url)


@pytest.mark.parametrize("client", [1, redis.asyncio.Redis()])
def test_what_is_no_blocking_client(client: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a URL or a blocking client of redis-py, not "):
        RedisStore(client)


@pytest.mark.parametrize("prefix", ["a{b", "a}b"])
def test_a_prefix_without_braces(prefix: Any) -> None:
    with pytest.raises(ConfigurationError, match="prefix must be text without braces"):
        RedisStore("redis://localhost", prefix=prefix)


def test_urls_for_tls_and_clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing connects before the first token is wanted."""
    made: list[tuple[str, Any]] = []
    monkeypatch.setattr(redis.RedisCluster, "from_url", lambda url, **options: made.append((url, options)))
    RedisStore("redis+cluster://node:7000")
    assert made == []
    limits = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
    _client_for("rediss+cluster://node:7000")
    assert made == [("rediss://node:7000", limits)]
    client = _client_for("rediss://:password@host:6380/1")
    assert client.connection_pool.connection_class is redis.SSLConnection


def test_it_needs_no_cryptography_without_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    RedisStore("redis://localhost", encrypt=False)
    with pytest.raises(ConfigurationError, match="RedisStore needs cryptography; python -m pip install redis crypto"):
        RedisStore("redis://localhost")


class FakeRedis(redis.Redis):
    """A client that keeps the commands that it is given, and answers as a server does."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.commands: list[tuple[Any, ...]] = []
        self.answers = list(answers)

    def execute_command(self, *arguments: Any, **options: Any) -> Any:
        self.commands.append(arguments)
        return self.answers.pop(0)


class TestWithoutAServer:
    """What goes over the wire, for machines that have no server."""

    def test_commands(self) -> None:
        client = FakeRedis([[b"1700000000", b"500000"], b"value"], 1, 0, 1, 1, 1)
        store = RedisStore(client)
        assert store.read(KEY) == (b"value", 1_700_000_000.5)
        assert store.acquire(KEY, "me", 0.0001)
        assert not store.write(KEY, b"value", 1.5, "me")
        assert store.write(KEY, b"value", 1.5, "me")
        store.release(KEY, "me")
        store.delete(KEY)
        shown = [[part for part in command if "redis.call" not in str(part)] for command in client.commands]
        entry, lease = f"oauth_cc_auth:{{{KEY}}}:token", f"oauth_cc_auth:{{{KEY}}}:lease"
        assert shown == [
            ["EVAL", 1, entry],
            ["EVAL", 1, lease, "me", 1],
            ["EVAL", 2, lease, entry, "me", b"value", 1500],
            ["EVAL", 2, lease, entry, "me", b"value", 1500],
            ["EVAL", 1, lease, "me"],
            ["DEL", entry],
        ]

    def test_clear(self) -> None:
        client = FakeRedis((0, [b"x"]), 1)
        assert RedisStore(client, prefix="a*").clear() == 1
        assert [str(part) for part in client.commands[0]][3] == "a\\*:{*}:token"
        assert client.commands[1] == ("DEL", b"x")

    def test_text_instead_of_bytes(self) -> None:
        with pytest.raises(ConfigurationError, match="has decode_responses=True"):
            RedisStore(FakeRedis([["1700000000", "500000"], "text"])).read(KEY)

    def test_pickles_and_copies(self) -> None:
        store = pickle.loads(pickle.dumps(RedisStore("redis://localhost/0", prefix="mine")))  # noqa: S301  # our own
        assert store.prefix == "mine"
        assert store._client() is store._client()
        assert store._client().connection_pool.connection_kwargs["db"] == 0
        with pytest.raises(TypeError, match="make it of a URL"):
            pickle.dumps(RedisStore(FakeRedis()))
        assert repr(store) == "RedisStore(prefix='mine')"


@pytest.mark.parametrize("is_new", [True, False])
def test_redis_py_does_not_look_up_its_version_for_each_connection(
    is_new: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked up once, and versions that cannot be told so find it by themselves."""
    made: list[object] = []

    def driver_info() -> object:
        made.append(object())
        return made[-1]

    monkeypatch.setattr(redis, "DriverInfo", driver_info if is_new else None, raising=False)
    _driver.cache_clear()
    try:
        assert [_driver(), _driver()] == ([{"driver_info": made[0]}] * 2 if is_new else [{}, {}])
    finally:
        _driver.cache_clear()
    assert len(made) == is_new
