"""The servers under measurement, each a context manager that starts one and yields a `Server`."""
