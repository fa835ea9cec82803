"""docs/recipes.md: each recipe runs as it is printed, against a server that behaves like its provider."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.docs.internet import Internet
from tests.examples import DOCS, examples_in, sections

PAGE = DOCS / "recipes.md"
RECIPES = sections(PAGE)
BASIC, BODY = "client_secret_basic", "client_secret_post"


class Provider(Internet):
    """The hosts of one provider, and its recipe."""

    title = ""

    def run(self) -> dict[str, Any]:
        """Execute the recipe. Returns its names."""
        (example,) = examples_in(RECIPES[self.title])
        names: dict[str, Any] = {"__name__": "__main__"}
        with self.in_place():
            exec(compile(example.code, f"{PAGE}: {self.title}", "exec"), names)  # noqa: S102  # our own page
        return names

    @property
    def fields(self) -> dict[str, str]:
        """The body fields of the only token request, without the credentials."""
        sent = self.token_request.form
        assert len(dict(sent)) == len(sent)
        return {name: value for name, value in sent if name not in ("client_id", "client_secret")}


@contextmanager
def provider(title: str, token_url: str, **settings: Any) -> Iterator[Provider]:
    """`title` is the heading in the page. The settings go to the loopback server."""
    known = {"client_id": "abcd-1234", "client_secret": "secret123456"}
    with LoopbackServer(**{**known, **settings}) as server:
        played = Provider(server, token_url)
        played.title = title
        yield played


def demanding(field: str, value: str, otherwise: Answer) -> Callable[[RecordedRequest], Answer | None]:
    """A token endpoint that answers `otherwise` unless a body field has this value."""
    return lambda request: None if dict(request.form).get(field) == value else otherwise


def test_every_recipe_has_a_test() -> None:
    """A new recipe fails this test until it has one with its name."""
    names = {f"test_{re.sub(r'[^a-z0-9]+', '_', title.lower()).strip('_')}" for title in RECIPES}
    assert len(names) == 30
    assert names <= set(globals())


def test_the_index_is_complete() -> None:
    """The links at the top of the page lead to every section, in order."""
    linked = re.findall(r"\[([^]]+)\]\(#([a-z0-9-]+)\)", PAGE.read_text(encoding="utf-8"))
    assert [title for title, _ in linked] == list(RECIPES)
    for title, anchor in linked:
        assert anchor == re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def test_the_table_of_providers_is_complete() -> None:
    """docs/providers.md has a row for each recipe, in the same order."""
    rows = re.findall(r"^\| ([^|]+?) \|", (DOCS / "providers.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == ["Provider", *RECIPES]


def test_auth0() -> None:
    """The recipe sends the audience and the only method that the application accepts. One token serves all requests."""
    with provider("Auth0", "https://shop.eu.auth0.com/oauth/token", accepts=[BODY], expires_in=86400) as auth0:
        denied = Answer.error("access_denied", status=403)
        auth0.server.token_endpoint.always(demanding("audience", "https://api.example.com/", denied))
        names = auth0.run()
        assert auth0.fields == {"grant_type": "client_credentials", "audience": "https://api.example.com/"}
        assert auth0.token_request.client_authentication == BODY
        assert auth0.named[1:] == ["https://api.example.com/orders"]
        with auth0.in_place():
            names["session"].get("https://api.example.com/orders")
        assert len(auth0.server.token_requests) == 1  # a second one would use up the quota


def test_microsoft_entra_id() -> None:
    """There is one scope, which ends in /.default. The path contains the tenant."""
    url = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token"
    with provider("Microsoft Entra ID", url) as entra:
        refusal = Answer.error("invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        entra.server.token_endpoint.always(demanding("scope", "https://graph.microsoft.com/.default", refusal))
        entra.run()
        assert entra.fields == {"grant_type": "client_credentials", "scope": "https://graph.microsoft.com/.default"}
        assert entra.named == [url, "https://graph.microsoft.com/v1.0/users"]
        assert entra.api_request.path == "/api/v1.0/users"


def test_the_older_endpoint_of_entra() -> None:
    """The text beside the recipe is right: `resource` in the body, and a lifetime as a string."""
    data = re.search(r"additional_request_data=(\{.+?\})`", RECIPES["Microsoft Entra ID"])
    assert data is not None
    with provider("Microsoft Entra ID", "https://login.microsoftonline.com/x/oauth2/token", expires_in="3599") as entra:
        code = examples_in(RECIPES[entra.title])[0].code.replace("/v2.0/", "/")
        code = code.replace('scope="https://graph.microsoft.com/.default"', f"additional_request_data={data[1]}")
        code = code.replace("11111111-2222-3333-4444-555555555555", "x")
        names: dict[str, Any] = {}
        with entra.in_place():
            exec(code, names)  # noqa: S102  # our own page
        assert entra.fields == {"grant_type": "client_credentials", "resource": "https://graph.microsoft.com"}
        assert names["session"].auth.get_token().expires_at is not None


def test_okta() -> None:
    """The endpoint requires a scope. The path contains the custom authorization server."""
    with provider("Okta", "https://example.okta.com/oauth2/default/v1/token") as okta:
        okta.server.token_endpoint.always(demanding("scope", "orders.read", Answer.error("invalid_scope")))
        okta.run()
        assert okta.fields == {"grant_type": "client_credentials", "scope": "orders.read"}
        assert okta.token_request.client_authentication == BASIC
        assert okta.api_request.path == "/api/orders"


def test_keycloak() -> None:
    """The path contains the realm. A client without a service account gets the error after one attempt."""
    url = "https://keycloak.example.com/realms/shop/protocol/openid-connect/token"
    with provider("Keycloak", url) as keycloak:
        keycloak.run()
        assert keycloak.named[0] == url
        assert keycloak.fields == {"grant_type": "client_credentials"}
        assert keycloak.api_request.path == "/api/orders"
        keycloak.server.clear_log()
        description = "Client not enabled to retrieve service account"
        keycloak.server.token_endpoint.always(Answer.error("unauthorized_client", description, status=401))
        with pytest.raises(TokenEndpointError, match=description):
            keycloak.run()
        assert keycloak.token_request.client_authentication == BASIC


def test_amazon_cognito() -> None:
    """The scopes belong to a resource server. After a 400 for the wrong method, the plugin tries the other one."""
    url = "https://shop.auth.eu-central-1.amazoncognito.com/oauth2/token"
    with provider("Amazon Cognito", url, scopes=["orders/read", "orders/write"]) as cognito:
        cognito.server.token_endpoint.next(Answer.error("invalid_client", status=400))
        cognito.run()
        refused, accepted = cognito.server.token_requests
        assert (refused.client_authentication, accepted.client_authentication) == (BASIC, BODY)
        assert dict(refused.form)["scope"] == dict(accepted.form)["scope"] == "orders/read orders/write"
        assert cognito.api_request.path == "/api/orders"


def test_pingone() -> None:
    """The path contains the environment. The recipe sends no scope, and only the method of the application."""
    environment = "11111111-2222-3333-4444-555555555555"
    with provider("PingOne", f"https://auth.pingone.eu/{environment}/as/token", accepts=[BASIC]) as ping:
        ping.run()
        assert ping.fields == {"grant_type": "client_credentials"}
        assert ping.token_request.client_authentication == BASIC
        assert ping.named[1] == f"https://api.pingone.eu/v1/environments/{environment}/users"
        assert ping.api_request.status == 200


def test_salesforce() -> None:
    """Without a lifetime, the token is used until a 401 and then renewed. The answer has the address of the API."""
    answer = {"token_type": "Bearer", "instance_url": "https://example.my.salesforce.com", "issued_at": "1700000000000"}
    with provider("Salesforce", "https://example.my.salesforce.com/services/oauth2/token") as salesforce:
        tokens = iter(["first", "second"])
        salesforce.server.token_endpoint.always(lambda _: Answer.token(next(tokens), expires_in=None, **answer))
        names = salesforce.run()
        assert salesforce.named[1] == "https://example.my.salesforce.com/services/data/v62.0/limits"
        assert salesforce.api_request.token == "first"
        assert names["auth"].get_token().expires_at is None
        expired = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
        salesforce.server.api.next(Answer(401, expired))
        with salesforce.in_place():
            assert names["session"].get(names["api"] + "/services/data").status_code == 200
        assert [each.token for each in salesforce.server.api_requests] == ["first", "first", "second"]


def test_servicenow() -> None:
    """Credentials go into the body. The path is the same for all instances."""
    with provider("ServiceNow", "https://example.service-now.com/oauth_token.do", accepts=[BODY]) as servicenow:
        servicenow.run()
        assert servicenow.token_request.client_authentication == BODY
        assert servicenow.api_request.path == "/api/api/now/table/incident"


def test_sap_btp_xsuaa() -> None:
    """The server does not decode HTTP Basic. The body needs one attempt and is not ambiguous."""
    url = "https://example.authentication.eu10.hana.ondemand.com/oauth/token"
    credentials = {"client_id": "sb-orders!t1234", "client_secret": "secret+123456="}
    with provider("SAP BTP (XSUAA)", url, decodes_basic=False, **credentials) as xsuaa:
        xsuaa.run()
        assert xsuaa.token_request.client_authentication == BODY
        assert b"client_secret=secret%2B123456%3D" in xsuaa.token_request.body
        assert xsuaa.api_request.path == "/api/orders"


def test_sap_ariba() -> None:
    """Both the token request and the API request have the application key. The grant has its own name."""
    url = "https://api.ariba.com/v2/oauth/token"
    with provider("SAP Ariba", url, grant_types=["openapi_2lo"], expires_in=1440) as ariba:
        ariba.run()
        assert ariba.fields == {"grant_type": "openapi_2lo"}
        assert ariba.token_request.client_authentication == BASIC
        assert ariba.token_request.headers["APIKey"] == "Zm9vYmFy"
        assert ariba.api_request.headers["apiKey"] == "Zm9vYmFy"
        assert ariba.api_request.query == "realm=example-T"


def test_sailpoint() -> None:
    """The URL keeps its query, and the secret is not in it."""
    url = "https://example.api.identitynow.com/oauth/token?grant_type=client_credentials"
    with provider("SailPoint", url, accepts=[BODY]) as sailpoint:
        sailpoint.run()
        assert sailpoint.named[0] == url
        assert sailpoint.token_request.query == "grant_type=client_credentials"
        assert sailpoint.token_request.client_authentication == BODY
        assert sailpoint.api_request.path == "/api/v3/access-profiles"


def test_databricks() -> None:
    """The recipe requests the scope from the workspace's own host."""
    with provider("Databricks", "https://dbc-1234abcd-5678.cloud.databricks.com/oidc/v1/token") as databricks:
        refusal = Answer.error("invalid_request", "scope is missing")
        databricks.server.token_endpoint.always(demanding("scope", "all-apis", refusal))
        databricks.run()
        assert databricks.fields == {"grant_type": "client_credentials", "scope": "all-apis"}
        assert databricks.token_request.client_authentication == BASIC
        assert databricks.named[1] == "https://dbc-1234abcd-5678.cloud.databricks.com/api/2.0/clusters/list"


