"""Settings from several sources made one: which source counts, and which one an error is about.

Pure: no file, no environment, no terminal. A source is a mapping of field names to `Given`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from oauth_cc_auth._adapter import behaviour as checks
from oauth_cc_auth._advice import Words
from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._cli.terminal.wording import option_for, setting_remedy, words_for
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._endpoint import with_endpoint
from oauth_cc_auth._errors import ConfigurationError, named
from oauth_cc_auth._settings import DEFAULT_PREFIX
from oauth_cc_auth._settings.fields import (
    AUTHENTICATION_FIELDS,
    WRITABLE_BEHAVIOUR,
    check_one_place,
    required_for,
    with_authentication,
    without_place,
)

from .urls import wire_url

_REQUIRED = {"token_url": "--token-url", "client_id": "--client-id", "client_secret": "--client-secret -"}


class Given(NamedTuple):
    """One setting of one source.

    Attributes:
        value: As the config or the auth object takes it.
        source: Where it came from, in a form that people find: ``--scope``, ``OAUTH_CC_SCOPE``, ``'scope' in a.toml``.
    """

    value: Any
    source: str


@dataclass(frozen=True)
class CommandSettings:
    """Everything that an auth object is made of: ``ClientCredentialsAuth.from_config(config, **behaviour)``.

    Attributes:
        config: The checked settings of the token request; its repr shows no secret.
        behaviour: The behaviour arguments that were given, checked, by name.
        words: What the person calls each setting, which depends on where it came from.
    """

    config: ClientCredentialsConfig
    behaviour: dict[str, Any]
    words: Words


def certificate_of(config: ClientCredentialsConfig) -> ClientCertificate | None:
    """What a connection presents on which a token is asked for, or sent: it may be bound to that (RFC 8705 §3)."""
    method = config.client_authentication
    return method.client_certificate if isinstance(method, ClientAuthentication) else None


def by_precedence(*sources: Mapping[str, Given]) -> dict[str, Given]:
    """Each setting, from the first of `sources` that has it; where tokens come from, from one of them alone."""
    found: dict[str, Given] = {}
    for source in sources:
        found |= {field: given for field, given in without_place(source, found).items() if field not in found}
    return found


def checked(given: Mapping[str, Given]) -> CommandSettings:
    """The settings, complete and right.

    Raises:
        ConfigurationError: one is missing or cannot be right; the message begins with its source.
    """
    required = required_for({field: each.value for field, each in given.items()})
    missing = [field for field in required if field not in given]
    if missing:
        raise _missing(missing)
    check_one_place(given, {field: each.source for field, each in given.items()})
    fields = {field: each.value for field, each in given.items() if field not in WRITABLE_BEHAVIOUR}
    behaviour = {field: each.value for field, each in given.items() if field in WRITABLE_BEHAVIOUR}
    _blaming(given, lambda: _check_behaviour(behaviour))
    words = words_for({field: each.source for field, each in given.items()})
    return CommandSettings(_blaming(given, lambda: _config(fields)), behaviour, words)


def _config(fields: Mapping[str, Any]) -> ClientCredentialsConfig:
    return ClientCredentialsConfig(**with_endpoint(with_authentication(fields)))


def _ways(field: str, option: str) -> str:
    """How a person can give a field that is not there."""
    return f"pass {option}, set {DEFAULT_PREFIX}{field.upper()}, or put it into a --config file"


def _missing(fields: list[str]) -> ConfigurationError:
    variables = {field: f"{DEFAULT_PREFIX}{field.upper()}" for field in fields}
    if len(fields) == 1:
        message = f"{fields[0]} is missing: {_ways(fields[0], _REQUIRED[fields[0]])}"
    else:
        ways = "".join(f"\n  {_REQUIRED[field]:<17} or {variable}" for field, variable in variables.items())
        message = f"{', '.join(fields)} are missing: pass options, set variables, or use a --config file{ways}"
    return ConfigurationError(message, field=fields[0], reason="missing")


def _check_behaviour(behaviour: Mapping[str, Any]) -> None:
    for field in ("timeout", "deadline"):
        if field in behaviour:
            checks.seconds(field, behaviour[field])
    checks.rules(behaviour.get("early_expiry"), behaviour.get("renew_after", 0.8))
    checks.renew_on(behaviour.get("renew_on"))
    checks.api_origins(behaviour.get("api_origins"), wire_url)


def _blaming(given: Mapping[str, Given], make: Callable[[], Any]) -> Any:
    """What `make` makes. An error names the source of the field."""
    try:
        return make()
    except ConfigurationError as error:
        field = error.field
        source = given[field].source if field is not None and field in given else error.name
        remedy = setting_remedy(error, words_for({field: each.source for field, each in given.items()}))
        if field in AUTHENTICATION_FIELDS and field not in given:
            remedy = _ways(field, option_for(field))
        problem = named(error, source, remedy)
    # Raised out here, so that no context with the values comes along.
    raise problem
