"""Typed uses of the public API: checked by mypy and pyright, never run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import httpx2
import requests

import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
import oauth_cc_auth.requests
from oauth_cc_auth import (
    Attempt,
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    Credentials,
    Event,
    FallbackTried,
    FetchFailed,
    FromFile,
    HeldOff,
    InsecureRequestError,
    InvalidTokenResponse,
    Issuer,
    Token,
    TokenEndpoint,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
    TokenLeaked,
    TokenObtained,
    TokenRefused,
    __version__,
)

URL = "https://login.example.com/token"
version: str = __version__


# --- settings --------------------------------------------------------------------------------------------------------


class Assertion(ClientAuthentication):
    name = "private_key_jwt"

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        return Credentials(headers=(("X-Key", "x"),), fields=(("client_assertion", client_id + token_url),))


class Keyed(ClientAuthentication):
    needs_secret = False

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        client_secret: str | None = context.client_secret
        nonce: str | None = context.nonce
        return Credentials(fields={"client_assertion": f"{context.client_id} {client_secret} {nonce}"})


def secret() -> str:
    return "secret"


def configs() -> list[ClientCredentialsConfig]:
    return [
        ClientCredentialsConfig(URL, "id", "secret"),
        ClientCredentialsConfig(URL, "id", client_authentication=Keyed()),
        ClientCredentialsConfig(token_url=URL, client_id="id", client_secret=secret),
        ClientCredentialsConfig(
            URL,
            "id",
            "secret",
            scope=["a", "b"],
            resource=["https://a.example", "https://b.example"],
            client_authentication="client_secret_post",
            header_name="X-Token",
            header_value_pattern="%s",
            grant_type="account_credentials",
            additional_headers={"APIKey": "x"},
            additional_request_data={"resource": ["a", "b"], "account_id": 1},
            allow_insecure_http=True,
        ),
        ClientCredentialsConfig(
            URL,
            "id",
            "secret",
            client_authentication=ClientSecretBasic(percent_encode=False),
            additional_headers=[("APIKey", "x")],
            additional_request_data=(pair for pair in [("a", "1")]),
        ),
        ClientCredentialsConfig(URL, "id", "", client_authentication=Assertion()),
        ClientCredentialsConfig(URL, "id", "secret", client_authentication=ClientSecretPost(), scope=None),
        ClientCredentialsConfig.from_mapping({"Client ID": "id", "scope": ["a"]}, allow_insecure_http=True),
        ClientCredentialsConfig(Issuer("https://login.example.com"), "id", "secret"),
        ClientCredentialsConfig(TokenEndpoint(Issuer("https://login.example.com"), default_lifetime=60), "id", "s"),
        ClientCredentialsConfig.from_env(),
        ClientCredentialsConfig.from_env(scope=["a"], client_secret=FromFile("/run/secrets/a"), resource=None),
        ClientCredentialsConfig(URL, "id", "secret", client_authentication=ClientSecretPost),
        ClientCredentialsConfig(
            URL, "id", "s", client_authentication=ClientCredentialsConfig.from_env().client_authentication
        ),
        ClientCredentialsConfig.from_env("ORDERS_", allow_insecure_http=None),
    ]


def settings(config: ClientCredentialsConfig) -> tuple[str | None, str, str | None, tuple[tuple[str, str], ...], bool]:
    return config.token_url, config.client_id, config.scope, config.additional_headers, config.allow_insecure_http


def renew_on(status: int, headers: Mapping[str, str]) -> bool:
    return status == 403 and "www-authenticate" in headers


def on_event(event: Event) -> tuple[str, float | None]:
    about: tuple[str, str] = event.token_url, event.client_id
    match event:
        case TokenObtained(method=method, lifetime=lifetime, scope=scope, token_requests=requests_made):
            return f"{method} {scope} {requests_made} {event.renewal} {about}", lifetime
        case FetchFailed(error=error, renewal=True, usable_for=usable_for):
            return told(error), usable_for
        case FallbackTried(refused_method=before, next_method=after, status_code=status, error=code):
            return f"{before} {after} {code}", status
        case TokenRefused(outcome="held", origin=origin, status_code=status, sent_again=again):
            return f"{origin} {again}", status
        case TokenLeaked(origin=origin, target=target, header_name=name):
            return f"{origin} {target} {name}", None
        case HeldOff(reason="refusals" | "failures", seconds=seconds, origin=of):
            return of or "", seconds
        case _:
            return "", None


# --- requests --------------------------------------------------------------------------------------------------------


def with_requests(config: ClientCredentialsConfig) -> requests.Response:
    auth = oauth_cc_auth.requests.ClientCredentialsAuth(
        URL,
        "id",
        "secret",
        scope="a",
        timeout=5,
        deadline=20.0,
        early_expiry=60,
        renew_after=0.5,
        renew_on=renew_on,
        renew_in_background=False,
        raise_if_not_renewed=True,
        step_up=True,
        resource_metadata=True,
        api_origins=["https://api.example.com"],
        on_event=on_event,
        token_client=requests.Session(),
    )
    session = requests.Session()
    session.auth = auth
    same: oauth_cc_auth.requests.ClientCredentialsAuth = auth.from_config(config, renew_on=False, token_client=session)
    same = oauth_cc_auth.requests.ClientCredentialsAuth.from_env(
        "ORDERS_", timeout=1.5, scope="a", allow_insecure_http=True
    )
    same.invalidate()
    kept: ClientCredentialsConfig = same.config
    token: Token = auth.get_token()
    show(token, kept)
    token = auth.get_token(refused=token)
    auth.prefetch()
    auth.revoke()
    at_hand: Token | None = auth.current_token
    auth.invalidate(at_hand)
    sibling: oauth_cc_auth.requests.ClientCredentialsAuth = auth.with_options(scope=["b"], header_name="X-Token")
    headers: dict[str, str] = sibling.with_options(renew_on=False, on_event=print).get_headers()
    show(token, kept)
    requests.post("https://api.example.com", headers=headers, timeout=10)
    return requests.get("https://api.example.com", auth=auth, timeout=10)


# --- httpx and httpx2 ------------------------------------------------------------------------------------------------


def with_httpx(config: ClientCredentialsConfig) -> httpx.Response:
    auth = oauth_cc_auth.httpx.ClientCredentialsAuth(URL, "id", secret, token_client=httpx.Client())
    from_config: oauth_cc_auth.httpx.ClientCredentialsAuth = auth.from_config(config, token_client=httpx.AsyncClient())
    show(from_config.get_token(), from_config.config)
    client = httpx.Client(auth=auth, event_hooks={"request": [auth.redirect_guard]})
    return client.get("https://api.example.com", auth=auth)


async def with_async_httpx() -> httpx.Response:
    auth = oauth_cc_auth.httpx.ClientCredentialsAuth.from_env(deadline=5, on_event=print)
    token: Token = await auth.aget_token()
    show(await auth.aget_token(refused=token), auth.config)
    await auth.aprefetch()
    await auth.arevoke()
    headers: dict[str, str] = await auth.aget_headers()
    client = httpx.AsyncClient(auth=auth, headers=headers, event_hooks={"request": [auth.aredirect_guard]})
    return await client.get("https://api.example.com")


def with_httpx2() -> httpx2.Response:
    auth = oauth_cc_auth.httpx2.ClientCredentialsAuth(URL, "id", "secret", token_client=httpx2.Client())
    client = httpx2.Client(auth=auth, event_hooks={"request": [auth.redirect_guard]})
    return client.get("https://api.example.com")


async def with_async_httpx2(config: ClientCredentialsConfig) -> httpx2.Response:
    auth = oauth_cc_auth.httpx2.ClientCredentialsAuth.from_config(config, api_origins="https://api.example.com")
    show(await auth.aget_token(), auth.config)
    client = httpx2.AsyncClient(auth=auth, event_hooks={"request": [auth.redirect_guard]})
    return await client.get("https://api.example.com")


# --- tokens and errors -----------------------------------------------------------------------------------------------


def show(token: Token, config: ClientCredentialsConfig) -> tuple[str, str | None, float | None, str | None]:
    extra: Mapping[str, Any] = token.extra
    assert extra is not None
    assert config is not None
    return token.access_token, token.token_type, token.expires_at, token.scope


def told(error: TokenError) -> str:
    attempts: tuple[Attempt, ...] = error.attempts
    words = [error.message, *(f"{attempt.method} {attempt.status_code}" for attempt in attempts)]
    if isinstance(error, TokenEndpointError):
        words += [str(error.status_code), error.error or "", error.error_description or "", error.error_uri or ""]
    elif isinstance(error, TokenEndpointUnreachable):
        words += ["timed out"] if error.timed_out else []
    elif isinstance(error, (InvalidTokenResponse, InsecureRequestError)):
        words += [str(error)]
    return " ".join(words)


def caught() -> str:
    try:
        ClientCredentialsConfig(URL, "id", "secret")
        return oauth_cc_auth.requests.ClientCredentialsAuth(URL, "id", "secret").get_token().access_token
    except ConfigurationError as error:
        wrong: ValueError = error
        return str(wrong)
    except TokenError as error:
        return told(error)


def with_the_class_of_another_library() -> None:
    requests.get(URL, auth=oauth_cc_auth.httpx.ClientCredentialsAuth(URL, "id", "secret"))  # type: ignore[arg-type]  # must be an error
    httpx.get(URL, auth=oauth_cc_auth.httpx2.ClientCredentialsAuth(URL, "id", "secret"))  # type: ignore[arg-type]  # must be an error
    httpx2.get(URL, auth=oauth_cc_auth.httpx.ClientCredentialsAuth(URL, "id", "secret"))  # type: ignore[arg-type]  # must be an error
