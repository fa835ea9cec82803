"""Draws one request's way, from real exchanges with the loopback server: `python -m tests.docs.way`.

Each scene sends requests with the plugin, and the server's records become arrows. A test plays the scenes again and
compares the picture, so it cannot show what does not happen.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import count
from tempfile import TemporaryDirectory
from typing import NamedTuple

import requests

from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.stores import FileStore
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.examples import DOCS
from tests.fake_clock import FakeClock

PICTURE = DOCS / "way.svg"

_WIDTH, _TOP, _STEP, _HEAD = 760, 44, 34, 58  # pixels
_APP, _TOKENS, _API = 90, 400, 660  # where the lanes are
_LANES = ((_APP, "your program"), (_TOKENS, "token endpoint"), (_API, "API"))


_STYLE = """<style>
text { font: 13px sans-serif; fill: #333; text-anchor: middle; paint-order: stroke; stroke: #fff; stroke-width: 6px }
.title { font: bold 14px sans-serif; text-anchor: start }
.name { font-weight: bold; stroke: none }
.page { fill: #fff }
rect.lane { fill: #eef3f8 }
.lane { stroke: #9db4cb }
line { stroke-width: 1.5 }
line.asks { stroke: #1f5f99 }
line.good { stroke: #2c7a3f; stroke-dasharray: 5 3 }
line.bad { stroke: #b3261e; stroke-dasharray: 5 3 }
text.bad { fill: #b3261e }
path { fill: context-stroke }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd; stroke: #131416 }
  .name { stroke: none }
  .page { fill: #131416 }
  rect.lane { fill: #1d2733 }
  .lane { stroke: #4a637d }
  line.asks { stroke: #7db3e6 }
  line.good { stroke: #7fcf94 }
  line.bad { stroke: #ff8a80 }
  text.bad { fill: #ff8a80; stroke: #131416 }
}
</style>"""


class Scene(NamedTuple):
    """What is shown under one heading."""

    title: str
    records: tuple[RecordedRequest, ...]


def scenes(server: LoopbackServer) -> Iterator[Scene]:
    """Play them, one after another."""
    clock = FakeClock()
    server.clock = clock.wall
    auth = _auth(server, clock)
    yield Scene("The first request fetches a token", _recorded(server, auth))
    yield Scene("The next ones use it", _recorded(server, auth))
    server.revoke_all()
    yield Scene("The API refuses the token: it is renewed, and the request sent again", _recorded(server, auth))
    clock.advance(0.85 * 3600)
    server.token_endpoint.next(Answer(503))
    yield Scene("The renewal of an old token fails: it is good for some minutes more", _recorded(server, auth))
    clock.advance(600)
    yield Scene("It has ended: the next request fetches another one", _recorded(server, auth))
    with TemporaryDirectory() as folder:
        first, second = (_auth(server, clock, store=FileStore(folder)) for _ in range(2))
        yield Scene("With a store: one process fetches a token", _recorded(server, first))
        yield Scene("Another process finds it there", _recorded(server, second))


def _auth(server: LoopbackServer, clock: FakeClock, store: FileStore | None = None) -> ClientCredentialsAuth:
    """An auth object by whose own requests tokens are renewed, so that the exchanges come in one order."""
    auth = ClientCredentialsAuth(
        server.token_url, server.client_id, server.client_secret, renew_in_background=False, store=store
    )
    auth._start(clock)
    return auth


def _recorded(server: LoopbackServer, auth: ClientCredentialsAuth) -> tuple[RecordedRequest, ...]:
    server.clear_log()
    requests.get(f"{server.api_url}/orders", auth=auth, timeout=10).raise_for_status()
    return server.requests


def drawn() -> str:
    """The picture, as SVG; colours follow the reader's light or dark theme."""
    numbers = count(1)
    with LoopbackServer(new_token=lambda: f"token {next(numbers)}") as server:
        played = list(scenes(server))
    shapes: list[str] = []
    top = _TOP
    for scene in played:
        shapes.append(f'<text class="title" x="12" y="{top + 22}">{escape(scene.title)}</text>')
        top += _HEAD
        for record in scene.records:
            shapes += _arrows(record, top)
            top += 2 * _STEP
    lanes = [
        shape
        for x, name in _LANES
        for shape in (
            f'<line class="lane" x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{top}"/>',
            f'<rect class="lane" x="{x - 70}" y="8" width="140" height="28" rx="5"/>',
            f'<text class="name" x="{x}" y="27">{escape(name)}</text>',
        )
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top + 8}" role="img"'
            ' aria-label="The requests between your program, the token endpoint and the API.">',
            _STYLE,
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
            '<path d="M0 0 L8 4 L0 8 z"/></marker></defs>',
            f'<rect class="page" width="{_WIDTH}" height="{top + 8}"/>',
            *lanes,
            *shapes,
            "</svg>",
            "",
        ]
    )


def _arrows(record: RecordedRequest, top: int) -> Iterator[str]:
    """The request and its answer."""
    lane = _TOKENS if record.kind == "token" else _API
    asked = f"{record.method} {record.path}"
    asked += f", {record.client_authentication}" if record.kind == "token" else f", {record.token}"
    is_good = record.status is not None and record.status < 400
    answered = f"{record.status}" + (", a new token" if record.kind == "token" and is_good else "")
    yield from _arrow(_APP, lane, top, asked, "asks")
    yield from _arrow(lane, _APP, top + _STEP, answered, "good" if is_good else "bad")


def _arrow(start: int, end: int, y: int, text: str, kind: str) -> Iterator[str]:
    yield f'<line class="{kind}" x1="{start}" y1="{y}" x2="{end}" y2="{y}" marker-end="url(#tip)"/>'
    yield f'<text class="{kind}" x="{(start + end) // 2}" y="{y - 6}">{escape(text)}</text>'


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
