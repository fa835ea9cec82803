"""Checks the built site: `python -m tests.docs.site docs/_build/html`.

Every public name has an entry in the reference, and every link within the site leads to a page and a place in it.
"""

from __future__ import annotations

import importlib
import sys
import zlib
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

MODULES = (
    "oauth_cc_auth",
    "oauth_cc_auth.requests",
    "oauth_cc_auth.httpx",
    "oauth_cc_auth.httpx2",
    "oauth_cc_auth.aiohttp",
    "oauth_cc_auth.azure",
    "oauth_cc_auth.stores",
    "oauth_cc_auth.testing",
)
NOT_DOCUMENTED = {"oauth_cc_auth.__version__"}


class Page(HTMLParser):
    """The links of a page, and the places that links may lead to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called by the parser."""
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


@cache
def page(path: Path) -> Page:
    """Each is read once."""
    return Page(path)


def dead_links(site: Path) -> Iterator[str]:
    """`page: link` for each link within the site that leads nowhere."""
    for path in sorted(site.rglob("*.html")):
        for link in page(path).links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            found = target.is_file() or (target.is_dir() and (target / "index.html").is_file())
            if found and parts.fragment and target.suffix == ".html":
                found = unquote(parts.fragment) in page(target).places
            if not found:
                yield f"{path.relative_to(site)}: {link}"


def missing_names(site: Path) -> Iterator[str]:
    """The public names that the reference does not have."""
    inventory = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]  # four lines about itself, and the entries
    entries = {line.split(" ", 1)[0] for line in zlib.decompress(inventory).decode().splitlines() if " py:" in line}
    for module in MODULES:
        for name in importlib.import_module(module).__all__:
            if f"{module}.{name}" not in entries | NOT_DOCUMENTED:
                yield f"{module}.{name} is not in the reference"


def main(site: Path) -> int:
    """Print what is wrong. Returns the exit status."""
    wrong = [*missing_names(site), *dead_links(site)]
    print("\n".join(wrong) or f"{len(list(site.rglob('*.html')))} pages: every public name, no dead link")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
