"""Checks of what describes a token endpoint, as `checks` has those of the other settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from math import inf
from typing import Any
from urllib.parse import urlsplit

from oauth_cc_auth._authentication.described import (
    ID_PLACEHOLDER,
    PLACEHOLDER,
    SECRET_PLACEHOLDER,
    UNKNOWN_PLACEHOLDER,
)
from oauth_cc_auth._errors import ConfigurationError, renamed
from oauth_cc_auth._http.headers import has_control, is_encodable, is_header_name, is_header_value
from oauth_cc_auth._http.well_known import issuer_behind
from oauth_cc_auth._redact.redact import MASK

from . import checks
from .callables import is_async
from .nested import Nested
from .shown import shown_field, shown_value

METHODS = ("POST", "GET", "PUT")
REQUEST_FORMATS = ("form", "json", "query")
LIFETIME_UNITS = ("s", "ms", "min", "h", "d", "clock", "unix", "unix_ms", "date")
RESPONSE_FIELDS = ("access_token", "token_type", "expires_in", "scope", "error", "error_description")

_PLACEHOLDERS = "'{client_id}', '{client_secret}' or '{basic}'"


def _wrong(field: str, problem: str, remedy: str = "") -> ConfigurationError:
    return ConfigurationError(field=field, problem=problem, remedy=remedy)


def _one_of(field: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise _wrong(field, f"must be one of {', '.join(map(repr, known))}, not {shown_value(value)}")
    return value


def yes_or_no(field: str, value: object) -> bool:
    """True or False, and no word that means one of them."""
    if not isinstance(value, bool):
        raise _wrong(field, f"must be True or False, not {type(value).__name__}")
    return value


def method(value: object) -> str:
    """An HTTP method in capitals."""
    return _one_of("method", value.upper() if isinstance(value, str) else value, METHODS)


def request_format(value: Any, method: str) -> Any:
    """How fields are sent; a GET has no body."""
    if value is None:
        return "query" if method == "GET" else "form"
    if is_async(value):
        raise _wrong("request_format", "is an async function", "pass a plain one")
    found = value if callable(value) else _one_of("request_format", value, REQUEST_FORMATS)
    if method == "GET" and found != "query":
        problem = "makes a body, and a GET request has none"
        raise _wrong("request_format", problem, "leave it out, or set method to 'POST'")
    return found


def endpoint_url(value: object) -> str:
    """A URL in which braces are placeholders, and those for credentials the only ones."""
    url = checks.token_url(value, allow_insecure_http=True)  # whether http is permitted is another setting
    rest = re.sub(PLACEHOLDER, "", url)
    if "{" in rest or "}" in rest:
        raise _wrong("token_url", "has braces", f"the only placeholders are {_PLACEHOLDERS}")
    if re.search(PLACEHOLDER, urlsplit(url).netloc):
        raise _wrong("token_url", "has credentials in the host", "put placeholders into the path")
    return url


def revocation_url(value: object, *, allow_insecure_http: bool = True) -> str | None:
    """A URL, if there is one."""
    return None if value is None else _url("revocation_url", value, allow_insecure_http=allow_insecure_http)


def alternatives(value: object, *, allow_insecure_http: bool = True) -> tuple[str, ...]:
    """URLs like that of the endpoint."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise _wrong("alternatives", f"must be URLs in a list, not {type(value).__name__}")
    return tuple(_alternative(url, allow_insecure_http=allow_insecure_http) for url in value)


def no_alternatives_of_issuer(alternatives: Sequence[str], issuer: object) -> None:
    """Refuse other places of an endpoint whose place is for the metadata of an issuer to say."""
    if alternatives and issuer is not None:
        problem = "are given, and the metadata of the issuer names the token endpoint"
        raise _wrong("alternatives", problem, "pass URLs only, or leave them out")


def _alternative(value: object, *, allow_insecure_http: bool) -> str:
    try:
        checks.token_url(value, allow_insecure_http=allow_insecure_http, field="alternatives")
        return endpoint_url(value)
    except ConfigurationError as error:
        problem = renamed(error, "alternatives")
    raise problem  # out here, so that no context with the value comes along


def metadata_url(value: object) -> str | None:
    """A URL, if there is one."""
    return None if value is None else _url("metadata_url", value)


