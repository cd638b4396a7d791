"""What to do: (observed, desired) -> the plan, a value."""
