"""The examples in our Markdown pages, as the tests run them."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "docs"

_OUTPUT = "text"  # the language of a block that shows the output of the one before it
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Example(NamedTuple):
    """A block of Python, and the output that the next block shows."""

    code: str
    output: str


def examples_in(text: str) -> list[Example]:
    """Every block of Python in a page or section, in order."""
    blocks = _BLOCK.findall(text)
    followers = [*blocks[1:], ("", "", "")][: len(blocks)]
    return [
        Example(textwrap.dedent(code), follower[2] if follower[1] == _OUTPUT else "")
        for (_, language, code), follower in zip(blocks, followers, strict=True)
        if language == "python"
    ]


def sections(page: Path) -> dict[str, str]:
    """The text of each section of a page, by title."""
    parts = re.split(r"^## (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))
