"""Where mirrors go: (spec, observed primaries) -> the desired layout."""
