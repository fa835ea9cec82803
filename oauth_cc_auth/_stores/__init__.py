"""One token for many processes and hosts: where it is kept, and how they share it."""
