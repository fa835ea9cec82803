"""Read a certificate that is not trusted. The standard library decodes only those that it has verified.

This is just enough of X.690 and RFC 5280 for the owner, the issuer, and the time until which it is valid.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from datetime import datetime, timezone

from oauth_cc_auth._cli.check.connection_facts import Certificate

_SEQUENCE, _EXTENSIONS, _VERSION = 0x30, 0xA3, 0xA0
_UTC_TIME = 0x17
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_COMMON_NAME, _ORGANIZATION = b"\x55\x04\x03", b"\x55\x04\x0a"
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"

_Element = tuple[int, bytes]  # tag and content


def read_certificate(der: bytes) -> Certificate | None:
    """What the certificate says; None if it cannot be read."""
    try:
        return _certificate(der)
    except (ValueError, IndexError):
        return None


def _certificate(der: bytes) -> Certificate:
    (_, whole), *_rest = _elements(der)
    (_, signed), *_rest = _elements(whole)
    fields = [element for element in _elements(signed) if element[0] != _VERSION]
    _serial, _algorithm, issuer, validity, subject, *others = (content for _, content in fields)
    not_before, not_after = (_time(*element) for element in _elements(validity))
    del others
    return Certificate(
        subject=_name(subject),
        issuer=_name(issuer),
        names=tuple(_names(fields)),
        not_before=not_before,
        not_after=not_after,
    )


def _elements(data: bytes) -> Iterator[_Element]:
    at = 0
    while at < len(data):
        tag, length = data[at], data[at + 1]
        at += 2
        if length & 0x80:  # the length of the length
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size], "big")
            at += size
        if at + length > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + length]
        at += length


def _name(name: bytes) -> str:
    """The common name and the organization, if they are there."""
    found: dict[bytes, str] = {}
    for _, group in _elements(name):
        for _, attribute in _elements(group):
            (_, kind), (_, value), *_rest = _elements(attribute)
            found.setdefault(kind, value.decode("utf-8", "replace"))
    common, organization = found.get(_COMMON_NAME), found.get(_ORGANIZATION)
    if common and organization and common != organization:
        return f"{common} ({organization})"
    return common or organization or "no name"


def _time(tag: int, content: bytes) -> float:
    # Two digits of a year mean 1950 to 2049 (RFC 5280 §4.1.2.5.1); strptime would pivot at 1969.
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = ("20" if text < "50" else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()


def _names(fields: list[_Element]) -> Iterator[str]:
    """The hosts in the extension "subject alternative name"."""
    for tag, content in fields:
        if tag != _EXTENSIONS:
            continue
        (_, extensions), *_rest = _elements(content)
        for _, extension in _elements(extensions):
            (_, kind), *_critical, (_, value) = _elements(extension)
            if kind == _SUBJECT_ALT_NAME:
                (_, names), *_rest = _elements(value)
                yield from filter(None, map(_host, _elements(names)))


def _host(name: _Element) -> str | None:
    tag, content = name
    if tag == _DNS_NAME:
        return content.decode("ascii", "replace")
    return str(ipaddress.ip_address(content)) if tag == _IP_ADDRESS else None
