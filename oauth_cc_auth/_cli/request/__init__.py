"""The subcommands ``token`` and ``request``."""
