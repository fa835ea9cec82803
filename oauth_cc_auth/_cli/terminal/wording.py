"""What the library says, in the words of the command line."""

from __future__ import annotations

# The remedies of the library, as they are called here.
_REMEDIES = {
    "allow_insecure_http=True together with token_url": "--allow-insecure-http",
    "allow_insecure_http=True to ClientCredentialsAuth": "--allow-insecure-http",
    "pass client_id and client_secret as arguments instead": "client id and secret are settings of their own",
    "must be None (try both),": "must be blank (try both),",
    " or an object of a subclass of ClientAuthentication": "",
    "is no field of the form; pass it to ClientCredentialsAuth.from_config()": "can only be set in a program",
    "a client's own verify does not apply to token requests: pass token_client, or set": (
        "to trust a certificate authority of your own, set"
    ),
    " (auth.invalidate() ends that)": "",
}


def in_terms_of_the_command(message: str) -> str:
    """`message` of the library, with the remedies that there are on the command line."""
    for ours, here in _REMEDIES.items():
        message = message.replace(ours, here)
    return message
