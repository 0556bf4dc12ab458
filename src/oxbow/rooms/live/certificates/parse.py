"""Reading a certificate and its key as somebody hands them in: pure, and strict about what would fail later.

A certificate that no player accepts is better refused when it is uploaded than by viewers later. The names of
fields are those of the upload call, https://developer.qiniu.com/fusion/8593/interface-related-certificate.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from oxbow.rooms.live.errors import BadArgument

MAX_PEM = 64 * 1024
MAX_CHAIN = 10
MIN_RSA_BITS = 2048
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
WEAK_HASHES = (hashes.MD5, hashes.SHA1)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Facts:
    """What a certificate says, and its two files in one spelling."""

    common_name: str
    """Of the subject; else the first name it is for."""
    dns_names: tuple[str, ...]
    """In lower case; `*.example.com` is for one label in the star's place."""
    not_before: int
    not_after: int
    issuer: str
    fingerprint: str
    """SHA-256 in hexadecimal."""
    chain_pem: str
    key_pem: str


def read_certificate(chain_pem: str, key_pem: str, now: float) -> Facts:
    """Check a chain, the domain's certificate first, and its key at `now` (Unix seconds).

    BadArgument names `ca` for the chain or `pri` for the key.
    """
    chain, key = _read_chain(chain_pem), _read_key(key_pem)
    leaf = chain[0]
    _check_belongs(chain, key)
    _check_order(chain)
    _check_time(leaf, now)
    _check_strength(leaf)
    names = _dns_names(leaf)
    return Facts(
        common_name=_common_name(leaf.subject) or names[0],
        dns_names=names,
        not_before=int(leaf.not_valid_before_utc.timestamp()),
        not_after=int(leaf.not_valid_after_utc.timestamp()),
        issuer=_common_name(leaf.issuer) or leaf.issuer.rfc4514_string(),
        fingerprint=leaf.fingerprint(hashes.SHA256()).hex(),
        chain_pem="".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in chain),
        key_pem=write_key(key),
    )


def write_key(key: PrivateKey) -> str:
    """A private key in PEM, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def covers(names: tuple[str, ...], domain: str) -> bool:
    """Whether one of a certificate's names is for the domain; a star stands for exactly one label."""
    parent = domain.partition(".")[2]
    return domain in names or (bool(parent) and f"*.{parent}" in names)


def _read_chain(pem: str) -> list[x509.Certificate]:
    if len(pem) > MAX_PEM:
        raise BadArgument("ca", f"has at most {MAX_PEM} characters")
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        text = (
            "is no certificate chain in PEM: '-----BEGIN CERTIFICATE-----' and so on, the domain's own first"
        )
        raise BadArgument("ca", text) from None
    if len(chain) > MAX_CHAIN:
        raise BadArgument("ca", f"has at most {MAX_CHAIN} certificates")
    return chain


def _read_key(pem: str) -> PrivateKey:
    if len(pem) > MAX_PEM:
        raise BadArgument("pri", f"has at most {MAX_PEM} characters")
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except TypeError:
        raise BadArgument("pri", "is encrypted: take its passphrase off first") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadArgument(
            "pri", "is no private key in PEM: '-----BEGIN PRIVATE KEY-----' and so on"
        ) from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, CURVES):
        return key
    takes = f"takes RSA of at least {MIN_RSA_BITS} bits, or ECDSA on P-256, P-384 or P-521"
    raise BadArgument("pri", f"is too weak, or not for TLS: {takes}")


def _check_belongs(chain: list[x509.Certificate], key: PrivateKey) -> None:
    owners = [number for number, one in enumerate(chain, 1) if one.public_key() == key.public_key()]
    if not owners:
        raise BadArgument("pri", "is not the key of the first certificate of ca")
    if owners[0] != 1:
        raise BadArgument(
            "ca", f"is in the wrong order: the key's certificate is number {owners[0]}, put it first"
        )


def _check_order(chain: list[x509.Certificate]) -> None:
    for number, (one, issuer) in enumerate(itertools.pairwise(chain), 1):
        try:
            one.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            text = f"is in the wrong order: certificate {number + 1} did not issue certificate {number}"
            raise BadArgument("ca", text) from None


def _check_time(leaf: x509.Certificate, now: float) -> None:
    if leaf.not_valid_after_utc.timestamp() <= now:
        raise BadArgument("ca", f"has expired, on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if leaf.not_valid_before_utc.timestamp() > now:
        raise BadArgument("ca", f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")


def _check_strength(leaf: x509.Certificate) -> None:
    if isinstance(leaf.signature_hash_algorithm, WEAK_HASHES):
        name = leaf.signature_hash_algorithm.name.upper()
        raise BadArgument("ca", f"is signed with {name}, which players do not accept any more")


def _dns_names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    else:
        names = [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]
    if not names:
        raise BadArgument("ca", "names no domain in subjectAltName, the only place where players look")
    return tuple(names)


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else ""
