"""Certificates that grow old: whose is renewed, whose is told of, and how often."""

from __future__ import annotations

from typing import Any

import pytest

from authority import Authority
from oxbow.rooms.live.certificates.issuing import ISSUE
from oxbow.rooms.live.certificates.models import DAY, Source, State, StoredCertificate
from oxbow.rooms.live.certificates.parse import read_certificate
from oxbow.rooms.live.certificates.settings import AcmeSettings
from oxbow.rooms.live.certificates.watch import CertificateWatch, NoAuthority
from oxbow.rooms.live.models import DomainType
from oxbow.rooms.live.service import LiveService
from oxbow.testing.tasks import InlineContext

from ..conftest import ROOT, Clock

NAME = "flv.example.com"
AUTHORITY = AcmeSettings(directory="https://ca.example.com/dir", agree_terms=True, renew_days=30)


class Started(list[dict[str, Any]]):
    async def __call__(self, kind: str, **asked: Any) -> Any:
        assert (kind, asked["subject"], asked["arguments"]["hub"]) == (ISSUE, NAME, "live")
        self.append(asked)


@pytest.fixture
def started() -> Started:
    return Started()


@pytest.fixture
def watch(service: LiveService, started: Started, clock: Clock) -> CertificateWatch:
    return CertificateWatch(service.certificates, service._cache, AUTHORITY, started, clock)


async def show(service: LiveService, clock: Clock, source: Source) -> None:
    """Let the domain show a certificate that lasts for 90 days."""
    issued = Authority(clock.now).issue(NAME)
    facts = read_certificate(issued.pem, issued.key_pem, clock.now)
    certificate = StoredCertificate.of(ROOT.id, NAME, facts, int(clock.now), source)
    await service.domains.bind(ROOT.id, "live", NAME, DomainType.LIVE_HDL)
    await service.certificates.deploy(ROOT.id, "live", NAME, await service.certificates.keep(certificate))


async def test_one_from_the_authority_is_renewed_in_time_and_once_a_day(
    service: LiveService, watch: CertificateWatch, started: Started, clock: Clock
):
    await show(service, clock, Source.ACME)
    clock.now += 59 * DAY
    assert await watch.look() == 0
    for hours in (36, 1):
        clock.now += hours * 3600
        context = InlineContext()
        await watch.run(context)
        assert context.shown[-1] == (1.0, "1 renewals begun")
    clock.now += DAY
    await watch.look()
    keys = [asked["key"] for asked in started]
    assert keys[0] == keys[1] != keys[2], "the key of a task lets it be begun once"


async def test_an_uploaded_one_is_told_of(
    service: LiveService, watch: CertificateWatch, started: Started, clock: Clock
):
    await show(service, clock, Source.UPLOAD)
    clock.now += 80 * DAY
    assert await watch.look() == 0
    assert started == []
    assert [service.certificates.count(state) for state in State] == [0, 1, 0]


async def test_without_an_authority_nothing_is_ordered(service: LiveService, started: Started, clock: Clock):
    await show(service, clock, Source.ACME)
    watch = CertificateWatch(service.certificates, service._cache, AcmeSettings(), started, clock)
    with pytest.raises(NoAuthority):
        await watch.order(ROOT.id, await service.domains.get(ROOT.id, "live", NAME))


def test_the_terms_are_agreed_to_first():
    with pytest.raises(ValueError, match="OXBOW_ACME_AGREE_TERMS"):
        AcmeSettings(directory="https://ca.example.com/dir")
