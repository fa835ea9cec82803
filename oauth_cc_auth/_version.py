"""The version, in one place: setup.cfg reads it from here, and the token request names it in its User-Agent."""

__version__ = "0.2.0"
