"""DPoP proofs (RFC 9449 §4.2): what one says, and what an answer says about one.

The one law: a proof is for one request, sent once.

A proof names the method and the URL that it is for, the token that it goes with, and the nonce that the server wants to
see; its `jti` is never used again. So it is made when its request is sent, and anew if the request is sent again.
"""

from __future__ import annotations

import os
import re
from binascii import b2a_base64
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii as quoted

from oauth_cc_auth._http.origin import NOWHERE, origin_of

from .advice import INVALID_PROOF, USE_NONCE

HEADER = "DPoP"
NONCE_HEADER = "dpop-nonce"  # as libraries look it up, in any case
SCHEME = "DPoP %s"

LONGEST_NONCE = 4096  # characters; a larger one would break the limits that servers have for headers
# Compiled and kept by `re` when they are needed first.
_NONCE = r"[\x21\x23-\x5b\x5d-\x7e]+"  # RFC 9449 §8.1
_ABOUT_PROOF = rf'(?i)\berror\s*=\s*"?({USE_NONCE}|{INVALID_PROOF})\b'

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def target_of(url: str) -> tuple[str, str]:
    """The origin of an absolute URL, and the URL as a proof names it: without query, fragment and user info.

    Scheme and host are in lower case, the port is left out if it is the usual one, and an empty path is "/", as servers
    put it together from what they receive (RFC 9449 §4.3, RFC 3986 §6.2).
    """
    if "?" in url or "#" in url:
        url = url.partition("#")[0].partition("?")[0]
    begin = url.find("//") + 2
    end = url.find("/", begin)
    if end < 0:
        url, end = f"{url}/", len(url)
    site = url[:end]
    if not site.islower() or ":" in site[begin:] or "@" in site:
        origin = origin_of(url)
        site = site if origin is NOWHERE else str(origin)
    return site, site + url[end:]


def beginning(head: bytes, method: str, target: str, more: str = "") -> bytes:
    """The part of a proof that is the same for all sendings of the same request with the same token.

    Args:
        head: The header of the proof in Base64url, with the full stop after it.
        method: HTTP method.
        target: The URL, as `target_of` has it.
        more: More claims as JSON, each after a comma.
    """
    claims = f'{{"htm":{quoted(method)},"htu":{quoted(target)}{more},'
    # Base64 turns three bytes into four characters. With whole threes here, the rest can be encoded by itself.
    spaces = " " * (-len(claims) % 3)
    return head + encoded(f"{claims}{spaces}".encode())


def proof(begun: str, sign: Callable[[bytes], bytes], wall: float, nonce: str | None = None) -> str:
    """A new proof: a JWT (RFC 7519) in its compact form.

    This is one function, because an API request waits for all that it does.

    Args:
        begun: What `beginning` has made, as text.
        sign: Is given what follows that, and returns the signature of both.
        wall: Unix time in seconds.
        nonce: What the server wants to see; None if it asked for nothing.
    """
    wanted = "" if nonce is None else f',"nonce":"{nonce}"'
    claims = f'"jti":"{os.urandom(16).hex()}","iat":{int(wall)}{wanted}}}'
    rest = b2a_base64(claims.encode(), newline=False).rstrip(b"=").translate(_URL_SAFE)
    signature = b2a_base64(sign(rest), newline=False).rstrip(b"=").translate(_URL_SAFE)
    return f"{begun}{rest.decode()}.{signature.decode()}"


def encoded(content: bytes) -> bytes:
    """`content` in Base64url without padding (RFC 7515 §2)."""
    return b2a_base64(content, newline=False).rstrip(b"=").translate(_URL_SAFE)


def hash_of(access_token: str) -> str:
    """The `ath` of a token (RFC 9449 §4.2)."""
    from hashlib import sha256

    return encoded(sha256(access_token.encode()).digest()).decode()


def nonce_in(headers: Mapping[str, str]) -> str | None:
    """The nonce that an answer asks for from now on; None if there is none that a proof can hold."""
    nonce = headers.get(NONCE_HEADER)
    if nonce is None or len(nonce) > LONGEST_NONCE or not re.fullmatch(_NONCE, nonce):
        return None
    return nonce


def complaint(status: int, headers: Mapping[str, str]) -> str | None:
    """What an API says is wrong with a proof: `USE_NONCE` or `INVALID_PROOF` (RFC 9449 §7.1, §9); None if nothing."""
    if status != 401:
        return None
    found = re.search(_ABOUT_PROOF, headers.get("www-authenticate") or "")
    return None if found is None else found[1].lower()
