"""Bringing the settings together for one run of the command, with the warnings that are due."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping

from . import _config_file, _console, _secret, _settings, _sources
from ._settings import Given, Settings


def load(options: argparse.Namespace) -> Settings:
    """The settings that options, environment and file say; the secret is asked for where only that is missing.

    Raises:
        CommandError: the file or the secret cannot be read.
        ConfigurationError: a setting is missing or cannot be right; the message starts with its source.
    """
    on_command_line = _sources.from_options(options)
    if "client_secret" in on_command_line:
        _console.warning(_secret.VISIBLE)
    in_environment, unknown = _sources.from_environment(os.environ)
    if unknown:
        _console.warning(f"no settings of {_console.PROGRAM}, and ignored: {', '.join(unknown)}")
    given = _settings.by_precedence(on_command_line, in_environment, _in_file(options.config))
    if options.client_secret == "-":
        given["client_secret"] = _secret.from_standard_input()
    elif _only_the_secret_is_missing(given) and _secret.can_be_typed():
        given["client_secret"] = _secret.typed()
    return _settings.checked(given)


def _in_file(name: str | None) -> dict[str, Given]:
    if name is None:
        return {}
    found = _sources.from_mapping(_config_file.read(name), name)
    if "client_secret" in found and _config_file.is_open_to_others(name):
        _console.warning(f"other users may read the secret in {name}: chmod 600 {name}")
    return found


def _only_the_secret_is_missing(given: Mapping[str, Given]) -> bool:
    return "client_secret" not in given and {"token_url", "client_id"} <= set(given)
