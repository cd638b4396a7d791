"""Is it so: copies judged in sync from the catalog and replication, never from an exit status."""
