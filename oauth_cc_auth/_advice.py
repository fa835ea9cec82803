"""Advice: what a person can do about an error, told in the words of the place where they are.

A program sets `token_url`, a command has `--token-url`, and HTTPie reads `OAUTH_CC_TOKEN_URL`. So advice is a template
with places in braces, and each face fills in its own words. The one law: only constants of this package are templates.
What a server, a person or a file says is a value, and a value is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._record import Record


class Words(Record):
    """What one face calls the settings, and how things are done there.

    Attributes:
        names: The names of settings, by field, as they are shown; a field that is not here is called by its own name.
        ways: Templates by the place that they fill, such as ``pass_dpop``. They may have places, too.
    """

    __slots__ = ("names", "ways")

    def __init__(self, names: Mapping[str, str], ways: Mapping[str, str]) -> None:
        self.names = names
        self.ways = ways

    def name_of(self, field: str) -> str:
        """What the setting is called here."""
        return self.names.get(field, field)


# How it is said to who writes a program. Each face has all of these ways.
PYTHON = Words(
    {},
    {
        "check_shows": "the command `oauth-cc-auth check` shows which step fails",
        "end_of_hold": "auth.invalidate() ends that",
        "name_issuer": "pass Issuer({meant!r})",
        "pass_dpop": "pass dpop=DPoP()",
        "permit_http": "pass allow_insecure_http=True to {auth_class}",
        "present_certificate": "pass TlsClientAuthentication(certificate) as client_authentication, or a token_client "
        "that has one",
        "proxy_url": "the URL of the proxy (HTTPS_PROXY, or that of the token_client)",
        "say_where_token_is": 'a TokenEndpoint with response_fields={{"access_token": "{path}"}} says where the token '
        "is",
        "send_json": "JSON, which TokenEndpoint(..., request_format='json') sends",
        "send_raw_basic": "pass ClientSecretBasic(percent_encode=False)",
        "trust_authority": "a client's own verify does not apply to token requests: pass token_client, or set "
        "{variable}",
        "trust_document": "if you trust the document, say so with TokenEndpoint.from_metadata(url, issuer=...)",
    },
)


# Templates and their values, which are texts or such parts again.
Parts = tuple[tuple[str, Mapping[str, Any]], ...]


class Advice(Record):
    """One or more half sentences with places in braces, and what fills them.

    A place is filled by the value of that name. Without one, the face fills it: with one of its ways, or else with
    what it calls the setting of that name.

    Attributes:
        parts: Each half sentence and its values, without any class of ours: errors keep them, and are pickled.
    """

    __slots__ = ("parts",)

    def __init__(self, template: str, **values: str | Advice) -> None:
        self.parts: Parts = ((template, _plain(values)),)

    @classmethod
    def of(cls, parts: Parts) -> Advice:
        """The advice with these `parts`."""
        return cls("").replaced(parts=parts)

    def __add__(self, other: Advice | None) -> Advice:
        return self if other is None else Advice.of(self.parts + other.parts)

    def with_values(self, **values: str | Advice) -> Advice:
        """The same with more values; those that it has count."""
        more = _plain(values)
        return Advice.of(tuple((template, {**more, **own}) for template, own in self.parts))

    def worded(self, words: Words) -> str:
        """The sentences in the words of a face, which may leave some out."""
        told = (template.format_map(_Places(values, words)) for template, values in self.parts)
        return "; ".join(filter(None, told))

    def __str__(self) -> str:
        return self.worded(PYTHON)


def _plain(values: Mapping[str, str | Advice]) -> dict[str, Any]:
    return {name: value.parts if isinstance(value, Advice) else value for name, value in values.items()}


def as_it_is(text: str) -> Advice | None:
    """Advice that is the same everywhere, or that someone else has written; None for an empty text."""
    return Advice("{text}", text=text) if text else None


def name_of(field: str) -> Advice:
    """What each face calls a setting."""
    return Advice(f"{{{field}}}")


def together(*advice: Advice | None) -> Advice | None:
    """All of it in one; None if there is none."""
    there = [each for each in advice if each is not None]
    return sum(there[1:], there[0]) if there else None


class _Places(dict[str, str]):
    """What fills the places of one template."""

    def __init__(self, values: Mapping[str, Any], words: Words) -> None:
        self._values = values
        self._words = words

    def __missing__(self, place: str) -> str:
        value = self._values.get(place)
        if isinstance(value, str):
            return value
        if value is not None:
            inner = Advice.of(tuple((template, {**self._values, **own}) for template, own in value))
            return inner.worded(self._words)
        way = self._words.ways.get(place)
        return self._words.name_of(place) if way is None else way.format_map(self)
