"""Where the command prints, and how it exits."""
