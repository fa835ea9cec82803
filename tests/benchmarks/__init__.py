"""What the plugin costs, beside the least that an auth can do, one written by hand, and the peers.

``python3 -m tests.benchmarks`` from a checkout measures everything; ``--help`` tells how to measure less. Each
measurement is a module with a function `measure`, and next to it the module with ``_work`` in its name, which it runs
in an environment that it has made. All figures are relative, within one run: others would tell about the machine.
"""
