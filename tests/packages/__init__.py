"""Packages that people put between their code and the network, or around both: each test uses the real one.

`nox -s packages` installs them all. Without it, the tests of a package that is not there are skipped.
"""
