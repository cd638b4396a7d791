"""What a cluster is: frozen values without I/O."""
