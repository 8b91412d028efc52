# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is wrong with a certificate, before it goes to a box."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: certificate_faults
short_description: What is wrong with a certificate, its chain and its key
version_added: "0.1.0"
description:
  - Judges a certificate on the controller, before it goes to a box. Whether somebody trusts its issuer is
    not asked.
author:
  - The Switchroom developers (@switchroom)
options:
  _input:
    description: The certificate and its intermediates in PEM.
    type: str
    required: true
  key:
    description: Its private key, or the public half of it, in PEM.
    type: str
    required: true
  names:
    description: The names that it must be for.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: The certificate can be used
  ansible.builtin.assert:
    that: chain | switchroom.pbx.certificate_faults(key=key, names=['pbx.example.org']) | length == 0
"""

RETURN = r"""
_value:
  description: The faults, as words that continue a sentence; empty where there are none.
  type: list
  elements: str
"""

import datetime
import re
from typing import Any, Callable, Dict, List, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import serialization

_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_PUBLIC = "-----BEGIN PUBLIC KEY-----"


def certificate_faults(chain: str, key: str, names: Sequence[str] = ()) -> List[str]:
    """Return what is wrong with a certificate and its intermediates in PEM, with its key, for some names."""
    try:
        certificates = [x509.load_pem_x509_certificate(text.encode()) for text in _CERTIFICATE.findall(chain)]
    except ValueError:
        return ["it holds a certificate that cannot be read"]
    if not certificates:
        return ["it holds no certificate in PEM"]
    return [
        *(fault for certificate in certificates for fault in _time_faults(certificate)),
        *_order_faults(certificates),
        *_key_faults(certificates[0], key),
        *_name_faults(certificates[0], names),
    ]


def _title(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "without a subject"


def _time_faults(certificate: x509.Certificate) -> List[str]:
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = _moment(certificate, "not_valid_before"), _moment(certificate, "not_valid_after")
    if end < now:
        return [f"the certificate {_title(certificate)} ended on {end.date()}"]
    if begin > now:
        return [f"the certificate {_title(certificate)} begins on {begin.date()} only"]
    return []


def _moment(certificate: x509.Certificate, name: str) -> datetime.datetime:
    # Newer releases of cryptography have it with its zone; EL9's has only the other.
    known: datetime.datetime = getattr(certificate, f"{name}_utc", None) or getattr(certificate, name)
    return known.replace(tzinfo=datetime.timezone.utc)


def _order_faults(certificates: Sequence[x509.Certificate]) -> List[str]:
    return [
        f"the chain is out of order: after {_title(one)} comes {_title(other)}, which is not its issuer"
        for one, other in zip(certificates, certificates[1:])
        if one.issuer != other.subject
    ]


def _key_faults(certificate: x509.Certificate, key: str) -> List[str]:
    data = key.encode()
    try:
        public = (
            serialization.load_pem_public_key(data)
            if _PUBLIC in key
            else serialization.load_pem_private_key(data, None).public_key()
        )
    except TypeError:
        return ["the key has a passphrase"]
    except ValueError:
        return ["the key cannot be read, or has a passphrase"]
    return [] if _bytes(public) == _bytes(certificate.public_key()) else ["the key is not the certificate's"]


def _bytes(key: Any) -> bytes:
    shape = serialization.PublicFormat.SubjectPublicKeyInfo
    data: bytes = key.public_bytes(serialization.Encoding.DER, shape)
    return data


def _name_faults(certificate: x509.Certificate, names: Sequence[str]) -> List[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ["the certificate has no subject alternative names"]
    known = [name.lower() for name in found.get_values_for_type(x509.DNSName)]
    missing = [name for name in names if not _covered(name.lower(), known)]
    said = f"the certificate is for {', '.join(known)}, not for {', '.join(missing)}"
    return [said] if missing else []


def _covered(name: str, known: Sequence[str]) -> bool:
    return name in known or "*." + name.partition(".")[2] in known


class FilterModule:
    """Ansible's door to the filter."""

    def filters(self) -> Dict[str, Callable[..., List[str]]]:
        """Return the filter by its name."""
        return {"certificate_faults": certificate_faults}
