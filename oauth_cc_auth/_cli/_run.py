"""Starting a subcommand, and turning whatever goes wrong into one line on stderr and an exit status.

This file is imported without the extra [cli] too, in order to say so.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from oauth_cc_auth._errors import ConfigurationError, InsecureRequestError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._redact import presentable
from oauth_cc_auth._transport import transport_failure

from ._config_file import TOML_MODULE
from ._exit import REFUSED, UNREACHABLE, USAGE, CommandError
from ._settings import Settings, in_terms_of_the_command


def run(arguments: argparse.Namespace) -> int:
    """Run the subcommand of `arguments`. Returns the exit status."""
    missing = _missing_module()
    if missing is not None:
        sys.stderr.write(
            f"oauth-cc-auth: error: {arguments.command} needs {missing}: python -m pip install 'oauth_cc_auth[cli]'\n"
        )
        return USAGE
    import requests

    from . import _console

    try:
        return _performed(arguments)
    except CommandError as error:
        message, status = error.message, error.status
    except ConfigurationError as error:
        message, status = str(error), USAGE
    except TokenError as error:
        message, status = in_terms_of_the_command(error.message), status_of(error)
    except requests.RequestException as error:
        message, status = presentable(transport_failure(error, retryable=False).text, ()), UNREACHABLE
    _console.error(message)
    return status


def status_of(error: TokenError) -> int:
    """The exit status for a token that cannot be had or may not be sent."""
    if isinstance(error, InsecureRequestError):
        return USAGE
    return UNREACHABLE if isinstance(error, TokenEndpointUnreachable) else REFUSED


def _missing_module() -> str | None:
    """The first part of the extra that is not installed."""
    for name in ("requests", "rich", TOML_MODULE):
        try:
            import_module(name)
        except ImportError:
            return name
    return None


def _performed(arguments: argparse.Namespace) -> int:
    from . import _load

    return _COMMANDS[arguments.command](_load.load(arguments), arguments)


def _run_check(settings: Settings, arguments: argparse.Namespace) -> int:
    from . import _check

    return _check.run(settings, api_url=arguments.api_url, as_json=arguments.json)


_COMMANDS = {"check": _run_check}
