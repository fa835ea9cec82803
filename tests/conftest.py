"""Fixtures for every test: the loopback server that ships with the package."""

pytest_plugins = ["oauth_cc_auth.testing"]
