"""What an error may show of what a person passed.

The one law: a name or a value is shown only if it looks like one. What is in the wrong place may be a secret: a header
that is written as curl writes it is cut at the first ``=`` in its value, and all before that becomes the name.
"""

from __future__ import annotations

import re

# Not compiled here: that takes longer than importing this module, and most programs never need it.
# Form labels and names of settings; the longest label that the form prints has 51 characters.
_LABEL = r"[\w ()./-]{0,64}"
# A word such as "maybe", a name such as "private_key_jwt", or a number with a unit such as "10s".
_WORD = r"[A-Za-z]{1,15}(?:[ _-][A-Za-z]{1,10}){0,3}[!?]?|[+-]?[0-9.]{1,8} ?[a-z]{0,3}"
# Names of form fields (RFC 6749 §8.2), and what servers add for lists.
_FIELD_NAME = r"[A-Za-z0-9_.\[\]-]{1,64}"


def is_field_name(name: str) -> bool:
    """True if `name` looks like the name of a form field."""
    return re.fullmatch(_FIELD_NAME, name) is not None


def shown_field(name: str) -> str:
    """`name` of a form field, if it looks like one."""
    return name if is_field_name(name) else "one of its fields"


def shown_label(label: str) -> str:
    """`label` in quotes if it looks like one."""
    return repr(label) if re.fullmatch(_LABEL, label) else "a name of an odd form (it may hold a secret)"


def shown_value(value: object) -> str:
    """`value` if it is a word or a number, else what it is."""
    if value is None or isinstance(value, (bool, float)) or (isinstance(value, int) and value.bit_length() <= 64):
        return repr(value)
    if isinstance(value, str) and (value == "" or re.fullmatch(_WORD, value)):
        return repr(value)
    return "this value" if isinstance(value, (str, int)) else type(value).__name__
