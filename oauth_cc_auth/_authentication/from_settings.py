"""Strategies from what can be written down: in a form, a file, the environment or options of a command.

The one law: what is given decides, and a name only has to be given if it would not. A setting that nothing would use is
an error, since someone relies on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import ConfigurationError, renamed

from .base import ClientAuthentication

# What stands beside `client_authentication`, by the names of the methods that use it; the first one is required.
FIELDS_OF = {
    "private_key_jwt": ("private_key", "private_key_password_file", "key_id", "signing_algorithm", "certificate"),
    "client_secret_jwt": ("signing_algorithm",),
    "client_assertion": ("assertion_file",),
    "tls_client_auth": ("certificate", "private_key", "private_key_password_file"),
    "none": (),
}
# Of arguments that have another name here.
_NAMES = {"key": "private_key", "algorithm": "signing_algorithm", "password": "private_key_password_file"}


def strategy_from(method: str | None, given: Mapping[str, str]) -> ClientAuthentication | None:
    """The strategy that `given` describes; None if it describes none.

    Args:
        method: A name in `FIELDS_OF`, or what else `client_authentication` may be.
        given: By the names in `FIELDS_OF`. Keys, certificates and assertions are paths of files.

    Raises:
        ConfigurationError: a setting is missing, is of no use, or cannot be right.
    """
    if method is None:
        method = _named_by(given)
    fields = FIELDS_OF.get(method or "")
    surplus = [field for field in given if field not in (fields or ())]
    if surplus:
        problem = f"is of no use with {method}" if method else "is of no use alone"
        remedy = "unset it, or set client_authentication to the method that it is for"
        raise ConfigurationError(field=surplus[0], problem=problem, remedy=remedy)
    if method is None or fields is None:
        return None
    if fields and fields[0] not in given and method != "client_secret_jwt":
        raise _missing(fields[0], f"{method} needs it")
    try:
        return _MAKERS[method](given)
    except ConfigurationError as error:
        field = _NAMES.get(error.field or "")
        if field == "private_key" and field not in given:  # it would have to be in the file with the certificate
            problem_of_it = _missing(field, f"the key {error.problem}")
        else:
            problem_of_it = error if field is None else renamed(error, field)
    raise problem_of_it  # out here, so that no context with a key comes along


def _missing(field: str, why: str) -> ConfigurationError:
    return ConfigurationError(field=field, problem=f"is missing: {why}", remedy="set it to the path of a file")


def _named_by(given: Mapping[str, str]) -> str | None:
    """The method that is meant: what a file holds says it."""
    for field, method in (
        ("assertion_file", "client_assertion"),
        ("private_key", "private_key_jwt"),
        ("certificate", "tls_client_auth"),
    ):
        if field in given:
            return method
    return None


def _private_key_jwt(given: Mapping[str, str]) -> ClientAuthentication:
    from .private_key_jwt import PrivateKeyJwt

    certificate = given.get("certificate")
    return PrivateKeyJwt(
        Path(given["private_key"]),
        key_id=given.get("key_id"),
        algorithm=given.get("signing_algorithm"),
        password=_password(given),
        certificate=None if certificate is None else Path(certificate),
    )


def _password(given: Mapping[str, str]) -> str | None:
    """The password of the private key, from a file: command lines and environments are seen by others."""
    path = given.get("private_key_password_file")
    if path is None:
        return None
    from .from_file import FromFile

    try:
        return FromFile(path)()
    except ConfigurationError as error:
        problem, remedy = f"({path}) {error.problem}", error.remedy
    # Raised out here, so that no context comes along.
    raise ConfigurationError(field="private_key_password_file", problem=problem, remedy=remedy)


def _client_secret_jwt(given: Mapping[str, str]) -> ClientAuthentication:
    from .private_key_jwt import ClientSecretJwt

    return ClientSecretJwt(given.get("signing_algorithm", "HS256"))


def _client_assertion(given: Mapping[str, str]) -> ClientAuthentication:
    from .client_assertion import ClientAssertion
    from .from_file import FromFile

    # Not read now: a platform may write the file after the program has started.
    return ClientAssertion(FromFile(given["assertion_file"]))


def _tls_client_auth(given: Mapping[str, str]) -> ClientAuthentication:
    from .tls_client_authentication import TlsClientAuthentication

    return TlsClientAuthentication(given["certificate"], given.get("private_key"), _password(given))


def _none(given: Mapping[str, str]) -> ClientAuthentication:
    from .client_assertion import NoClientAuthentication

    return NoClientAuthentication()


_MAKERS: dict[str, Callable[[Mapping[str, Any]], ClientAuthentication]] = {
    "private_key_jwt": _private_key_jwt,
    "client_secret_jwt": _client_secret_jwt,
    "client_assertion": _client_assertion,
    "tls_client_auth": _tls_client_auth,
    "none": _none,
}
