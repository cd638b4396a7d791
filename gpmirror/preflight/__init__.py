"""May it start: what every touched host is asked, in one script, and how the answers are judged."""
