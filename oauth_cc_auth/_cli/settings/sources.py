"""What options, environment and file say, all in one form: field names and `Given`. Pure."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._adapter import behaviour
from oauth_cc_auth._cli.terminal.wording import option_for, setting_remedy
from oauth_cc_auth._errors import ConfigurationError, named
from oauth_cc_auth._settings import DEFAULT_PREFIX
from oauth_cc_auth._settings.environment import SECRET_FILE, secret_from_file
from oauth_cc_auth._settings.fields import OF_COMMAND, SETTINGS
from oauth_cc_auth._settings.fields import WRITABLE_BEHAVIOUR as BEHAVIOUR
from oauth_cc_auth._settings.labels import FIELD_BY_LABEL, fields_from_mapping, is_table, plain_label
from oauth_cc_auth._settings.values import plain, read_number, read_value

from .given import Given


def from_options(options: argparse.Namespace) -> dict[str, Given]:
    """What was given on the command line; a secret of ``-`` means standard input, and is left out.

    Raises:
        ConfigurationError: a value cannot be read; the message begins with the option.
    """
    found: dict[str, Given] = {}
    for field in (*SETTINGS, *BEHAVIOUR):
        value = getattr(options, field, None)
        if _is_blank(value) or (field == "client_secret" and value == "-"):
            continue
        name = option_for(field)
        if field in _SEPARATORS:
            value = [split_pair(name, each, _SEPARATORS[field]) for each in value or ()]
            if field == "additional_request_data":
                value = [_with_json(name, *pair) for pair in value]
        found[field] = Given(read_value(name, field, value), name)
    return found


def from_environment(environ: Mapping[str, str]) -> tuple[dict[str, Given], list[str]]:
    """What the environment sets, and the variables with our prefix that are not settings.

    Raises:
        ConfigurationError: a value cannot be read, or the secret is set twice; the message names the variable.
    """
    variables = {f"{DEFAULT_PREFIX}{field.upper()}": field for field in (*SETTINGS, *BEHAVIOUR)}
    file_variable = f"{DEFAULT_PREFIX}{SECRET_FILE}"
    found = {
        field: Given(read_value(name, field, environ[name]), name)
        for name, field in variables.items()
        if not _is_blank(environ.get(name))
    }
    secret = secret_from_file(DEFAULT_PREFIX, environ)
    if secret is not None:
        found["client_secret"] = Given(secret, file_variable)
    known = {*variables, file_variable, *(f"{DEFAULT_PREFIX}{name.upper()}" for name in OF_COMMAND)}
    return found, sorted(name for name in environ if name.startswith(DEFAULT_PREFIX) and name not in known)


def from_mapping(settings: Mapping[str, Any], name: str) -> dict[str, Given]:
    """What a file sets, by our names or the labels of the form.

    Args:
        name: The name of the file in messages.

    Raises:
        ConfigurationError: an unknown label, a section, or a value that cannot be read; the message names both.
    """
    if any(_is_section(label, value) for label, value in settings.items()):
        problem = "put the settings at the top of the file, without a [section]"
        raise ConfigurationError(name=f"{name}:", problem=problem)
    known = {plain(field): field for field in BEHAVIOUR}
    behaviour = {label: known[plain(label)] for label in settings if plain(label) in known}
    try:
        values, labels = fields_from_mapping({k: v for k, v in settings.items() if k not in behaviour})
        for label, field in behaviour.items():
            if field in values:
                problem = f"and {labels[field]} both set {field}"
                raise ConfigurationError(field=field, name=repr(label), problem=problem, remedy="keep one")
            if not _is_blank(settings[label]):
                values[field], labels[field] = read_value(repr(label), field, settings[label]), repr(label)
    except ConfigurationError as error:
        wrong = named(error, f"{error.name} in {name}", setting_remedy(error))
    else:
        return {field: Given(value, f"{labels[field]} in {name}") for field, value in values.items()}
    # Raised out here, so that no context with the values comes along.
    raise wrong


def split_pair(option: str, text: str, separator: str) -> tuple[str, str]:
    """Name and value of ``NAME:VALUE`` or ``NAME=VALUE``.

    Raises:
        ConfigurationError: there is no separator, or no name before it. The value may be a secret and is not shown.
    """
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise ConfigurationError(name=option, problem=f"must be NAME{separator}VALUE")
    # In a header, white space around the value means nothing (RFC 9110 §5.5); in data it does.
    return name.strip(), value.strip() if separator == ":" else value


def _with_json(option: str, name: str, value: str) -> tuple[str, Any]:
    """The pair, with the value of ``NAME:=JSON`` as what it is in JSON."""
    if not name.endswith(":") or name == ":":
        return name, value
    try:
        return name[:-1].rstrip(), json.loads(value)
    except (ValueError, RecursionError):
        pass
    raise ConfigurationError(name=option, problem="has a value after := that is not valid JSON")


def seconds(option: str, text: str) -> float:
    """A positive number of seconds.

    Raises:
        ConfigurationError: it is not.
    """
    return behaviour.seconds(option, read_number(option, None, text))


def _is_section(label: str, value: Any) -> bool:
    """True for an object under a name that is not a setting, with settings in it or nothing."""
    if not isinstance(value, Mapping) or _is_setting(label) or is_table(label, value):
        return False
    return not value or any(_is_setting(inner) or _is_section(inner, held) for inner, held in value.items())


def _is_setting(label: str) -> bool:
    return plain(label) in map(plain, BEHAVIOUR) or plain_label(label) in FIELD_BY_LABEL


_SEPARATORS = {
    "additional_headers": ":",
    "additional_request_data": "=",
    "api_headers": ":",
    "credential_headers": ":",
    "response_fields": "=",
}


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
