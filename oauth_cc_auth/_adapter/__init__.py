"""What every adapter shares: the arguments of an auth object and the decisions about an API request."""
