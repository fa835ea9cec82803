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
NO_OP_HOOK, SESSION_HEADERS = "floor with a no-op hook", "session.headers, no auth"

# What the floor sends: as long as the tokens of the benchmarks' server and of their form, which is a number and when it
# ends; reading them is to take the server the same time.
STATIC_HEADER = "Bearer 0:99999999999.999999"
