"""What messages say about installing is what setup.cfg would bring."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

from oauth_cc_auth._install import PACKAGES, how_to_install


def packages_of(extra: str) -> set[str]:
    """The names of the packages that an extra brings, also by way of our other extras."""
    setup = configparser.ConfigParser(interpolation=None)
    setup.read(Path(__file__).parents[1] / "setup.cfg", encoding="utf-8")
    found: set[str] = set()
    for line in setup["options.extras_require"][extra].splitlines():
        if ours := re.match(r"oauth_cc_auth\[(.+)\]", line):
            found.update(*map(packages_of, ours[1].split(",")))
        elif name := re.match(r"[\w.-]+", line):
            found.add(name[0])
    return found


@pytest.mark.parametrize("extra", PACKAGES)
def test_it_names_what_the_extra_brings(extra: str) -> None:
    """tomli is for one Python only, and urllib3 comes with requests."""
    by_itself = {"tomli", "urllib3"}
    assert set(PACKAGES[extra].split()) - by_itself == packages_of(extra) - by_itself
    assert how_to_install(extra).startswith("python -m pip install ")