def test_paypal() -> None:
    """A lifetime as a string works, and `extra` keeps the rest of the answer."""
    scope = "https://uri.paypal.com/services/invoicing openid"
    with provider("PayPal", "https://api-m.paypal.com/v1/oauth2/token") as paypal:
        answer = Answer.token("a21", expires_in="32400", scope=scope, app_id="APP-1", nonce="n")
        paypal.server.token_endpoint.always(answer)
        token = paypal.run()["session"].auth.get_token()
        assert paypal.fields == {"grant_type": "client_credentials"}
        assert paypal.token_request.client_authentication == BASIC
        assert token.expires_at is not None
        assert token.scope == scope
        assert token.extra["app_id"] == "APP-1"
        assert paypal.api_request.token == "a21"


def test_ebay() -> None:
    """The scope is encoded once. The odd token type does not get into the header of the API request."""
    url = "https://api.ebay.com/identity/v1/oauth2/token"
    with provider("eBay", url, token_type="Application Access Token", expires_in=7200) as ebay:
        ebay.run()
        assert ebay.token_request.body == (
            b"grant_type=client_credentials&scope=https%3A%2F%2Fapi.ebay.com%2Foauth%2Fapi_scope"
        )
        assert ebay.token_request.client_authentication == BASIC
        assert ebay.api_request.headers["Authorization"] == f"Bearer {ebay.server.issued[0]}"
        assert ebay.api_request.query == "q=drone"


