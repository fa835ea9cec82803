"""Keeping secrets out of text: what a server echoes, what a transport reports, what we show.

Our own messages never hold a secret. What others wrote is searched for every secret of the request at hand, in
whatever encoding servers and libraries echo text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

MASK = "***"

_LONGEST_TEXT = 300  # characters of other people's text in a message of ours
_LONGEST_SEARCH = 8192  # characters that are looked at for that
_LONGEST_FORM = 40  # characters that one encoded character may take
_LONGEST_PATTERN = 64  # characters of a secret that are compared; more would take long to prepare (JWTs)
# Text that was quoted more than once. Bounded: an endless repetition would let a hostile answer keep us searching.
_ESCAPE = r"\\{1,4}"
_ENTITY = "&(?:amp;){0,3}"
_LETTER_ESCAPES = {"\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# Compiled, by `re`, which keeps them, only where something is wrong: that takes long.
_UNITS = r"(?s:\\+|.)"
_UNPRINTABLE = r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+"


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without any of `secrets`, in any usual encoding, the longest first."""
    for secret in sorted({secret for secret in secrets if secret}, key=len, reverse=True):
        if len(secret) > len(text):
            continue  # no form is shorter than the secret; most texts are "invalid_client"
        pattern = "".join(map(_any_form, re.findall(_UNITS, secret[:_LONGEST_PATTERN])))
        if len(secret) > _LONGEST_PATTERN:
            # The rest as it is or, where it is encoded, everything from here on.
            pattern += f"(?:{re.escape(secret[_LONGEST_PATTERN:])}|(?s:.*))"
        text = re.sub(pattern, MASK, text, flags=re.IGNORECASE)
    return text


def _any_form(unit: str) -> str:
    """A pattern for one character, or for several backslashes in a row, as it is and as others write it."""
    forms = "|".join(sorted(_forms(unit[0]), key=len, reverse=True))
    if unit[0] != "\\":
        return f"(?:{forms})"
    # As one unit: four ways to read each of them would be four to the power of their number.
    return rf"(?:\\{{{len(unit)},{4 * len(unit)}}}|(?:{forms}){{{len(unit)}}})"


def _forms(character: str) -> set[str]:
    """Patterns for one character.

    Percent-encoded (also twice), form-encoded, as JSON escapes and as those of Python's `repr`, as HTML escapes,
    and as UTF-8 that was read as Latin-1 (status lines, headers).
    """
    from html.entities import codepoint2name

    point, utf8 = ord(character), character.encode("utf-8", "surrogatepass")
    utf16 = character.encode("utf-16-be", "surrogatepass")
    forms = {
        re.escape(character),
        re.escape(utf8.decode("latin-1")),
        "".join(f"%(?:25){{0,3}}{byte:02x}" for byte in utf8),
        "".join(rf"{_ESCAPE}x{byte:02x}" for byte in utf8),
        rf"{_ESCAPE}x{point:02x}",
        "".join(rf"{_ESCAPE}u{utf16[i : i + 2].hex()}" for i in range(0, len(utf16), 2)),
        rf"{_ENTITY}#0{{0,6}}{point};",
        rf"{_ENTITY}#x0{{0,6}}{point:x};",
    }
    if point in codepoint2name:
        forms.add(f"{_ENTITY}{codepoint2name[point]};")
    if character == "'":
        forms.add(_ENTITY + "apos;")
    if character == " ":
        forms.add(r"\+")
    if character in _LETTER_ESCAPES:
        forms.add(_ESCAPE + _LETTER_ESCAPES[character])
    if not character.isalnum() and character != "\\":
        forms.add(_ESCAPE + re.escape(character))
    return forms


def presentable(text: str, secrets: Iterable[str]) -> str:
    """Other people's text, fit for one line of ours: secrets masked, unprintable characters gone, cut to length."""
    secrets = tuple(secrets)
    line = redact(text[:_LONGEST_SEARCH], secrets)
    if len(text) > _LONGEST_SEARCH:
        # The cut may have gone through a secret, which is then not recognised.
        line = line[: -_LONGEST_FORM * max(map(len, secrets), default=0) - 1]
    line = redact(" ".join(re.sub(_UNPRINTABLE, " ", line).split()), secrets)  # cleaning may put one together again
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"


def shown_url(url: str) -> str:
    """`url` as it may be shown: no user info, no query, no fragment."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "a URL that cannot be parsed"
    scheme = f"{parts.scheme}:" if parts.scheme else ""
    authority = f"//{host}" if host else ""
    return f"{scheme}{authority}{parts.path}" + (f"?{MASK}" if parts.query else "")
