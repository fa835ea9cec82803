"""The diagnosis: ``oauth-cc-auth check``."""

from __future__ import annotations

from ._settings import Settings


def run(settings: Settings, *, api_url: str | None, as_json: bool) -> int:
    """Diagnose what `settings` lead to. Returns the exit status."""
    raise NotImplementedError
