"""The kinds of client, and names that every table has."""

from __future__ import annotations

KINDS = {
    "requests": "requests",
    "httpx": "httpx",
    "httpx async": "httpx",
    "httpx2": "httpx2",
    "httpx2 async": "httpx2",
}
"""The kinds of client, and the library of each."""

FLOOR, BY_HAND, OURS = "floor", "written by hand", "oauth_cc_auth"
SIBLING = "oauth_cc_auth, a sibling"
ONE_MORE_HEADER = "one more header"
BEARER, HEADER, HEADERS = "a bearer token", "a header", "two headers"
PYJWT, SIGNATURE = "PyJWT, the proof alone", "one signature"
NO_OP_HOOK, SESSION_HEADERS = "floor with a no-op hook", "session.headers, no auth"

# The token of the floor. It has the length and form of the tokens of the benchmark server, a number and an end, so that
# the server needs the same time to read it.
STATIC_HEADER = "Bearer 0:99999999999.999999"
