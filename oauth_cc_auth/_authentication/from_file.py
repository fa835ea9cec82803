"""A secret in a file, as Docker and Kubernetes mount it. The one law: what is in it now counts, not what was."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
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
        content, problem = self._read()
        if not problem:
            return content
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

    def _read(self) -> tuple[str, str]:
        """The text in the file, and what is wrong with it, if anything."""
        try:
            with Path(self.path).open("rb") as file:
                content = file.read(_LONGEST + 1)
            text = content.decode("utf-8-sig").rstrip("\r\n")
        except OSError as error:
            if is_interrupt(error):
                raise
            return "", f"cannot be read: {error.strerror or type(error).__name__}"
        except ValueError as error:  # also a name with a null character
            if is_interrupt(error):
                raise
            return "", "is not text in UTF-8"
        if len(content) > _LONGEST:
            return "", "is longer than 64 KiB"
        if not text.strip():
            return "", "is empty"
        return text, "contains a control character, perhaps a second line" if has_control(text) else ""


FromFile.__module__ = "oauth_cc_auth"
