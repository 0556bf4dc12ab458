"""How much is read from a publisher at once, and how long one waits for its log."""

READ_SIZE = 64 * 1024
"""Read from a publisher at once: a tick's worth of most streams. The allocator hands out larger blocks at ten
times the cost."""
RECEIVE_BUFFER = 1 << 20
READS_PER_TICK = 64
"""A publisher that sends faster than all these in one tick is read on in the next, so that others get their
turn."""
BUSY_RETRIES = 20
BUSY_PAUSE = 0.05
