"""Read ``WWW-Authenticate`` (RFC 9110 §11.6.1), as far as a diagnosis needs it. Pure."""

from __future__ import annotations

import re

_PARAMETER = r'(?<![\w-]){}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))'
_ESCAPED = re.compile(r"\\(.)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?')  # the last may have been cut off
# A scheme stands alone or before a space. Before the "=" of a parameter there may be spaces too.
_SCHEME = re.compile(r"\s*([\w!#$%&'*+.^`|~-]+)(?:\s+(?!\s*=)|\s*$)")


def challenge_parameter(challenge: str | None, name: str) -> str | None:
    """A parameter without its quotes and backslashes; None if it is absent."""
    if challenge is None:
        return None
    found = re.search(_PARAMETER.format(name), challenge, re.IGNORECASE)
    if found is None:
        return None
    quoted, plain = found.groups()
    return plain if quoted is None else _ESCAPED.sub(r"\1", quoted)


def plainly_quoted(challenge: str) -> str:
    """Without needless backslashes: one in the middle of a secret would hide it."""
    return _ESCAPED.sub(lambda found: found[0] if found[1] in '"\\' else found[1], challenge)


def challenge_schemes(challenge: str | None) -> tuple[str, ...]:
    """The authentication schemes that it asks for, as they are written, in order."""
    if challenge is None:
        return ()
    parts = _QUOTED.sub('""', challenge).split(",")
    return tuple(found.group(1) for found in map(_SCHEME.match, parts) if found is not None)
