"""Where a strategy's key comes from: checked when it is given, and read anew if it is a file.

Files are read for each signature, because a rotation replaces them. A file that has not changed is not parsed again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .keys import SigningKey, key_elsewhere, read_file, signing_key


class KeySource:
    """A key, and how it was given.

    Args:
        key: See `signing_key`; None with `sign`.
        sign: See `key_elsewhere`; None with `key`.
        algorithm, key_id, password, certificate: See `signing_key`.

    Raises:
        ConfigurationError: there is no key that can sign.
    """

    __slots__ = ("_files", "_key", "arguments")

    def __init__(
        self,
        key: Any = None,
        *,
        sign: Any = None,
        algorithm: str | None = None,
        key_id: str | None = None,
        password: str | bytes | None = None,
        certificate: Any = None,
    ) -> None:
        if (key is None) == (sign is None):
            problem = "is missing" if key is None else "is given, and so is sign"
            raise ConfigurationError(field="key", problem=problem, remedy="pass a key, or a callable as sign")
        self.arguments: dict[str, Any] = {
            "key": key,
            "sign": sign,
            "algorithm": algorithm,
            "key_id": key_id,
            "password": password,
            "certificate": certificate,
        }
        self._files = self._read()
        self._key = self._load()

    def current(self) -> SigningKey:
        """The key to sign with now. It may read files, so it blocks.

        Raises:
            ConfigurationError: a file can no longer be read, or has no key that can sign.
        """
        files = self._read()
        if files != self._files:
            self._key, self._files = self._load(files), files
        return self._key

    @property
    def shown(self) -> str:
        """What may be shown of the key, like arguments."""
        return f"algorithm={self._key.algorithm!r}, key_id={self._key.key_id!r}"

    def arguments_to_pickle(self) -> dict[str, Any]:
        """What makes an equal one elsewhere: names of files.

        Raises:
            TypeError: the key is not in a file, or its password is known, so a pickle would have to hold a secret.
        """
        given = self.arguments
        if not isinstance(given["key"], Path) or not isinstance(given["certificate"], (Path, type(None))):
            raise TypeError("a private key is not pickled: give it as a Path to a file that is there in each process")
        if given["password"] is not None:
            raise TypeError("the password of a private key is not pickled: give a file that only you can read without")
        return {name: value for name, value in given.items() if value is not None}

    def _read(self) -> dict[str, bytes]:
        """What is in the files that were given, by argument."""
        return {
            name: read_file(name, value)
            for name in ("key", "certificate")
            if isinstance(value := self.arguments[name], Path)
        }

    def _load(self, files: dict[str, bytes] | None = None) -> SigningKey:
        given: dict[str, Any] = {**self.arguments, **(self._files if files is None else files)}
        key, sign, password = given.pop("key"), given.pop("sign"), given.pop("password")
        if sign is not None:
            return key_elsewhere(sign, **given)
        return signing_key(key, password=password, **given)

    def __repr__(self) -> str:
        return f"KeySource({self.shown})"
