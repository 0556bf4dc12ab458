"""What is taken for a certificate, and how what is none is refused."""

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from authority import Authority, Issued, key_pem, new_key
from oxbow.rooms.live.certificates.parse import covers, read_certificate
from oxbow.rooms.live.errors import BadArgument

NOW = 1_700_000_000.0
DAY = 86_400


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority(NOW)


@pytest.fixture(scope="module")
def issued(authority: Authority) -> Issued:
    return authority.issue("FLV.example.com", "*.live.example.com")


def test_it_says_what_the_certificate_is_for_and_how_long(authority: Authority, issued: Issued):
    facts = read_certificate(authority.chain(issued), issued.key_pem, NOW)
    assert facts.common_name == "FLV.example.com"
    assert facts.dns_names == ("flv.example.com", "*.live.example.com")
    assert (facts.not_before, facts.not_after) == (int(NOW) - DAY, int(NOW) + 90 * DAY)
    assert facts.issuer == "Test Intermediate"
    assert facts.chain_pem == authority.chain(issued)
    assert facts.key_pem == issued.key_pem
    assert len(facts.fingerprint) == 64


def test_an_rsa_key_will_do(authority: Authority):
    issued = authority.issue("a.example.com", key=rsa.generate_private_key(65537, 2048))
    assert read_certificate(issued.pem, issued.key_pem, NOW).common_name == "a.example.com"


def test_a_certificate_may_have_signed_itself(authority: Authority):
    own = authority._issue("a.example.com", ("a.example.com",), new_key(), None, 90)
    assert read_certificate(own.pem, own.key_pem, NOW).issuer == "a.example.com"


Bad = Callable[[Authority, Issued], tuple[str, str]]

REFUSED: dict[str, tuple[str, str, Bad]] = {
    "no certificate": ("ca", "no certificate chain in PEM", lambda a, i: ("nonsense", i.key_pem)),
    "no key": ("pri", "no private key in PEM", lambda a, i: (i.pem, "nonsense")),
    "a key in place of the certificate": ("ca", "in PEM", lambda a, i: (i.key_pem, i.key_pem)),
    "too long a chain": ("ca", "at most 10", lambda a, i: (i.pem * 11, i.key_pem)),
    "an endless chain": ("ca", "at most 65536", lambda a, i: (i.pem * 500, i.key_pem)),
    "an encrypted key": ("pri", "passphrase", lambda a, i: (i.pem, key_pem(i.key, b"secret"))),
    "another's key": ("pri", "not the key", lambda a, i: (i.pem, key_pem(new_key()))),
    "the chain upside down": (
        "ca",
        "number 2, put it first",
        lambda a, i: (a.intermediate.pem + i.pem, i.key_pem),
    ),
    "a link left out": ("ca", "did not issue certificate 1", lambda a, i: (i.pem + a.root.pem, i.key_pem)),
}


@pytest.mark.parametrize(("field", "text", "bad"), REFUSED.values(), ids=REFUSED)
def test_what_would_fail_later_is_refused_at_once(
    authority: Authority, issued: Issued, field: str, text: str, bad: Bad
):
    with pytest.raises(BadArgument, match=text) as refused:
        read_certificate(*bad(authority, issued), NOW)
    assert refused.value.field == field
    assert "PRIVATE KEY-----\n" not in str(refused.value)


def refusal_of(issued: Issued) -> BadArgument:
    with pytest.raises(BadArgument) as refused:
        read_certificate(issued.pem, issued.key_pem, NOW)
    return refused.value


def test_its_time_must_be_now(authority: Authority):
    assert "has expired" in str(refusal_of(authority.issue("a.example.com", days=-1, since=-9)))
    assert "not valid before" in str(refusal_of(authority.issue("a.example.com", since=1)))


def test_it_must_name_a_domain_where_players_look(authority: Authority):
    assert "subjectAltName" in str(refusal_of(authority.issue()))


WEAK = [
    rsa.generate_private_key(65537, 1024),  # noqa: S505 - that is what is tested.
    ec.generate_private_key(ec.SECP256K1()),
]


@pytest.mark.parametrize("key", WEAK)
def test_a_weak_key_is_refused(authority: Authority, key: rsa.RSAPrivateKey):
    assert refusal_of(authority.issue("a.example.com", key=key)).field == "pri"


def test_a_key_that_browsers_do_not_know_is_refused(authority: Authority, issued: Issued):
    with pytest.raises(BadArgument, match="not for TLS"):
        read_certificate(issued.pem, key_pem(ed25519.Ed25519PrivateKey.generate()), NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("domain", "covered"),
    [
        ("flv.example.com", True),
        ("a.live.example.com", True),
        ("a.b.live.example.com", False),
        ("live.example.com", False),
        ("example.com", False),
        ("com", False),
    ],
)
def test_a_star_stands_for_one_label(domain: str, covered: bool):
    assert covers(("flv.example.com", "*.live.example.com"), domain) is covered