def test_ups() -> None:
    """The request names the account. A lifetime as a string works. An error without an OAuth code shows the status."""
    with provider("UPS", "https://onlinetools.ups.com/security/v1/oauth/token", expires_in="14399") as ups:
        names = ups.run()
        assert ups.token_request.headers["x-merchant-id"] == "123456"
        assert ups.token_request.client_authentication == BASIC
        assert names["session"].auth.get_token().expires_at is not None
        assert ups.api_request.headers["transId"] == "0001"
        assert "x-merchant-id" not in ups.api_request.headers
        blocked = {"response": {"errors": [{"code": "10403", "message": "Blocked Merchant"}]}}
        ups.server.token_endpoint.always(Answer(403, blocked))
        with pytest.raises(TokenEndpointError) as caught:
            ups.run()
        assert (caught.value.status_code, caught.value.error) == (403, None)
        assert "answered 403" in str(caught.value)


def test_fedex() -> None:
    """Credentials go into the body. The JSON of the API request is unchanged."""
    with provider("FedEx", "https://apis.fedex.com/oauth/token", accepts=[BODY], scope="CXS-TP") as fedex:
        fedex.run()
        assert fedex.fields == {"grant_type": "client_credentials"}
        assert fedex.token_request.client_authentication == BODY
        assert b'"trackingNumber": "123456789012"' in fedex.api_request.body


