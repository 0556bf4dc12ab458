"""The processes that carry objects."""
