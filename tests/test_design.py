"""The pages for contributors and the tests say the same: promises have tests, and links and paths lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import oauth_cc_auth
from tests.examples import DOCS, README, ROOT

DESIGN = DOCS / "design.md"
CONTRIBUTING, SECURITY = ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"
PAGES = [README, CONTRIBUTING, SECURITY, ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
PACKAGE = Path(oauth_cc_auth.__file__).parent

_CODE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_PROMISE = re.compile(r"^### (\d+)\. ", re.MULTILINE)
_PLANNED = re.compile(r"^- \*\*(\d+)\.\*\* ", re.MULTILINE)
_CITED = re.compile(r"\bpromises?\s+(\d+(?:(?:,\s*|,?\s+and\s+)\d+)*)", re.IGNORECASE)
_PATH = re.compile(r"`((?:tests|docs|\.ci|oauth_cc_auth)/[\w./-]+)`")


def numbers(pattern: re.Pattern[str]) -> list[int]:
    """What the design page has numbers for, in its order."""
    return [int(number) for number in pattern.findall(DESIGN.read_text(encoding="utf-8"))]


def cited_in(text: str) -> set[int]:
    """The numbers of the promises that a text names."""
    return {int(number) for group in _CITED.findall(text) for number in re.findall(r"\d+", group)}


def cited_in_tests() -> dict[int, set[str]]:
    """The files that cite a promise, by its number."""
    found: dict[int, set[str]] = {}
    for path in sorted(set((ROOT / "tests").rglob("*.py")) - {Path(__file__).resolve()}):
        for number in cited_in(path.read_text(encoding="utf-8")):
            found.setdefault(number, set()).add(path.relative_to(ROOT).as_posix())
    return found


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What a link to a heading of the page may end in."""
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(prose(page)))
    return {heading.replace(" ", "-") for heading in headings}


def installed(target: Path) -> Path:
    """The same file, if it is one of the package, where the package is installed: it may be nowhere else."""
    target, source = target.resolve(), ROOT / PACKAGE.name
    return PACKAGE / target.relative_to(source) if target.is_relative_to(source) else target


def dead_links(page: Path) -> Iterator[str]:
    """The links of a page within the repository that lead nowhere."""
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = installed(page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


def test_citations_are_found() -> None:
    """In one line or two, of one promise or several; so the tests below are not of nothing."""
    assert cited_in("Promise 8: a\nand (promises 1, 2\nand 5), promises 9 and 13, PROMISES 16,\n17, and 20") == {
        *(1, 2, 5, 8, 9, 13, 16, 17, 20)
    }
    assert cited_in("what is promised in 8 lines") == set()


def test_promises_are_in_order() -> None:
    """Each has one number, and so has each line of what is planned."""
    for listed in (numbers(_PROMISE), numbers(_PLANNED)):
        assert listed == sorted(set(listed))
    assert set(range(1, 23)) <= set(numbers(_PROMISE))


def test_every_promise_that_a_test_cites_is_made() -> None:
    """If it is only planned, move it up: it has a test."""
    made = set(numbers(_PROMISE))
    assert {number: files for number, files in cited_in_tests().items() if number not in made} == {}


def test_every_promise_that_is_made_has_a_test() -> None:
    """One that cites it."""
    assert set(numbers(_PROMISE)) <= set(cited_in_tests())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a file, and to a heading of it if they name one."""
    assert list(dead_links(page)) == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """The test above can fail: for a missing file and for a missing heading."""
    page = tmp_path / "page.md"
    page.write_text(
        "# A `title`, here\n[a](#a-title-here) [b](page.md) [c](https://example.com/x)\n"
        "[d](other.md) [e](#elsewhere) [f](page.md#f)\n```text\n[g](code.md)\n```\n",
        encoding="utf-8",
    )
    assert list(dead_links(page)) == ["other.md", "#elsewhere", "page.md#f"]


@pytest.mark.parametrize("page", [DESIGN, CONTRIBUTING, SECURITY], ids=lambda page: page.name)
def test_paths_in_the_text_exist(page: Path) -> None:
    """Folders and files of the checkout; those of the package in the package that is installed."""
    named = set(_PATH.findall(page.read_text(encoding="utf-8")))
    assert {path for path in named if not installed(ROOT / path).exists()} == set()


def test_the_source_distribution_has_the_pages() -> None:
    """setuptools takes the README and the license along by itself; the others are named in MANIFEST.in."""
    manifest = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").split()
    assert {"CHANGELOG.md", CONTRIBUTING.name, SECURITY.name, "docs"} <= set(manifest)
