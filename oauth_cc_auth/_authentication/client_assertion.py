"""Assertions that others issue: a platform that knows what runs on it (RFC 7521 §4.2), and none at all."""

# Not `from __future__ import annotations`: see private_key_jwt.
from collections.abc import Callable
from functools import partial
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .base import AuthenticationContext, ClientAuthentication, Credentials
from .from_environment import FromEnvironment
from .from_file import FromFile
from .private_key_jwt import JWT_BEARER


class ClientAssertion(ClientAuthentication):
    """An assertion from elsewhere: Kubernetes, a cloud, a CI system, SPIFFE. It is read anew for each token request.

    Args:
        source: `FromFile`, `FromEnvironment`, or a callable that returns the assertion; it may block.
        type: What kind of assertion it is, as a URI; by default a JWT (RFC 7523 §2.2).
        subject: Whom all these assertions are about, such as ``system:serviceaccount:shop:orders``. Only a `store`
            needs it: assertions change, and tokens are found by whose they are. It is no secret.

    Raises:
        ConfigurationError: `source` is no callable, or `subject` is blank.
    """

    name = "client_assertion"
    needs_secret = False
    needs_client_id = False  # optional in RFC 7521 §4.2: the assertion says it

    def __init__(
        self,
        source: Callable[[], str],
        *,
        type: str = JWT_BEARER,  # noqa: A002  # the field's name
        subject: str | None = None,
    ) -> None:
        given: Any = source
        named: Any = subject
        if not callable(given):
            remedy = "pass FromFile(path), FromEnvironment(name) or a function"
            raise ConfigurationError(field="source", problem="is no callable", remedy=remedy)
        if named is not None and (not isinstance(named, str) or not named.strip()):
            raise ConfigurationError(field="subject", problem="must be text that is not blank")
        self._source = source
        self._type = type
        self.subject = subject

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """The assertion, as body fields."""
        assertion: Any = self._source()
        if not isinstance(assertion, str) or not assertion:
            raise ConfigurationError(f"the source of the assertion returned {_what(assertion)}")
        return Credentials(
            fields={
                **({"client_id": context.client_id} if context.client_id else {}),
                "client_assertion_type": self._type,
                "client_assertion": assertion,
            },
            note=f"the assertion is from {self._source!r}" if isinstance(self._source, _READERS) else "",
        )

    def proof_of_credential(self, context: AuthenticationContext) -> str | None:
        """The subject, which the person vouches for; None without one."""
        return None if self.subject is None else f"subject {self.subject}"

    def __reduce__(self) -> tuple[Any, ...]:
        if not isinstance(self._source, _READERS):
            raise TypeError("the source of an assertion is not pickled: use FromFile or FromEnvironment")
        return partial(type(self), self._source, type=self._type, subject=self.subject), ()

    def __deepcopy__(self, memo: dict[int, Any]) -> "ClientAssertion":
        return self

    def __repr__(self) -> str:
        source = repr(self._source) if isinstance(self._source, _READERS) else "..."
        return f"ClientAssertion({source})"


class NoClientAuthentication(ClientAuthentication):
    """``none``: the client id in the body, and no proof; for public clients, and grants that are proof enough."""

    name = "none"
    needs_secret = False
    needs_client_id = False

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """The client id, if there is one."""
        return Credentials(fields={"client_id": context.client_id} if context.client_id else {})


def _what(value: object) -> str:
    return "an empty text" if value == "" else f"an object of type {type(value).__name__}"


_READERS = (FromEnvironment, FromFile)

for _class in (ClientAssertion, NoClientAuthentication):
    _class.__module__ = "oauth_cc_auth"
del _class
