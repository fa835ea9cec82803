"""Revoking a token (RFC 7009). The one law: a token that may still be good is not forgotten.

A generator that yields what it wants done, like a flow. There is one try with each authentication method. The
caller hears of a failure, and can ask again.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from functools import partial
from math import inf
from typing import Any

from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._authentication.order import is_builtin, worth_trying
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import ConfigurationError, TokenError
from oauth_cc_auth._protocol.exchange import methods_of
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.revocation import read_revocation, revocation_request
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._redact.redact import shown_url
from oauth_cc_auth._settings import returned
from oauth_cc_auth._settings.callables import given as with_argument

from .cache import TokenCache
from .caller import Caller
from .effects import CallFunction, Effect, Raised, Send
from .fetch import out_of_time
from .flight import Flight
from .lease import Lease
from .locate import Locator

logger = logging.getLogger("oauth_cc_auth")

Revoking = Generator[Effect, Any, Lease | Failure]


class Revocation:
    """Revokes tokens of one auth object.

    Args:
        config: Its config.
        cache: Its cache, which forgets a token once that is revoked.
        timeout: Seconds for each request.
        deadline: Seconds for all of it.
    """

    def __init__(self, config: ClientCredentialsConfig, cache: TokenCache, *, timeout: float, deadline: float) -> None:
        self._config = config
        self._cache = cache
        self._timeout = timeout
        self._until = cache.clock.monotonic() + deadline

    def check(self) -> None:
        """Refuse settings that name no place for it; of an issuer, only the metadata can.

        Raises:
            ConfigurationError: they name none.
        """
        if self._config.issuer is None:
            self._url(None)

    def run(self, lease: Lease, caller: Caller) -> Revoking:
        """Revoke the token of `lease`, and forget it; `lease`, or why the token may still be good.

        Raises:
            ConfigurationError: the settings, or the metadata of the issuer, name no place for that.
        """
        server = yield from self._server(caller)
        if isinstance(server, Failure):
            return server
        url = self._url(server)
        secret = yield from self._secret()
        if isinstance(secret, Failure):
            return secret
        failures: list[Failure] = []
        methods = self._methods(secret)
        while methods:
            method = methods[0]
            failure = yield from self._attempt(lease, method, secret, url=url, server=server)
            if failure is None:
                self._cache.discard(lease)
                logger.info("token of %s revoked at %s", self._config.client_id, shown_url(url))
                return lease
            failures.append(failure)
            client_id = self._config.client_id
            methods = [each for each in methods[1:] if worth_trying(each, method, client_id, secret)]
            if not failure.unauthenticated:
                break
        attempts = tuple(attempt for failure in failures for attempt in failure.error.attempts)
        return failures[-1].with_facts(attempts=attempts)

    def _server(self, caller: Caller) -> Generator[Effect, Any, ServerMetadata | Failure | None]:
        issuer = self._config.issuer
        if issuer is None:
            return None
        cache = self._cache
        locator = Locator(self._config, issuer, cache.clock, cache.family, timeout=self._timeout)
        return (yield from locator.locate(Flight(caller, inf), self._until))

    def _url(self, server: ServerMetadata | None) -> str:
        endpoint = self._config.endpoint
        url = None if endpoint is None else endpoint.revocation_url
        if url is None and server is not None:
            url = server.revocation_url
        if url is None:
            raise ConfigurationError(
                field="token_url",
                problem="names no place where tokens are revoked",
                remedy="pass a TokenEndpoint with a revocation_url, or an Issuer whose metadata has one",
            )
        return url

    def _secret(self) -> Generator[Effect, Any, str | Failure | None]:
        given = self._config.client_secret
        if not callable(given):
            return given
        result = yield CallFunction(with_argument(given, None), self._left())
        if not isinstance(result, Raised):
            try:
                return returned.secret(result, self._config.authentication)
            except ConfigurationError as error:
                result = Raised(str(error))
        return _not_sent(f"client_secret callable gave no secret: {result.text}")

    def _methods(self, secret: str | None) -> list[ClientAuthentication]:
        """What has worked for a token with this very secret, and else each method in its turn."""
        family, methods = self._cache.family, methods_of(self._config)
        proven = [method for method in methods if method is family.proven and secret == family.proven_secret]
        return proven or list(methods)

    def _attempt(
        self,
        lease: Lease,
        method: ClientAuthentication,
        secret: str | None,
        *,
        url: str,
        server: ServerMetadata | None,
    ) -> Generator[Effect, Any, Failure | None]:
        token = lease.token.access_token
        make = partial(revocation_request, self._config, method, secret, token=token, url=url, server=server)
        del secret, token  # no local of a frame while a person's code runs
        request: Any = make() if is_builtin(method) else (yield CallFunction(make, self._left()))
        if isinstance(request, Raised):
            return _not_sent(f"client authentication {method.name!r} gave no credentials: {request.text}")
        budget = min(self._timeout, self._left())
        if budget <= 0:
            return out_of_time(self._config)
        logger.debug("revoking a token at %s by %s", request.shown_url, request.method)
        reply = yield Send(request, budget)
        return read_revocation(request, reply, self._cache.clock.wall())

    def _left(self) -> float:
        return max(0.0, self._until - self._cache.clock.monotonic())


def _not_sent(message: str) -> Failure:
    return Failure(TokenError(message, reason="callable_failed"), transient=True)
