"""The migrations, in one line: each file names the one before it."""
