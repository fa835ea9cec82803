"""Keeping secrets out of text: what a server echoes, what a transport reports, what we show.

Our own messages never hold a secret. What others wrote is searched for every secret of the request at hand, in each
form in which it can come back: as it is, percent-encoded, form-encoded, escaped as in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from json.encoder import encode_basestring_ascii
from urllib.parse import quote, quote_plus, urlsplit

MASK = "***"

_LONGEST_TEXT = 300  # characters of other people's text in a message of ours
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets`, in any usual encoding, the longest first."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    for form in sorted(forms, key=len, reverse=True):
        text = re.sub(re.escape(form), MASK, text, flags=re.IGNORECASE)
    return text


def _forms(secret: str) -> Iterable[str]:
    encodable = secret.encode("utf-8", "replace")
    quoted, plussed = quote(encodable, safe=""), quote_plus(encodable)
    # A path or query that was quoted "lightly" keeps the reserved characters.
    return secret, quoted, plussed, quote(encodable), encode_basestring_ascii(secret)[1:-1]


def presentable(text: str, secrets: Iterable[str]) -> str:
    """Other people's text, fit for one line of ours: secrets masked, unprintable characters gone, cut to length."""
    secrets = tuple(secrets)
    line = " ".join(_UNPRINTABLE.sub(" ", redact(text, secrets)).split())
    line = redact(line, secrets)  # the cleaning may have put one together again
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def shown_url(url: str) -> str:
    """`url` as it may be shown: no user info, no query, no fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "a URL that cannot be parsed"
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    authority = f"//{host}" if host else ""
    return f"{scheme}{authority}{parts.path}" + (f"?{MASK}" if parts.query else "")
