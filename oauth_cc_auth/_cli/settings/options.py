"""The options of ``check``, ``token``, ``request`` and ``cache``, and what the help says about them.

Values are text here. They are read with the other sources of settings, so a wrong value has the same message in an
option, in the environment and in a file.
"""

from __future__ import annotations

import argparse

from oauth_cc_auth._cli.terminal.exit import MEANINGS

SOURCES = """\
Settings come from options, from environment variables and from the file of
--config. If several have one, the option wins, then the variable. Blank means
unset. The variable for --token-url is OAUTH_CC_TOKEN_URL, and so on; headers
and data are JSON objects there, or name=value pairs joined by '&'. The file
is TOML or JSON, with our names (token_url) or the labels of the connector
form (Oauth2 Token Url). Environment and file can also set early_expiry,
renew_after, renew_on, raise_if_not_renewed and api_origins.

Put the client secret into OAUTH_CC_CLIENT_SECRET, into a file that only you
can read (--config, OAUTH_CC_CLIENT_SECRET_FILE), or on standard input
(--client-secret -). On a terminal you are asked for it.

REQUESTS_CA_BUNDLE names a file of certificates to trust; HTTPS_PROXY,
HTTP_PROXY, ALL_PROXY and NO_PROXY say which proxy to use.
"""

_EXAMPLES = {
    "check": """\
  oauth-cc-auth check
  oauth-cc-auth check --api-url https://api.example.com/orders
  oauth-cc-auth check --config orders.toml --json
""",
    "token": """\
  oauth-cc-auth token --scope orders:read
  oauth-cc-auth token --cache
  oauth-cc-auth token --header | curl -H @- https://api.example.com/orders
  vault read -field=secret orders | oauth-cc-auth token --client-secret -
""",
    "request": """\
  oauth-cc-auth request https://api.example.com/orders
  oauth-cc-auth request -i -v https://api.example.com/orders
  oauth-cc-auth request POST https://api.example.com/orders --json @order.json
""",
    "cache": """\
  oauth-cc-auth cache clear
""",
    "demo": """\
  oauth-cc-auth demo
  oauth-cc-auth demo --all
""",
}

ENDPOINT = """\
{client_id}, {client_secret} and {basic} stand for the credentials in the URL,
in credential headers and in JSON for --credential-fields. The file can have
these in a table [token_endpoint], with TokenEndpoint's names of arguments.
"""

STATUSES = "exit statuses:\n" + "\n".join(f"  {status:<4} {meaning}" for status, meaning in MEANINGS.items())


