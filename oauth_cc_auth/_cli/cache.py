"""The cache of the command line: a `FileStore` where runs share their token, and ``oauth-cc-auth cache clear``.

Nothing here needs the extra [cli], so people who only have stores in their programs can clear them.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

from oauth_cc_auth._cli.settings.given import CommandSettings, Given
from oauth_cc_auth._cli.terminal.exit import FAILED, OK, CommandError
from oauth_cc_auth._cli.terminal.streams import write_to_stderr
from oauth_cc_auth._errors import ConfigurationError, TokenError, named
from oauth_cc_auth._install import how_to_install
from oauth_cc_auth._settings import DEFAULT_PREFIX
from oauth_cc_auth._settings.values import read_value
from oauth_cc_auth._stores.file import FileStore, default_directory
from oauth_cc_auth._stores.shareable import check

_OPTION, _VARIABLE = "--cache", f"{DEFAULT_PREFIX}CACHE"
_MODULES = ("filelock", "platformdirs", "cryptography")  # of the extra [file]


def cache_from(option: bool | None, environ: Mapping[str, str]) -> Given | None:
    """The store that option or environment ask for, and which of them does; None if they do not.

    Raises:
        CommandError: a package is missing, or the folder cannot be used.
        ConfigurationError: the variable is neither true nor false.
    """
    wanted, source = option, _OPTION
    if wanted is None:
        text = environ.get(_VARIABLE, "")
        wanted, source = bool(text.strip()) and read_value(_VARIABLE, "cache", text), _VARIABLE
    return Given(_store_for(source), source) if wanted else None


def check_can_be_shared(settings: CommandSettings, cache: Given) -> None:
    """Raise a ConfigurationError, in the words of the command line, if runs cannot share a token of `settings`."""
    try:
        check(settings.config, cache.value)
        return
    except ConfigurationError as error:
        is_made_here = settings.config.dpop is not None and settings.config.dpop.is_made_here
        remedy = "pass --dpop a file with a key" if is_made_here else "use it with another proof, or leave it out"
        problem = named(error, cache.source, remedy)
    raise problem


def clear() -> int:
    """Delete all tokens in the cache folder, and print how many there were. Returns the exit status."""
    try:
        store = _store_for("cache clear")
        removed = _cleared(store)
    except CommandError as error:
        message, status = error.message, error.status
    else:
        sys.stdout.write(f"{_shown(removed)} {store.directory}\n")
        return OK
    write_to_stderr(f"oauth-cc-auth: error: {message}\n")
    return status


def _store_for(what: str) -> FileStore:
    """The store in the cache folder of this user, for `what` people call the thing that needs it."""
    for name in _MODULES:
        try:
            import_module(name)
        except ImportError:
            problem = f"{what} needs {name}: {how_to_install('file')}"
        else:
            continue
        raise CommandError(problem)
    directory = default_directory()
    try:
        return FileStore(directory)
    except ConfigurationError as error:
        problem = f"the cache folder {error.problem}: make it one that only you can use (mode 0700)"
    raise CommandError(problem)


def _cleared(store: FileStore) -> int:
    try:
        return store.clear()
    except TokenError as error:
        problem = f"the cache folder {store.directory} was not cleared: {error.problem}"
    raise CommandError(problem, FAILED)


def _shown(removed: int) -> str:
    """What was removed. An entry need not be a token: a failure of the token endpoint is kept, too."""
    if not removed:
        return "nothing to remove: there are no tokens in"
    return "removed 1 entry from" if removed == 1 else f"removed {removed} entries from"
