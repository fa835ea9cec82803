"""Which text fits into a header field (RFC 9110).

The checks use no regular expressions: compiling one takes longer than importing this module.
"""

from __future__ import annotations

from string import ascii_letters, digits

_HEADER_NAME_CHARACTERS = "!#$%&'*+-.^_`|~" + ascii_letters + digits  # RFC 9110 §5.6.2


def has_control(text: str) -> bool:
    """True if there is a control character of ASCII in it."""
    return not text.isprintable() and any(character < " " or character == "\x7f" for character in text)


def is_header_name(text: str) -> bool:
    """A token of RFC 9110 §5.6.2."""
    return text != "" and not text.strip(_HEADER_NAME_CHARACTERS)


def is_header_value(text: str) -> bool:
    """Printable ASCII and tabs, no white space at either end (RFC 9110 §5.5, without obs-text). May be empty."""
    return text.isascii() and text.replace("\t", " ").isprintable() and text.strip() == text


def is_encodable(text: str) -> bool:
    """False if there is a lone surrogate in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
