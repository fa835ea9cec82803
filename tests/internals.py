"""What tests do to the parts of an auth object, in one place: if the parts change, only this file does."""

from __future__ import annotations

from typing import Any


def use_token_client(auth: Any, token_client: Any) -> None:
    """Have `auth` send its token requests through `token_client` from now on; its token and its clock stay."""
    transport, source = auth._make_transport(token_client), auth._source
    auth._behaviour = auth._policy._behaviour = auth._behaviour.replaced(token_client=token_client)
    source._send, source._asend, source._obstacle = transport.send, transport.asend, transport.obstacle
