"""Stores for tokens that processes and hosts share: ``ClientCredentialsAuth(..., store=FileStore())``."""

from typing import TYPE_CHECKING, NoReturn

from ._stores.file import FileStore
from ._stores.protocol import TokenStore
from ._stores.redis import RedisStore

__all__ = ["FileStore", "RedisStore", "TokenStore"]


if not TYPE_CHECKING:  # a checker would take any name for one that is here

    def __getattr__(name: str) -> NoReturn:
        from ._doors import refuse

        refuse(__name__, name)
