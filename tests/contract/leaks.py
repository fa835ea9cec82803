"""Marked secrets, and a search for them in everything that a person may see, log or pickle."""

from __future__ import annotations

import pickle
import re
import traceback
import types
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from logging import LogRecord
from typing import Any
from urllib.parse import quote

# Each secret has letters that no text encoding changes; the search looks for these. Encodings change the rest.
MARKS = {
    "client_secret": "MarkOfTheClientSecret",
    "data": "MarkOfTheRequestData",
    "header": "MarkOfTheHeader",
    "query": "MarkOfTheQuery",
    "token": "MarkOfTheToken",
}
CLIENT_ID = "public client"
CLIENT_SECRET = "\u00e9 \"'\\/<&>%+~*=" + MARKS["client_secret"]
DATA = f"a b&c={MARKS['data']}"
HEADER = f"key/{MARKS['header']}=="
QUERY = f"v=2&api_key=a%2Fb{MARKS['query']}"
TOKEN = f"ey/J+{MARKS['token']}=="


def basic_blobs() -> list[str]:
    """The credentials as HTTP Basic contains them, with and without percent-encoding."""
    pairs = (f"{quote(CLIENT_ID, safe='')}:{quote(CLIENT_SECRET, safe='')}", f"{CLIENT_ID}:{CLIENT_SECRET}")
    return [b64encode(pair.encode()).decode() for pair in pairs]


def settings(token_url: str) -> dict[str, Any]:
    """Arguments of an auth object, with a secret in every setting that can hold one."""
    return {
        "token_url": f"{token_url}?{QUERY}",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "additional_headers": {"APIKey": HEADER},
        "additional_request_data": {"api_password": DATA, "audience": "public"},
    }


def _needles() -> list[str]:
    # The longest run of letters and digits in a blob, because "+", "/" and "=" may be escaped.
    runs = [max(re.findall(r"[0-9A-Za-z]+", blob), key=len) for blob in basic_blobs()]
    return [*MARKS.values(), *runs]


NEEDLES = re.compile("|".join(_needles()), re.IGNORECASE)


def leaks_in(texts: Iterable[str]) -> list[str]:
    """Every text that contains a mark."""
    return [text[:2000] for text in texts if NEEDLES.search(text)]


def leaks_of(error: BaseException) -> list[str]:
    """Every place in an exception that contains a secret."""
    return leaks_in([*texts_in(error), pickle.dumps(error).decode("latin-1")])


def leaks_of_records(records: Iterable[LogRecord]) -> list[str]:
    """Every place in our log records that contains a secret, including arguments that are not shown."""
    ours = [record for record in records if record.name.partition(".")[0] == "oauth_cc_auth"]
    return leaks_in(text for record in ours for text in (record.getMessage(), *texts_in(vars(record))))


def texts_in(value: Any) -> Iterator[str]:
    """Every text that can be reached from `value` through attributes, items, causes and bound methods."""
    seen: dict[int, Any] = {}
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen[id(current)] = current  # keeps the object alive, so that no other object gets its id
        if isinstance(current, str):
            yield current
        elif isinstance(current, (bytes, bytearray)):
            yield bytes(current).decode("latin-1")
        elif not isinstance(current, (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)):
            yield from (repr(current), str(current))
            if isinstance(current, BaseException):
                yield "".join(traceback.format_exception(current))
            waiting += _inside(current)


def _inside(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    inside = list(getattr(value, "__dict__", {}).values())
    names = [name for cls in type(value).__mro__ for name in _slots(cls)]
    inside += [getattr(value, name) for name in names if hasattr(value, name)]
    if isinstance(value, types.MethodType):
        inside.append(value.__self__)
    if isinstance(value, BaseException):
        inside += [value.args, value.__cause__, value.__context__, getattr(value, "__notes__", None)]
    return inside


def _slots(cls: type) -> tuple[str, ...]:
    slots = cls.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)
