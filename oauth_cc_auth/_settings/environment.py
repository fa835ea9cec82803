"""Settings by environment variables: a prefix and the name of a field in capitals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from . import DEFAULT_PREFIX
from .fields import BEHAVIOUR, SETTINGS, WRITABLE_BEHAVIOUR, check_complete
from .labels import FIELD_BY_LABEL
from .values import plain, read_value

logger = logging.getLogger("oauth_cc_auth")


def arguments_from_environment(prefix: str, environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Keyword arguments of `ClientCredentialsConfig` from environment variables, and their names by field.

    Variables that start with the prefix and are no setting of ours are ignored, with a WARNING in the log. If the
    prefix is the person's own, it may be that of a whole program; then only those that look like a mistake are logged.

    Raises:
        ConfigurationError: a required variable is missing, or a value cannot be read.
    """
    if not isinstance(prefix, str):
        raise ConfigurationError(problem=f"prefix must be a str, not {type(prefix).__name__}")
    names = {field: f"{prefix}{field.upper()}" for field in SETTINGS}
    arguments: dict[str, Any] = {}
    for field, name in names.items():
        value = environ.get(name, "")
        if value.strip():
            arguments[field] = read_value(name, field, value)
    if prefix:
        _warn_of_ignored(prefix, environ, known=set(names.values()))
    check_complete(arguments, names, _other_prefix(prefix, environ))
    return arguments, names


def _warn_of_ignored(prefix: str, environ: Mapping[str, str], known: set[str]) -> None:
    for name in sorted(environ):
        if name.startswith(prefix) and name not in known:
            remedy = _remedy(name.removeprefix(prefix), prefix)
            if prefix == DEFAULT_PREFIX and plain(name.removeprefix(prefix)) in map(plain, WRITABLE_BEHAVIOUR):
                logger.warning("%s is for the command oauth-cc-auth, and is ignored here%s", name, remedy)
            elif remedy or prefix == DEFAULT_PREFIX:
                logger.warning("%s is not a setting, and is ignored%s", name, remedy)


def _remedy(rest: str, prefix: str) -> str:
    """What the variable with the name `rest` after the prefix should have been; empty if there is no telling."""
    from difflib import get_close_matches

    word = plain(rest)
    behaviour = {plain(name): name for name in BEHAVIOUR}
    if word in behaviour:
        return f"; a program passes {behaviour[word]} to from_env() as an argument"
    fields = {plain(field): field for field in SETTINGS}
    nearest = [FIELD_BY_LABEL.get(word), *map(fields.get, get_close_matches(word, fields, n=1, cutoff=0.8))]
    return next((f"; did you mean {prefix}{field.upper()}?" for field in nearest if field), "")


def _other_prefix(prefix: str, environ: Mapping[str, str]) -> str:
    """A question about the prefix if it lacks its underscore."""
    if prefix and f"{prefix}_TOKEN_URL" in environ:
        return f"did you mean the prefix {prefix + '_'!r}?"
    return ""