def test_fedex_for_others() -> None:
    """The text beside the recipe is right: another grant type, and the child's credentials in the body."""
    with provider("FedEx", "https://apis.fedex.com/oauth/token", grant_types=["csp_credentials"]) as fedex:
        assert 'grant_type="csp_credentials"' in RECIPES["FedEx"]
        assert 'additional_request_data={"child_Key": ..., "child_secret": ...}' in RECIPES["FedEx"]
        code = examples_in(RECIPES["FedEx"])[0].code.replace(
            'client_authentication="client_secret_post",',
            'client_authentication="client_secret_post", grant_type="csp_credentials", '
            'additional_request_data={"child_Key": "key", "child_secret": "hidden"},',
        )
        with fedex.in_place():
            exec(code, {})  # noqa: S102  # our own page
        assert fedex.fields == {"grant_type": "csp_credentials", "child_Key": "key", "child_secret": "hidden"}


def test_zoom() -> None:
    """Zoom has its own grant type, and the request names the account."""
    with provider("Zoom", "https://zoom.us/oauth/token", grant_types=["account_credentials"]) as zoom:
        missing = Answer.error("invalid_request", "account_id is missing")
        account = "our-account-id"
        zoom.server.token_endpoint.always(demanding("account_id", account, missing))
        zoom.run()
        assert zoom.fields == {"grant_type": "account_credentials", "account_id": account}
        assert zoom.token_request.client_authentication == BASIC
        assert zoom.named[1] == "https://api.zoom.us/v2/users"


def test_spotify() -> None:
    """The recipe sends no scope."""
    with provider("Spotify", "https://accounts.spotify.com/api/token", accepts=[BASIC]) as spotify:
        spotify.run()
        assert spotify.fields == {"grant_type": "client_credentials"}
        authorization = "Basic " + base64.b64encode(b"abcd-1234:secret123456").decode()
        assert spotify.token_request.headers["Authorization"] == authorization
        assert spotify.api_request.query == "q=Bach&type=album"