def epilog(command: str) -> str:
    """What follows the options in the help of `command`."""
    return f"examples:\n{_EXAMPLES[command]}\n{STATUSES}"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options of the connector form and of behaviour; each is None if it is not given."""
    group = parser.add_argument_group("settings", SOURCES)
    add = group.add_argument
    add("--config", metavar="FILE", help="a TOML or JSON file with settings")
    add("--token-url", metavar="URL", help="full URL of the token endpoint")
    add("--issuer", metavar="URL", help="in its place: the issuer whose metadata names the token endpoint")
    add("--metadata-url", metavar="URL", help="of that metadata, if it is not where the issuer says")
    add("--client-id", metavar="ID", help="identifier of the client")
    add(
        "--client-secret",
        metavar="SECRET",
        help="'-' reads one line of standard input; everyone on this machine could see the secret itself",
    )
    add("--scope", metavar="SCOPE", help="scopes to ask for, separated by spaces; default: the server decides")
    add("--resource", metavar="URI", help="the API that the token is for (RFC 8707); several are separated by spaces")
    add(
        "--client-authentication",
        metavar="METHOD",
        help="client_secret_basic or client_secret_post; default: try both; or private_key_jwt, client_secret_jwt, "
        "client_assertion, tls_client_auth, none",
    )
    add("--private-key", metavar="FILE", help="the client's private key, for private_key_jwt or tls_client_auth")
    add("--private-key-password-file", metavar="FILE", help="a file with the password of that key, if it is encrypted")
    add("--key-id", metavar="ID", help="what the server knows the key by (kid)")
    add("--signing-algorithm", metavar="ALG", help="such as PS256; default: what fits the key")
    add("--certificate", metavar="FILE", help="the client's certificate: for mutual TLS, or beside --private-key")
    add("--assertion-file", metavar="FILE", help="an assertion that a platform issues, such as Kubernetes")
    add("--header-name", metavar="NAME", help="API request header that carries the token; default: Authorization")
    add("--header-value-pattern", metavar="PATTERN", help="its value, %%s for the token; default: 'Bearer %%s'")
    add(
        "--api-header",
        dest="api_headers",
        action="append",
        metavar="NAME:VALUE",
        help="one more header of API requests, which goes where the token goes; may be repeated",
    )
    add("--grant-type", metavar="TYPE", help="default: client_credentials; false sends none")
    add(
        "--additional-header",
        dest="additional_headers",
        action="append",
        metavar="NAME:VALUE",
        help="one more header of the token request; may be repeated; put secret ones into file or environment",
    )
    add(
        "--additional-request-data",
        action="append",
        metavar="NAME=VALUE",
        help="one more body field of the token request, such as audience=https://api.example.com; may be repeated; "
        "NAME:=JSON for what is no text",
    )
    add(
        "--dpop",
        nargs="?",
        const="true",
        type=_key_file,
        metavar="KEYFILE",
        help="bind the token to a key (DPoP), that of a file or a new one",
    )
    add(
        "--allow-insecure-http",
        action="store_true",
        default=None,
        help="permit plain http to hosts other than this machine",
    )
    add("--timeout", metavar="SECONDS", help="for each token request; default: 10")
    add("--deadline", metavar="SECONDS", help="for a token, all attempts together; default: 30")
    _add_endpoint(parser)


def _add_endpoint(parser: argparse.ArgumentParser) -> None:
    """Add the options that describe an endpoint."""
    add = parser.add_argument_group("a token endpoint that differs from OAuth 2.0", ENDPOINT).add_argument
    add("--request-method", metavar="METHOD", help="POST, GET or PUT")
    add("--request-format", metavar="FORMAT", help="form, json or query; default: form, and query with GET")
    add("--credential-fields", metavar="ID,SECRET", help="names of the two fields, or a JSON object with placeholders")
    add(
        "--credential-header",
        dest="credential_headers",
        action="append",
        metavar="NAME:VALUE",
        help="a header with a placeholder, such as 'x-key:{client_secret}'; may be repeated",
    )
    add("--secret-in-query", action="store_true", default=None, help="permit the secret in the query of a URL")
    add(
        "--response-field",
        dest="response_fields",
        action="append",
        metavar="NAME=PATH",
        help="where the answer has a member, such as access_token=data.token; may be repeated",
    )
    add("--lifetime-unit", metavar="UNIT", help="of expires_in: s, ms, min, h, d, clock, unix, unix_ms or date")
    add("--default-lifetime", metavar="SECONDS", help="of tokens, if the answer does not say it")
    add("--revocation-url", metavar="URL", help="where tokens are revoked")


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.add_argument(
        "--api-url",
        metavar="URL",
        help="also send a GET with the token to this API; without a token URL, ask it which settings it wants",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def add_token(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``token``."""
    forms = parser.add_mutually_exclusive_group()
    forms.add_argument(
        "--header", action="store_true", help="print a header, for oauth-cc-auth token --header | curl -H @- URL"
    )
    forms.add_argument(
        "--json", action="store_true", help="print access_token, token_type, expires_at, expires_in and scope as JSON"
    )
    _add_caching(parser)
    _add_verbose(parser)


def add_request(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``request``."""
    add = parser.add_argument
    add("method", metavar="METHOD", nargs="?", help="GET, POST, ...; default: POST if there is a body, else GET")
    add("url", metavar="URL", help="full URL of the API request")
    add("--header", action="append", metavar="NAME:VALUE", help="one more header; may be repeated")
    bodies = parser.add_mutually_exclusive_group()
    bodies.add_argument(
        "--data",
        metavar="TEXT",
        help="the body; @FILE is a file, '-' standard input; for a Content-Type use --header",
    )
    bodies.add_argument("--json", metavar="TEXT", help="a body like --data, checked and sent as application/json")
    bodies.add_argument(
        "--data-file", metavar="FILE", help="a file as the body, sent as --data is; '-' is standard input"
    )
    add("-i", "--include", action="store_true", help="print status and headers of the answer before its body")
    add("-L", "--location", action="store_true", help="follow redirects; the token stays with the URL's origin")
    add(
        "--api-timeout",
        default="60",
        metavar="SECONDS",
        help="for connecting to the API, and for each wait for it to send something; default: 60",
    )
    _add_caching(parser)
    _add_verbose(parser)


def add_cache(parser: argparse.ArgumentParser) -> None:
    """Add the argument of ``cache``."""
    parser.add_argument("action", metavar="clear", type=_action, help="delete all tokens in the cache folder")


def _key_file(word: str) -> str:
    if "://" in word:
        raise argparse.ArgumentTypeError(
            "a URL follows it, not the name of a file with a key; put --dpop behind the URL"
        )
    return word


def _action(word: str) -> str:
    if word != "clear":
        raise argparse.ArgumentTypeError("there is nothing else to do with the cache")
    return word


def _add_caching(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--cache",
        action=argparse.BooleanOptionalAction,
        help="keep the token, encrypted, in a cache folder of yours for later runs; default: OAUTH_CC_CACHE, or no",
    )


def _add_verbose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show every HTTP exchange on stderr, without secrets and tokens"
    )
