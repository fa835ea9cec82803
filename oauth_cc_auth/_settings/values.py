"""Values of settings that come as text: from a form, a file or the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
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
}

_SWITCHES = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def plain(words: str) -> str:
    """`words` without what people write in different ways: case, spaces, underscores, hyphens."""
    return re.sub(r"[\s_\-]+", "", words).casefold()


def read_value(name: str, field: str, value: Any) -> Any:
    """The value of `field` that was given as `value`, perhaps as text.

    Args:
        name: What the person calls the field: a label, a variable, an option.
        field: Its name in the config.
        value: What was given.

    Raises:
        ConfigurationError: the text cannot be read.
    """
    if field == "client_authentication" and isinstance(value, str):
        return _read_method(name, value)
    reader = _READERS.get(field)
    if reader is not None:
        return reader(name, field, value)
    if isinstance(value, str) and field != "client_secret":
        return value.strip()
    return value


def _read_method(name: str, value: str) -> str:
    method = _METHODS.get(plain(value))
    if method is None:
        raise ConfigurationError(
            field="client_authentication",
            name=name,
            problem="must be 'client_secret_basic' or 'client_secret_post', or blank to try both, not "
            + shown_value(value),
        )
    return method


def read_switch(name: str, field: str, value: Any) -> Any:
    """True or False from the usual words; what is no text is given back as it is.

    Raises:
        ConfigurationError: the text is another word.
    """
    if not isinstance(value, str):
        return value
    switch = _SWITCHES.get(value.strip().casefold())
    if switch is None:
        raise ConfigurationError(field=field, name=name, problem=f"must be true or false, not {shown_value(value)}")
    return switch


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


def _read_places(name: str, field: str, value: Any) -> Any:
    """Two names with a comma in between, of which one may be missing; or JSON."""
    if not isinstance(value, str):
        return value
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


def _read_number(name: str, field: str, value: Any) -> Any:
    if isinstance(value, str):
        with Ignoring(ValueError):
            return float(value)
        raise ConfigurationError(field=field, name=name, problem=f"must be a number, not {shown_value(value)}")
    return value


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


_READERS: dict[str, Callable[[str, str, Any], Any]] = {
    "additional_headers": _read_pairs,
    "additional_request_data": _read_pairs,
    "allow_insecure_http": read_switch,
    "api_headers": _read_pairs,
    "credential_fields": _read_places,
    "credential_headers": _read_pairs,
    "default_lifetime": _read_number,
    "grant_type": _read_grant_type,
    "response_fields": _read_paths,
    "secret_in_query": read_switch,
}
