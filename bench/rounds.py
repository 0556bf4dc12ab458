"""One round of measuring: a server, its publishers and viewers, and a window in which costs are counted."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass

from bench.broadcast import BITS_PER_SECOND
from bench.errors import BenchError
from bench.procfs import cpu_seconds, held_kb, own_kb
from bench.programs import Report, publishers, viewers
from bench.servers.server import Server
from bench.statistics import Numbers, growth_per_minute

StartServer = Callable[[], AbstractContextManager[Server]]

JOIN_TIMEOUT = 60.0
SETTLE_SECONDS = 2.0  # the bursts of joining are over, and every viewer is on the live edge
SAMPLE_SECONDS = 5.0  # between two looks at the memory


@dataclass(frozen=True)
class Costs:
    """What a server used during a window."""

    serving_cpu: float  # seconds, processes that carry media
    total_cpu: float  # seconds, all processes
    memory_growth: float  # kB per minute, processes that carry media
    shared_memory_kb: float  # what the media held in tmpfs at the end

    def numbers(self, gbit: float, seconds: float) -> Numbers:
        """The same per Gbit."""
        return {
            "cpu_per_gbit": self.serving_cpu / gbit,
            "total_cpu_per_gbit": self.total_cpu / gbit,
            "core_percent": 100 * self.serving_cpu / seconds,
            "memory_growth_kb_per_minute": self.memory_growth,
            "shared_memory_kb": self.shared_memory_kb,
        }


def observe(server: Server, seconds: float) -> Costs:
    """Waits for that long and counts what the server uses meanwhile."""
    serving, everything = server.serving(), server.everything()
    if not serving:
        raise BenchError("the server runs, but none of its processes looks like one that carries media")
    serving_before, total_before = cpu_seconds(serving), cpu_seconds(everything)
    memory = _sample_memory(serving, seconds)
    return Costs(
        serving_cpu=cpu_seconds(serving) - serving_before,
        total_cpu=cpu_seconds(everything) - total_before,
        memory_growth=growth_per_minute(memory),
        shared_memory_kb=held_kb(server.shared_memory) if server.shared_memory else 0.0,
    )


def _sample_memory(pids: list[int], seconds: float) -> list[tuple[float, float]]:
    started, samples = time.monotonic(), []
    while (elapsed := time.monotonic() - started) < seconds:
        samples.append((elapsed, float(own_kb(pids))))
        time.sleep(min(SAMPLE_SECONDS, seconds - elapsed))
    return samples


@dataclass(frozen=True)
class Audience:
    """Viewers of one stream, and beside them one that really reads and tells the delay of each picture."""

    start: StartServer
    protocol: str
    viewers: int
    join_seconds: float
    window_seconds: float
    needs_publisher: bool = True  # the floor plays its file by itself

    def measure(self) -> Numbers:
        """Costs per Gbit received by the viewers, memory per viewer, times to the first picture, delays."""
        with ExitStack() as stack:
            server = stack.enter_context(self.start())
            port = server.ports[self.protocol]
            if self.needs_publisher:
                publisher = stack.enter_context(publishers(server.ports["rtmp"], 1, 0, chunk_size=4096))
                publisher.wait_joined(JOIN_TIMEOUT)
            reader = stack.enter_context(viewers(self.protocol, port, 1, 0, stamps=True))
            reader.wait_joined(JOIN_TIMEOUT)
            memory_before = own_kb(server.serving())
            audience = stack.enter_context(viewers(self.protocol, port, self.viewers, self.join_seconds))
            audience.wait_joined(self.join_seconds + JOIN_TIMEOUT)
            time.sleep(SETTLE_SECONDS)
            memory_added = own_kb(server.serving()) - memory_before
            audience.mark()
            reader.mark()
            costs = observe(server, self.window_seconds)
            seen, read = audience.report(), reader.report()
        return self.numbers(costs, seen, read) | {"memory_kb_per_viewer": memory_added / self.viewers}

    def numbers(self, costs: Costs, seen: Report, read: Report) -> Numbers:
        """What the window's counts mean; `seen` by the audience, `read` by the one that really reads."""
        received_bits = seen["bytes"] * 8
        if not received_bits:
            raise BenchError(
                f"no viewer received anything: {seen['failed']} of {self.viewers} failed to join"
            )
        first, delay = seen["first_picture_ms"], read["delay_ms"]
        return {
            **costs.numbers(received_bits / 1e9, seen["seconds"]),
            "delivered_share": received_bits / (BITS_PER_SECOND * self.viewers * seen["seconds"]),
            "viewers_failed": seen["failed"],
            "viewers_dropped": seen["drops"],
            "viewers_lost": seen["failed"] + seen["drops"],
            **{f"first_picture_{name}_ms": first[name] for name in ("p50", "p99", "max")},
            **{f"delay_{name}_ms": delay[name] for name in ("p50", "p99", "max") if delay["samples"]},
        }


@dataclass(frozen=True)
class Publishers:
    """Publishers whom nobody watches."""

    start: StartServer
    publishers: int
    chunk_size: int
    join_seconds: float
    window_seconds: float

    def measure(self) -> Numbers:
        """Costs per Gbit the publishers sent."""
        with ExitStack() as stack:
            server = stack.enter_context(self.start())
            senders = stack.enter_context(
                publishers(server.ports["rtmp"], self.publishers, self.join_seconds, self.chunk_size)
            )
            senders.wait_joined(self.join_seconds + JOIN_TIMEOUT)
            time.sleep(SETTLE_SECONDS)
            senders.mark()
            costs = observe(server, self.window_seconds)
            sent = senders.report()
        if not sent["bytes"]:
            raise BenchError(f"nothing was published: {sent['failed']} of {self.publishers} were refused")
        return {
            **costs.numbers(sent["bytes"] * 8 / 1e9, sent["seconds"]),
            "delivered_share": sent["bytes"] * 8 / (BITS_PER_SECOND * self.publishers * sent["seconds"]),
            "publishers_failed": sent["failed"],
            "publishers_dropped": sent["drops"],
        }
