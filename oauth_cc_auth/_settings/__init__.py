"""From arguments, mappings and environment variables to checked values."""
