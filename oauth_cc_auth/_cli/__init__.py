"""The subcommands of ``oauth-cc-auth`` that speak to real servers: ``check``, ``token`` and ``request``.

They need the extra [cli]. `_options` and `_exit` need nothing, because ``__main__`` imports them for every command;
`_run` starts a subcommand and turns what goes wrong into one line and an exit status; `_load` brings the settings
together.
"""
