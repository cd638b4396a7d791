"""What a run wrote down, and what that says about where it stands."""
