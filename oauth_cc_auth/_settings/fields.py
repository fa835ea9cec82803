"""The settings by name: those of the token request, and those of an auth object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .checks import can_do_without_secret

# Those of `ClientCredentialsConfig`, in the order of its arguments.
FIELDS = (
    "token_url",
    "client_id",
    "client_secret",
    "scope",
    "resource",
    "client_authentication",
    "header_name",
    "header_value_pattern",
    "api_headers",
    "grant_type",
    "additional_headers",
    "additional_request_data",
    "dpop",
    "allow_insecure_http",
)
_REQUIRED: tuple[str, ...] = FIELDS[:3]

# Those that stand in the place of `token_url`: they make an `Issuer`.
ISSUER_FIELDS = ("issuer", "metadata_url")
# Those of a `TokenEndpoint` besides its URL and `grant_type`, by the names that they have beside the others, and the
# arguments that they are.
ENDPOINT_FIELDS = {
    "request_method": "method",
    "request_format": "request_format",
    "credential_fields": "credential_fields",
    "credential_headers": "credential_headers",
    "secret_in_query": "secret_in_query",
    "response_fields": "response_fields",
    "lifetime_unit": "lifetime_unit",
    "default_lifetime": "default_lifetime",
    "revocation_url": "revocation_url",
}
# Those that say how the client proves itself without its secret; see `_authentication.from_settings`.
AUTHENTICATION_FIELDS = (
    "private_key",
    "private_key_password_file",
    "key_id",
    "signing_algorithm",
    "certificate",
    "assertion_file",
)
# Everything about the token request that can be written down.
SETTINGS = (FIELDS[0], *ISSUER_FIELDS, *FIELDS[1:], *AUTHENTICATION_FIELDS, *ENDPOINT_FIELDS)
_PROOFS = frozenset({"private_key", "certificate", "assertion_file"})
_WITHOUT_ID = ("client_assertion", "none")
_WITHOUT_SECRET = ("private_key_jwt", "tls_client_auth", *_WITHOUT_ID)
_PLACES = frozenset({"credential_fields", "credential_headers"})

# The other arguments of an auth object. These can be written down, so they come from the environment and from files
# too; a callable or a client cannot.
WRITABLE_BEHAVIOUR = (
    "timeout",
    "deadline",
    "early_expiry",
    "renew_after",
    "renew_on",
    "renew_in_background",
    "raise_if_not_renewed",
    "step_up",
    "resource_metadata",
    "api_origins",
)
BEHAVIOUR = (*WRITABLE_BEHAVIOUR, "on_event", "token_client")
# Those of the command line alone, which it reads from the environment.
OF_COMMAND = ("cache",)


def is_proven_otherwise(arguments: Mapping[str, Any]) -> bool:
    """True if a written setting names another proof than the secret."""
    return arguments.get("client_authentication") in _WITHOUT_SECRET or bool(_PROOFS & arguments.keys())


def required_for(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that must be among `arguments`.

    If a description of the endpoint names places, it says which credentials it needs, and the config knows whether one
    is missing.
    """
    url = arguments.get("token_url")
    place = () if arguments.keys() & set(ISSUER_FIELDS) else _REQUIRED[:1]
    has_placeholders = isinstance(url, str) and "{" in url
    if has_placeholders or _PLACES & arguments.keys() or getattr(url, "authentication", None) is not None:
        return place
    strategy = arguments.get("client_authentication")
    if strategy in _WITHOUT_ID or "assertion_file" in arguments or getattr(strategy, "needs_client_id", True) is False:
        return place
    is_without_secret = is_proven_otherwise(arguments) or can_do_without_secret(strategy)
    return (*place, *(_REQUIRED[1:2] if is_without_secret else _REQUIRED[1:]))


def without_place(arguments: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` without those that say where tokens come from, if `others`, which count more, say it too."""
    places = {"token_url", *ISSUER_FIELDS}
    is_said = not places.isdisjoint(others)
    return {field: value for field, value in arguments.items() if not (is_said and field in places)}


def check_one_place(arguments: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Raise a ConfigurationError if `arguments` have both a token URL and an issuer.

    Args:
        arguments: The values that there are, by field.
        names: What the person calls each field.
    """
    for field in ISSUER_FIELDS:
        if field in arguments and "token_url" in arguments:
            both = f"{names.get(field, field)} and {names.get('token_url', 'token_url')}"
            remedy = "keep one: the metadata of the issuer names the token endpoint"
            raise ConfigurationError(field=field, name=both, problem="are both set", remedy=remedy)


def with_authentication(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` of a config, with those that describe a proof made one strategy.

    Args:
        arguments: By the names that settings have in a form, in the environment or on a command line.

    Raises:
        ConfigurationError: a value cannot be right; its `field` is one of those names.
    """
    others = {name: value for name, value in arguments.items() if name not in AUTHENTICATION_FIELDS}
    given = {name: value for name, value in arguments.items() if name in AUTHENTICATION_FIELDS}
    method = others.get("client_authentication")
    if (method is None or isinstance(method, str)) and (given or method is not None):
        from oauth_cc_auth._authentication.from_settings import strategy_from

        strategy = strategy_from(method, given)
        if strategy is not None:
            others["client_authentication"] = strategy
    elif given:
        problem, remedy = "is given, and so is a strategy", "pass it to the strategy"
        raise ConfigurationError(field=next(iter(given)), problem=problem, remedy=remedy)
    return others


def check_complete(arguments: Mapping[str, Any], names: Mapping[str, str], remedy: str = "") -> None:
    """Raise a ConfigurationError that names all required fields that are not in `arguments`.

    Args:
        arguments: The values that there are, by field.
        names: What the person calls each field.
        remedy: What to do.
    """
    missing = [field for field in required_for(arguments) if field not in arguments]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        raise ConfigurationError(
            field=missing[0],
            name=", ".join(names[field] for field in missing),
            problem=f"{verb} missing or blank",
            remedy=remedy,
            reason="missing",
        )
