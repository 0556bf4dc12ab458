"""A real DNS server on loopback that says what a test wants."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import dns.message
import dns.rcode
import dns.rrset


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Authoritative for everything: a name without `records` does not exist."""

    records: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """By (name, type): the texts of the records."""
    rcode: int = dns.rcode.NOERROR
    """Another one is the answer to everything."""
    silent: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    """`127.0.0.1:port`."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if not self.silent:
            self._transport.sendto(self._answer(query, name, kind).to_wire(), address)

    def _answer(self, query: dns.message.Message, name: str, kind: str) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(dns.rcode.Rcode(self.rcode))
        if self.rcode == dns.rcode.NOERROR and name not in {known for known, _ in self.records}:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif texts := self.records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", kind, *texts))
        return answer


@asynccontextmanager
async def name_server(port: int = 0) -> AsyncIterator[NameServer]:
    """A running one."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", port))
    yield server
    transport.close()


@contextmanager
def threaded_name_server() -> Iterator[NameServer]:
    """A running one beside a test that awaits nothing."""
    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[NameServer] = []

    async def run() -> None:
        async with name_server() as server:
            found.append(server)
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    ready.wait(10)
    yield found[0]
    loop.call_soon_threadsafe(done.set)
    thread.join()
    loop.close()
