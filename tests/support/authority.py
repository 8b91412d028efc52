"""A certificate authority for tests: roots, intermediates and what they sign.

As a program, ``python -m support.authority FOLDER NAME,NAME... ...``: writes root.pem, and for each group of
names a chain and a key, called after the first one. A folder that has a root already is left alone.
"""

from __future__ import annotations

import datetime
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_PEM = serialization.Encoding.PEM


def days(count: int) -> datetime.datetime:
    """Return the moment so many days from now."""
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=count)


@dataclass(frozen=True)
class Pair:
    """A certificate and its private key."""

    signed: x509.Certificate
    private: ec.EllipticCurvePrivateKey

    @property
    def certificate(self) -> str:
        """The certificate in PEM."""
        return self.signed.public_bytes(_PEM).decode()

    @property
    def key(self) -> str:
        """The private key in PEM, without a passphrase."""
        return self._written(serialization.NoEncryption())

    @property
    def public(self) -> str:
        """The key's public half in PEM."""
        shape = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(_PEM, shape).decode()

    def sealed(self, passphrase: str) -> str:
        """Return the private key in PEM, under a passphrase."""
        return self._written(serialization.BestAvailableEncryption(passphrase.encode()))

    def _written(self, how: serialization.KeySerializationEncryption) -> str:
        return self.private.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, how).decode()


class Authority:
    """One that signs, itself signed by ``issuer`` or by itself."""

    def __init__(self, name: str, issuer: Optional[Authority] = None) -> None:
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        above = issuer or self
        builder = above._draft(self.name, self._key, days(-1), days(365))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.certificate = Pair(builder.sign(above._key, hashes.SHA256()), self._key).certificate

    def issue(
        self,
        *names: str,
        begin: Optional[datetime.datetime] = None,
        end: Optional[datetime.datetime] = None,
    ) -> Pair:
        """Return a new certificate for DNS names, valid from yesterday for three months unless told."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
        builder = self._draft(subject, key, begin or days(-1), end or days(90))
        wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        signed = builder.add_extension(wanted, critical=False).sign(self._key, hashes.SHA256())
        return Pair(signed, key)

    def _draft(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        begin: datetime.datetime,
        end: datetime.datetime,
    ) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(
            issuer_name=self.name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=begin,
            not_valid_after=end,
        )


def write(folder: Path, groups: Sequence[Sequence[str]]) -> None:
    """Write a root, and for each group of names a certificate with its intermediate, and its key."""
    root = Authority("Lab Root")
    middle = Authority("Lab Intermediate", root)
    folder.mkdir(parents=True, exist_ok=True)
    for names in groups:
        pair = middle.issue(*names)
        (folder / f"{names[0]}.chain.pem").write_text(pair.certificate + middle.certificate)
        (folder / f"{names[0]}.key.pem").write_text(pair.key)
    (folder / "root.pem").write_text(root.certificate)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    if not (place / "root.pem").exists():
        write(place, [group.split(",") for group in sys.argv[2:]])
