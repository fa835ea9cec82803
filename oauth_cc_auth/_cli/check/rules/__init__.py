"""From facts to causes and advice. Pure."""
