"""From when until when a certificate is valid, read from it without cryptography (RFC 5280 §4.1.2.5).

`ssl` says this only of a server's certificate that it has verified, and the certificate of a client needs no extra.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import NamedTuple

_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17


class Validity(NamedTuple):
    """The first and the last moment of a certificate, in UTC."""

    begins: datetime
    ends: datetime

    def problem(self, now: datetime) -> str:
        """What to say of the certificate `now`; empty if there is nothing to say."""
        if now > self.ends:
            return f"it has expired at {_shown(self.ends)}"
        return f"it is not valid before {_shown(self.begins)}" if now < self.begins else ""


def validity_of(der: bytes) -> Validity | None:
    """The times in a certificate; None if they are not where they must be."""
    try:
        tag, certificate, _ = _value(der)
        inner_tag, fields, _ = _value(certificate)
        if (tag, inner_tag) != (_SEQUENCE, _SEQUENCE):
            return None
        tag, _, rest = _value(fields)
        # Version, which old certificates lack; serial number, algorithm, issuer.
        for _ in range(3 if tag == _VERSION else 2):
            _, _, rest = _value(rest)
        _, times, _ = _value(rest)
        first, begins, rest = _value(times)
        last, ends, _ = _value(rest)
        return Validity(_moment(first, begins), _moment(last, ends))
    except (IndexError, ValueError):
        return None


def _value(der: bytes) -> tuple[int, bytes, bytes]:
    """Tag and content of the first value, and what comes after it."""
    length, start = der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start], "big")
    return der[0], der[start : start + length], der[start + length :]


def _moment(tag: int, content: bytes) -> datetime:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of the year: from 1950 to 2049
        text = ("20" if text[:2] < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
