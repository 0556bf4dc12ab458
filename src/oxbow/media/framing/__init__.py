"""Framings: cursors that write a stream's log once more in another format, for all of that format's
viewers."""
