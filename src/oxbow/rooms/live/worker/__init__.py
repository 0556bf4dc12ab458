"""A media worker: one process, one event loop, and the sockets of many publishers and viewers."""
