"""DNS questions against a real server on loopback."""

import itertools
from collections.abc import AsyncIterator

import dns.rcode
import pytest

from nameserver import NameServer, name_server
from oxbow.rooms.live.cname.lookup import MAX_CHAIN, Lookup
from oxbow.rooms.live.cname.models import Found
from oxbow.rooms.live.settings_domains import DomainSettings

NAME = "flv.example.com"


@pytest.fixture
async def dns_server() -> AsyncIterator[NameServer]:
    async with name_server() as server:
        yield server


@pytest.fixture
def lookup(dns_server: NameServer) -> Lookup:
    return Lookup(DomainSettings(resolver=dns_server.address, dns_timeout_seconds=0.2))


async def test_a_chain_is_followed_to_its_end(dns_server: NameServer, lookup: Lookup):
    dns_server.records = {
        (NAME, "CNAME"): ["Edge.Example.NET."],
        ("edge.example.net", "CNAME"): ["here.example.org."],
        ("here.example.org", "A"): ["192.0.2.7"],
        ("here.example.org", "AAAA"): ["2001:db8::7"],
    }
    chain = ("edge.example.net", "here.example.org")
    assert await lookup.follow(NAME) == Found(chain, ("192.0.2.7", "2001:db8::7"))


async def test_an_apex_has_addresses_only(dns_server: NameServer, lookup: Lookup):
    dns_server.records = {(NAME, "A"): ["192.0.2.7", "192.0.2.6"]}
    assert await lookup.follow(NAME) == Found((), ("192.0.2.6", "192.0.2.7"))


async def test_a_chain_whose_end_does_not_exist_is_told_all_the_same(dns_server: NameServer, lookup: Lookup):
    dns_server.records = {(NAME, "CNAME"): ["nowhere.example.net."]}
    assert await lookup.follow(NAME) == Found(
        ("nowhere.example.net",), (), "nowhere.example.net does not exist"
    )


async def test_a_name_that_is_not_there(lookup: Lookup):
    assert await lookup.follow(NAME) == Found((), (), f"{NAME} does not exist")


async def test_a_circle_ends(dns_server: NameServer, lookup: Lookup):
    dns_server.records = {(NAME, "CNAME"): ["b.example.com."], ("b.example.com", "CNAME"): [f"{NAME}."]}
    found = await lookup.follow(NAME)
    assert (found.chain, "circle" in found.problem) == (("b.example.com", NAME), True)


async def test_a_chain_without_end_ends(dns_server: NameServer, lookup: Lookup):
    names = [NAME, *(f"n{number}.example.com" for number in range(50))]
    for name, target in itertools.pairwise(names):
        dns_server.records[name, "CNAME"] = [f"{target}."]
    found = await lookup.follow(NAME)
    assert (len(found.chain), "too far" in found.problem) == (MAX_CHAIN + 1, True)


async def test_silence_ends(dns_server: NameServer, lookup: Lookup):
    dns_server.silent = True
    assert (await lookup.follow(NAME)).problem == "DNS did not answer within 0.2 seconds"
    assert dns_server.asked


async def test_a_server_that_fails_is_told(dns_server: NameServer, lookup: Lookup):
    dns_server.rcode = dns.rcode.SERVFAIL
    assert "answered with an error" in (await lookup.follow(NAME)).problem
