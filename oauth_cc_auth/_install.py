"""How to install what is missing, for messages; in one place, because it changes with the first release.

Until there is a release, ``oauth_cc_auth[requests]`` names nothing that pip can find. What the extra would bring can be
installed at once, into the environment that the package is in already.
"""

from __future__ import annotations

import sys

# By extra, as in setup.cfg, without versions and without urllib3, which comes with requests.
PACKAGES = {
    "requests": "requests",
    "httpx": "httpx",
    "httpx2": "httpx2",
    "httpie": "requests httpie",
    "aiohttp": "aiohttp httpx",
    "azure": "azure-core",
    "jwt": "PyJWT cryptography",
    "file": "filelock platformdirs cryptography",
    "redis": "redis cryptography",
    "cli": "requests rich" + (" tomli" if sys.version_info < (3, 11) else ""),
}


def how_to_install(extra: str) -> str:
    """The command that installs what `extra` needs."""
    return how_to_install_packages(PACKAGES[extra])


def how_to_install_packages(names: str) -> str:
    """The command that installs packages of others; `names` has a space between two."""
    return f"python -m pip install {names}"
