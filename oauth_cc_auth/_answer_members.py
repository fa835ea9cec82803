"""The members of what a token endpoint answered, in whatever form and encoding it came. Pure, no I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

_MOST_DIGITS = 400  # of a whole number; more is infinite as a float, too
_MOST_FIELDS = 1000  # of a form-encoded answer


def members_of(body: bytes) -> Mapping[str, Any]:
    """The members of the answer: JSON whatever its content type, else form-encoded (the Facebook of old, GitHub)."""
    text = _decoded(body)
    try:
        parsed = json.loads(text, parse_int=_int)
    except (ValueError, RecursionError):  # RecursionError: "[[[[..."
        return _form_members(text)
    return parsed if isinstance(parsed, dict) else {}


def instead_of_members(body: bytes) -> str:
    """What an answer without any members is instead."""
    text = _decoded(body)
    if not text.strip():
        return "the answer is empty"
    try:
        parsed = json.loads(text, parse_int=_int)
    except (ValueError, RecursionError):
        return "the answer is no JSON"  # be it text, or JSON that was cut off
    return "the answer is an empty JSON object" if isinstance(parsed, dict) else "the answer is no JSON object"


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


def _form_members(text: str) -> Mapping[str, str]:
    if "=" not in text[:65536]:
        return {}
    try:
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:  # more fields than that
        return {}
    return form if form.keys() & {"access_token", "error"} else {}
