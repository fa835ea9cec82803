"""From arguments, mappings and environment variables to checked values."""

DEFAULT_PREFIX = "OAUTH_CC_"  # of environment variables
