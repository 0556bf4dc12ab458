"""An authority of the tests' own, and the certificates it signs."""

from __future__ import annotations

import datetime
import ssl
from dataclasses import dataclass
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from oxbow.rooms.live.certificates.served import Certificate

DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Authority:
    """Signs for any name; clients that trust `pem` trust what it signs."""

    name: str = "Test authority"

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    @cached_property
    def _certificate(self) -> x509.Certificate:
        return self._sign(self.name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    @cached_property
    def pem(self) -> str:
        return self._certificate.public_bytes(PEM).decode()

    def issue(self, *domains: str) -> Certificate:
        """A new certificate with a new key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(domain) for domain in domains])
        signed = self._sign(domains[0][:64], key.public_key(), names)
        private = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        fingerprint = signed.fingerprint(hashes.SHA256()).hex()
        return Certificate(signed.public_bytes(PEM).decode(), private, fingerprint)

    def client_context(self) -> ssl.SSLContext:
        """A client that trusts nobody else."""
        return ssl.create_default_context(cadata=self.pem)

    def _sign(
        self, subject: str, key: ec.EllipticCurvePublicKey, extension: x509.ExtensionType
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(self.name))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + 30 * DAY)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
