"""Checks of what has names and values: headers of both requests, and fields of the token request. Few set any."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any, NoReturn

from oauth_cc_auth._http.headers import has_control, is_encodable, is_header_name, is_header_value

from .checks import BEARER_PATTERN, OWN_API_REQUEST_HEADERS, SURROGATE, Pairs, plain_function, wrong, wrong_with_advice
from .shown import shown_field

# Headers that frame the message or authenticate the client: set by us, or the request would contradict itself.
_OWN_TOKEN_REQUEST_HEADERS = {
    "authorization": "client authentication has its own setting, client_authentication (a strategy object can set it)",
    "content-length": "it follows from the body",
    "transfer-encoding": "it follows from the body",
    "host": "it follows from token_url",
    "connection": "the connection is the client library's business",
    "content-encoding": "the body is sent as it is",
    "expect": "nothing waits for an interim answer",
}


_HEADER_FORM = "a name has no spaces and no colon; text is read as name=value pairs joined by '&', or as JSON"
_CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "json"}  # "application/vnd.api+json", too

_DEEPEST = 20  # levels of a JSON body; more is a mistake, such as a list that holds itself
LONGEST_INT = 1024  # bits; Python refuses to write out much longer ones


def api_headers(value: object, header_name: str) -> Pairs:
    """Headers that go wherever the token goes, each once, none that describes the request or carries the token."""
    headers: list[tuple[str, Any]] = []
    for name, content in _pairs("api_headers", value, spread=False):
        if not is_header_name(name):
            wrong("api_headers", "contains a name that is no header name", _HEADER_FORM)
        if name.lower() in OWN_API_REQUEST_HEADERS:
            wrong("api_headers", f"cannot set {name}, which describes the request itself")
        if name.lower() == header_name.lower():
            wrong("api_headers", f"cannot set {name}, which carries the token", "set header_value_pattern")
        if any(name.lower() == known.lower() for known, _ in headers):
            wrong("api_headers", f"sets {name} twice", "join the values by a comma")
        headers.append((name, _header_content("api_headers", name, content)))
    return tuple(headers)


def _header_content(field: str, name: str, content: Any) -> Any:
    if callable(content):
        return plain_function(field, content)
    if not isinstance(content, str) or not is_header_value(content):
        given = "that a header cannot have" if isinstance(content, str) else f"of type {type(content).__name__}"
        wrong(field, f"has a value for {name} {given}", "pass printable ASCII, no white space at either end")
    return content


def _pairs(field: str, value: object, *, spread: bool = True) -> Iterable[tuple[str, Any]]:
    """Names and values; unless `spread` is False, a list gives its name several values."""
    items = value.items() if isinstance(value, Mapping) else value
    if isinstance(items, (str, bytes)) or not isinstance(items, Iterable):
        wrong(field, f"must be a mapping or pairs, not {type(value).__name__}")
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            wrong(field, "must consist of pairs of a name and a value")
        name = item[0]
        if not isinstance(name, str) or not name.strip() or has_control(name) or not is_encodable(name):
            wrong(field, "has a name that is not one line of text")
        for single in item[1] if spread and isinstance(item[1], (list, tuple)) else (item[1],):
            yield name, single


def additional_headers(value: object, request_format: Any = "form", *, is_described: bool = False) -> Pairs:
    """Headers of the token request, each once, none that is ours to set.

    ``Authorization`` is not, if the description of the endpoint says where the credentials go.
    """
    if value is None:
        return ()
    headers: list[tuple[str, str]] = []
    for name, content in _pairs("additional_headers", value):
        if not is_header_name(name):
            wrong("additional_headers", "contains a name that is no header name", _HEADER_FORM)
        if name.lower() in _OWN_TOKEN_REQUEST_HEADERS and not (is_described and name.lower() == "authorization"):
            wrong("additional_headers", f"cannot set {name}: {_OWN_TOKEN_REQUEST_HEADERS[name.lower()]}")
        if any(name.lower() == known.lower() for known, _ in headers):
            wrong("additional_headers", f"sets {name} twice", "join the values by a comma")
        checked = _header_content("additional_headers", name, content)
        wanted = _CONTENT_TYPES.get(request_format, "")
        if name.lower() == "content-type" and (callable(checked) or wanted not in checked.lower()):
            wrong("additional_headers", f"cannot set Content-Type to anything but {wanted}, which the body is")
        headers.append((name, checked))
    return tuple(headers)


def additional_request_data(
    value: object, request_format: Any = "form", *, is_described: bool = False
) -> tuple[tuple[str, Any], ...]:
    """Fields of the token request in their order. A name may repeat, but not ``grant_type``, and none in JSON.

    ``client_id`` and ``client_secret`` may be among them if a description says where the credentials go.
    In JSON, values are kept as they are: a list is a list there, and not a name that repeats.
    """
    if value is None:
        return ()
    is_json = request_format == "json" or callable(request_format)
    data: list[tuple[str, Any]] = []
    for name, content in _pairs("additional_request_data", value, spread=not is_json):
        if name in ("client_id", "client_secret") and not is_described:
            from oauth_cc_auth._advice import Advice, name_of

            advice = Advice(
                "{own} has a setting of its own; to send it in the body, set {client_authentication} to "
                "client_secret_post",
                own=name_of(name),
            )
            wrong_with_advice("additional_request_data", f"cannot contain {name}", advice)
        if content is None:
            continue
        if name == "grant_type" and not str(content).strip():
            continue  # blank means unset, and the server wants one
        if any(known == name for known, _ in data) and (is_json or name == "grant_type"):
            remedy = "pass a list to send several values" if is_json else "keep one"
            wrong("additional_request_data", f"contains {shown_field(name)} twice", remedy)
        data.append((name, _json_value(name, content) if is_json else _form_value(name, content)))
    return tuple(data)


def _form_value(name: str, content: Any) -> Any:
    if callable(content):
        return plain_function("additional_request_data", content)
    if isinstance(content, (Mapping, list, tuple)):
        remedy = "describe the endpoint: TokenEndpoint(..., request_format='json')"
        wrong(
            "additional_request_data", f"has a nested value for {shown_field(name)}, which only JSON can hold", remedy
        )
    if isinstance(content, bool) or not isinstance(content, (str, int)):
        wrong(
            "additional_request_data",
            f"has a value for {shown_field(name)} that is neither str nor int",
            "pass it as str",
        )
    _check_plain(name, content)
    return str(content)


def _check_plain(name: str, content: Any) -> None:
    if isinstance(content, int) and content.bit_length() > LONGEST_INT:
        wrong("additional_request_data", f"has a number for {shown_field(name)} that is too large", "pass it as str")
    if isinstance(content, str) and not is_encodable(content):
        wrong("additional_request_data", f"has a lone surrogate in {shown_field(name)}", SURROGATE[1])


def _json_value(name: str, content: Any, depth: int = 0) -> Any:
    """`content` as JSON can hold it, and so that it cannot be changed later."""
    if callable(content):
        return plain_function("additional_request_data", content)
    if depth > _DEEPEST:
        wrong("additional_request_data", f"has a value for {shown_field(name)} that is nested too deep")
    if isinstance(content, Mapping):
        if not all(isinstance(each, str) and is_encodable(each) for each in content):
            wrong("additional_request_data", f"has a name in {shown_field(name)} that is no text")
        from .nested import Nested

        return Nested({each: _json_value(each, member, depth + 1) for each, member in content.items()})
    if isinstance(content, (list, tuple)):
        return tuple(_json_value(name, member, depth + 1) for member in content)
    if content is not None and not isinstance(content, (str, int, float)):
        wrong("additional_request_data", f"has a value for {shown_field(name)} that JSON cannot hold")
    if isinstance(content, float) and not isfinite(content):
        wrong("additional_request_data", f"has a number for {shown_field(name)} that JSON cannot hold")
    _check_plain(name, content)
    return content


_BOUND_PATTERN = "DPoP %s"


def bound_header(fields: Mapping[str, Any]) -> str:
    """The header value of a token that is bound to a key, if nothing in `fields` contradicts it (RFC 9449 §7.1)."""
    if fields["header_name"].lower() != "authorization":
        problem = f"is {fields['header_name']}, and a token that is bound to a key goes into Authorization"
        _contradicts_dpop("header_name", problem)
    if fields["header_value_pattern"] not in (BEARER_PATTERN, _BOUND_PATTERN):
        problem = f"is not {_BOUND_PATTERN!r}, as which a token that is bound to a key is sent"
        _contradicts_dpop("header_value_pattern", problem)
    for field in ("additional_headers", "api_headers"):
        if any(name.lower() == "dpop" for name, _ in fields[field]):
            wrong(field, "cannot set DPoP, since dpop makes a proof for each request")
    return _BOUND_PATTERN


def _contradicts_dpop(field: str, problem: str) -> NoReturn:
    from oauth_cc_auth._advice import Advice

    wrong_with_advice(field, problem, Advice("leave it out, or leave out {dpop}"))
