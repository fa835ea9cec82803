"""Values as they lie in a store. The one law: nothing is believed that the holder of the credential has not written.

A value is a mark, when it ends, and the content: encrypted with AES-GCM (NIST SP 800-38D), or in clear with an HMAC.
Key and end of the entry are authenticated along with it, so a store cannot pass off one entry as another one, nor keep
one alive.
"""

from __future__ import annotations

import hmac
import os
import struct
from collections.abc import Sequence

_SEALED, _SIGNED = b"\x01", b"\x02"
_HEAD = struct.Struct(">cd")
_NONCE, _TAG = 12, 32  # bytes


class Seal:
    """Seals and opens values.

    Args:
        key: 32 bytes that only holders of the credential know.
        encryption_keys: The person's own, mixed in; the first one writes, and all of them read.
        encrypt: False leaves the content readable, so that no library is needed; it is authenticated all the same.
    """

    __slots__ = ("_encrypt", "_keys")

    def __init__(self, key: bytes, encryption_keys: Sequence[bytes] = (), *, encrypt: bool = True) -> None:
        self._keys = [hmac.digest(key, own, "sha256") for own in encryption_keys or (b"",)]
        self._encrypt = encrypt

    def sealed(self, name: str, end: float, content: bytes) -> bytes:
        """`content` for the entry `name` that ends at `end`, in Unix time by the store's clock."""
        head = _HEAD.pack(_SEALED if self._encrypt else _SIGNED, end)
        if not self._encrypt:
            return head + _tag(self._keys[0], name, head, content) + content
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE)
        return head + nonce + AESGCM(self._keys[0]).encrypt(nonce, content, name.encode() + head)

    def opened(self, name: str, value: bytes) -> tuple[float, bytes] | None:
        """When the entry ends, and its content; None if no holder of a key has written this for `name`."""
        if len(value) < _HEAD.size or value[:1] != (_SEALED if self._encrypt else _SIGNED):
            return None
        head, rest = value[: _HEAD.size], value[_HEAD.size :]
        for key in self._keys:
            content = (_decrypted if self._encrypt else _verified)(key, name, head, rest)
            if content is not None:
                end: float = _HEAD.unpack(head)[1]
                return end, content
        return None


def _decrypted(key: bytes, name: str, head: bytes, rest: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(rest[:_NONCE], rest[_NONCE:], name.encode() + head)
    except (InvalidTag, ValueError):  # too short for a nonce
        return None


def _verified(key: bytes, name: str, head: bytes, rest: bytes) -> bytes | None:
    tag, content = rest[:_TAG], rest[_TAG:]
    return content if hmac.compare_digest(tag, _tag(key, name, head, content)) else None


def _tag(key: bytes, name: str, head: bytes, content: bytes) -> bytes:
    return hmac.digest(key, name.encode() + head + content, "sha256")
