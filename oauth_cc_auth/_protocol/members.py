"""The members of an answer of the token endpoint, in any form and encoding. Pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import parse_qsl

from oauth_cc_auth._errors import Reason
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._redact.redact import MASK, redact_start

_MOST_DIGITS = 400  # of a whole number; more is infinite as a float, too
_MOST_FIELDS = 1000  # of a form-encoded answer


def members_of(body: bytes, secrets: tuple[str, ...], known_errors: Collection[str]) -> Mapping[str, Any]:
    """The members of the answer: JSON, whatever its content type, or form-encoded (the old Facebook, GitHub).

    Args:
        secrets: What a form with an error must not show.
        known_errors: Error codes that are no echo, whatever the secrets are.
    """
    text = _decoded(body)
    with Ignoring(ValueError, RecursionError):  # RecursionError: "[[[[..."
        parsed = _DECODER.decode(text)
        return parsed if isinstance(parsed, dict) else {}
    return _form_members(text, secrets, known_errors)


def whole_of(body: bytes) -> Any:
    """What the answer is as JSON, or else its text."""
    text = _decoded(body)
    with Ignoring(ValueError, RecursionError):
        return _DECODER.decode(text)
    return text


def json_object(body: bytes) -> Mapping[str, Any] | None:
    """The members of a JSON object, whatever its content type; None if `body` is none."""
    with Ignoring(ValueError, RecursionError):
        parsed = _DECODER.decode(_decoded(body))
        return parsed if isinstance(parsed, dict) else None
    return None


def json_type(value: object) -> str:
    """What JSON calls the type of `value`, which is not null."""
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return "a number" if isinstance(value, (int, float)) else "an array" if isinstance(value, list) else "an object"


def without_members(body: bytes) -> tuple[Reason, str]:
    """What an answer without any members is instead: a code, and the same in words."""
    text = _decoded(body)
    if not text.strip():
        return "empty_body", "the answer is empty"
    with Ignoring(ValueError, RecursionError):
        parsed = _DECODER.decode(text)
        if isinstance(parsed, dict):
            return "no_access_token", "the answer is an empty JSON object"
        return "not_json", "the answer is not a JSON object"
    if text.lstrip().startswith("{") and text.count("{") > text.count("}"):
        return "cut_off", "the answer is JSON that is cut off"
    return "not_json", "the answer is not JSON"


def _decoded(body: bytes) -> str:
    """UTF-8 (RFC 8259 §8.1), or what old servers send: UTF-16, or Latin-1, which any bytes are."""
    for encoding in ("utf-8-sig", json.detect_encoding(body)):
        try:
            return body.decode(encoding)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def _int(digits: str) -> int | float:
    # Python refuses to read an int of 4,300 digits, and before 3.10.7 would take minutes for a megabyte of them.
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


# One for all. Making one looks up attributes by new strings, and CPython's cache keeps each: kilobytes, in time.
_DECODER = json.JSONDecoder(parse_int=_int)


def _form_members(text: str, secrets: tuple[str, ...], known_errors: Collection[str]) -> Mapping[str, str]:
    if "=" not in text[:65536]:
        return {}
    form = _form(text)
    if not form.keys() & {"access_token", "error"}:
        return {}
    if form.get("access_token") and not form.get("error"):
        return form
    # An echo that was not encoded for a form ("a+b&c") would not be recognised after decoding.
    shown, code = _form(redact_start(text, secrets)), form.get("error")
    if code:
        shown["error"] = code if code in known_errors else shown.get("error", MASK)
    return shown


def _form(text: str) -> dict[str, str]:
    with Ignoring(ValueError):  # more fields than that
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    return {}
