"""A secret in a file, as Docker and Kubernetes mount it. The one law: what is in it now counts, not what was."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
from codecs import BOM_UTF8
from pathlib import Path

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.headers import has_control
from oauth_cc_auth._http.interrupts import is_interrupt

_LONGEST = 64 * 1024  # bytes; no secret is that long, and a device may have no end


class FromFile:
    """A callable that reads a file anew each time: ``client_secret=FromFile("/run/secrets/orders")``.

    So a secret that is replaced there counts from the next token request on.

    Args:
        path: Of a file with one line of text in UTF-8.
        variable: The environment variable that the path comes from, for messages.
    """

    __slots__ = ("path", "variable")

    path: str
    variable: str | None

    def __init__(self, path: str | os.PathLike[str], *, variable: str | None = None) -> None:
        self.path = os.fspath(path)
        self.variable = variable

    def __call__(self) -> str:
        """The text in the file, without the line break at its end.

        Raises:
            ConfigurationError: it cannot be read, or is no line of text; the message names file and variable.
        """
        try:
            return self._read()
        except _UnusableError as error:
            problem = str(error)
        remedy = "it must be a file with one line of text"
        name = self.path if self.variable is None else f"{self.variable} ({self.path})"
        # Raised out here, so that no context comes along that may hold the content.
        raise ConfigurationError(name=name, problem=problem, remedy=remedy)

    def __eq__(self, other: object) -> bool:
        return (self.path, self.variable) == (other.path, other.variable) if type(other) is FromFile else NotImplemented

    def __hash__(self) -> int:
        return hash((self.path, self.variable))

    def __repr__(self) -> str:
        variable = "" if self.variable is None else f", variable={self.variable!r}"
        return f"FromFile({self.path!r}{variable})"

    def _read(self) -> str:
        """The text in the file.

        Raises:
            _UnusableError: something is wrong with it; the message says what.
        """
        try:
            with Path(self.path).open("rb") as file:
                content = file.read(_LONGEST + 1)
            text = content.removeprefix(BOM_UTF8).decode().rstrip("\r\n")
        except OSError as error:
            if is_interrupt(error):
                raise
            raise _UnusableError(f"cannot be read: {error.strerror or type(error).__name__}") from error
        except ValueError as error:  # also a name with a null character
            if is_interrupt(error):
                raise
            raise _UnusableError("is not text in UTF-8") from error
        if len(content) > _LONGEST:
            raise _UnusableError("is longer than 64 KiB")
        if not text.strip():
            raise _UnusableError("is empty")
        if has_control(text):
            raise _UnusableError("contains a control character, perhaps a second line")
        return text


class _UnusableError(Exception):
    """The message says why what is in the file is no secret."""


FromFile.__module__ = "oauth_cc_auth"
