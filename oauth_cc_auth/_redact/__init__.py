"""Keep secrets out of text."""
