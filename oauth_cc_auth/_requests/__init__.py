"""The adapter for requests and libraries that look like it."""
