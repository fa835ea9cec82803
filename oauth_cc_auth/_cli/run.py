"""Start a subcommand, and turn what goes wrong into one line on stderr and an exit status.

This file is also imported without the extra [cli], and says that it is missing.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from oauth_cc_auth._adapter.transport_errors import words_of
from oauth_cc_auth._cli.settings.config_file import TOML_MODULE
from oauth_cc_auth._cli.settings.given import CommandSettings, Given
from oauth_cc_auth._cli.terminal.exit import REFUSED, UNREACHABLE, USAGE, CommandError
from oauth_cc_auth._errors import ConfigurationError, InsecureRequestError, TokenEndpointUnreachable, TokenError, worded
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth._redact.redact import presentable

from .terminal import streams
from .terminal.wording import COMMAND

if TYPE_CHECKING:
    from oauth_cc_auth._cli.request.exchange_log import ExchangeLog

Command = Callable[[CommandSettings], int]


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand of `arguments`. Returns the exit status."""
    missing = _missing_module()
    if missing is not None:
        streams.write_to_stderr(f"oauth-cc-auth: error: {arguments.command} needs {missing}: {how_to_install('cli')}\n")
        return USAGE
    import requests

    from .terminal import console

    try:
        return _performed(arguments)
    except CommandError as error:
        message, status = error.message, error.status
    except ConfigurationError as error:
        message, status = str(error), USAGE
    except requests.RequestException as error:
        message, status = presentable(words_of(error), ()), UNREACHABLE
    console.error(message)
    return status


def status_of(error: TokenError) -> int:
    """The exit status if there is no token, or if it may not be sent."""
    if isinstance(error, InsecureRequestError):
        return USAGE
    return UNREACHABLE if isinstance(error, TokenEndpointUnreachable) else REFUSED


def _missing_module() -> str | None:
    """The first package of the extra that is not installed."""
    for name in ("requests", "rich", TOML_MODULE):
        try:
            import_module(name)
        except ImportError:
            return name
    return None


def _performed(arguments: argparse.Namespace) -> int:
    from oauth_cc_auth._cli.terminal.log_warnings import warnings_shown

    from .settings import load

    command = _COMMANDS[arguments.command](arguments)  # first: no one should type a secret for a wrong URL
    with warnings_shown(COMMAND):
        if arguments.command == "check" and arguments.api_url is not None and not load.names_endpoint(arguments):
            from oauth_cc_auth._cli.check.propose import run

            return run(arguments.api_url, as_json=arguments.json)
        settings = load.load(arguments)
    with warnings_shown(settings.words):
        try:
            return command(settings)
        except TokenError as error:
            problem = CommandError(worded(error, settings.words), status_of(error))
    if arguments.command != "check" and problem.status != USAGE:
        more = "shows which step fails" if problem.status == UNREACHABLE else "finds out more"
        problem.message += f"; `oauth-cc-auth check` {more}"
    raise problem  # out here, so that no context comes along


def _check(arguments: argparse.Namespace) -> Command:
    from oauth_cc_auth._cli.check.diagnose import run

    return partial(run, api_url=arguments.api_url, as_json=arguments.json)


def _token(arguments: argparse.Namespace) -> Command:
    from oauth_cc_auth._cli.request.token import as_json, header, plain, run

    form = header if arguments.header else as_json if arguments.json else plain
    return partial(run, form=form, log=_exchange_log(arguments), cache=_cache(arguments))


def _request(arguments: argparse.Namespace) -> Command:
    from oauth_cc_auth._cli.request.api_request import api_request_from
    from oauth_cc_auth._cli.request.send import run

    return partial(run, api_request=api_request_from(arguments), log=_exchange_log(arguments), cache=_cache(arguments))


def _cache(arguments: argparse.Namespace) -> Given | None:
    from oauth_cc_auth._cli.cache import cache_from

    return cache_from(arguments.cache, os.environ)


def _exchange_log(arguments: argparse.Namespace) -> ExchangeLog | None:
    from oauth_cc_auth._cli.request.exchange_log import ExchangeLog

    return ExchangeLog() if arguments.verbose else None


_COMMANDS: dict[str, Callable[[argparse.Namespace], Command]] = {
    "check": _check,
    "token": _token,
    "request": _request,
}
