"""Values of settings that come as text: from a form, a file or the environment."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.interrupts import Ignoring

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

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def plain(words: str) -> str:
    """`words` without what people write in different ways: case, spaces, underscores, hyphens."""
    return re.sub(r"[\s_\-]+", "", words).casefold()


def read_value(label: str, field: str, value: Any) -> Any:
    """The value of `field` that was given as `value` under `label`, both perhaps as text.

    Raises:
        ConfigurationError: the text cannot be read; the message names the label.
    """
    if field == "client_authentication" and isinstance(value, str):
        return _read_method(label, value)
    if field == "allow_insecure_http":
        return _read_switch(label, value)
    if field in ("additional_headers", "additional_request_data"):
        return _read_pairs(label, value)
    if isinstance(value, str) and field != "client_secret":
        return value.strip()
    return value


def _read_method(label: str, value: str) -> str:
    method = _METHODS.get(plain(value))
    if method is None:
        raise ConfigurationError(
            f"{label!r} must be 'client_secret_basic' or 'client_secret_post', or blank to try both, not {value!r}"
        )
    return method


def _read_switch(label: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    word = value.strip().casefold()
    if word not in _TRUE | _FALSE:
        raise ConfigurationError(f"{label!r} must be true or false, not {value!r}")
    return word in _TRUE


def _read_pairs(label: str, value: Any) -> Any:
    """Pairs from JSON, from a form-encoded string, or from rows such as ``{"name": ..., "value": ...}``."""
    if isinstance(value, str):
        text = value.strip()
        if not text.startswith(("{", "[")):
            pairs = parse_qsl(text, keep_blank_values=True)
            if not pairs or "=" not in text:
                raise ConfigurationError(f"{label!r} must be a JSON object or name=value pairs joined by '&'")
            return pairs
        value = _json(text)
        if value is None:
            # Raised out here: the parser's exception carries the whole text, secrets included, as context.
            raise ConfigurationError(f"{label!r} is not valid JSON")
    if isinstance(value, (list, tuple)):
        return [_row(label, row) for row in value]
    return value


def _json(text: str) -> Any:
    with Ignoring(ValueError, RecursionError):
        return json.loads(text)
    return None


def _row(label: str, row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    plain = {str(key).casefold(): item for key, item in row.items()}
    for name in ("name", "key"):
        if set(plain) == {name, "value"}:
            return plain[name], plain["value"]
    raise ConfigurationError(f"{label!r} must be a mapping, pairs, or rows with 'name' and 'value'")
