"""Where an auth object finds its entry, and what opens it. The one law: both follow from the credential as it is now.

A secret may be asked for, and a key may be in a file that changes. So these are looked at for each visit. What is
constant is derived once, before the process forks if it does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication
from oauth_cc_auth._authentication.order import is_builtin
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.effects import CallFunction, Raised
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._settings import returned
from oauth_cc_auth._settings.callables import given as with_argument
from oauth_cc_auth._token import Token

from .access import Access
from .keys import Keys, keys_from, name_of, proof_of, salt_of
from .sealing import Seal
from .visit import Step, Visit


class Place:
    """The name and the seal of one auth object's entry.

    Args:
        access: The store.
        config: What the token is for.

    Attributes:
        last_token: What callables of the person's may see: the token that came last, be it used or not; or None.
    """

    __slots__ = ("_access", "_config", "_found", "_is_constant", "last_token")

    def __init__(self, access: Access, config: ClientCredentialsConfig) -> None:
        self._access = access
        self._config = config
        # Others may prove themselves with what changes: a secret that is asked for, a file.
        self._is_constant = isinstance(config.client_secret, str) and not _is_own(config.authentication)
        self._found: tuple[Keys, str, Seal] | None = None
        self.last_token: Token | None = None

    def use(self, config: ClientCredentialsConfig) -> None:
        """Find the entry of `config` from now on."""
        self._config, self._found = config, None

    def find(self, visit: Visit) -> Step:
        """Tell `visit` the entry's name and its seal; False if nothing of this credential can be stored now."""
        if self._found is None or not self._is_constant:
            context = yield from self._context(visit)
            if context is None:
                return False
            keys = yield self._call(partial(self._derived, context), visit)
            if keys is None:
                self._access.fail(visit.flight, "the client authentication proves no credential, so nothing is stored")
                return False
            if isinstance(keys, Raised):
                self._access.fail(visit.flight, f"nothing proves the credential: {keys.text}")
                return False
            self._note(keys)
        if self._found is None:  # pragma: no cover  # for type checkers
            return False
        _, visit.name, visit.seal = self._found
        return True

    def prepare_to_fork(self) -> None:
        """Derive the keys now, if that needs no one's code, so that a hundred children need not do it each."""
        config, secret = self._config, self._config.client_secret
        if self._found is None and self._is_constant and isinstance(secret, str):
            self._note(keys_from(secret.encode(), salt_of(config)))

    def _context(self, visit: Visit) -> Step:
        """What proves the credential; None if the person's callable brings no secret, as the fetch will say."""
        config, secret = self._config, self._config.client_secret
        if callable(secret):
            secret = yield self._call(with_argument(secret, self.last_token), visit)
            try:
                secret = None if isinstance(secret, Raised) else returned.secret(secret, config.authentication)
            except ConfigurationError:
                secret = None
            if secret is None:
                return None
        return AuthenticationContext(client_id=config.client_id, client_secret=secret, token_url=config.source_url)

    def _call(self, function: Callable[[], Any], visit: Visit) -> CallFunction:
        now = self._access.clock.monotonic()
        budget = max(0.0, visit.until - now)
        visit.flight.extend(now + budget)
        return CallFunction(function, budget)

    def _derived(self, context: AuthenticationContext) -> Keys | None:
        proof = proof_of(self._config, context)
        return None if proof is None else keys_from(proof, salt_of(self._config))

    def _note(self, keys: Keys) -> None:
        if self._found is None or self._found[0] != keys:
            store = self._access.store
            own, encrypt = getattr(store, "encryption_keys", ()), getattr(store, "encrypt", True)
            self._found = keys, name_of(keys, self._config), Seal(keys.sealing, own, encrypt=encrypt)


def _is_own(method: object) -> bool:
    """True for a strategy of the person's, or one that signs."""
    return isinstance(method, ClientAuthentication) and not is_builtin(method)
