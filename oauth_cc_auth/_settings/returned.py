"""What a person's code returns for a token request: checked when it returns, as what is passed is when it is passed.

Later it would fail in the midst of our own work, with the secret in the locals. An error names the place and the type,
and never the value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._authentication.base import ClientAuthentication, Credentials
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.headers import has_control, is_encodable, is_header_name, is_header_value

from . import checks
from .callables import returned_awaitable
from .pair_checks import LONGEST_INT
from .shown import is_field_name

Pairs = tuple[tuple[str, str], ...]


def secret(value: object, client_authentication: str | ClientAuthentication | None) -> str | None:
    """The client secret, if `value` could have been passed as `client_secret` too.

    Raises:
        ConfigurationError: it could not.
    """
    awaitable = returned_awaitable(value)
    if awaitable:
        raise ConfigurationError(f"it {awaitable}")
    try:
        found = checks.secret_text(value, client_authentication)
    except ConfigurationError as error:
        problem = f"what it returned cannot be used: {error}"
    else:
        return None if found is None else str(found)
    raise ConfigurationError(problem)


def credentials(value: object) -> Credentials:
    """What a strategy adds to a token request; a whole number among the values becomes text.

    Raises:
        ConfigurationError: it is no `Credentials`, or something in it is not text that fits where it goes.
    """
    if not isinstance(value, Credentials):
        awaitable = returned_awaitable(value)
        raise ConfigurationError(f"it {awaitable or f'must return Credentials, not {type(value).__name__}'}")
    headers, fields = _pairs("headers", value.headers), _pairs("fields", value.fields)
    for name, content in headers:
        if not is_header_name(name):
            raise ConfigurationError("it returned a header with a name that is none")
        if not is_header_value(content):
            raise ConfigurationError(f"it returned the header {name} with a value that a header cannot have")
    for name, content in fields:
        if not name or has_control(name) or not is_encodable(name) or not is_encodable(content):
            raise ConfigurationError(f"it returned {_shown(name)} with what no form field can hold")
    if not isinstance(value.note, str):
        raise ConfigurationError("it returned Credentials whose note is no text")
    return Credentials(headers=headers, fields=fields, note=value.note)


def body(value: object) -> bytes:
    """What a callable made of the fields of a token request, as bytes.

    Raises:
        ConfigurationError: it is no body.
    """
    if isinstance(value, str) and is_encodable(value):
        value = value.encode()
    if not isinstance(value, bytes):
        awaitable = returned_awaitable(value)
        raise ConfigurationError(f"it {awaitable or 'must return text or bytes'}")
    return value


def header_value(value: object) -> str:
    """What a callable made of a token: the value of a header.

    Raises:
        ConfigurationError: it is none.
    """
    awaitable = returned_awaitable(value)
    if awaitable:
        raise ConfigurationError(f"it {awaitable}")
    if not isinstance(value, str) or not is_header_value(value) or "\t" in value:
        given = "a text that a header cannot have" if isinstance(value, str) else type(value).__name__
        raise ConfigurationError(f"it returned {given}; return printable ASCII without white space at either end")
    return value


def members(value: object) -> Mapping[str, Any]:
    """What a callable made of an answer: its members by their names in RFC 6749.

    Raises:
        ConfigurationError: it is no mapping with names.
    """
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        awaitable = returned_awaitable(value)
        raise ConfigurationError(f"it {awaitable or f'must return a mapping with names, not {type(value).__name__}'}")
    return value


def _pairs(kind: str, pairs: Any) -> Pairs:
    """`pairs` as text; an attribute of `Credentials` may have been set to anything."""
    if not isinstance(pairs, tuple) or any(not isinstance(pair, tuple) or len(pair) != 2 for pair in pairs):
        raise ConfigurationError(f"it returned Credentials whose {kind} are no pairs")
    return tuple((_name(kind, name), _text(name, content)) for name, content in pairs)


def _name(kind: str, name: object) -> str:
    if not isinstance(name, str):
        raise ConfigurationError(f"it returned Credentials whose {kind} have a name of type {type(name).__name__}")
    return name


def _text(name: Any, content: object) -> str:
    if isinstance(content, int) and not isinstance(content, bool) and content.bit_length() <= LONGEST_INT:
        return str(content)
    if not isinstance(content, str):
        raise ConfigurationError(f"it returned {_shown(name)} as {type(content).__name__}; make it a str")
    return content


def _shown(name: str) -> str:
    return f"the field {name}" if is_field_name(name) else "a field"
