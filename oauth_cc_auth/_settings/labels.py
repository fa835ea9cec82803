"""Settings by name: the labels of the connector form, our own names, and environment variables."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any, NoReturn

from oauth_cc_auth._errors import ConfigurationError

from .checks import can_do_without_secret
from .values import plain, read_value

logger = logging.getLogger("oauth_cc_auth")

DEFAULT_PREFIX = "OAUTH_CC_"

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
# The first can be written down, so the command takes them from the environment and from files.
OF_THE_COMMAND = ("timeout", "deadline", "early_expiry", "renew_after", "renew_on", "api_origins")
_BEHAVIOUR = (*OF_THE_COMMAND, "on_event", "token_client")

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


_FIELD_BY_PLAIN_LABEL: dict[str, str | None] = {
    **{plain(label): field for label, field in _FORM_LABELS.items()},
    **{plain(field): field for field in FIELDS},
}


def arguments_from_mapping(
    settings: Mapping[str, Any], allow_insecure_http: bool | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """Keyword arguments of `ClientCredentialsConfig` from labels and values, and the labels by field.

    Raises:
        ConfigurationError: an unknown label, two labels for one field, another grant than client credentials, or a
            value that cannot be read.
    """
    arguments, labels = fields_from_mapping(settings)
    return _complete(arguments, allow_insecure_http, {field: field for field in FIELDS}), labels


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
        arguments[field] = read_value(label, field, value)
    return arguments, origins


def arguments_from_env(prefix: str, allow_insecure_http: bool | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Keyword arguments of `ClientCredentialsConfig` from the environment, and the variables by field.

    Variables that start with the prefix and are no setting of ours are ignored, with a WARNING in the log; where the
    prefix is a person's own, and so perhaps that of a whole program, only for those that look like a mistake.

    Raises:
        ConfigurationError: a required variable is missing, or a value cannot be read.
    """
    if not isinstance(prefix, str):
        raise ConfigurationError(f"prefix must be a str, not {type(prefix).__name__}")
    names = {field: f"{prefix}{field.upper()}" for field in FIELDS}
    arguments: dict[str, Any] = {}
    for field, name in names.items():
        value = os.environ.get(name, "")
        if value.strip():
            arguments[field] = read_value(name, field, value)
    if prefix:
        _warn_of_ignored(prefix, known=set(names.values()))
    return _complete(arguments, allow_insecure_http, names), names


def _warn_of_ignored(prefix: str, known: set[str]) -> None:
    for name in sorted(os.environ):
        if name.startswith(prefix) and name not in known:
            remedy = _remedy(name.removeprefix(prefix), prefix)
            if prefix == DEFAULT_PREFIX and plain(name.removeprefix(prefix)) in map(plain, OF_THE_COMMAND):
                logger.warning("%s is for the command oauth-cc-auth, and is ignored here%s", name, remedy)
            elif remedy or prefix == DEFAULT_PREFIX:
                logger.warning("%s is no setting, and is ignored%s", name, remedy)


def _remedy(rest: str, prefix: str) -> str:
    """What the variable with the name `rest` after the prefix should have been; empty where nobody can tell."""
    from difflib import get_close_matches

    word = plain(rest)
    behaviour = {plain(name): name for name in _BEHAVIOUR}
    if word in behaviour:
        return f"; a program passes {behaviour[word]} to from_env() as an argument"
    fields = {plain(field): field for field in FIELDS}
    nearest = [_FIELD_BY_PLAIN_LABEL.get(word), *map(fields.get, get_close_matches(word, fields, n=1, cutoff=0.8))]
    return next((f"; did you mean {prefix}{field.upper()}?" for field in nearest if field), "")


def in_terms_of(names: Mapping[str, str], message: str) -> str:
    """`message` about a field, about what the person set it by instead: a label, a variable."""
    field, space, rest = message.partition(" ")
    return f"{names.get(field, field)}{space}{rest}"


def _field_for(label: object) -> str | None:
    if not isinstance(label, str):
        raise ConfigurationError(f"a label must be a str, not {type(label).__name__}")
    word = plain(label)
    start = word.find(_NESTED)
    if start > 0:
        word = word[start:]
    if word not in _FIELD_BY_PLAIN_LABEL:
        _unknown(label, word)
    return _FIELD_BY_PLAIN_LABEL[word]


def _unknown(label: str, word: str) -> NoReturn:
    from difflib import get_close_matches

    if word in map(plain, _BEHAVIOUR):
        raise ConfigurationError(f"{label!r} is no field of the form; pass it to ClientCredentialsAuth.from_config()")
    known = {plain(name): name for name in (*FIELDS, *_FORM_LABELS)}
    nearest = get_close_matches(word, known, n=1)
    if nearest:
        raise ConfigurationError(f"{label!r} is no known setting; did you mean {known[nearest[0]]!r}?")
    raise ConfigurationError(
        f"{label!r} is no known setting; a body field of the token request belongs into additional_request_data. "
        f"Known are: {', '.join(FIELDS)}"
    )


def _check(label: str, value: object) -> None:
    expected = _CHECKED_VALUES[plain(label)]
    given = plain(value) if isinstance(value, str) else ""
    if given not in (expected, expected.removesuffix("grant")):
        wanted = "Oauth2" if expected == "oauth2" else "Client Credentials Grant"
        raise ConfigurationError(f"{label!r} must be {wanted!r}, the only one that this package does")


def _complete(arguments: dict[str, Any], allow_insecure_http: bool | None, names: Mapping[str, str]) -> dict[str, Any]:
    required = _REQUIRED[:2] if can_do_without_secret(arguments.get("client_authentication")) else _REQUIRED
    missing = [names[field] for field in required if field not in arguments]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigurationError(f"{', '.join(missing)} {verb} missing or blank{_other_prefix(names)}")
    if allow_insecure_http is not None:
        arguments["allow_insecure_http"] = allow_insecure_http
    return arguments


def _other_prefix(names: Mapping[str, str]) -> str:
    """A word for the prefix that lacks its underscore."""
    token_url = names["token_url"]
    prefix = token_url.removesuffix("TOKEN_URL")
    if prefix and f"{prefix}_TOKEN_URL" in os.environ:
        return f"; did you mean the prefix {prefix + '_'!r}?"
    return ""
