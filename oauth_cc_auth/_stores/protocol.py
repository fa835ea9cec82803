"""What a store of tokens is. The one law: it keeps bytes and leases, and knows nothing of tokens.

Its values are sealed (`sealing`), and its keys say nothing (`keys`), so a reader learns neither a token nor a client
id. `sharing` decides when to ask it, and what to do if it fails. That is the same for all stores.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from typing import Protocol, runtime_checkable


@runtime_checkable
class TokenStore(Protocol):
    """What a store of your own has to have: five methods, which block, and may be called in any thread.

    Each is called in a thread of its own, and no one waits for it for longer than half a second. Whatever it raises
    counts as "the store is down". Keys are 64 hexadecimal digits.

    A store may have two more attributes: ``encryption_keys``, a tuple of bytes, the first of which writes, and
    ``encrypt``; without them, entries are encrypted with what the credentials give.
    """

    def read(self, key: str) -> tuple[bytes | None, float]:
        """The value of `key` or None, and Unix time by a clock that all who share the store go by."""
        ...

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        """Keep `value` for `seconds`, if `owner` has the lease of `key`; False if it has not."""
        ...

    def delete(self, key: str) -> None:
        """Forget the value of `key`, if there is one."""
        ...

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        """Give `owner` the lease of `key` for `seconds` from now; False if another one has it.

        An owner that has it already has it for `seconds` from now on. A lease ends by itself.
        """
        ...

    def release(self, key: str, owner: str) -> None:
        """End the lease of `key`, if it is that of `owner`."""
        ...


TokenStore.__module__ = "oauth_cc_auth.stores"
