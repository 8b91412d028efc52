"""Signed package repositories: channels, atomic publishing, the promotion gate and its records, verification.

Others use :func:`publish`, :func:`promote`, :func:`open_repo` and :func:`export_media`.
"""

from __future__ import annotations

from switchroom.build.repo.export import export_media
from switchroom.build.repo.gate import set_policy
from switchroom.build.repo.layout import STABLE, TESTING, open_repo
from switchroom.build.repo.promote import promote
from switchroom.build.repo.publish import publish
from switchroom.build.repo.qa import record
from switchroom.build.repo.renew import Renewed, renew
from switchroom.build.repo.rollback import rollback
from switchroom.build.repo.status import status
from switchroom.build.repo.verify import verify

__all__ = [
    "STABLE",
    "TESTING",
    "Renewed",
    "export_media",
    "open_repo",
    "promote",
    "publish",
    "record",
    "renew",
    "rollback",
    "set_policy",
    "status",
    "verify",
]
