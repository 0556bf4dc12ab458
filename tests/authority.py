"""A certificate authority of a test's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


def key_pem(key: Key, passphrase: bytes = b"") -> str:
    """A private key in PEM."""
    encryption = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Key

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return key_pem(self.key)


class Authority:
    """Issues certificates, by a root through an intermediate. `now` is Unix seconds."""

    def __init__(self, now: float) -> None:
        self.now = datetime.fromtimestamp(now, UTC)
        self.root = self._issue("Test Root", [], new_key(), None, 3650, is_ca=True)
        self.intermediate = self._issue("Test Intermediate", [], new_key(), self.root, 3650, is_ca=True)

    def issue(self, *names: str, days: int = 90, key: Key | None = None, since: int = -1) -> Issued:
        """A certificate for `names` that began `since` days from now and lasts `days` more."""
        return self._issue(
            names[0] if names else "nobody", names, key or new_key(), self.intermediate, days, since
        )

    def chain(self, issued: Issued) -> str:
        """The certificate and the intermediate, as a server shows them."""
        return issued.pem + self.intermediate.pem

    def _issue(
        self,
        subject: str,
        names: tuple[str, ...] | list[str],
        key: Key,
        issuer: Issued | None,
        days: int,
        since: int = -1,
        *,
        is_ca: bool = False,
    ) -> Issued:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer.certificate.subject if issuer else name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + timedelta(days=since))
            .not_valid_after(self.now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        )
        if names:
            alternative = x509.SubjectAlternativeName([x509.DNSName(each) for each in names])
            builder = builder.add_extension(alternative, critical=False)
        return Issued(builder.sign((issuer.key if issuer else key), hashes.SHA256()), key)
