"""For eyes and machines: values become text; nothing here reads or writes anything."""
