"""Watching certificates grow old: those from the authority are renewed, of others it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from oxbow.kernel.errors import ApiError
from oxbow.kernel.logs import get_logger
from oxbow.kernel.tasks import Task, TaskContext, TaskKind
from oxbow.rooms.live.cache import ConfigurationCache
from oxbow.rooms.live.certificates.issuing import ISSUE
from oxbow.rooms.live.certificates.models import DAY, Source, State, StoredCertificate
from oxbow.rooms.live.certificates.service import CertificateService
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.models import Domain

EVERY_SECONDS = 3600.0

log = get_logger(__name__)


class NoAuthority(ApiError):  # noqa: N818 - a refusal is named by what it says.
    """There is nobody to order a certificate from."""

    def __init__(self) -> None:
        text = "no certificate authority: set OXBOW_ACME_DIRECTORY, or upload a certificate by POST /sslcert"
        super().__init__(409, text)


class StartTask(Protocol):
    """Starts a task: `TaskService.start`."""

    def __call__(
        self,
        kind: str,
        *,
        account: int,
        subject: str,
        arguments: dict[str, Any] | None = None,
        key: str | None = None,
    ) -> Awaitable[Task]: ...


async def no_start(
    kind: str,
    *,
    account: int,
    subject: str,
    arguments: dict[str, Any] | None = None,
    key: str | None = None,
) -> Task:
    """For a service that runs without tasks."""
    raise NoAuthority


class CertificateWatch:
    """Once an hour, on one of several servers."""

    def __init__(
        self,
        certificates: CertificateService,
        cache: ConfigurationCache,
        settings: AcmeSettings,
        start: StartTask,
        clock: Callable[[], float],
    ) -> None:
        self._certificates = certificates
        self._cache = cache
        self._settings = settings
        self._start = start
        self._clock = clock

    @property
    def kind(self) -> TaskKind:
        """As the tasks of the house know it."""
        return TaskKind(
            "live.watch_certificates",
            "Renew certificates from the authority, and tell of others that expire",
            self.run,
            queue="live.certificates_watch",
            concurrency=1,
            every_seconds=EVERY_SECONDS,
        )

    async def order(self, account: int, domain: Domain) -> Task:
        """Order a certificate for a domain now; NoAuthority."""
        if not self._settings.directory:
            raise NoAuthority
        return await self._begin(account, domain, None)

    async def run(self, context: TaskContext) -> None:
        """Look at each certificate that a domain shows."""
        begun = await context.step("look at every certificate", self.look)
        await context.progress(1.0, f"{begun} renewals begun")

    async def look(self) -> int:
        """Begin what is due, once a day for each domain; how many."""
        current, begun = self._cache.current, 0
        for domain in current.domains.values():
            certificate = current.certificates.get(domain.cert_name)
            if certificate is None:
                continue
            if self._renews(certificate):
                if certificate.days_left(self._clock()) < self._settings.renew_days:
                    day = int(self._clock()) // DAY
                    await self._begin(certificate.account, domain, f"{domain.name} {certificate.id} {day}")
                    begun += 1
            elif self._certificates.state(certificate) != State.VALID:
                _tell(domain, certificate, self._certificates)
        return begun

    def _renews(self, certificate: StoredCertificate) -> bool:
        return certificate.source == Source.ACME and bool(self._settings.directory)

    async def _begin(self, account: int, domain: Domain, key: str | None) -> Task:
        arguments = {"account": account, "hub": domain.hub, "domain": domain.name}
        return await self._start(ISSUE, account=account, subject=domain.name, arguments=arguments, key=key)


def _tell(domain: Domain, certificate: StoredCertificate, service: CertificateService) -> None:
    log.warning(
        "certificate_needs_renewal",
        domain=domain.name,
        certificate=certificate.id,
        state=service.state(certificate),
        days_left=service.days_left(certificate),
    )
