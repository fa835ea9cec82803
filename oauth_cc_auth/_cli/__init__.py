"""The subcommands of ``oauth-cc-auth`` that speak to real servers: ``check``, ``token`` and ``request``.

They need the extra [cli]. `settings.options` and `terminal.exit` need nothing, because ``__main__`` imports them for
every command. `run` starts a subcommand and turns what goes wrong into one line and an exit status; `settings.load`
brings the settings together.
"""
