"""Settings by name: the labels of the connector form, our own names, and environment variables."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from ._errors import ConfigurationError

logger = logging.getLogger("oauth_cc_auth")

FIELDS = (
    "token_url",
    "client_id",
    "client_secret",
    "scope",
    "client_authentication",
    "header_name",
    "header_value_pattern",
    "grant_type",
    "additional_headers",
    "additional_request_data",
    "allow_insecure_http",
)
_REQUIRED = FIELDS[:3]
# Arguments of an auth object that are no settings of the token request.
_BEHAVIOUR = ("timeout", "deadline", "early_expiry", "renew_after", "renew_on", "api_origins", "token_client")

# The labels as the form prints them; the two without a field are only checked.
_FORM_LABELS: dict[str, str | None] = {
    "Auth Config": None,
    "Oauth2 Grant Type": None,
    "Client ID": "client_id",
    "Client Secret": "client_secret",
    "Client Credentials Grant Scope": "scope",
    "Oauth2 Token Url": "token_url",
    "Oauth2 Client Authentication": "client_authentication",
    "Header Auth Key": "header_name",
    "Header Auth Value Pattern": "header_value_pattern",
    "Oauth2 Custom Grant Type": "grant_type",
    "Custom Oauth Request Options Custom Grant Type": "grant_type",
    "Custom Oauth Request Options Additional Headers": "additional_headers",
    "Custom Oauth Request Options Additional Request Data": "additional_request_data",
}
# The form prints these below a heading of their own, which exports may put in front.
_NESTED = "customoauthrequestoptions"

_CHECKED_VALUES = {"authconfig": "oauth2", "oauth2granttype": "clientcredentialsgrant"}

_METHODS_BY_FORM_VALUE = {
    "basicauth": "client_secret_basic",
    "basic": "client_secret_basic",
    "requestbodyauth": "client_secret_post",
    "requestbody": "client_secret_post",
}

_TRUE, _FALSE = frozenset({"1", "true", "yes", "on"}), frozenset({"0", "false", "no", "off"})


def _plain(label: str) -> str:
    return re.sub(r"[\s_\-]+", "", label).casefold()


_FIELD_BY_PLAIN_LABEL: dict[str, str | None] = {
    **{_plain(label): field for label, field in _FORM_LABELS.items()},
    **{_plain(field): field for field in FIELDS},
}


def arguments_from_mapping(settings: Mapping[str, Any], allow_insecure_http: bool | None) -> dict[str, Any]:
    """Keyword arguments of `ClientCredentialsConfig` from labels and values.

    Raises:
        ConfigurationError: an unknown label, two labels for one field, another grant than client credentials, or a
            value that cannot be read.
    """
    arguments, _ = fields_from_mapping(settings)
    return _complete(arguments, allow_insecure_http, {field: field for field in FIELDS})


def fields_from_mapping(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values of the fields that are set, and the label that each of them has in `settings`.

    Raises:
        ConfigurationError: as `arguments_from_mapping`; nothing is missing here.
    """
    if not isinstance(settings, Mapping):
        raise ConfigurationError(f"settings must be a mapping of labels to values, not {type(settings).__name__}")
    arguments: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for label, value in settings.items():
        field = _field_for(label)
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if field is None:
            _check(label, value)
            continue
        if field in arguments:
            raise ConfigurationError(f"{label!r} and {origins[field]!r} both set {field}; keep one")
        origins[field] = label
        arguments[field] = read(label, field, value)
    return arguments, origins


def arguments_from_env(prefix: str, allow_insecure_http: bool | None) -> dict[str, Any]:
    """Keyword arguments of `ClientCredentialsConfig` from the environment.

    Variables that start with the prefix and are no setting of ours are ignored, with a WARNING in the log.

    Raises:
        ConfigurationError: a required variable is missing, or a value cannot be read.
    """
    names = {field: f"{prefix}{field.upper()}" for field in FIELDS}
    arguments: dict[str, Any] = {}
    for field, name in names.items():
        value = os.environ.get(name, "")
        if value.strip():
            arguments[field] = read(name, field, value)
    unknown = sorted(name for name in os.environ if name.startswith(prefix) and name not in names.values())
    if unknown and prefix:
        logger.warning("no settings of %s, and ignored: %s", __package__, ", ".join(unknown))
    return _complete(arguments, allow_insecure_http, names)


def in_terms_of_env(message: str, prefix: str) -> str:
    """`message` about a field, about the variable instead."""
    field, space, rest = message.partition(" ")
    return f"{prefix}{field.upper()}{space}{rest}" if field in FIELDS else message


def _field_for(label: object) -> str | None:
    if not isinstance(label, str):
        raise ConfigurationError(f"a label must be a str, not {type(label).__name__}")
    plain = _plain(label)
    start = plain.find(_NESTED)
    if start > 0:
        plain = plain[start:]
    if plain not in _FIELD_BY_PLAIN_LABEL:
        _unknown(label, plain)
    return _FIELD_BY_PLAIN_LABEL[plain]


def _unknown(label: str, plain: str) -> NoReturn:
    from difflib import get_close_matches

    if plain in map(_plain, _BEHAVIOUR):
        raise ConfigurationError(f"{label!r} is no field of the form; pass it to ClientCredentialsAuth.from_config()")
    known = {_plain(name): name for name in (*FIELDS, *_FORM_LABELS)}
    nearest = get_close_matches(plain, known, n=1)
    if nearest:
        raise ConfigurationError(f"{label!r} is no known setting; did you mean {known[nearest[0]]!r}?")
    raise ConfigurationError(
        f"{label!r} is no known setting; a body field of the token request belongs into additional_request_data. "
        f"Known are: {', '.join(FIELDS)}"
    )


def _check(label: str, value: object) -> None:
    expected = _CHECKED_VALUES[_plain(label)]
    given = _plain(value) if isinstance(value, str) else ""
    if given not in (expected, expected.removesuffix("grant")):
        wanted = "Oauth2" if expected == "oauth2" else "Client Credentials Grant"
        raise ConfigurationError(f"{label!r} must be {wanted!r}, the only one that this package does")


def read(label: str, field: str, value: Any) -> Any:
    """`value` as the config takes `field`; errors name `label`."""
    if field == "client_authentication" and isinstance(value, str):
        return _METHODS_BY_FORM_VALUE.get(_plain(value), value.strip())
    if field == "allow_insecure_http":
        return _read_switch(label, value)
    if field in ("additional_headers", "additional_request_data"):
        return _read_pairs(label, value)
    if isinstance(value, str) and field != "client_secret":
        return value.strip()
    return value


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
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _row(label: str, row: Any) -> Any:
    if not isinstance(row, Mapping):
        return row
    plain = {str(key).casefold(): item for key, item in row.items()}
    for name in ("name", "key"):
        if set(plain) == {name, "value"}:
            return plain[name], plain["value"]
    raise ConfigurationError(f"{label!r} must be a mapping, pairs, or rows with 'name' and 'value'")


def _complete(arguments: dict[str, Any], allow_insecure_http: bool | None, names: Mapping[str, str]) -> dict[str, Any]:
    missing = [names[field] for field in _REQUIRED if field not in arguments]
    if missing:
        raise ConfigurationError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing or blank")
    if allow_insecure_http is not None:
        arguments["allow_insecure_http"] = allow_insecure_http
    return arguments
