"""What can be shared. The one law: what decides a token is known before it is asked for, and proves the credential.

Otherwise a store could hand a token to someone who may not have it, or one for something else.
"""

from __future__ import annotations

from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._endpoint import TokenEndpoint
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._settings.callables import has_callable

from .arguments import load_cipher
from .keys import place_of
from .protocol import TokenStore


def check(config: ClientCredentialsConfig, store: TokenStore) -> None:
    """Raises a ConfigurationError if `store` cannot keep tokens, or find those of `config` by what decides them."""
    if getattr(store, "encrypt", True):
        load_cipher(type(store).__name__)
    for name in ("additional_request_data", "additional_headers"):
        if any(has_callable(value) for _, value in getattr(config, name)):
            raise ConfigurationError(
                field="store",
                problem=f"cannot tell tokens apart if values in {name} are callables",
                remedy="pass constants, or leave out the store",
            )
    source = config.token_source
    for name in ("request_format", "response_fields") if isinstance(source, TokenEndpoint) else ():
        function = getattr(source, name)
        if callable(function) and place_of(function) is None:
            raise ConfigurationError(
                field="store",
                problem=f"cannot tell tokens apart if {name} is a function that others cannot find by its name",
                remedy="pass one that is defined at the top of a module, or leave out the store",
            )
    if config.dpop is not None and config.dpop.is_made_here:
        raise ConfigurationError(
            field="store",
            problem="cannot share tokens that are bound to a key of this process",
            remedy="pass DPoP a Path to a key that all processes have",
        )
    method = config.authentication
    if getattr(method, "name", None) == "client_assertion":
        _check_subject(getattr(method, "subject", None), store)
    needs_secret = not isinstance(method, ClientAuthentication) or method.needs_secret
    base = ClientAuthentication.proof_of_credential
    proves = needs_secret or getattr(type(method), "proof_of_credential", base) is not base
    # A client certificate that only the token_client knows proves nothing here.
    is_unknown = isinstance(method, ClientAuthentication) and method.name == "tls_client_auth"
    is_unknown = is_unknown and getattr(method, "client_certificate", None) is None
    if not proves or is_unknown or (needs_secret and not config.client_secret):
        raise ConfigurationError(
            field="store",
            problem="needs a client_secret, or a client_authentication that proves who may read a token",
            remedy="leave out the store, or define proof_of_credential() in your strategy",
        )


def _check_subject(subject: str | None, store: TokenStore) -> None:
    """Raises a ConfigurationError if `subject` does not say whose the tokens are, or is all that protects them."""
    if subject is None:
        raise ConfigurationError(
            field="store",
            problem="cannot tell whose tokens these are, since each assertion is another one",
            remedy="pass ClientAssertion a subject, which names whom all its assertions are about, or leave out the "
            "store",
        )
    if getattr(store, "encrypt", True) and not getattr(store, "encryption_keys", ()):
        raise ConfigurationError(
            field="store",
            problem="has no key to encrypt with: the subject of an assertion is no secret",
            remedy="pass the store an encryption_key that all processes have, such as secrets.token_hex(32); one of "
            "your own has encryption_keys",
        )
