"""A value in an environment variable, looked up when it is needed."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os

from oauth_cc_auth._errors import ConfigurationError


class FromEnvironment:
    """The value of an environment variable, looked up at each use. It also serves as `client_secret`.

    Args:
        name: The variable.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> str:
        """The value, without white space around it.

        Raises:
            ConfigurationError: the variable is not set, or blank.
        """
        value = os.environ.get(self.name, "").strip()
        if not value:
            raise ConfigurationError(f"the environment variable {self.name} is not set, or is blank")
        return value

    def __repr__(self) -> str:
        return f"FromEnvironment({self.name!r})"


FromEnvironment.__module__ = "oauth_cc_auth"
