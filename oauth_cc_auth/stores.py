"""Stores for tokens that processes and hosts share: ``ClientCredentialsAuth(..., store=FileStore())``."""

from ._stores.file import FileStore
from ._stores.protocol import TokenStore
from ._stores.redis import RedisStore

__all__ = ["FileStore", "RedisStore", "TokenStore"]
