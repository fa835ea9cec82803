"""The token request, and what its answer means. Pure: no I/O, no clock, no threads."""
