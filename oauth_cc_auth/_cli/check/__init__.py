"""The subcommand ``check``: probe, judge, report."""
