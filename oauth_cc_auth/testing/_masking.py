"""What a repr may show: names and harmless values, but never a secret or a token."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

MASK = "***"  # as in the plugin, of which nothing is imported here

_SECRET_NAME = re.compile(r"secret|token|password|assertion|authorization|cookie|credential|key|dpop", re.I)
_SCHEME = re.compile(r"(Basic|Bearer|DPoP) ", re.I)


def mask_pairs(pairs: Iterable[tuple[str, str]], token: str | None) -> list[tuple[str, str]]:
    """``pairs``, with a value masked if its name suggests a secret or if it contains ``token``."""
    return [(name, _mask(name, value, token)) for name, value in pairs]


def mask_query(query: str, token: str | None) -> str:
    """The query of a URL, decoded, with the values masked that may be secret."""
    pairs = mask_pairs(parse_qsl(query, keep_blank_values=True), token)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _mask(name: str, value: str, token: str | None) -> str:
    if token and token in value:
        return MASK
    if not _SECRET_NAME.search(name):
        return value
    # The scheme shows which client authentication it was, and nothing else.
    scheme = _SCHEME.match(value)
    return scheme.group() + MASK if scheme else MASK
