"""The floors of the house: which room of the package may import from which, and the picture of it.

``python3 -m tests.floors`` writes docs/floors.svg, from the tables below and from the docstrings of the rooms.
"""

from __future__ import annotations

import ast
import re
from html import escape
from pathlib import Path

import oauth_cc_auth

PACKAGE = "oauth_cc_auth"
SOURCE = Path(oauth_cc_auth.__file__).parent  # the installed package: .ci/run has no other
PICTURE = Path(__file__).parents[1] / "docs" / "floors.svg"

# From the bottom up. A room is a file or a folder of the package; it imports from the floors below it and from itself.
FLOORS: tuple[set[str], ...] = (
    {"_doors", "_install", "_record", "_version", "_http"},
    {"_advice"},
    {"_errors"},
    {"_redact"},
    {"_authentication", "_events", "_token"},
    {"_settings"},
    {"_issuer"},
    {"_endpoint"},
    {"_config"},
    {"_protocol"},
    {"_core"},
    {"_stores"},
    {"_adapter"},
    {"_httpx", "_requests"},
    {"aiohttp", "azure", "httpx", "httpx2", "requests", "stores"},
    {"_httpie"},
    {"httpie"},
    # No part of the plugin itself.
    {"testing"},
    {"_cli"},
    {"_demo"},
    {"__main__"},
)
FLOORS_OF_CLI: tuple[set[str], ...] = (
    {"terminal"},
    {"settings"},
    {"cache"},
    {"request", "check"},
    {"run"},
)
FLOORS_OF_CHECK: tuple[set[str], ...] = (
    {"connection_facts", "oddities"},
    {"facts"},
    {"jwt"},
    {"rules"},
    {"watcher"},
    {"probe", "report"},
    {"diagnose", "propose"},
)
HOUSES = {PACKAGE: FLOORS, f"{PACKAGE}._cli": FLOORS_OF_CLI, f"{PACKAGE}._cli.check": FLOORS_OF_CHECK}

# What the picture shows, from the top down: the floors of a request's way, with names for the groups.
_GROUPS = (
    ("the command and the demo", {"__main__", "_cli", "_demo"}),
    ("for your own tests", {"testing"}),
    ("HTTPie", {"httpie", "_httpie"}),
    ("the doors: what you import", {"requests", "httpx", "httpx2", "aiohttp", "azure", "stores"}),
    ("one client library each", {"_requests", "_httpx"}),
    ("API requests", {"_adapter"}),
    ("tokens of many processes", {"_stores"}),
    ("tokens", {"_core"}),
    ("token requests and answers", {"_protocol"}),
    ("settings", {"_config", "_endpoint", "_issuer", "_settings"}),
    ("the client", {"_authentication", "_events", "_token"}),
    ("foundations", {"_advice", "_doors", "_errors", "_install", "_record", "_version", "_http", "_redact"}),
)
_WIDTH, _LABEL, _GAP, _LINE = 960, 180, 8, 15  # pixels


def drawn() -> str:
    """The picture, as SVG; colours follow the reader's light or dark theme."""
    shapes: list[str] = []
    top = _GAP
    for label, rooms in _GROUPS:
        texts = {room: _lines(room, (_WIDTH - _LABEL) // len(rooms)) for room in sorted(rooms)}
        height = max(len(lines) for lines in texts.values()) * _LINE + 30
        shapes.append(f'<text class="label" x="{_GAP}" y="{top + height / 2 + 4}">{escape(label)}</text>')
        width = (_WIDTH - _LABEL - _GAP) / len(rooms)
        for number, (room, lines) in enumerate(texts.items()):
            left = _LABEL + number * width
            shapes.append(f'<rect x="{left:.0f}" y="{top}" width="{width - _GAP:.0f}" height="{height}" rx="5"/>')
            shapes.append(f'<text class="room" x="{left + 10:.0f}" y="{top + 18}">{escape(room)}</text>')
            shapes += [
                f'<text x="{left + 10:.0f}" y="{top + 34 + place * _LINE}">{escape(line)}</text>'
                for place, line in enumerate(lines)
            ]
        top += height + _GAP
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" role="img"'
            ' aria-label="The folders of the package: each imports from those below it only.">',
            "<style>",
            "text { font: 12px sans-serif; fill: #333 } .room { font: bold 13px monospace; fill: #111 }",
            ".label { font: italic 12px sans-serif; fill: #666 } rect { fill: #eef3f8; stroke: #9db4cb }",
            "@media (prefers-color-scheme: dark) { text { fill: #ccc } .room { fill: #fff } .label { fill: #999 }",
            "rect { fill: #1d2733; stroke: #4a637d } }",
            "</style>",
            *shapes,
            "</svg>",
            "",
        ]
    )


def _lines(room: str, width: int) -> list[str]:
    """The first sentence of a room's docstring, in lines of at most `width` pixels."""
    folder = SOURCE / room
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    sentence = " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".")
    lines = [""]
    for word in re.sub(r":? ``.*", "", sentence).replace("`", "").split():
        if len(lines[-1]) + len(word) > (width - 20) / 7:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
