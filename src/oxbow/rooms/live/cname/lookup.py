"""DNS questions, each bounded in time, to the resolver that the operator names."""

from __future__ import annotations

import asyncio

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from oxbow.rooms.live.cname.models import Found
from oxbow.rooms.live.settings_domains import OFF, SYSTEM, DomainSettings, resolver_address

MAX_CHAIN = 8
CHECK_QUERIES = 4
"""A whole check may take as long as so many queries."""


class _DnsError(Exception):
    """No answer; the text says why, in words that follow a name."""


class Lookup:
    """Follows a name to where it leads."""

    def __init__(self, settings: DomainSettings) -> None:
        self.resolver = settings.resolver
        """Who is asked: an address, `system`, or `off` for nobody."""
        self._timeout = settings.dns_timeout_seconds

    @property
    def is_off(self) -> bool:
        """Whether nobody is to be asked."""
        return self.resolver == OFF

    async def follow(self, name: str) -> Found:
        """The chain of CNAMEs and the addresses at its end; never raises, and ends in time."""
        chain: list[str] = []
        try:
            async with asyncio.timeout(self._timeout * CHECK_QUERIES):
                resolver = self._resolver()
                while target := await self._cname(resolver, chain[-1] if chain else name):
                    if target in (name, *chain) or len(chain) == MAX_CHAIN:
                        return Found((*chain, target), (), "the CNAMEs lead round in a circle, or too far")
                    chain.append(target)
                return Found(tuple(chain), await self._addresses(resolver, chain[-1] if chain else name))
        except (_DnsError, TimeoutError) as error:
            return Found(tuple(chain), (), str(error) or "DNS did not answer in time")

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """A new one each time: a system's resolvers may change while the server runs."""
        try:
            resolver = dns.asyncresolver.Resolver(configure=self.resolver == SYSTEM)
        except (dns.resolver.NoResolverConfiguration, OSError):
            raise _DnsError("this system names no resolver") from None
        if self.resolver != SYSTEM:
            host, resolver.port = resolver_address(self.resolver)
            resolver.nameservers = [host]
        resolver.timeout = resolver.lifetime = self._timeout
        return resolver

    async def _cname(self, resolver: dns.asyncresolver.Resolver, name: str) -> str:
        """Where the name's CNAME leads; empty if it has none."""
        return next(iter(await self._ask(resolver, name, "CNAME")), "").lower().removesuffix(".")

    async def _addresses(self, resolver: dns.asyncresolver.Resolver, name: str) -> tuple[str, ...]:
        found: list[str] = []
        for kind in ("A", "AAAA"):
            found += await self._ask(resolver, name, kind)
        return tuple(sorted(found))

    async def _ask(self, resolver: dns.asyncresolver.Resolver, name: str, kind: str) -> list[str]:
        try:
            answer = await resolver.resolve(f"{name}.", kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            raise _DnsError(f"{name} does not exist") from None
        except dns.exception.Timeout:
            raise _DnsError(f"DNS did not answer within {self._timeout:g} seconds") from None
        except (dns.exception.DNSException, OSError):
            raise _DnsError("DNS could not be asked, or answered with an error") from None
        return [record.to_text() for record in answer.rrset or ()]
