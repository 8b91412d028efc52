"""The list of what a medium carries (SBOM), as an SPDX 2.3 document in JSON.

Source: https://spdx.github.io/spdx-spec/v2.3/. Licences stand as the packages' headers have them: those of
Enterprise Linux mix SPDX's names with older ones, so they are given as text that was found, not as a
declaration in SPDX's terms.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
import uuid
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple
from urllib.parse import quote

import createrepo_c as cr

import switchroom
from switchroom.build.iso.base import Base

PATH = "switchroom/sbom.spdx.json"
_NONE = "NOASSERTION"


def document(
    base: Base,
    identity: Tuple[str, int],
    packages: Mapping[str, Sequence[Any]],
    boot: Mapping[str, str],
    base_sha256: str,
) -> bytes:
    """Return the document of a medium with ``identity`` (volume id, date).

    ``packages`` maps a repository's folder on the medium to createrepo_c's records, ``boot`` files that are
    started to their SHA-256.
    """
    volume_id, epoch = identity
    root = _item("medium", volume_id, str(epoch), "INSTALL", "")
    system = _item("base", base.family, base.version, "OPERATING-SYSTEM", base_sha256)
    programs = [_item(f"boot-{name}", name, "", "FILE", digest) for name, digest in sorted(boot.items())]
    rpms = [_rpm(folder, one) for folder, records in sorted(packages.items()) for one in records]
    items = [root, system, *programs, *rpms]
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    names = [item["SPDXID"] for item in items]
    seed = hashlib.sha256(json.dumps(items).encode()).hexdigest()
    data = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": volume_id,
        "documentNamespace": uuid.uuid5(uuid.NAMESPACE_OID, seed).urn,
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": [f"Tool: switchroom-{switchroom.__version__}"],
        },
        "packages": items,
        "relationships": [
            _related("SPDXRef-DOCUMENT", "DESCRIBES", names[0]),
            *(_related(names[0], "CONTAINS", name) for name in names[1:]),
        ],
    }
    return (json.dumps(data, indent=1) + "\n").encode()


def _item(key: str, name: str, version: str, purpose: str, digest: str) -> Dict[str, Any]:
    item: Dict[str, Any] = {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", key),
        "name": name,
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "licenseConcluded": _NONE,
        "licenseDeclared": _NONE,
        "copyrightText": _NONE,
        "primaryPackagePurpose": purpose,
    }
    if version:
        item["versionInfo"] = version
    if digest:
        item["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    return item


def _rpm(folder: str, one: Any) -> Dict[str, Any]:
    key = hashlib.sha256(f"{folder}/{one.location_href}".encode()).hexdigest()[:16]
    item = _item(f"rpm-{one.name}-{key}", one.name, f"{one.version}-{one.release}", "INSTALL", "")
    item["checksums"] = [{"algorithm": one.checksum_type.upper(), "checksumValue": one.pkgId}]
    item["packageFileName"] = f"{folder}/{one.location_href}"
    item["licenseComments"] = f"The package's header says: {one.rpm_license}"
    epoch = f"&epoch={one.epoch}" if one.epoch not in (None, "", "0") else ""
    locator = f"pkg:rpm/{quote(one.name)}@{one.version}-{quote(one.release)}?arch={one.arch}{epoch}"
    item["externalRefs"] = [
        {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}
    ]
    return item


def _related(one: str, how: str, other: str) -> Dict[str, str]:
    return {"spdxElementId": one, "relationshipType": how, "relatedSpdxElement": other}


def records(repository: Path) -> List[Any]:
    """Return the records of the packages in a folder's ``repodata``, in the order of their places.

    They have no files and no changes: only the primary metadata is read.
    """
    found: List[Any] = []
    repomd = cr.Repomd(str(repository / "repodata" / "repomd.xml"))
    (primary,) = (one.location_href for one in repomd.records if one.type == "primary")
    cr.xml_parse_primary(str(repository / primary), pkgcb=found.append, do_files=False)
    return sorted(found, key=lambda one: str(one.location_href))
