"""The stream log in shared memory, and everything that watches it: cursors, framings, fan-out, probing."""
