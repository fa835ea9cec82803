"""What a sibling of an auth object may have of its own. The one law: it is for another target, not for another client.

So its credentials, its endpoint and what sends its token requests are those of the auth object that it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import ConfigurationError

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    from oauth_cc_auth._config import PairsSetting
    from oauth_cc_auth._events import OnEvent
    from oauth_cc_auth._token import Token

    from .behaviour import RenewOn

    class TargetArguments(TypedDict, total=False):
        """The arguments of `with_options`; for type checkers."""

        scope: str | Iterable[str] | None
        resource: str | Iterable[str] | None
        header_name: str
        header_value_pattern: str | Callable[[Token], str]
        api_headers: PairsSetting | None
        grant_type: str
        additional_headers: PairsSetting | None
        additional_request_data: PairsSetting | None
        timeout: float
        deadline: float
        early_expiry: float | None
        renew_after: float
        renew_on: RenewOn | Iterable[int] | bool | None
        renew_in_background: bool
        raise_if_not_renewed: bool
        step_up: bool
        resource_metadata: bool
        api_origins: Iterable[str] | None
        on_event: OnEvent | None


# What siblings share, by the names of the arguments.
SHARED = frozenset(
    {
        "token_url",
        "token_source",
        "client_id",
        "client_secret",
        "client_authentication",
        "allow_insecure_http",
        "dpop",
        "store",
        "token_client",
    }
)


def check_options(options: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse what is shared, and what is no argument at all.

    Raises:
        ConfigurationError: the option is shared.
        TypeError: the option is not in `known`.
    """
    for name in options:
        if name in SHARED:
            problem = "is shared by all siblings, so with_options() cannot change it"
            raise ConfigurationError(field=name, problem=problem, remedy="make another auth object")
        if name not in known:
            from difflib import get_close_matches

            nearest = get_close_matches(name, known)
            meant = f"; did you mean {nearest[0]!r}?" if nearest else ""
            raise TypeError(f"with_options() got an unexpected keyword argument {name!r}{meant}")


def config_with(
    config: ClientCredentialsConfig,
    arguments: Callable[[ClientCredentialsConfig], Mapping[str, Any]],
    options: Mapping[str, Any],
) -> ClientCredentialsConfig:
    """`config` with other values for the settings among `options`; it is `config` itself if there are none.

    Args:
        config: Of the auth object that the sibling comes from.
        arguments: Says what makes an equal config.
        options: Of the sibling, those of its behaviour included.

    Raises:
        ConfigurationError: a value cannot be right.
    """
    changes = {name: value for name, value in options.items() if name in ClientCredentialsConfig.__annotations__}
    if not changes:
        return config
    if changes.keys() <= {"scope", "resource"}:  # what nearly all siblings are for
        return config.for_target(**changes)
    changed = ClientCredentialsConfig(**{**arguments(config), **changes})
    for name in ClientCredentialsConfig.__annotations__:
        value = getattr(config, name)
        if getattr(changed, name) == value:
            object.__setattr__(changed, name, value)  # the same object: there may be thousands of siblings
    return changed