def test_twitch() -> None:
    """The API requires the client id too, even when the request is sent again after a revocation."""
    with provider("Twitch", "https://id.twitch.tv/oauth2/token", accepts=[BODY], token_type="bearer") as twitch:
        names = twitch.run()
        assert twitch.token_request.client_authentication == BODY
        assert twitch.api_request.headers["Client-Id"] == "abcd-1234"
        twitch.server.revoke_all()
        with twitch.in_place():
            assert names["session"].get("https://api.twitch.tv/helix/games").status_code == 200
        assert [each.headers["Client-Id"] for each in twitch.server.api_requests] == ["abcd-1234"] * 3


def issuing(played: Provider, answer: Callable[[str], Any], accepts: Callable[[RecordedRequest], bool]) -> None:
    """A token endpoint that answers in its own form if it `accepts` a request, and 401 if not."""
    numbers = count(1)

    def issue(request: RecordedRequest) -> Answer:
        if not accepts(request):
            return Answer(401, {"message": "no such client"})
        token = f"token-{next(numbers)}"
        played.server.issue(token)
        return Answer(200, answer(token))

    played.server.token_endpoint.always(issue)


def in_json(expected: dict[str, Any]) -> Callable[[RecordedRequest], bool]:
    """True for a POST whose body is this, in JSON, and that has no other credentials."""
    return lambda request: (
        (request.method, request.headers["Content-Type"]) == ("POST", "application/json")
        and json.loads(request.body) == expected
        and "Authorization" not in request.headers
    )


def renewed(played: Provider, call: Callable[[], Any]) -> None:
    """A refused token is renewed by the same request, and `call` succeeds."""
    (asked,) = played.server.token_requests
    played.server.revoke_all()
    with played.in_place():
        assert call().status_code == 200
    again = played.server.token_requests[-1]
    assert (asked.method, asked.query, asked.body) == (again.method, again.query, again.body)
    assert asked.headers == again.headers
    assert len(played.server.token_requests) == 2


def test_vanta() -> None:
    """The credentials are in JSON. A new token would end the one before, so one serves all requests."""
    with provider("Vanta", "https://api.vanta.com/oauth/token") as vanta:
        wanted = {
            "grant_type": "client_credentials",
            "scope": "vanta-api.all:read",
            "client_id": "vci_abcd1234",
            "client_secret": "secret123456",
        }
        issuing(
            vanta, lambda token: {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}, in_json(wanted)
        )
        names = vanta.run()
        assert vanta.api_request.path == "/api/v1/controls"
        renewed(vanta, lambda: names["session"].get("https://api.vanta.com/v1/controls"))


def test_pax8() -> None:
    """The audience is in the JSON, beside the credentials."""
    with provider("Pax8", "https://token-manager.pax8.com/oauth/token") as pax8:
        wanted = {
            "grant_type": "client_credentials",
            "audience": "https://api.pax8.com",
            "client_id": "abcd-1234",
            "client_secret": "secret123456",
        }
        issuing(pax8, lambda token: {"access_token": token, "expires_in": 86400}, in_json(wanted))
        names = pax8.run()
        renewed(pax8, lambda: names["session"].get("https://api.pax8.com/v1/companies"))


def test_zoominfo() -> None:
    """There is no grant type, and the answer has the token only. A JWT tells its life itself."""
    with provider("ZoomInfo", "https://api.zoominfo.com/authenticate") as zoominfo:
        wanted = {"username": "api-user@example.com", "password": "secret123456"}
        issuing(zoominfo, lambda token: {"jwt": token}, in_json(wanted))
        names = zoominfo.run()
        token = names["session"].auth.current_token
        assert token.expires_at == pytest.approx(time.time() + 3600, abs=60)
        renewed(zoominfo, lambda: names["session"].post("https://api.zoominfo.com/search/contact", json={}))


