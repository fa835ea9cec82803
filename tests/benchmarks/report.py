"""The results of a measurement, and their Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple


class Target(NamedTuple):
    """A figure to reach.

    Attributes:
        what: The figure, in words.
        limit, measured: As printed, with their unit.
        reached: True if the measured figure is within the limit.
    """

    what: str
    limit: str
    measured: str
    reached: bool

    @classmethod
    def at_most(cls, what: str, limit: float, measured: float, unit: str = "", *, digits: int = 0) -> Target:
        """A target that is reached if `measured` is `limit` or less."""
        limit_shown, shown = number(limit, digits), number(measured, digits)
        return cls(what, f"at most {limit_shown}{unit}", f"{shown}{unit}", round(measured, digits) <= limit)


class Section(NamedTuple):
    """One measurement.

    Attributes:
        title: Its heading.
        how: A sentence or two about what was measured.
        table: The table in Markdown.
        targets: The figures to reach.
        files: Files that `how` refers to: text by file name.
    """

    title: str
    how: str
    table: str
    targets: Sequence[Target] = ()
    files: Mapping[str, str] = MappingProxyType({})


def number(value: float, digits: int = 0) -> str:
    """With thousands separators. A minus sign appears only if a digit other than 0 remains."""
    text = f"{value:,.{digits}f}"
    return text.lstrip("-") if not text.strip("-0.") else text


def signed(value: float) -> str:
    """A whole number with its sign, for what is added."""
    return f"{round(value):+,}"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table. The first column is left-aligned, all others are right-aligned."""
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))


def block(sections: Sequence[Section], versions: Mapping[str, str]) -> str:
    """The report of one measurement: its sections and its targets."""
    parts = [f"## {section.title}\n\n{section.how}\n\n{section.table}" for section in sections]
    targets = [target for section in sections for target in section.targets]
    if targets:
        rows = [[each.what, each.limit, each.measured, "yes" if each.reached else "**no**"] for each in targets]
        parts.append(table(["Target", "Limit", "Measured", "Reached"], rows))
    parts.append(f"Measured with {', '.join(f'{name} {version}' for name, version in versions.items())}.")
    return "\n\n".join(parts)


_BLOCK = re.compile(r"<!-- (\S+) -->\n\n(.*?)\n\n<!-- end of \1 -->", re.DOTALL)


def page(blocks: Mapping[str, str], command: str, earlier: str = "") -> str:
    """The whole report: `blocks` by name of measurement, and the other blocks of the `earlier` report."""
    earlier_blocks: dict[str, str] = dict(_BLOCK.findall(earlier))
    head = (
        "# Benchmarks\n\n"
        "This command writes the page, from a checkout. It installs the client libraries and the peers into its own "
        "environment. All figures of a table come from one run. The benchmarks bring their own transport and server, "
        f"so no request leaves the machine.\n\n```sh\n{command}\n```"
    )
    bodies = (
        f"<!-- {name} -->\n\n{text}\n\n<!-- end of {name} -->" for name, text in {**earlier_blocks, **blocks}.items()
    )
    return "\n\n".join([head, *bodies]) + "\n"
