"""What the scenario ``base`` needs around a box: a mail relay's name and CA, and updates to come.

As a program: python -m support.base_box BOX FOLDER
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Sequence

from lab import network, registry
from lab.boxes import Box
from support import advisories, relay

_REPOSITORY = """\
[lab-advisories]
name=Updates to come
baseurl=file:///srv/advisories
gpgcheck=0
"""


def main(words: Sequence[str]) -> int:
    """Prepare the box; what the tests need of it afterwards is in the folder."""
    box, folder = Box(registry.find(words[0])), Path(words[1])
    folder.mkdir(exist_ok=True)
    authority = relay.certify(folder)
    shutil.copyfile(authority, box.root / "etc/pki/lab-ca.pem")
    with (box.root / "etc/hosts").open("a") as hosts:
        hosts.write(f"{network.HOST} {relay.NAME}\n")
    newer = os.environ["LAB_BROKEN"]
    advisories.publish(
        box.root / "srv/advisories", [(f"asterisk{newer.split('.')[0]}", newer, "1.lab", "noarch")]
    )
    (box.root / "etc/yum.repos.d/lab-advisories.repo").write_text(_REPOSITORY)
    box.run("dnf", "--assumeyes", "install", f"{advisories.FIX}-1.0", f"{advisories.FEATURE}-1.0")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
