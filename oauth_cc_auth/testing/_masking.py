"""What a repr may show: names and harmless values, never a secret or a token."""

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

MASK = "***"

_SECRET_NAME = re.compile(r"secret|token|password|assertion|authorization|cookie|credential|key", re.I)
_SCHEME = re.compile(r"(Basic|Bearer) ", re.I)


def mask_pairs(pairs: Iterable[tuple[str, str]], token: str | None) -> list[tuple[str, str]]:
    """``pairs`` with every value masked that looks secret by its name or that contains ``token``."""
    return [(name, _mask(name, value, token)) for name, value in pairs]


def mask_query(query: str, token: str | None) -> str:
    """The query of a URL, decoded, with its secret-looking values masked."""
    pairs = mask_pairs(parse_qsl(query, keep_blank_values=True), token)
    return "&".join(f"{name}={value}" for name, value in pairs)


def _mask(name: str, value: str, token: str | None) -> str:
    if token and token in value:
        return MASK
    if not _SECRET_NAME.search(name):
        return value
    # The scheme tells which client authentication was used and gives nothing away.
    scheme = _SCHEME.match(value)
    return scheme.group() + MASK if scheme else MASK
