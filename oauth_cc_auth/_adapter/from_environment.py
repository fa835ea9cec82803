"""An auth object from environment variables: an error is about the variable, as the person knows no argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from oauth_cc_auth._config import config_of
from oauth_cc_auth._errors import ConfigurationError, named, remedy_in
from oauth_cc_auth._settings.environment import arguments_from_environment, permission, words_of
from oauth_cc_auth._settings.fields import SETTINGS

from .base import BaseAuth

AuthT = TypeVar("AuthT", bound=BaseAuth[Any])


def from_environment(cls: type[AuthT], prefix: str, environ: Mapping[str, str], given: Mapping[str, Any]) -> AuthT:
    """What `from_env` of an auth class does, from any variables.

    Args:
        cls: Called with what differs from its defaults.
        prefix: Of the variables.
        environ: All variables.
        given: Arguments that the program passes itself.

    Raises:
        ConfigurationError: a variable is missing or wrong, or an argument cannot be right.
    """
    arguments, names = arguments_from_environment(prefix, environ, given, behaviour=True)
    settings = {field: arguments.pop(field) for field in SETTINGS if field in arguments}
    config = config_of(settings, names, permit=permission(prefix))
    defaults = BaseAuth.__init__.__kwdefaults__ or {}
    behaviour = {name: value for name, value in arguments.items() if name not in names or value != defaults[name]}
    try:
        return cls.from_config(config, **behaviour)
    except ConfigurationError as error:
        if error.field not in names:
            raise
        problem = named(error, names[error.field], remedy_in(error, words_of(prefix)))
    # Raised out here, so that no context with the values comes along.
    raise problem
