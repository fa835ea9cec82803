"""What both stores take, and what they are without: encryption, copies, and their libraries."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._install import how_to_install, how_to_install_packages

EncryptionKey = str | bytes | Iterable[str | bytes] | None
CIPHER = "cryptography.hazmat.primitives.ciphers.aead"  # the module that encrypts
_SHORTEST_KEY = 16  # bytes


class EncryptingStore:
    """A store whose entries are encrypted.

    Attributes:
        encryption_keys: Mixed into what the credentials give; the first one writes, and all of them read.
        encrypt: Whether entries are encrypted.
    """

    encryption_keys: tuple[bytes, ...]
    encrypt: bool

    def __init__(self, encryption_key: EncryptionKey, *, encrypt: bool) -> None:
        if not isinstance(encrypt, bool):
            raise ConfigurationError(field="encrypt", problem="must be True or False")
        self.encryption_keys = _keys(encryption_key)
        self.encrypt = encrypt

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """The same one: copies of an auth object share the token."""
        return self


def _keys(given: EncryptionKey) -> tuple[bytes, ...]:
    if given is None:
        return ()
    keys: Any = [given] if isinstance(given, (str, bytes)) else given
    if not isinstance(keys, Iterable):
        raise ConfigurationError(field="encryption_key", problem=f"must be str or bytes, not {type(keys).__name__}")
    found = []
    for key in keys:
        if not isinstance(key, (str, bytes)):
            raise ConfigurationError(field="encryption_key", problem=f"must be str or bytes, not {type(key).__name__}")
        found.append(key.encode() if isinstance(key, str) else key)
    if not found or min(map(len, found)) < _SHORTEST_KEY:
        remedy = "make one with secrets.token_hex(32)"
        raise ConfigurationError(
            field="encryption_key", problem=f"must have at least {_SHORTEST_KEY} bytes", remedy=remedy
        )
    return tuple(found)


def library(name: str, extra: str, store: str) -> Any:
    """The module `name`, which `extra` brings.

    Raises:
        ConfigurationError: it is not installed.
    """
    return _loaded(name, store, how_to_install(extra))


def load_cipher(store: str) -> None:
    """Load what encrypts the entries of a `store` of the person's own; raises as `library` does."""
    _loaded(CIPHER, store, f"{how_to_install_packages('cryptography')}, or give it the attribute encrypt=False")


def _loaded(name: str, store: str, remedy: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        problem = f"{store} needs {name.partition('.')[0]}"
    raise ConfigurationError(field="store", problem=problem, remedy=remedy, name="")
