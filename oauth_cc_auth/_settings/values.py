"""Values of settings that come as text: from a form, a file or the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.interrupts import Ignoring

from .shown import shown_value

# Keys as `plain` makes them: the form's words, the RFC's, and what people write for them.
_METHODS = {
    "basic": "client_secret_basic",
    "basicauth": "client_secret_basic",
    "clientsecretbasic": "client_secret_basic",
    "header": "client_secret_basic",
    "httpbasic": "client_secret_basic",
    "body": "client_secret_post",
    "clientsecretpost": "client_secret_post",
    "post": "client_secret_post",
    "requestbody": "client_secret_post",
    "requestbodyauth": "client_secret_post",
    "privatekeyjwt": "private_key_jwt",
    "clientsecretjwt": "client_secret_jwt",
    "clientassertion": "client_assertion",
    "tlsclientauth": "tls_client_auth",
    "none": "none",
}

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def plain(words: str) -> str:
    """`words` without what people write in different ways: case, spaces, underscores, hyphens."""
    return re.sub(r"[\s_\-]+", "", words).casefold()


def read_value(name: str, field: str, value: Any) -> Any:
    """The value of `field` that was given as `value`, perhaps as text.

    Args:
        name: What the person calls the field: a label, a variable, an option.
        field: Its name as an argument of an auth object.
        value: What was given.

    Raises:
        ConfigurationError: the text cannot be read.
    """
    if isinstance(value, str) and field in _TEXT_READERS:
        return _TEXT_READERS[field](name, field, value)
    if field in _READERS:
        return _READERS[field](name, field, value)
    if isinstance(value, str) and field != "client_secret":
        return value.strip()
    return value


def _read_method(name: str, field: str, text: str) -> str:
    method = _METHODS.get(plain(text))
    if method is None:
        names = ", ".join(dict.fromkeys(_METHODS.values()))
        problem = f"must be one of {names}, or blank to try the first two, not "
        raise ConfigurationError(field=field, name=name, problem=problem + shown_value(text))
    return method


def _read_dpop(name: str, field: str, text: str) -> Any:
    """A key that is made for this for "true", none for "false", else the key in the file of that name."""
    switch = _SWITCHES.get(text.strip().casefold())
    if switch is False:
        return None
    from oauth_cc_auth._authentication.dpop import DPoP
    from oauth_cc_auth._authentication.keys import load_libraries

    try:
        load_libraries(field)  # first, so that all other errors are about the file
        return DPoP() if switch else DPoP(Path(text.strip()))
    except ConfigurationError as error:
        problem = "names a JWK whose alg does not fit its key" if error.field == "algorithm" else error.problem
        # No setting says algorithm or password.
        remedy = error.remedy if error.field == field else "name a file with a private key that is not encrypted"
    # Raised out here, so that no context with a key comes along.
    raise ConfigurationError(field=field, name=name, problem=problem, remedy=remedy)


def _read_switch(name: str, field: str, text: str) -> bool:
    """True or False from the usual words."""
    switch = _SWITCHES.get(text.strip().casefold())
    if switch is None:
        raise ConfigurationError(field=field, name=name, problem=f"must be true or false, not {shown_value(text)}")
    return switch


def read_number(name: str, field: str | None, text: str) -> float:
    """A number.

    Raises:
        ConfigurationError: it is none.
    """
    with Ignoring(ValueError):
        return float(text)
    raise ConfigurationError(field=field, name=name, problem=f"must be a number, not {shown_value(text)}")


def _read_condition(name: str, field: str, text: str) -> bool | tuple[int, ...]:
    """True, False, or statuses: ``401, 419``."""
    words = text.replace(",", " ").split()
    if len(words) == 1 and words[0].casefold() in _SWITCHES:
        return _SWITCHES[words[0].casefold()]
    if words and all(re.fullmatch("[0-9]{3}", word) for word in words):
        return tuple(map(int, words))
    problem = f"must be true, false or HTTP statuses such as 401,419, not {shown_value(text)}"
    raise ConfigurationError(field=field, name=name, problem=problem)


def _read_origins(name: str, field: str, text: str) -> list[str]:
    return text.replace(",", " ").split()


def _read_pairs(name: str, field: str, value: Any) -> Any:
    """Pairs from JSON, from a form-encoded string, or from rows such as ``{"name": ..., "value": ...}``."""
    problem = ""
    if isinstance(value, str):
        value, problem = _pairs_from_text(value.strip())
    if isinstance(value, (list, tuple)):
        value = [_row(row) for row in value]
        if any(isinstance(row, Mapping) for row in value):
            problem = "must be a mapping, pairs, or rows with 'name' and 'value'"
    if problem:
        # Raised out here: the parser's exception carries the whole text, secrets included, as context.
        raise ConfigurationError(field=field, name=name, problem=problem)
    return value


def _read_grant_type(name: str, field: str, value: Any) -> Any:
    """A grant type, or False for none."""
    if value is False or (isinstance(value, str) and value.strip().casefold() == "false"):
        return False
    return value.strip() if isinstance(value, str) else value


def _read_places(name: str, field: str, value: str) -> Any:
    """Two names with a comma in between, of which one may be missing; or JSON."""
    if value.strip().startswith(("{", "[")):
        found = _json(value)
        if found is not None:
            return found
        raise ConfigurationError(field=field, name=name, problem="is not valid JSON")
    return [each.strip() or None for each in value.split(",")]


def _read_paths(name: str, field: str, value: Any) -> Any:
    """A mapping of names to paths."""
    pairs = _read_pairs(name, field, value)
    return dict(pairs) if isinstance(pairs, list) and all(len(pair) == 2 for pair in pairs) else pairs


def _pairs_from_text(text: str) -> tuple[Any, str]:
    """The pairs, and what is wrong with the text, if anything."""
    if text.startswith(("{", "[")):
        found = _json(text)
        return found, "is not valid JSON" if found is None else ""
    pairs = parse_qsl(text, keep_blank_values=True)
    if pairs and "=" in text:
        return pairs, ""
    return None, "must be a JSON object or name=value pairs joined by '&'"


def _json(text: str) -> Any:
    with Ignoring(ValueError, RecursionError):
        return json.loads(text)
    return None


def _row(row: Any) -> Any:
    """The pair in a row with a name and a value; every other row as it is."""
    if not isinstance(row, Mapping):
        return row
    plain = {str(key).casefold(): item for key, item in row.items()}
    for name in ("name", "key"):
        if set(plain) == {name, "value"}:
            return plain[name], plain["value"]
    return row


# What else than text is a value already.
_TEXT_READERS: dict[str, Callable[[str, str, str], Any]] = {
    "allow_insecure_http": _read_switch,
    "api_origins": _read_origins,
    "cache": _read_switch,
    "client_authentication": _read_method,
    "credential_fields": _read_places,
    "deadline": read_number,
    "default_lifetime": read_number,
    "dpop": _read_dpop,
    "early_expiry": read_number,
    "raise_if_not_renewed": _read_switch,
    "renew_after": read_number,
    "renew_in_background": _read_switch,
    "renew_on": _read_condition,
    "resource_metadata": _read_switch,
    "secret_in_query": _read_switch,
    "step_up": _read_switch,
    "timeout": read_number,
}
_READERS: dict[str, Callable[[str, str, Any], Any]] = {
    "additional_headers": _read_pairs,
    "additional_request_data": _read_pairs,
    "api_headers": _read_pairs,
    "credential_headers": _read_pairs,
    "grant_type": _read_grant_type,
    "response_fields": _read_paths,
}
