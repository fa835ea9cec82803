"""Settings by the labels of the connector form, or by our own names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from oauth_cc_auth._errors import ConfigurationError

from .fields import BEHAVIOUR, ENDPOINT_FIELDS, ISSUER_FIELDS, SETTINGS, check_complete
from .shown import shown_label
from .values import plain, read_value

# The labels as the form prints them; the two without a field are only checked.
_FORM_LABELS: dict[str, str | None] = {
    "Auth Config": None,
    "Oauth2 Grant Type": None,
    "Client ID": "client_id",
    "Client Secret": "client_secret",
    "Client Credentials Grant Scope": "scope",
    "Oauth2 Token Url": "token_url",
    "Oauth2 Client Authentication": "client_authentication",
    "Header Auth Key": "header_name",
    "Header Auth Value Pattern": "header_value_pattern",
    "Oauth2 Custom Grant Type": "grant_type",
    "Custom Oauth Request Options Custom Grant Type": "grant_type",
    "Custom Oauth Request Options Additional Headers": "additional_headers",
    "Custom Oauth Request Options Additional Request Data": "additional_request_data",
}
# The form prints these below a heading of their own, which exports may put in front.
_NESTED = "customoauthrequestoptions"

_CHECKED_VALUES = {"authconfig": "oauth2", "oauth2granttype": "clientcredentialsgrant"}


# By what `plain` makes of a label; None for one that is only checked.
FIELD_BY_LABEL: dict[str, str | None] = {
    **{plain(label): field for label, field in _FORM_LABELS.items()},
    **{plain(field): field for field in SETTINGS},
}
# Tables of their own, with the names of the arguments of `TokenEndpoint` and `Issuer`.
_ISSUER_TABLE = {"url": "issuer", "issuer": "issuer", "metadataurl": "metadata_url"}
_TABLES = {
    "tokenendpoint": {
        "url": "token_url",
        "tokenurl": "token_url",
        "granttype": "grant_type",
        **{plain(field): field for field in ISSUER_FIELDS},
        **{plain(argument): field for field, argument in ENDPOINT_FIELDS.items()},
        **{plain(field): field for field in ENDPOINT_FIELDS},
    },
    "issuer": _ISSUER_TABLE,
}
_TAKEN = {
    "tokenendpoint": ("which describes no endpoint", ("url", *ENDPOINT_FIELDS.values(), "grant_type", *ISSUER_FIELDS)),
    "issuer": ("which is no argument of Issuer", ("url", "metadata_url")),
}


def arguments_from_mapping(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Keyword arguments of `ClientCredentialsConfig` from labels and values, and the labels in quotes by field.

    Raises:
        ConfigurationError: an unknown label, two labels for one field, another grant than client credentials, a value
            that cannot be read, or a required field that is missing.
    """
    arguments, labels = fields_from_mapping(settings)
    check_complete(arguments, {field: field for field in SETTINGS})
    return arguments, labels


def fields_from_mapping(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """`arguments_from_mapping`, but nothing has to be there.

    Raises:
        ConfigurationError: as `arguments_from_mapping`; nothing is missing here.
    """
    if not isinstance(settings, Mapping):
        raise ConfigurationError(
            problem=f"settings must be a mapping of labels to values, not {type(settings).__name__}"
        )
    arguments: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for label, name, field, value in _flat(settings):
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if field is None:
            _check(name, plain(label), value)
            continue
        if field in arguments:
            problem = f"and {labels[field]} both set {field}"
            raise ConfigurationError(field=field, name=name, problem=problem, remedy="keep one")
        labels[field] = name
        arguments[field] = read_value(name, field, value)
    return arguments, labels


def is_table(label: Any, value: Any) -> bool:
    """True for a table that describes the endpoint or its issuer."""
    return isinstance(label, str) and plain(label) in _TABLES and isinstance(value, Mapping)


def _flat(settings: Mapping[Any, Any]) -> Iterator[tuple[str, str, str | None, Any]]:
    """Label, name for messages, field and value of each setting; those of tables among the others."""
    for label, value in settings.items():
        if is_table(label, value):
            yield from _in_table(label, plain(label), value)
        else:
            yield label, repr(label), _field_for(label), value


def _in_table(path: str, table: str, settings: Mapping[Any, Any]) -> Iterator[tuple[str, str, str | None, Any]]:
    for label, value in settings.items():
        field = _TABLES[table].get(plain(label)) if isinstance(label, str) else None
        if field is None:
            what, known = _TAKEN[table]
            problem = f"has {shown_label(str(label))} in it, {what}"
            raise ConfigurationError(name=repr(path), problem=problem, remedy=f"it takes: {', '.join(known)}")
        if field == "issuer" and isinstance(value, Mapping) and table != "issuer":
            yield from _in_table(f"{path}.{label}", "issuer", value)
        else:
            yield label, repr(f"{path}.{label}"), field, value


def plain_label(label: str) -> str:
    """The key of `label` in `FIELD_BY_LABEL`, if it is known."""
    word = plain(label)
    start = word.find(_NESTED)
    return word[start:] if start > 0 else word


def _field_for(label: Any) -> str | None:
    if not isinstance(label, str):
        raise ConfigurationError(problem=f"a label must be a str, not {type(label).__name__}")
    word = plain_label(label)
    if word not in FIELD_BY_LABEL:
        raise _unknown(label)
    return FIELD_BY_LABEL[word]


def _unknown(label: str) -> ConfigurationError:
    from difflib import get_close_matches

    name, word = shown_label(label), plain(label)
    behaviour = next((argument for argument in BEHAVIOUR if plain(argument) == word), None)
    if behaviour is not None:
        return ConfigurationError(
            field=behaviour,
            name=name,
            problem="cannot be set here",
            remedy="it is an argument of the auth object: pass it to ClientCredentialsAuth.from_config()",
            reason="not_a_setting",
        )
    known = {plain(each): each for each in (*SETTINGS, *_FORM_LABELS)}
    nearest = get_close_matches(word, known, n=1)
    if nearest:
        remedy = f"did you mean {known[nearest[0]]!r}?"
    else:
        remedy = (
            "to send it in the body of the token request, put it into additional_request_data. "
            f"The settings are: {', '.join(SETTINGS)}"
        )
    return ConfigurationError(name=name, problem="is not a known setting", remedy=remedy, reason="unknown")


def _check(name: str, word: str, value: object) -> None:
    expected = _CHECKED_VALUES[word]
    given = plain(value) if isinstance(value, str) else ""
    if given not in (expected, expected.removesuffix("grant")):
        wanted = "Oauth2" if expected == "oauth2" else "Client Credentials Grant"
        raise ConfigurationError(name=name, problem=f"must be {wanted!r}, the only one that this package does")
