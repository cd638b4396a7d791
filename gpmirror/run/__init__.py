"""The use cases: what each command does, without touching the world."""
