"""What the live room asks and tells an operator's own servers."""
