"""A practice cluster on this machine: real OpenSSH, real PostgreSQL, stand-in utilities."""
