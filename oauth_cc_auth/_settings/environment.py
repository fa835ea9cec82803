"""Settings by environment variables: a prefix and the name of a field in capitals."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._advice import PYTHON, Words
from oauth_cc_auth._authentication.from_file import FromFile
from oauth_cc_auth._errors import ConfigurationError

from . import DEFAULT_PREFIX
from .fields import (
    BEHAVIOUR,
    ENDPOINT_FIELDS,
    FIELDS,
    OF_COMMAND,
    SETTINGS,
    WRITABLE_BEHAVIOUR,
    check_complete,
    without_place,
)
from .labels import FIELD_BY_LABEL
from .values import plain, read_value

logger = logging.getLogger("oauth_cc_auth")

SECRET_FILE = "CLIENT_SECRET_FILE"  # after the prefix: names a file that holds the secret


def arguments_from_environment(
    prefix: str, environ: Mapping[str, str], given: Mapping[str, Any], *, behaviour: bool = False
) -> tuple[dict[str, Any], dict[str, str]]:
    """Keyword arguments of `ClientCredentialsConfig` from environment variables, and their names by field.

    Variables that start with the prefix and are no setting of ours are ignored, with a WARNING in the log. If the
    prefix is the person's own, it may be that of a whole program; then only those that look like a mistake are logged.

    Args:
        prefix: Of the variables.
        environ: All variables.
        given: What the program passes itself. It counts, unless it is None, and its variable is not read.
        behaviour: Read the behaviour arguments of an auth object as well.

    Raises:
        ConfigurationError: a required variable is missing, or a value cannot be read.
    """
    if not isinstance(prefix, str):
        raise ConfigurationError(problem=f"prefix must be a str, not {type(prefix).__name__}")
    fields = (*SETTINGS, *(WRITABLE_BEHAVIOUR if behaviour else ()))
    arguments = {field: value for field, value in given.items() if value is not None or field not in fields}
    # A `TokenEndpoint` or an `Issuer` is a whole description; variables do not add to it.
    is_described = not isinstance(arguments.get("token_url", ""), str)
    skipped = {*arguments, *(ENDPOINT_FIELDS if is_described else ())}
    names = {field: f"{prefix}{field.upper()}" for field in without_place(dict.fromkeys(fields), arguments)}
    names = {field: name for field, name in names.items() if field not in skipped}
    for field, name in names.items():
        value = environ.get(name, "")
        if value.strip():
            arguments[field] = read_value(name, field, value)
    if "client_secret" in names and (secret := secret_from_file(prefix, environ)) is not None:
        arguments["client_secret"], names["client_secret"] = secret, f"{prefix}{SECRET_FILE}"
    if prefix:
        _warn_of_ignored(prefix, environ, behaviour=behaviour)
    check_complete(arguments, {**{field: field for field in FIELDS}, **names}, _other_prefix(prefix, environ))
    return arguments, names


def words_of(prefix: str) -> Words:
    """What is said to people who set variables with this prefix."""
    variables = {field: f"{prefix}{field.upper()}" for field in (*SETTINGS, *WRITABLE_BEHAVIOUR)}
    return PYTHON.replaced(names=variables, ways={**PYTHON.ways, **_WAYS})


_WAYS = {
    "name_issuer": "set {issuer}={meant}",
    "pass_dpop": "set {dpop}=true",
    "permit_http": "set {allow_insecure_http}=true",
    "present_certificate": "set {certificate} to its file, and {client_authentication}=tls_client_auth",
    "proxy_url": "the URL of the proxy (HTTPS_PROXY)",
    "say_where_token_is": "{response_fields}=access_token={path} says where the token is",
    "send_json": "JSON, which {request_format}=json sends",
    "send_raw_basic": "a program passes ClientSecretBasic(percent_encode=False), and no variable does that",
    "trust_authority": "to trust a certificate authority of your own, set {variable} to a file with its certificate",
    "trust_document": "if you trust the document, set {issuer} as the document states it, and {metadata_url}",
}


def permission(prefix: str) -> str:
    """What to do to permit plain http."""
    return f"set {prefix}ALLOW_INSECURE_HTTP=true"


def secret_from_file(prefix: str, environ: Mapping[str, str]) -> FromFile | None:
    """The client secret in the file that a variable names; None if the variable is not set.

    Raises:
        ConfigurationError: the file cannot be read now, which shows a wrong path at start-up; or there is a variable
            with a secret as well.
    """
    variable, other = f"{prefix}{SECRET_FILE}", f"{prefix}CLIENT_SECRET"
    path = environ.get(variable, "").strip()
    if not path:
        return None
    if environ.get(other, "").strip():
        both = f"{other} and {variable}"
        raise ConfigurationError(field="client_secret", name=both, problem="are both set", remedy="unset one")
    secret = FromFile(path, variable=variable)
    try:
        secret()
    except ConfigurationError as error:
        name, problem, remedy = error.name, error.problem, error.remedy
    else:
        return secret
    # Raised out here, so that no context comes along.
    raise ConfigurationError(field="client_secret", name=name, problem=problem, remedy=remedy)


def _warn_of_ignored(prefix: str, environ: Mapping[str, str], *, behaviour: bool) -> None:
    known = {f"{prefix}{field.upper()}" for field in (*SETTINGS, *(WRITABLE_BEHAVIOUR if behaviour else ()))}
    known |= {f"{prefix}{SECRET_FILE}"}
    if prefix == DEFAULT_PREFIX:
        known |= {f"{prefix}{name.upper()}" for name in OF_COMMAND}
    for name in sorted(environ):
        if name.startswith(prefix) and name not in known:
            remedy = _remedy(name.removeprefix(prefix), prefix)
            if remedy or prefix == DEFAULT_PREFIX:
                logger.warning("%s is not a setting, and is ignored%s", name, remedy)


def _remedy(rest: str, prefix: str) -> str:
    """What the variable with the name `rest` after the prefix should have been; empty if there is no telling."""
    from difflib import get_close_matches

    word = plain(rest)
    behaviour = {plain(name): name for name in BEHAVIOUR}
    if rest.lower() in WRITABLE_BEHAVIOUR:
        return " here; ClientCredentialsAuth.from_env() reads it"
    if word in behaviour and behaviour[word] not in WRITABLE_BEHAVIOUR:
        return f"; a program passes {behaviour[word]} to from_env() as an argument"
    fields = {plain(field): field for field in (*SETTINGS, *WRITABLE_BEHAVIOUR, SECRET_FILE)}
    nearest = [FIELD_BY_LABEL.get(word), *map(fields.get, get_close_matches(word, fields, n=1, cutoff=0.8))]
    return next((f"; did you mean {prefix}{field.upper()}?" for field in nearest if field), "")


def _other_prefix(prefix: str, environ: Mapping[str, str]) -> str:
    """A question about the prefix if it lacks its underscore."""
    if prefix and f"{prefix}_TOKEN_URL" in environ:
        return f"did you mean the prefix {prefix + '_'!r}?"
    return ""
