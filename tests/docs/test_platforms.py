"""docs/platforms.md: each recipe runs as it is printed, against stand-ins for its platform and the provider."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.docs.internet import Internet
from tests.examples import DOCS, examples_in, sections

PAGE = DOCS / "platforms.md"
RECIPES = sections(PAGE)
TOKEN_URL, API, AUDIENCE = (
    "https://login.example.com/oauth2/token",
    "https://api.example.com",
    "https://login.example.com",
)
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ISSUER_KEY = ec.generate_private_key(ec.SECP256R1())


class Platform(Internet):
    """Issues identities, one after the other; the provider takes each once, for its audience."""

    def __init__(self, server: LoopbackServer) -> None:
        super().__init__(server, TOKEN_URL)
        self.audience = AUDIENCE
        self.taken: list[int] = []
        self._issued = 0
        server.token_endpoint.always(self._judged)

    def issue(self, audience: str) -> str:
        """An identity for `audience`."""
        self._issued += 1
        return jwt.encode({"sub": "orders-job", "aud": audience, "number": self._issued}, ISSUER_KEY, "ES256")

    def _judged(self, request: RecordedRequest) -> Answer | None:
        fields = dict(request.form)
        assert (fields["grant_type"], fields["client_id"]) == ("client_credentials", "abcd-1234")
        assert fields["client_assertion_type"] == JWT_BEARER
        assertion, public = fields["client_assertion"], ISSUER_KEY.public_key()
        claims = jwt.decode(assertion, public, algorithms=["ES256"], audience=self.audience)
        self.taken.append(claims["number"])
        token = f"token-{claims['number']}"
        self.server.issue(token)
        return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600})

    def works(self, code: str, rotate: Callable[[], object] = lambda: None) -> None:
        """The example gets an answer of the API. So does a request after a revocation, by another identity."""
        names: dict[str, Any] = {"__name__": "__main__"}
        with self.in_place():
            exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  # our own page
            rotate()
            self.server.revoke_all()
            assert names["session"].get(f"{API}/orders").status_code == 200
        assert self.taken == [1, 2]


@pytest.fixture(name="platform")
def _platform() -> Iterator[Platform]:
    with LoopbackServer(client_id="abcd-1234") as server:
        yield Platform(server)


def code_of(title: str, number: int = 0) -> str:
    return examples_in(RECIPES[title])[number].code


def with_module(patch: pytest.MonkeyPatch, service: str, client: Any) -> None:
    """Put a module `boto3` in place whose client for `service` is `client`."""
    module: Any = ModuleType("boto3")
    module.client = {service: client}.__getitem__
    patch.setitem(sys.modules, "boto3", module)


def answering(platform: Platform, path: str, answer: Callable[[RecordedRequest], Answer]) -> None:
    """Have the stand-in for the Internet answer what goes to `path`, as an API without tokens."""

    def scripted(request: RecordedRequest) -> Answer | None:
        return answer(request) if request.path == f"/api{path}" else None

    platform.server.api.always(scripted, unprotected=True)


def test_every_recipe_has_a_test() -> None:
    """And is in the list at the top of the page."""
    names = {f"test_{re.sub(r'[^a-z0-9]+', '_', title.lower())}" for title in RECIPES}
    assert len(names) == 6
    assert names <= set(globals())
    linked = re.findall(r"\[([^]]+)\]\(#([a-z-]+)\)", PAGE.read_text(encoding="utf-8"))
    assert linked == [(title, title.lower().replace(" ", "-")) for title in RECIPES]


def in_file(platform: Platform, title: str, path: str, file: Path) -> None:
    file.write_text(platform.issue(AUDIENCE) + "\n")
    code = code_of(title).replace(path, file.as_posix())
    assert file.as_posix() in code
    platform.works(code, lambda: file.write_text(platform.issue(AUDIENCE)))


def test_kubernetes(platform: Platform, tmp_path: Path) -> None:
    """A rotated file is used for the next token."""
    in_file(platform, "Kubernetes", "/var/run/secrets/tokens/token", tmp_path / "token")


def test_spiffe(platform: Platform, tmp_path: Path) -> None:
    """The same, and the file is the one that the configuration of the helper names."""
    section = RECIPES["SPIFFE"]
    folder, name = (re.search(rf'{key} = "([^"]+)"', section) for key in ("cert_dir", "jwt_svid_file_name"))
    assert folder is not None
    assert name is not None
    in_file(platform, "SPIFFE", f"{folder[1]}/{name[1]}", tmp_path / "svid")


def test_github_actions(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL has a query already. Each token request asks for an identity."""
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "https://pipelines.example.com/idtoken/1?api-version=2.0")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "of-the-job")

    def answer(request: RecordedRequest) -> Answer:
        assert request.headers["authorization"] == "Bearer of-the-job"
        assert request.query == "api-version=2.0&audience=https%3A%2F%2Flogin.example.com"
        return Answer(200, {"value": platform.issue(AUDIENCE)})

    answering(platform, "/idtoken/1", answer)
    platform.works(code_of("GitHub Actions"))


