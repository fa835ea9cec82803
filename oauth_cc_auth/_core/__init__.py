"""Decides about tokens: which one to use, who fetches the next one, and what follows from a failure."""
