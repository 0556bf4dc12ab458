"""The contract of the stores of certificates, orders and DNS checks, on each database."""

from dataclasses import replace

import pytest

from oxbow.kernel.accounts.store import AccountRow
from oxbow.kernel.database import Database
from oxbow.rooms.live.certificates.errors import CertificateInUse, CertificateNotFound
from oxbow.rooms.live.certificates.models import Source, StoredCertificate
from oxbow.rooms.live.cname.models import CnameCheck, Found
from oxbow.rooms.live.errors import BadArgument, NoSuchDomain, TooMany
from oxbow.rooms.live.models import Domain, DomainType, Hub
from oxbow.rooms.live.store import AcmeStore, CertificateStore, CheckStore, ConfigurationStore

OWNER, STRANGER = 1, 2
NAME = "flv.example.com"
CERTIFICATE = StoredCertificate(
    id="0" * 24,
    account=OWNER,
    name="mine",
    common_name=NAME,
    dns_names=(NAME, "*.live.example.com"),
    not_before=100,
    not_after=200,
    issuer="Somebody",
    fingerprint="f" * 64,
    chain_pem="chain",
    key_pem="key",
    created_at=150,
    source=Source.ACME,
)


@pytest.fixture
async def configuration(database: Database) -> ConfigurationStore:
    async with database.session() as session:
        session.add(AccountRow(id=OWNER, name="owner", created_at=1))
        session.add(AccountRow(id=STRANGER, name="stranger", created_at=1))
    store = ConfigurationStore(database)
    await store.create_hub(Hub("live", OWNER, 100, 100), limit=3)
    await store.bind(Domain(NAME, "live", DomainType.LIVE_HDL, 200), OWNER, limit=3)
    return store


@pytest.fixture
def certificates(database: Database, configuration: ConfigurationStore) -> CertificateStore:
    return CertificateStore(database)


async def test_what_is_kept_is_what_is_read(certificates: CertificateStore):
    assert await certificates.add(CERTIFICATE, limit=2) == CERTIFICATE.id
    assert await certificates.get(CERTIFICATE.id, OWNER) == CERTIFICATE
    assert await certificates.page(OWNER, "", 10) == [CERTIFICATE]
    assert await certificates.page(OWNER, CERTIFICATE.id, 10) == []
    with pytest.raises(CertificateNotFound):
        await certificates.get(CERTIFICATE.id, STRANGER)


async def test_the_same_one_is_kept_once_and_the_limit_holds(certificates: CertificateStore):
    await certificates.add(CERTIFICATE, limit=1)
    assert await certificates.add(replace(CERTIFICATE, id="1" * 24), limit=1) == CERTIFICATE.id
    with pytest.raises(TooMany):
        await certificates.add(replace(CERTIFICATE, id="2" * 24, fingerprint="e" * 64), limit=1)
    theirs = replace(CERTIFICATE, id="3" * 24, account=STRANGER)
    assert await certificates.add(theirs, limit=1) == theirs.id


async def test_a_domain_shows_what_is_deployed(
    certificates: CertificateStore, configuration: ConfigurationStore
):
    await certificates.add(CERTIFICATE, limit=2)
    await certificates.deploy("live", NAME, CERTIFICATE.id, OWNER, 300)
    loaded = await configuration.load()
    assert loaded.domains[NAME].cert_name == CERTIFICATE.id
    assert loaded.certificates == {CERTIFICATE.id: CERTIFICATE}
    with pytest.raises(CertificateInUse):
        await certificates.delete(CERTIFICATE.id, OWNER)
    await certificates.deploy("live", NAME, "", OWNER, 301)
    await certificates.delete(CERTIFICATE.id, OWNER)
    assert (await configuration.load()).certificates == {}


async def test_nothing_is_deployed_that_is_not_for_the_domain(
    certificates: CertificateStore, configuration: ConfigurationStore
):
    await certificates.add(CERTIFICATE, limit=2)
    await configuration.bind(Domain("b.example.com", "live", DomainType.LIVE_HDL, 200), OWNER, limit=3)
    for domain, id_, error in (
        ("b.example.com", CERTIFICATE.id, BadArgument),
        (NAME, "9" * 24, BadArgument),
        (NAME, "\0", BadArgument),
        ("nobody.example.com", CERTIFICATE.id, NoSuchDomain),
    ):
        with pytest.raises(error):
            await certificates.deploy("live", domain, id_, OWNER, 300)


async def test_what_is_also_to_be_kept_falls_with_the_transaction(certificates: CertificateStore):
    await certificates.add(CERTIFICATE, limit=2)

    def fail(session: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await certificates.deploy("live", NAME, CERTIFICATE.id, OWNER, 300, fail)
    await certificates.delete(CERTIFICATE.id, OWNER)


async def test_an_order_remembers_its_key_and_its_answers(
    database: Database, configuration: ConfigurationStore
):
    acme = AcmeStore(database)
    assert await acme.account("https://ca.example.com", "key") == ("key", "")
    await acme.registered("https://ca.example.com", "https://ca.example.com/1")
    assert await acme.account("https://ca.example.com", "other") == ("key", "https://ca.example.com/1")
    assert await acme.key("order", "key", 1) == "key"
    assert await acme.key("order", "another", 2) == "key", "what was asked for must stay what it was"
    for _ in range(2):
        await acme.challenge("order", {"token": "answer"}, 1)
    await acme.challenge("another", {"other": "answer"}, 1)
    assert (await configuration.load()).challenges == {"token": "answer", "other": "answer"}
    await acme.forget("order")
    assert (await configuration.load()).challenges == {"other": "answer"}
    assert await acme.key("order", "another", 2) == "another"


async def test_a_check_is_replaced_and_gone_with_its_domain(
    database: Database, configuration: ConfigurationStore
):
    checks = CheckStore(database)
    first = CnameCheck(NAME, "expected", Found(("a.com",), ("192.0.2.7",), "trouble"), "wrong", "system", 1)
    second = CnameCheck(NAME, "expected", Found(("expected",)), "", "192.0.2.53", 2)
    assert await checks.get(NAME) is None
    for check in (first, second):
        await checks.put(check)
        assert await checks.get(NAME) == check
    await configuration.unbind("live", NAME, OWNER, 300)
    assert await checks.get(NAME) is None
    await checks.put(first)
    assert await checks.get(NAME) is None, "of an unbound domain nothing is kept"