def test_google_cloud(platform: Platform) -> None:
    """The metadata server answers with text."""

    def answer(request: RecordedRequest) -> Answer:
        assert request.headers["metadata-flavor"] == "Google"
        assert request.query == "audience=https%3A%2F%2Flogin.example.com&format=full"
        return Answer(200, platform.issue(AUDIENCE))

    answering(platform, "/computeMetadata/v1/instance/service-accounts/default/identity", answer)
    platform.works(code_of("Google Cloud"))


def test_aws(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """STS is asked for each token request."""

    def get_web_identity_token(**asked: Any) -> dict[str, str]:
        (audience,) = asked.pop("Audience")
        assert asked == {"SigningAlgorithm": "ES384", "DurationSeconds": 300}
        return {"WebIdentityToken": platform.issue(audience)}

    with_module(monkeypatch, "sts", SimpleNamespace(get_web_identity_token=get_web_identity_token))
    platform.works(code_of("AWS"))


def test_aws_in_a_pod(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file is the one of the variable, and its audience is that of AWS."""
    file, platform.audience = tmp_path / "token", "sts.amazonaws.com"
    file.write_text(platform.issue(platform.audience))
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(file))
    platform.works(code_of("AWS", 1), lambda: file.write_text(platform.issue(platform.audience)))


class Kms:
    """AWS KMS with one key: what it answers, and its limit for messages."""

    def __init__(self, key: Any) -> None:
        self._key = key
        self.calls = 0

    def sign(self, *, KeyId: str, Message: bytes, MessageType: str, SigningAlgorithm: str) -> dict[str, Any]:  # noqa: N803  # the names are those of AWS
        assert (KeyId, MessageType) == ("alias/oauth-client", "RAW")
        assert len(Message) <= 4096
        self.calls += 1
        if SigningAlgorithm == "ECDSA_SHA_256":
            signature = self._key.sign(Message, ec.ECDSA(hashes.SHA256()))
            assert signature[:1] == b"\x30"  # DER
        else:
            assert SigningAlgorithm == "RSASSA_PKCS1_V1_5_SHA_256"
            signature = self._key.sign(Message, padding.PKCS1v15(), hashes.SHA256())
        return {"KeyId": KeyId, "Signature": signature, "SigningAlgorithm": SigningAlgorithm}


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_aws_kms(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server verifies the signature, with an elliptic curve and with RSA; one call for each token."""
    code = code_of("AWS KMS")
    key: Any = ISSUER_KEY
    if algorithm == "RS256":  # as the text above the example says
        code = code.replace("ECDSA_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256").replace("ES256", "RS256")
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        assert "`RSASSA_PKCS1_V1_5_SHA_256`" in RECIPES["AWS KMS"]
    kms = Kms(key)
    with_module(monkeypatch, "kms", kms)
    with LoopbackServer(client_id="abcd-1234", accepts=["private_key_jwt"]) as server:
        server.register_key(key)
        code = code.replace(TOKEN_URL, server.token_url).replace(API, server.api_url)
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102  # our own page
        server.revoke_all()
        with names["session"] as session:
            assert session.get(server.api_url).status_code == 200
        headers = [jwt.get_unverified_header(dict(each.form)["client_assertion"]) for each in server.token_requests]
    assert [(each["alg"], each["kid"]) for each in headers] == [(algorithm, "key-1")] * 2
    assert kms.calls == 2
