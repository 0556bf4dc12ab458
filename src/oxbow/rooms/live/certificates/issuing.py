"""Ordering a domain's certificate from the authority, as a task; renewal is the same task again."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from josepy.json_util import encode_b64jose

from oxbow.kernel.tasks import StepFailed, TaskContext, TaskKind, crash_point
from oxbow.rooms.live.board import LiveBoard
from oxbow.rooms.live.cache import POLL_SECONDS, ConfigurationCache
from oxbow.rooms.live.certificates.acme import AcmeClient, AcmeError, explain, new_key
from oxbow.rooms.live.certificates.errors import CertificateInUse, CertificateNotFound
from oxbow.rooms.live.certificates.models import Source, StoredCertificate
from oxbow.rooms.live.certificates.parse import read_certificate
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.domain_tasks import PROPAGATION_SECONDS, hub_of
from oxbow.rooms.live.store import AcmeStore

ISSUE = "live.issue_certificate"
ASK_SECONDS = 1.0
"""How often the authority is asked how far it is."""


class Issuing:
    """Proves to the authority that the domain is ours (HTTP-01, on the media port), and keeps what it
    issues."""

    def __init__(
        self,
        store: AcmeStore,
        certificates: CertificateService,
        cache: ConfigurationCache,
        board: LiveBoard,
        settings: AcmeSettings,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._certificates = certificates
        self._cache = cache
        self._board = board
        self._settings = settings
        self._clock = clock

    @property
    def kind(self) -> TaskKind:
        """As the tasks of the house know it. Backoff is what authorities ask of those who fail."""
        return TaskKind(
            ISSUE,
            "Get a domain's certificate from the authority, or renew it",
            self.run,
            self.undo,
            queue="live.certificates",
            concurrency=8,
            deadline_seconds=600.0,
            attempts=5,
            backoff_seconds=30.0,
            about=hub_of,
        )

    async def run(self, context: TaskContext) -> None:
        """From the order to the certificate on every worker."""
        domain = context.arguments["domain"]
        await context.step("register with the authority", self.register)
        await context.progress(0.1, "ordering")
        order = await context.step("order", self.order, domain)
        proof = await context.step(
            "prepare the proof", self.prepare, context.task.id, order["authorizations"]
        )
        await self._prove(context, domain, proof)
        await context.progress(0.6, "the authority is satisfied")
        await context.step("hand in the request", self.finalize, context.task.id, domain, order)

        async def is_issued() -> bool:
            return await self._has_become(order["url"], "valid", domain)

        await context.wait(f"the authority to issue the certificate of {domain}", is_issued, ASK_SECONDS)
        await context.progress(0.9, "issued")
        await context.step(
            "keep the certificate", self.keep, context.task.id, context.arguments, order["url"]
        )
        await context.step("forget the order", self._forget, context.task.id)
        await context.progress(1.0, "issued, and given to the domain")

    async def undo(self, context: TaskContext) -> None:
        """Leave nothing behind of an order that failed; the domain keeps what it has."""
        await context.step("forget the order", self._forget, context.task.id)

    async def register(self) -> None:
        """Make the account once for all."""
        async with self._client() as client:
            if not client.account:
                url = await client.register(self._settings.email)
                await self._store.registered(self._settings.directory, url)

    async def order(self, domain: str) -> dict[str, Any]:
        """A new order: what its later steps need of it."""
        async with self._client() as client:
            order = await client.order(domain)
            crash_point("live.issue_certificate.ordered")
            return {name: order[name] for name in ("url", "finalize", "authorizations")}

    async def prepare(self, order: str, authorizations: list[str]) -> dict[str, list[str]]:
        """Give the media workers the answers: the challenges to name, and the authorisations to watch."""
        answers: dict[str, str] = {}
        challenges: list[str] = []
        async with self._client() as client:
            for url in authorizations:
                found = await client.get(url)
                if found["status"] == "valid":
                    continue
                one = next((each for each in found["challenges"] if each["type"] == "http-01"), None)
                if one is None:
                    raise StepFailed("the authority takes no proof by HTTP for this domain", permanent=True)
                answers[one["token"]] = client.answer_to(one["token"])
                challenges.append(one["url"])
        await self._store.challenge(order, answers, int(self._clock()))
        crash_point("live.issue_certificate.prepared")
        await self._cache.changed()
        return {"challenges": challenges, "authorizations": authorizations}

    async def _prove(self, context: TaskContext, domain: str, proof: dict[str, list[str]]) -> None:
        await context.wait("every media worker to know the answer", self._told, PROPAGATION_SECONDS)
        await context.sleep(2 * POLL_SECONDS, "other servers to hear of it")
        await context.step("tell the authority", self.tell, proof["challenges"])

        async def is_satisfied() -> bool:
            each = [await self._has_become(url, "valid", domain) for url in proof["authorizations"]]
            return all(each)

        what = f"the authority to ask {domain} for the proof on port 80"
        await context.wait(what, is_satisfied, ASK_SECONDS)

    async def _told(self) -> bool:
        return self._board.all_know(self._cache.told)

    async def tell(self, challenges: list[str]) -> None:
        """The authority may ask now. One that asks already has no second challenge for us."""
        async with self._client() as client:
            for url in challenges:
                if (await client.get(url))["status"] == "pending":
                    await client.act(url, {})

    async def finalize(self, order: str, domain: str, placed: dict[str, Any]) -> None:
        """Hand in the certificate request, with a key that is kept before anybody sees it."""
        key_pem = await self._store.key(order, new_key(), int(self._clock()))
        request = encode_b64jose(_request(domain, key_pem))
        async with self._client() as client:
            if (await client.get(placed["url"]))["status"] == "ready":
                await client.act(placed["finalize"], {"csr": request})
        crash_point("live.issue_certificate.requested")

    async def keep(self, order: str, arguments: dict[str, Any], url: str) -> str:
        """Keep what was issued, give it to the domain, and forget the order; the certificate's id."""
        account, domain = arguments["account"], arguments["domain"]
        key_pem = await self._store.key(order, new_key(), int(self._clock()))
        async with self._client() as client:
            chain = await client.download((await client.get(url))["certificate"])
        now = int(self._clock())
        facts = read_certificate(chain, key_pem, now)
        issued = StoredCertificate.of(account, domain, facts, now, Source.ACME)
        id_ = await self._certificates.keep(issued)
        crash_point("live.issue_certificate.kept")
        before = self._cache.current.domains[domain].cert_name
        await self._certificates.deploy(account, arguments["hub"], domain, id_)
        await self._replace(account, before, id_)
        return id_

    async def _replace(self, account: int, before: str, now: str) -> None:
        """A renewed certificate that nobody else shows need not be kept; an uploaded one is its owner's."""
        if before == now:
            return
        with contextlib.suppress(CertificateInUse, CertificateNotFound):
            if (await self._certificates.get(account, before)).source == Source.ACME:
                await self._certificates.delete(account, before)

    async def _has_become(self, url: str, status: str, domain: str) -> bool:
        async with self._client() as client:
            found = await client.get(url)
        if found["status"] in ("invalid", "expired", "revoked", "deactivated"):
            raise StepFailed(f"the authority does not certify {domain}: {explain(found)}")
        return bool(found["status"] == status)

    async def _forget(self, order: str) -> None:
        await self._store.forget(order)
        await self._cache.changed()

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AcmeClient]:
        settings = self._settings
        key_pem, account = await self._store.account(settings.directory, new_key())
        try:
            async with AcmeClient(settings.directory, settings.ca_file, key_pem, account) as client:
                yield client
        except AcmeError as error:
            raise StepFailed(str(error)) from None


def _request(domain: str, key_pem: str) -> bytes:
    """A certificate request in DER."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    names = x509.SubjectAlternativeName([x509.DNSName(domain)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    signed = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.DER)
