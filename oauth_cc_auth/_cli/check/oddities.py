"""What often goes wrong when settings are copied from a web page. Pure; shows no part of id or secret."""

from __future__ import annotations

import re

from oauth_cc_auth._advice import Words
from oauth_cc_auth._cli.terminal.wording import COMMAND

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_QUOTES = re.compile(r"""(["'`]).*\1""")
_PLACEHOLDER = re.compile(r"<.*>|\{.*\}|\$\{?\w+\}?|x{4,}|\*{3,}|your[-_ ].*|change-?me|todo", re.IGNORECASE)
_IN_URL = re.compile(r"<[^<>]*>|\$?\{+[^{}]*\}+|%7B.*?%7D|(?<!\w)your[-_]\w+", re.IGNORECASE)


def placeholder_in(url: str) -> str | None:
    """The part of `url` that looks like a placeholder; None if there is none."""
    found = _IN_URL.search(url)
    return None if found is None else found.group()


def oddities(client_id: str, client_secret: str, scope: str | None = None, words: Words = COMMAND) -> tuple[str, ...]:
    """Sentences about what looks wrong; it may be right nevertheless."""
    id_name, secret_name = words.name_of("client_id"), words.name_of("client_secret")
    found = [
        sentence
        for name, value in ((id_name, client_id), (secret_name, client_secret))
        for sentence in _odd(name, value)
    ]
    if client_id == client_secret:
        found.append(f"{id_name} and {secret_name} are the same.")
    if _UUID.fullmatch(client_secret):
        # Entra ID shows both side by side, and the value only once.
        found.append(f"{secret_name} is a UUID: if the provider shows an id and a value of the secret, use the value.")
    if scope is not None and "," in scope:
        found.append(f"{words.name_of('scope')} has a comma; scopes are separated by spaces (RFC 6749 §3.3).")
    return tuple(found)


def _odd(name: str, value: str) -> list[str]:
    bare = value.strip()
    sentences = []
    if bare != value:
        sentences.append(f"{name} begins or ends with white space.")
    if _QUOTES.fullmatch(bare):
        sentences.append(f"{name} is in quotes.")
    if _PLACEHOLDER.fullmatch(bare):
        sentences.append(f"{name} looks like a placeholder.")
    if not value.isascii():
        sentences.append(f"{name} has characters beyond ASCII, perhaps from a word processor.")
    return sentences