def test_greenhouse() -> None:
    """Basic, the user in the body, and the end of the token as a date."""
    with provider("Greenhouse", "https://auth.greenhouse.io/token") as greenhouse:
        basic = "Basic " + base64.b64encode(b"abcd-1234:secret123456").decode()
        sent = (("grant_type", "client_credentials"), ("sub", "4000123"))
        issuing(
            greenhouse,
            lambda token: {"access_token": token, "token_type": "Bearer", "expires_at": "2125-01-01T00:00:00.000Z"},
            lambda request: request.headers["Authorization"] == basic and request.form == sent,
        )
        names = greenhouse.run()
        token = names["session"].auth.current_token
        assert token.expires_at == pytest.approx(time.time() + 365 * 86400, abs=60)  # no life is taken for longer
        renewed(greenhouse, lambda: names["session"].get("https://harvest.greenhouse.io/v3/candidates"))


def test_tableau() -> None:
    """The session token is in a header of its own, and tells its life as a clock does."""
    url = "https://10ax.online.tableau.com/api/3.24/auth/signin"
    with provider("Tableau", url, header_name="X-Tableau-Auth", header_value_pattern="%s") as tableau:
        wanted = {
            "credentials": {
                "personalAccessTokenName": "nightly-report",
                "personalAccessTokenSecret": "secret123456",
                "site": {"contentUrl": "finance"},
            }
        }

        def answer(token: str) -> dict[str, Any]:
            site = {"id": "s1", "contentUrl": "finance"}
            return {"credentials": {"site": site, "token": token, "estimatedTimeToExpiration": "3:59:59"}}

        issuing(tableau, answer, in_json(wanted))
        names = tableau.run()
        assert tableau.api_request.path == "/api/api/3.24/sites/s1/workbooks"
        assert names["token"].expires_at == pytest.approx(time.time() + 4 * 3600, abs=60)
        renewed(tableau, lambda: names["session"].get(f"{names['api']}/sites/s1/workbooks"))


def test_toast() -> None:
    """Each API request names the restaurant, also the one that is sent again."""
    url = "https://ws-api.toasttab.com/authentication/v1/authentication/login"
    with provider("Toast", url) as toast:
        wanted = {
            "userAccessType": "TOAST_MACHINE_CLIENT",
            "clientId": "abcd-1234",
            "clientSecret": "secret123456",
        }

        def answer(token: str) -> dict[str, Any]:
            return {"token": {"tokenType": "Bearer", "expiresIn": 21600, "accessToken": token}, "status": "SUCCESS"}

        issuing(toast, answer, in_json(wanted))
        names = toast.run()
        renewed(toast, lambda: names["session"].get("https://ws-api.toasttab.com/menus/v2/menus"))
        restaurant = "11111111-2222-3333-4444-555555555555"
        assert {each.headers["Toast-Restaurant-External-ID"] for each in toast.server.api_requests} == {restaurant}


def test_marketo() -> None:
    """A GET, and a refusal that is a 200."""
    with provider("Marketo", "https://123-abc-456.mktorest.com/identity/oauth/token") as marketo:
        wanted = "grant_type=client_credentials&client_id=abcd-1234&client_secret=secret123456"
        issuing(
            marketo,
            lambda token: {
                "access_token": token,
                "token_type": "bearer",
                "expires_in": 3599,
                "scope": "api@example.com",
            },
            lambda request: (request.method, request.query, request.body) == ("GET", wanted, b""),
        )
        names = marketo.run()
        expired = {"success": False, "errors": [{"code": "602", "message": "Access token expired"}]}
        marketo.server.api.next(Answer(200, expired))
        with marketo.in_place():
            leads = names["session"].get("https://123-abc-456.mktorest.com/rest/v1/leads.json").json()
        assert "errors" not in leads
        assert [each.token for each in marketo.server.api_requests] == ["token-1", "token-1", "token-2"]
        assert len(marketo.server.token_requests) == 2


