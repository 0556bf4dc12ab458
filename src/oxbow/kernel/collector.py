"""Python's collector of cyclic garbage, in processes that handle thousands of things a second."""

import gc


def calm_the_collector() -> None:
    """To be called once a process is set up.

    What is there then stays for ever and need not be looked at again. What comes and goes, frames and
    reports, does so by reference count alone; looking for cycles among it is wasted time, so that it happens
    rarely.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
