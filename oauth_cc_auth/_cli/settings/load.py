"""Bring the settings together for one run of the command, and warn of what is risky."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from oauth_cc_auth._cli.terminal import console
from oauth_cc_auth._settings.fields import is_proven_otherwise

from . import config_file, secret, sources
from .given import CommandSettings, Given, by_precedence, checked


def load(options: argparse.Namespace) -> CommandSettings:
    """The settings of options, environment and file. The person is asked for the secret if only that is missing.

    Raises:
        CommandError: the file or the secret cannot be read.
        ConfigurationError: a setting is missing or cannot be right; the message begins with its source.
    """
    on_command_line = sources.from_options(options)
    if "client_secret" in on_command_line:
        console.warning(secret.VISIBLE)
    in_environment, unknown = sources.from_environment(os.environ)
    if unknown:
        console.warning(f"these are not settings of {console.PROGRAM}, and are ignored: {', '.join(unknown)}")
    given = by_precedence(on_command_line, in_environment, _in_file(options.config))
    if options.client_secret == "-":
        given["client_secret"] = secret.from_standard_input()
    elif _only_the_secret_is_missing(given) and secret.can_be_typed():
        given["client_secret"] = secret.typed()
    return checked(given)


def names_endpoint(options: argparse.Namespace) -> bool:
    """True if options, environment or file name the token endpoint, or the issuer whose metadata does.

    Raises:
        CommandError: the file cannot be read.
        ConfigurationError: a setting cannot be right; the message begins with its source.
    """
    in_environment, _ = sources.from_environment(os.environ)
    file = {} if options.config is None else sources.from_mapping(config_file.read(options.config), options.config)
    return any(map(_names_place, (sources.from_options(options), in_environment, file)))


def _names_place(given: Mapping[str, Given]) -> bool:
    return "token_url" in given or "issuer" in given


def _in_file(name: str | None) -> dict[str, Given]:
    if name is None:
        return {}
    found = sources.from_mapping(config_file.read(name), name)
    if "client_secret" in found and config_file.is_open_to_others(name):
        console.warning(f"other users may read the secret in {name}: chmod 600 {name}")
    return found


def _only_the_secret_is_missing(given: Mapping[str, Given]) -> bool:
    if is_proven_otherwise({field: each.value for field, each in given.items()}):
        return False
    return "client_secret" not in given and "client_id" in given and _names_place(given)