def test_workday() -> None:
    """The refresh token is sent with Basic, each time the same."""
    url = "https://wd5-services1.myworkday.com/ccx/oauth2/example/token"
    with provider("Workday", url, accepts=[BASIC], grant_types=["refresh_token"]) as workday:
        workday.server.token_endpoint.always(
            demanding("refresh_token", "refresh123456", Answer.error("invalid_grant", status=400))
        )
        names = workday.run()
        assert workday.fields == {"grant_type": "refresh_token", "refresh_token": "refresh123456"}
        renewed(workday, lambda: names["session"].get(url.replace("oauth2", "api")))


def pem_of(key: Any) -> bytes:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())  # type: ignore[no-any-return]


def verified(assertion: str, key: Any, algorithm: str, audience: str) -> dict[str, Any]:
    """The claims of a JWT that `key` has signed for `audience`; it must be new, and not good for long."""
    claims: dict[str, Any] = jwt.decode(assertion, key.public_key(), algorithms=[algorithm], audience=audience)
    assert 0 < claims["exp"] - claims["iat"] <= 3600
    return {**claims, "kid": jwt.get_unverified_header(assertion).get("kid")}


def test_google_service_accounts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new assertion each time, and no other credentials."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    url, email = "https://oauth2.googleapis.com/token", "reader@example.iam.gserviceaccount.com"
    account = {"private_key": pem_of(key).decode(), "private_key_id": "k1", "client_email": email, "token_uri": url}
    (tmp_path / "service-account.json").write_text(json.dumps(account))
    monkeypatch.chdir(tmp_path)
    seen: set[str] = set()

    def accepts(request: RecordedRequest) -> bool:
        fields = dict(request.form)
        claims = verified(fields.pop("assertion"), key, "RS256", url)
        seen.add(claims["jti"])
        assert fields == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer"}
        assert "Authorization" not in request.headers
        scope = "https://www.googleapis.com/auth/devstorage.read_only"
        return (claims["iss"], claims["scope"], claims["kid"]) == (email, scope, "k1")

    with provider("Google service accounts", url) as google:
        issuing(google, lambda token: {"access_token": token, "expires_in": 3599, "token_type": "Bearer"}, accepts)
        names = google.run()
        google.server.revoke_all()
        with google.in_place():
            assert names["session"].get("https://storage.googleapis.com/storage/v1/b").status_code == 200
    assert len(seen) == 2


def test_apple_business_manager(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The audience is Apple's own."""
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "apple.pem").write_bytes(pem_of(key))
    monkeypatch.chdir(tmp_path)
    client = "BUSINESSAPI.abcd-1234"

    def accepts(request: RecordedRequest) -> bool:
        fields = dict(request.form)
        audience = "https://account.apple.com/auth/oauth2/v2/token"
        claims = verified(fields.pop("client_assertion"), key, "ES256", audience)
        assert fields == {
            "grant_type": "client_credentials",
            "scope": "business.api",
            "client_id": client,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }
        return (claims["iss"], claims["sub"], claims["kid"]) == (client, client, "efgh-5678")

    with provider("Apple Business Manager", "https://account.apple.com/auth/oauth2/token") as apple:
        issuing(apple, lambda token: {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}, accepts)
        names = apple.run()
        apple.server.revoke_all()
        with apple.in_place():
            assert names["session"].get("https://api-business.apple.com/v1/orgDevices").status_code == 200


def test_netsuite(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The scopes are in the assertion, whose audience is the URL."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    (tmp_path / "netsuite.pem").write_bytes(pem_of(key))
    monkeypatch.chdir(tmp_path)
    url = "https://1234567.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"

    def accepts(request: RecordedRequest) -> bool:
        fields = dict(request.form)
        claims = verified(fields["client_assertion"], key, "PS256", url)
        assert "scope" not in fields
        return (claims["iss"], claims["scope"], claims["kid"]) == ("abcd-1234", ["rest_webservices"], "efgh-5678")

    with provider("NetSuite", url) as netsuite:
        issuing(netsuite, lambda token: {"access_token": token, "expires_in": "3600", "token_type": "Bearer"}, accepts)
        names = netsuite.run()
        netsuite.server.revoke_all()
        with netsuite.in_place():
            assert names["session"].get(f"{names['host']}/services/rest/record/v1/customer").status_code == 200