def issuer(value: object) -> str:
    """An issuer: a URL without a query (RFC 8414 §2)."""
    url = _url("issuer", value)
    meant = issuer_behind(url)
    if meant is not None:
        problem = "is the URL of the issuer's metadata"
        raise _wrong("issuer", problem, f"pass {meant!r}, with a slash at its end if the metadata has one there")
    if "?" in url:
        raise _wrong("issuer", "contains a query, which no issuer has (RFC 8414 §2)", "leave out what follows '?'")
    return url


def _url(field: str, value: object, *, allow_insecure_http: bool = True) -> str:
    return checks.token_url(value, allow_insecure_http=allow_insecure_http, field=field)


def _name(field: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or has_control(value) or not is_encodable(value):
        raise _wrong(field, "has a name that is not one line of text")
    return value


def nests(request_format: Any) -> bool:
    """True for a format that can hold nested fields."""
    return request_format == "json" or callable(request_format)


def credential_fields(value: Any, request_format: Any) -> tuple[str | None, ...] | Nested | None:
    """Two names, a mapping with placeholders, or an empty tuple for none."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        _check_template(value, request_format)
        return Nested(value)
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        remedy = "pass two names such as ('clientId', 'clientSecret')"
        raise _wrong("credential_fields", f"must be two names or a mapping, not {type(value).__name__}", remedy)
    names = tuple(None if each is None else _name("credential_fields", each) for each in value)
    if len(names) not in (0, 2):
        raise _wrong(
            "credential_fields", "must hold two names, of id and secret", "None stands for one that is not sent"
        )
    if len(names) == 2 and names[0] == names[1]:
        raise _wrong("credential_fields", "has one name for both", "pass two names, of id and secret")
    return names


def _check_template(value: Mapping[Any, Any], request_format: Any) -> None:
    for name, member in value.items():
        _name("credential_fields", name)
        if isinstance(member, Mapping):
            if not nests(request_format):
                remedy = "only request_format='json' nests; a form may have names such as 'auth[id]'"
                raise _wrong("credential_fields", f"is nested, and the request is a {request_format}", remedy)
            _check_template(member, request_format)
        elif not isinstance(member, str) or not is_encodable(member):
            remedy = f"pass text, with {_PLACEHOLDERS} in the place of the credentials"
            raise _wrong("credential_fields", f"has a value for {shown_field(name)} that is no text", remedy)
        else:
            _check_placeholders("credential_fields", shown_field(name), member)


def _check_placeholders(field: str, name: str, text: str) -> None:
    """Refuse a name in braces that stands for nothing: it would be sent as it is. Braces that hold no name may be."""
    if re.search(UNKNOWN_PLACEHOLDER, text):
        problem = f"has an unknown placeholder in the value for {name}"
        raise _wrong(field, problem, f"the only placeholders are {_PLACEHOLDERS}")


def credential_template(value: tuple[str | None, ...] | Nested | None, request_format: Any) -> Nested:
    """`credential_fields` as a mapping with placeholders."""
    if value is None or isinstance(value, Nested):
        return value or Nested({})
    template: dict[str, Any] = {}
    for name, placeholder in zip(value, ("{client_id}", "{client_secret}"), strict=False):
        if name is not None:
            *parents, last = name.split(".") if nests(request_format) else [name]
            if not last or not all(parents):
                raise _wrong("credential_fields", "has a name with nothing before or after a dot")
            place: Any = template
            for parent in parents:
                place = place.setdefault(parent, {}) if isinstance(place, dict) else place
            if not isinstance(place, dict) or last in place:
                raise _wrong("credential_fields", "has one name inside the other", "pass two places")
            place[last] = placeholder
    return Nested(template)


def credential_headers(value: Any) -> tuple[tuple[str, str], ...]:
    """Headers whose values have placeholders."""
    if value is None:
        return ()
    items = value.items() if isinstance(value, Mapping) else value
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        raise _wrong("credential_headers", f"must be a mapping or pairs, not {type(value).__name__}")
    headers: list[tuple[str, str]] = []
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2 or not isinstance(item[0], str):
            raise _wrong("credential_headers", "must consist of pairs of a name and a value")
        name, content = item
        if (
            not is_header_name(name)
            or name.lower() in _FRAMING
            or name.lower() in (known.lower() for known, _ in headers)
        ):
            raise _wrong(
                "credential_headers", "has a name that is none, that is there twice, or that frames the request"
            )
        if not isinstance(content, str) or not is_header_value(content):
            raise _wrong("credential_headers", f"has a value for {name} that a header cannot have")
        _check_placeholders("credential_headers", name, content)
        headers.append((name, content))
    return tuple(headers)


_FRAMING = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-type", "content-encoding", "expect"}
)


def response_fields(value: Any) -> Any:
    """A callable, or paths by names of RFC 6749."""
    if value is None:
        return None
    if callable(value):
        if is_async(value):
            raise _wrong("response_fields", "is an async function", "pass a plain one")
        return value
    if not isinstance(value, Mapping):
        remedy = "pass paths by name, such as {'access_token': 'data.token'}"
        raise _wrong("response_fields", f"must be a mapping or a callable, not {type(value).__name__}", remedy)
    for name, path in value.items():
        if name not in RESPONSE_FIELDS:
            known = ", ".join(RESPONSE_FIELDS)
            problem = f"names {shown_value(name)}" if isinstance(name, str) else "has a name that is no text"
            raise _wrong("response_fields", problem, f"on the left, it takes the names of RFC 6749: {known}")
        if not isinstance(path, str) or not path.strip() or has_control(path):
            raise _wrong("response_fields", f"has no path for {name}", "pass one such as 'data.token'")
    return Nested(value)


def lifetime_unit(value: object) -> str:
    """How the answer tells the life of a token."""
    return _one_of("lifetime_unit", value, LIFETIME_UNITS)


def default_lifetime(value: object) -> float | None:
    """Seconds, or None."""
    if value is None:
        return None
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < inf:
        raise _wrong("default_lifetime", f"must be a positive number of seconds, not {shown_value(value)}")
    return value


def has_credentials(url: str) -> bool:
    """True if a URL has placeholders."""
    return re.search(PLACEHOLDER, url) is not None


def has_secret(templates: Any) -> bool:
    """True if the secret is sent by any of `templates`."""
    return re.search(SECRET_PLACEHOLDER, json.dumps(templates, default=dict)) is not None


def has_id(templates: Any) -> bool:
    """True if the id is sent by any of `templates`."""
    return re.search(ID_PLACEHOLDER, json.dumps(templates, default=dict)) is not None


def no_secret_in_query(url: str, template: Mapping[str, Any], request_format: Any, *, permitted: bool) -> None:
    """Refuse a secret in a query that no one has asked for."""
    if permitted:
        return
    query = has_secret(urlsplit(url).query)
    if query or (request_format == "query" and has_secret(template)):
        raise _wrong(
            "token_url" if query else "credential_fields",
            "puts the secret into the query of the URL, which servers and proxies log",
            "use credential_headers if the provider takes that, or pass secret_in_query=True",
        )


def no_field_twice(template: Mapping[str, Any], data: Iterable[tuple[str, Any]]) -> None:
    """Refuse additional data in a place of the credentials; objects of one name become one."""
    for name, value in data:
        placed = template.get(name)
        if isinstance(placed, Mapping) and isinstance(value, Mapping):
            no_field_twice(placed, value.items())
        elif placed is not None:
            problem = f"contains {shown_field(name)}, where credential_fields puts credentials"
            raise _wrong("additional_request_data", problem, "keep one")


def no_header_twice(credential_headers: Iterable[tuple[str, Any]], additional: Iterable[tuple[str, Any]]) -> None:
    """Refuse an additional header that the credentials have, too."""
    taken = {name.lower() for name, _ in credential_headers}
    for name, _ in additional:
        if name.lower() in taken:
            raise _wrong("additional_headers", f"sets {name}, which is also in credential_headers", "keep one")


def method_beside(method: object, credential_headers: Iterable[tuple[str, Any]], *, headers_only: bool) -> None:
    """Refuse a method that would put the secret into a query, or a header that is there already."""
    if method == "client_secret_post" and headers_only:
        problem = "puts the secret into the query of the URL, which servers and proxies log"
        raise _wrong("client_authentication", problem, "set another one, or secret_in_query=True on the endpoint")
    if method == "client_secret_basic" and any(name.lower() == "authorization" for name, _ in credential_headers):
        problem = "sets Authorization, which is also in credential_headers"
        raise _wrong("client_authentication", problem, "keep one")


def shown_template(template: Any) -> Any:
    """`template` as it may be shown: text without a placeholder may be a secret that someone wrote there."""
    if isinstance(template, Mapping):
        return {name: shown_template(member) for name, member in template.items()}
    return template if has_credentials(template) else MASK
