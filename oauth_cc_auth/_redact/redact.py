"""Keep secrets out of text: what a server echoes, what a transport reports, what we show.

Our own messages never hold a secret. In other people's text we look for every secret of the current request, in every
encoding in which servers and libraries echo text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import PurePath
from types import FrameType
from urllib.parse import urlsplit

from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._http.interrupts import Ignoring

MASK = "***"

_LONGEST_TEXT = 300  # characters of other people's text in a message of ours
_LONGEST_SEARCH = 4096  # characters that are looked at for that, in an event loop
_LONGEST_FORM = 40  # characters that one encoded character may take


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets`, in any usual encoding, the longest first."""
    from .patterns import pattern_of  # there is a text to search only if something is wrong

    for secret in sorted(_in_each_form(secrets), key=len, reverse=True):
        if len(secret) > len(text):
            continue  # no form is shorter than the secret; most texts are "invalid_client"
        text = re.sub(pattern_of(secret, text), MASK, text, flags=re.IGNORECASE)
    return text


def _in_each_form(secrets: Iterable[str]) -> set[str]:
    """`secrets`, and those that are not ASCII with their accents composed and apart as well (NFC, NFD)."""
    found = {secret for secret in secrets if secret}
    for secret in list(found):
        if not secret.isascii():
            from unicodedata import normalize

            found |= {normalize("NFC", secret), normalize("NFD", secret)}
    return found


def redact_start(text: str, secrets: tuple[str, ...]) -> str:
    """`redact` of the beginning of `text`, which may be a megabyte."""
    start = redact(text[:_LONGEST_SEARCH], secrets)
    if len(text) > _LONGEST_SEARCH and secrets:
        from .patterns import LONGEST

        # The cut may go through a secret, which is not recognised then. What is longer is recognised by its beginning.
        start = start[: -_LONGEST_FORM * min(max(map(len, secrets)), LONGEST)]
    return start


def presentable(text: str, secrets: Iterable[str]) -> str:
    """Other people's text, fit for one line of ours: secrets masked, unprintable characters gone, cut to length."""
    secrets = tuple(secrets)
    give_way()
    line = redact_start(text, secrets)
    give_way()
    line = redact(_on_one_line(line), secrets)  # again: cleaning may put a secret together
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def _on_one_line(text: str) -> str:
    """`text` as a terminal shows it in one line, in the order in which it is written.

    Control characters and invisible ones are left out. One that turns the writing direction (U+202E) would make a log
    show something else than it holds.
    """
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def kind_and_place(error: Exception) -> str:
    """The class of `error`, which a person's callable raised, and the place.

    Its message and its traceback are left out, because both may hold secrets: "invalid literal for int(): 's3cret'".
    """
    trace, place = error.__traceback__, None
    while trace is not None:
        # The innermost in the person's own code says most; what it calls may be deep in a library.
        if place is None or not _is_of_library(trace.tb_frame) or _is_ours(place.tb_frame):
            place = trace
        trace = trace.tb_next
    if place is None or _is_ours(place.tb_frame):
        return type(error).__name__  # raised by the call itself: the callable takes other arguments
    code = place.tb_frame.f_code
    return f"{type(error).__name__} ({code.co_name}, {PurePath(code.co_filename).name}:{place.tb_lineno})"


def _is_ours(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith("oauth_cc_auth._")


def _is_of_library(frame: FrameType) -> bool:
    """True for code of Python or of an installed package."""
    name = str(frame.f_globals.get("__name__")).partition(".")[0]
    return name in sys.stdlib_module_names or not {"site-packages", "dist-packages"}.isdisjoint(
        PurePath(frame.f_code.co_filename).parts
    )


_LONG_TOKEN = 16  # characters; four of fewer would be too much of it
_START = 4  # characters


def token_start(token: str) -> str:
    """The first characters of a long token, enough to tell two apart; nothing of a short one."""
    return token[:_START] if len(token) >= _LONG_TOKEN else ""


def shown_url(url: str) -> str:
    """`url` as it may be shown: no user info, no query, no fragment."""
    with Ignoring(ValueError):
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        scheme = f"{parts.scheme}:" if parts.scheme else ""
        authority = f"//{host}" if host else ""
        shown = f"{scheme}{authority}{parts.path}" + (f"?{MASK}" if parts.query else "")
        return url if shown == url else shown  # no copy of it for each auth object
    return "a URL that cannot be parsed"
