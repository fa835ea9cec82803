"""The documentation site: `nox -s docs` builds it into docs/_build, strictly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from oauth_cc_auth import __version__

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "oauth_cc_auth"
author = "The oauth_cc_auth authors"
project_copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"oauth_cc_auth {version}"
html_extra_path = ["llms.txt"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
pygments_style = "default"
pygments_dark_style = "github-dark"

# A reference to a name of ours that leads nowhere is an error. The names of others have no pages here.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!oauth_cc_auth).*"),
    # What a public class inherits from or takes, and does not export.
    ("py:.*", r"oauth_cc_auth\.(\w+\.)*_\w+.*"),
]
suppress_warnings = ["config.cache"]  # the regular expressions above

default_role = "code"  # as our docstrings use single backticks

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autoclass_content = "both"  # the arguments are described at `__init__`
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Pages that git hosts look for at the top of the repository, and what they are called here.
_AT_THE_TOP = {"changelog": "CHANGELOG.md", "contributing": "CONTRIBUTING.md", "security-policy": "SECURITY.md"}


def _from_the_top(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the text of those pages here, and let all links to them lead here."""
    if page in _AT_THE_TOP:
        text = (Path(__file__).parents[1] / _AT_THE_TOP[page]).read_text(encoding="utf-8")
        source[0] = text.replace("](docs/", "](")
    for name, file in _AT_THE_TOP.items():
        source[0] = re.sub(rf"\]\((\.\./)*{re.escape(file)}", f"]({'../' * page.count('/')}{name}.md", source[0])


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _from_the_top)
