"""How a client proves who it is: one strategy a file, and the order in which they are tried."""
