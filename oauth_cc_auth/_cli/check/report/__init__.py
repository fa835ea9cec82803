"""A diagnosis for a person, and as JSON."""
