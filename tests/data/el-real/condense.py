"""Makes this folder's data from the inspected images of github.com/osbuild/manifest-db, see README.md.

    python tests/data/el-real/condense.py FOLDER

FOLDER holds the images' descriptions, one JSON file each, as they are called there
(``centos_9-x86_64-ami-empty.json``).
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, List, Sequence

HERE = Path(__file__).parent
_MAJORS = {"9": r"(centos_9|rhel_9\.\d)-", "10": r"(centos_10|rhel_10\.\d)-"}
_CONTAINER = "-tar-"  # a base without a kernel or services, no machine

Image = Dict[str, Any]


def main(folder: Path) -> None:
    """Write one file of systems and, for each major, lists of packages."""
    systems = {}
    for major, pattern in _MAJORS.items():
        images = {
            path.name.replace("-x86_64", "").replace("-empty.json", ""): json.loads(path.read_text())
            for path in sorted(folder.glob("*.json"))
            if re.match(pattern, path.name) and _CONTAINER not in path.name
        }
        machines = list(images.values())
        systems[major] = _system(images)
        _write(f"packages-el{major}.tsv", f"machines of EL {major}", images, _shares(machines, _installed))
        installers = {name: one for name, one in images.items() if "anaconda-tree" in one["manifest-rpms"]}
        if installers:
            shares = _shares(list(installers.values()), _runtime)
            _write(f"installer-el{major}.tsv", f"installers of EL {major}", installers, shares)
    (HERE / "systems.json").write_text(json.dumps(systems, indent=1) + "\n")


def _installed(image: Image) -> List[str]:
    return [nevra.rsplit("-", 2)[0] for nevra in image["packages"]]


def _runtime(image: Image) -> List[str]:
    return [url.rpartition("/")[2].rsplit("-", 2)[0] for url in image["manifest-rpms"]["anaconda-tree"]]


def _shares(images: Sequence[Image], take: Callable[[Image], Iterable[str]]) -> Dict[str, str]:
    """Return each name that is in an image, with ``all`` or how many images have it."""
    count = Counter(name for image in images for name in set(take(image)))
    return {name: "all" if count[name] == len(images) else str(count[name]) for name in sorted(count)}


def _write(name: str, what: str, images: Iterable[str], shares: Dict[str, str]) -> None:
    head = f"# Packages of {what}: name, and how many of these images have it: {' '.join(images)}\n"
    rows = "".join(f"{package}\t{share}\n" for package, share in shares.items())
    (HERE / name).write_text(head + rows)


def _system(images: Dict[str, Image]) -> Dict[str, Any]:
    machines = list(images.values())
    told: Dict[str, Any] = {"images": list(images)}
    for key in ("services-enabled", "services-disabled"):
        shares = _shares(machines, lambda image: image[key])  # noqa: B023
        told[key] = {"all": [n for n, s in shares.items() if s == "all"]}
        told[key]["some"] = [n for n, s in shares.items() if s != "all"]
    for key in ("passwd", "groups"):
        shares = _shares(machines, lambda image: image[key])  # noqa: B023
        told[key] = [line for line, share in shares.items() if share == "all"]
    told["dnf.conf"] = _each(machines, lambda image: image["dnf"]["dnf.conf"]["main"])
    told["sshd"] = _each(machines, lambda image: image["sshd_config"])
    told["firewall"] = _each(machines, lambda image: image.get("firewall-enabled"))
    return told


def _each(images: Sequence[Image], take: Callable[[Image], Any]) -> List[Any]:
    """Return the different answers of the images, the most frequent first."""
    count = Counter(json.dumps(take(image), sort_keys=True) for image in images)
    count.pop("null", None)
    return [json.loads(text) for text, _ in count.most_common()]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
