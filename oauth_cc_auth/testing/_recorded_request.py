"""What the server received: one immutable record for each request."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ._masking import MASK, mask_pairs, mask_query

RequestKind = Literal["token", "api", "other"]
PresentedAuthentication = Literal[
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
    "client_secret_jwt",
    "tls_client_auth",
    "self_signed_tls_client_auth",
    "both",
]


class Headers(Mapping[str, str]):
    """The headers of one request. Look-ups ignore case, and duplicates are kept.

    As a mapping, it has each name once, in lower case, with its first value. ``pairs`` has every line as sent.
    """

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: tuple[tuple[str, str], ...] = tuple(pairs)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Every value of ``name``, in order. Empty if the header is missing."""
        wanted = name.lower()
        return tuple(value for key, value in self.pairs if key.lower() == wanted)

    def __getitem__(self, name: str) -> str:
        values = self.get_all(name)
        if not values:
            raise KeyError(name)
        return values[0]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(key.lower() for key, _ in self.pairs))

    def __len__(self) -> int:
        return len({key.lower() for key, _ in self.pairs})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and self.pairs == other.pairs

    def __hash__(self) -> int:
        return hash(self.pairs)

    def __repr__(self) -> str:
        # Names only: the server's header_name decides which values are secret.
        return f"<Headers {', '.join(self)}>"


@dataclass(frozen=True, repr=False)
class RecordedRequest:
    """One request as it arrived, and its outcome.

    Records do not change: read ``server.requests`` again to see the outcome of a request that was waiting.
    The log has the outcome before the client receives the last byte of its answer.
    """

    method: str
    path: str
    """As sent, without the query."""
    query: str
    """As sent, without the question mark. Empty if there is no query."""
    headers: Headers
    body: bytes
    form: tuple[tuple[str, str], ...]
    """The pairs of a form-encoded body, in order, including blank values. Empty for any other body."""
    kind: RequestKind
    client_authentication: PresentedAuthentication | None
    """The client authentication of a token request, accepted or not. A certificate counts if there is no other."""
    token: str | None
    """The token in the header that the API reads. None for token requests."""
    started: float
    """When the server had read the request, in monotonic seconds."""
    complete: bool = True
    """False if the client left before the end of the body. ``body`` is what arrived."""
    token_is_valid: bool = False
    """Whether the API accepted ``token`` when it made its answer: known, not expired, not revoked, and sent once."""
    proof_error: str | None = None
    """Why the server did not take the DPoP proof, as an error code. None if it did, or if it wants none."""
    certificate: str | None = None
    """The SHA-256 thumbprint of the certificate that the connection presented (``x5t#S256``). None without one."""
    status: int | None = None
    """The status of the answer. None before the answer, and if the server dropped the connection instead."""
    finished: float | None = None
    """When the server had sent all of the answer but its last bytes, in monotonic seconds. None before that."""

    def __repr__(self) -> str:
        token = self.token
        parts = [f"{self.kind} {self.method} {self.path}"]
        if self.query:
            parts.append(f"query {mask_query(self.query, token)!r}")
        parts.append(f"status {self.status}")
        if self.client_authentication is not None:
            parts.append(f"by {self.client_authentication}")
        if self.certificate is not None:
            parts.append(f"certificate {self.certificate}")
        if token is not None:
            parts.append(f"token {MASK}")
        parts.append(f"headers {mask_pairs(self.headers.pairs, token)}")
        if self.form:
            parts.append(f"form {mask_pairs(self.form, token)}")
        parts.append(f"body of {len(self.body)} bytes")
        return f"<RecordedRequest {', '.join(parts)}>"
