"""Measures the cost of the plugin and compares it with the least possible auth, one written by hand, and the peers.

``python3 -m tests.benchmarks`` from a checkout measures everything; ``--help`` shows how to measure less. Each
measurement is a module with a function `measure`. It runs the module of the same name with ``_work`` in an environment
that it has made. All figures are relative, within one run: absolute ones would describe the machine.
"""
