"""What can be done with certificates. An account is named by its id."""

from __future__ import annotations

from collections.abc import Callable

from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks import crash_point
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.certificates.models import Source, State, StoredCertificate
from oxbow.rooms.live.certificates.parse import covers, read_certificate
from oxbow.rooms.live.domain_tasks import DEPLOY, BeginTask
from oxbow.rooms.live.errors import BadArgument
from oxbow.rooms.live.models import normal_domain
from oxbow.rooms.live.settings_domains import DomainSettings
from oxbow.rooms.live.store import CertificateStore

MAX_CERTIFICATES = 10_000
"""Of one account."""

log = get_logger(__name__)


class CertificateService:
    """Keeps certificates and gives them to domains; a key that came in never goes out but to the workers."""

    def __init__(
        self,
        store: CertificateStore,
        cache: ConfigurationCache,
        settings: DomainSettings,
        clock: Callable[[], float],
        begin: BeginTask,
    ) -> None:
        self._begin = begin
        self._store = store
        self._cache = cache
        self._settings = settings
        self._clock = clock

    async def upload(self, account: int, name: str, common_name: str, chain_pem: str, key_pem: str) -> str:
        """Keep a certificate that somebody brings; returns its id. BadArgument, TooMany."""
        facts = read_certificate(chain_pem, key_pem, self._clock())
        wanted = common_name.lower()
        if wanted and not (wanted in facts.dns_names or covers(facts.dns_names, wanted)):
            raise BadArgument("common_name", f"the certificate is for {', '.join(facts.dns_names[:5])}")
        return await self.keep(
            StoredCertificate.of(account, name or facts.common_name, facts, self._now(), Source.UPLOAD)
        )

    async def keep(self, certificate: StoredCertificate) -> str:
        """Keep a certificate that was checked; returns its id, or that of the same one kept before."""
        return await self._store.add(certificate, MAX_CERTIFICATES)

    async def get(self, account: int, id_: str) -> StoredCertificate:
        """CertificateNotFound."""
        return await self._store.get(id_, account)

    async def page(self, account: int, after: str, limit: int) -> list[StoredCertificate]:
        """The account's certificates in the order they came, behind the id `after`."""
        return await self._store.page(account, after, limit)

    async def delete(self, account: int, id_: str) -> None:
        """CertificateNotFound; CertificateInUse while a domain shows it."""
        await self._store.delete(id_, account)

    async def deploy(self, account: int, hub: str, domain: str, id_: str) -> None:
        """Let a domain show a certificate on the TLS ports; an empty id takes it away.

        HubNotFound, NoSuchDomain, BadArgument for one that is not there or not for the domain.
        """
        normal = normal_domain(domain) or ""
        await self._store.deploy(
            hub,
            normal,
            id_,
            account,
            self._now(),
            lambda session: self._begin(
                session, DEPLOY, account=account, subject=normal, arguments={"hub": hub, "domain": normal}
            ),
        )
        crash_point("live.certificate.deployed")
        await self._cache.changed()

    def hubs_of(self, certificate: StoredCertificate) -> set[str]:
        """The hubs of its account whose domains it is for, whether they show it or not."""
        owners = {hub.name for hub in self._cache.current.hubs.values() if hub.account == certificate.account}
        domains = self._cache.current.domains.values()
        return {each.hub for each in domains if each.hub in owners and certificate.covers(each.name)}

    def of_domain(self, cert_name: str) -> StoredCertificate | None:
        """The certificate that a domain shows, as this server has it in memory."""
        return self._cache.current.certificates.get(cert_name)

    def state(self, certificate: StoredCertificate) -> State:
        """Whether it has to be renewed."""
        return certificate.state(self._clock(), self._settings.certificate_warn_days)

    def count(self, state: State) -> int:
        """How many certificates that domains show are in a state."""
        return sum(self.state(each) == state for each in self._cache.current.certificates.values())

    def days_left(self, certificate: StoredCertificate) -> int:
        """Whole days until it expires."""
        return certificate.days_left(self._clock())

    def _now(self) -> int:
        return int(self._clock())
