"""Tokens in Redis or Valkey, for all hosts. The one law: the server's clock counts, and only an owner changes a lease.

Three scripts do what must not be interrupted: take or extend a lease, write if one has it, and end it. A fourth reads
an entry and the server's clock, by which Redis counts the entry's end, too. The two keys of an entry share a hash tag,
so that they are in one slot of a cluster.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
from collections.abc import Iterator
from functools import cache
from math import ceil
from typing import Any

from oauth_cc_auth._core.process_lock import ProcessLock
from oauth_cc_auth._errors import ConfigurationError

from .arguments import CIPHER, EncryptingStore, EncryptionKey, library

TIMEOUT = 1.0  # seconds, to connect and to answer; no one waits for so long, but the thread ends

_READ = "return {redis.call('TIME'), redis.call('GET', KEYS[1])}"
_ACQUIRE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
_WRITE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""


class RedisStore(EncryptingStore):
    """Keeps tokens in Redis or Valkey, for all processes and hosts that share it.

    Args:
        client_or_url: A URL as redis-py takes it: ``redis://``, ``rediss://`` for TLS, ``unix://``,
            ``redis+cluster://`` or ``rediss+cluster://`` for a cluster. Or a client of yours: a ``redis.Redis`` (also
            one that a ``Sentinel`` made) or a ``redis.RedisCluster``, not one for asyncio; it is used, never closed. A
            store that was made of a URL can be pickled.
        prefix: What all keys begin with.
        encryption_key: At least 16 bytes, mixed into the key that the credentials give; or several, to change it: the
            first one writes, and all of them read.
        encrypt: False leaves tokens readable for everyone who can read Redis.

    Raises:
        ConfigurationError: a value cannot be right, or a package is missing.
    """

    def __init__(
        self,
        client_or_url: Any,
        *,
        prefix: str = "oauth_cc_auth",
        encryption_key: EncryptionKey = None,
        encrypt: bool = True,
    ) -> None:
        super().__init__(encryption_key, encrypt=encrypt)
        redis = library("redis", "redis", "RedisStore")
        if encrypt:
            library(CIPHER, "redis", "RedisStore")
        if {"{", "}"} & set(prefix):
            raise ConfigurationError(field="prefix", problem="must be text without braces, which cluster keys need")
        self.prefix = prefix
        self._url = client_or_url if isinstance(client_or_url, str) else None
        self._given: Any = None if self._url is not None else client_or_url
        if self._url is None and not isinstance(client_or_url, (redis.Redis, redis.RedisCluster)):
            kind = f"{type(client_or_url).__module__}.{type(client_or_url).__qualname__}"
            problem, remedy = f"must be a URL or a blocking client of redis-py, not {kind}", "in async code, too"
            raise ConfigurationError(field="client_or_url", problem=problem, remedy=remedy)
        self._begin()
        if self._url is not None and "+cluster://" not in self._url:
            try:
                self._client()  # connects to nothing; a cluster's would
            except ValueError:
                problem, remedy = "is no URL of a Redis", "it begins with redis://, rediss:// or unix://"
            else:
                return
            raise ConfigurationError(field="client_or_url", problem=problem, remedy=remedy)

    def _begin(self) -> None:
        self._clients: dict[int, Any] = {}  # by process
        self._lock = ProcessLock()

    def __getstate__(self) -> dict[str, Any]:
        if self._url is None:
            raise TypeError("a RedisStore of a client cannot be pickled; make it of a URL")
        return {
            "prefix": self.prefix,
            "encryption_keys": self.encryption_keys,
            "encrypt": self.encrypt,
            "_url": self._url,
            "_given": None,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __repr__(self) -> str:
        return f"RedisStore(prefix={self.prefix!r})"  # a URL may hold a password

    def read(self, key: str) -> tuple[bytes | None, float]:
        """The value of `key` or None, and the server's time."""
        # By a script with the key, so that in a cluster the node answers that has the entry; and in one trip.
        (seconds, microseconds), value = self._client().eval(_READ, 1, self._entry(key))
        return value if value is None else _raw(value), int(seconds) + int(microseconds) / 1e6

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        """Keep `value` for `seconds`, if `owner` has the lease of `key`."""
        keys = self._lease(key), self._entry(key)
        return bool(self._client().eval(_WRITE, 2, *keys, owner, value, _milliseconds(seconds)))

    def delete(self, key: str) -> None:
        """Forget the value of `key`."""
        self._client().delete(self._entry(key))

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        """Take the lease of `key` for `owner`, or extend it; False if another one has it."""
        return bool(self._client().eval(_ACQUIRE, 1, self._lease(key), owner, _milliseconds(seconds)))

    def release(self, key: str, owner: str) -> None:
        """End the lease of `key`, if it is that of `owner`."""
        self._client().eval(_RELEASE, 1, self._lease(key), owner)

    def clear(self) -> int:
        """Delete all tokens with this prefix; how many there were. Takes long in a Redis with millions of keys."""
        client = self._client()
        return sum(client.delete(name) for name in self._names(client))

    def _names(self, client: Any) -> Iterator[Any]:
        yield from client.scan_iter(match=f"{_escaped(self.prefix)}:{{*}}:token", count=1000)

    def _entry(self, key: str) -> str:
        return f"{self.prefix}:{{{key}}}:token"

    def _lease(self, key: str) -> str:
        return f"{self.prefix}:{{{key}}}:lease"

    def _client(self) -> Any:
        """The person's client, or one of our own for this process."""
        if self._given is not None:
            return self._given
        with self._lock.here():
            client = self._clients.get(os.getpid())
            if client is None:
                client = self._clients[os.getpid()] = _client_for(str(self._url))
            return client


def _client_for(url: str) -> Any:
    import redis

    limits: dict[str, Any] = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
    if "+cluster://" in url:
        return redis.RedisCluster.from_url(url.replace("+cluster", "", 1), **limits)
    return redis.Redis.from_url(url, **limits, **_driver())


@cache
def _driver() -> dict[str, Any]:
    """How redis-py names itself to the server. By itself, it reads its version from disk for each connection: 3 ms."""
    import redis

    driver_info = getattr(redis, "DriverInfo", None)  # newer versions have it
    return {} if driver_info is None else {"driver_info": driver_info()}


def _raw(value: Any) -> bytes:
    """`value` as bytes; a client with ``decode_responses=True`` cannot bring them."""
    if isinstance(value, bytes):
        return value
    raise ConfigurationError(
        field="client_or_url", problem="has decode_responses=True", remedy="pass a client without it"
    )


def _milliseconds(seconds: float) -> int:
    return max(1, ceil(seconds * 1000))


def _escaped(prefix: str) -> str:
    return "".join(f"\\{letter}" if letter in "*?[]\\^" else letter for letter in prefix)


RedisStore.__module__ = "oauth_cc_auth.stores"
