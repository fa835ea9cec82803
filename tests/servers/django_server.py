"""django-oauth-toolkit. It accepts Basic and the body from every client: there is no method to register."""

# Neither Django nor the toolkit has types.
# mypy: disable-error-code="import-untyped, untyped-decorator"

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command

from tests.servers import CLIENTS, SCOPES, serve


def _configure(directory: Path) -> None:
    settings.configure(
        SECRET_KEY="only for the tests",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        USE_TZ=True,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        # A file, not memory: each thread of the server has a connection of its own, and those to a shared
        # in-memory database refuse each other ("table is locked") instead of waiting.
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": str(directory / "db.sqlite3"),
                # IMMEDIATE: a transaction that reads first and then writes waits for its turn as well.
                # No fsync: the file is thrown away, and on a busy disk the migrations take half a minute.
                "OPTIONS": {
                    "timeout": 30,
                    "transaction_mode": "IMMEDIATE",
                    "init_command": "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY;",
                },
            }
        },
        # The default hasher takes 0.3 s of CPU per secret on purpose, and that at each token request.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        LOGGING_CONFIG=None,
        OAUTH2_PROVIDER={
            "SCOPES": {scope: scope for scope in SCOPES},
            "EXTRA_SERVER_KWARGS": {
                "token_expires_in": lambda request: CLIENTS[request.client.client_id].lifetime,
            },
        },
    )
    django.setup()


def _register_clients() -> None:
    from oauth2_provider.models import get_application_model

    model = get_application_model()
    for client in CLIENTS.values():
        model.objects.create(
            name=client.client_id,
            client_id=client.client_id,
            client_secret=client.client_secret,
            hash_client_secret=client.hashed,
            client_type="confidential",
            authorization_grant_type="client-credentials",
        )


def _urls() -> list[Any]:
    from django.http import HttpRequest, JsonResponse
    from django.urls import include, path
    from oauth2_provider.decorators import protected_resource_metadata
    from oauth2_provider.models import get_access_token_model

    # The plain `protected_resource` answers a bad token with 403; this variant with 401 (RFC 6750 §3.1).
    @protected_resource_metadata()
    def api(request: HttpRequest) -> JsonResponse:
        token = request.headers["Authorization"].partition(" ")[2]
        kept = get_access_token_model().objects.select_related("application").get(token=token)
        return JsonResponse({"client": kept.application.client_id, "received": request.body.decode()})

    return [
        path("oauth/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("api", api),
    ]


def main() -> None:
    # oauthlib refuses plain http otherwise. In this process only.
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    with tempfile.TemporaryDirectory() as directory:
        _configure(Path(directory))
        call_command("migrate", verbosity=0)
        _register_clients()
        from django.core.wsgi import get_wsgi_application

        urlpatterns.extend(_urls())  # which can be built only after the set-up
        serve(get_wsgi_application())


urlpatterns: list[Any] = []  # looked for here by its name, as ROOT_URLCONF is this module

if __name__ == "__main__":
    main()
