"""Find out facts: connect, ask for tokens, call the API."""
