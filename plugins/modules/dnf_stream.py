#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Has a runtime installed at one version, as a module stream or as packages named after it."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dnf_stream
short_description: Have a runtime installed at one version, and move it to another one in one transaction
version_added: "0.1.0"
description:
  - On EL9 versions of PHP, Node.js and MariaDB are streams of a module or the ordinary packages, on EL10
    they are packages of different names. This module puts a box on one of them.
  - Stream and packages change in one dnf transaction, downgrades included. It begins only when every
    signature was checked, and when nothing of another name would have to go.
  - A change that was killed is completed by the next run, and every package that was under way is
    installed again, because scriptlets may not have run.
  - An installed runtime of the wanted version stays as it is; updates are not its business.
author:
  - The Switchroom developers (@switchroom)
options:
  name:
    description:
      - The runtime, for example V(php). Its packages are those of this name, or of the name with a version
        at its end (V(php8.4)), alone or followed by a hyphen and more. It is the module's name too.
    type: str
    required: true
  version:
    description:
      - The version to have, for example V(8.2), of which 8.2.30 is one.
    type: str
    required: true
  stream:
    description:
      - The stream to enable. Empty means none, so that the ordinary packages are in sight. If not given,
        modules are left alone.
    type: str
  prefix:
    description:
      - What the names of the version's packages begin with, for example V(php8.4). O(name) if not given.
    type: str
  packages:
    description:
      - The packages to have. The first one's version is the runtime's.
    type: list
    elements: str
    required: true
  others:
    description:
      - Packages of other names that belong to the runtime and move along.
    type: list
    elements: str
    default: []
  allow_change:
    description:
      - Whether a runtime that is installed may be moved to another version.
      - Where it may not, the task fails and nothing is changed.
    type: bool
    default: false
extends_documentation_fragment:
  - switchroom.pbx.box
attributes:
  check_mode:
    details: The transaction is solved; nothing is downloaded.
requirements:
  - dnf 4 with its Python modules on the box
"""

EXAMPLES = r"""
- name: Have PHP 8.2 on EL9
  switchroom.pbx.dnf_stream:
    name: php
    version: "8.2"
    stream: "8.2"
    packages: [php-common, php-cli, php-fpm]

- name: Move to PHP 8.4 on EL10
  switchroom.pbx.dnf_stream:
    name: php
    version: "8.4"
    prefix: php8.4
    packages: [php8.4-common, php8.4-cli, php8.4-fpm]
    allow_change: true
"""

RETURN = r"""
before:
  description: The version that was installed, empty where none was.
  returned: always
  type: str
  sample: 8.0.30
stream:
  description: The stream that was enabled, empty where none was.
  returned: always
  type: str
settled:
  description: Whether all was as wanted already.
  returned: always
  type: bool
moving:
  description: Whether an installed runtime is moved to another version, which O(allow_change) must permit.
  returned: always
  type: bool
cut:
  description: Whether an earlier change had been killed and is completed.
  returned: always
  type: bool
installed:
  description: The packages that come, with version.
  returned: always
  type: list
  elements: str
removed:
  description: The packages that go and have no successor of their name.
  returned: always
  type: list
  elements: str
needed_by:
  description: Installed packages of other names that need the runtime.
  returned: always
  type: list
  elements: str
download_bytes:
  description: What is to be downloaded.
  returned: always
  type: int
install_bytes:
  description: What the packages take when they are installed.
  returned: always
  type: int
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.respawn import has_respawned, probe_interpreters_for_module, respawn_module
from ansible_collections.switchroom.pbx.plugins.module_utils import transaction
from ansible_collections.switchroom.pbx.plugins.module_utils.streams import (
    Names,
    Record,
    belongs_to,
    enabled_stream,
)

_ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "stream": {"type": "str"},
    "prefix": {"type": "str"},
    "packages": {"type": "list", "elements": "str", "required": True},
    "others": {"type": "list", "elements": "str", "default": []},
    "allow_change": {"type": "bool", "default": False},
}
_PYTHONS = ("/usr/libexec/platform-python", "/usr/bin/python3")
_NOTHING = {"installed": [], "removed": [], "needed_by": [], "download_bytes": 0, "install_bytes": 0}


class RefusedError(Exception):
    """The change cannot be, or may not be; nothing was changed."""


class Runtime:
    """A runtime on this box, and what is wanted of it."""

    def __init__(self, wanted: dict[str, t.Any]) -> None:
        self.wanted = wanted
        self.names = Names(wanted["name"], wanted["prefix"] or wanted["name"], wanted["others"])
        self.record = Record(wanted["name"])
        self.under_way = self.record.read()
        self.look()

    def look(self) -> None:
        """See what is installed and enabled."""
        self.enabled = enabled_stream(self.wanted["name"])
        self.packages = sorted(p for p in transaction.installed() if self.names.belongs(p.name))
        first = self.wanted["packages"][0]
        of_first = [package for package in self.packages if self.names.counterpart(package.name) == first]
        self.version = of_first[-1].version if of_first else ""
        self.fits = belongs_to(self.version, self.wanted["version"]) and of_first[-1].name == first

    @property
    def torn(self) -> bool:
        """Whether an earlier change was killed: it is on record, or two builds of a package are there."""
        names = [package.name for package in self.packages]
        return self.under_way is not None or len(names) != len(set(names))

    @property
    def moving(self) -> bool:
        """Whether there is a runtime, and of another version."""
        return bool(self.version) and not self.fits

    @property
    def settled(self) -> bool:
        """Whether all is as wanted."""
        missing = set(self.wanted["packages"]) - {package.name for package in self.packages}
        return not (self.torn or missing) and self.fits and self.wanted["stream"] in (None, self.enabled)

    def solve(self) -> t.Any:
        """Return a base with the solved transaction that makes it as wanted; raises RefusedError."""
        base = transaction.opened()
        if self.wanted["stream"] is not None:
            transaction.enable(base, self.wanted["name"], self.enabled, self.wanted["stream"])
        shift = self.moving or self.torn
        if shift:
            transaction.move(base, self.names, {package.name for package in self.packages})
        transaction.bring(base, self.wanted["packages"])
        base.resolve(allow_erasing=shift)
        self._check(base)
        return base

    def _check(self, base: t.Any) -> None:
        foreign = [str(p) for p in transaction.leaving(base) if not self.names.belongs(p.name)]
        if foreign:
            raise RefusedError(f"{', '.join(foreign)} would have to go for it. Remove them first, or stay.")
        first = self.wanted["packages"][0]
        found = [p.version for p in transaction.remaining(base) if p.name == first]
        if not any(belongs_to(version, self.wanted["version"]) for version in found):
            raise RefusedError(f"The enabled repositories have '{first}' {', '.join(found)} only.")

    def change(self, base: t.Any) -> None:
        """Carry the transaction out; what was cut short is installed again."""
        coming = [package.name for package in transaction.arriving(base)]
        under_way = {*coming, *(self.under_way or ())}
        transaction.carry_out(base, lambda: self.record.write(under_way))
        if self.torn:
            self._repeat(under_way)
        self.record.remove()
        self.under_way = None
        self.look()
        if not self.settled:
            raise RefusedError(
                "The transaction ended, and not all packages are as they should be; see 'dnf check'."
            )

    def _repeat(self, under_way: set[str]) -> None:
        base = transaction.opened()
        own = {package.name for package in transaction.installed() if self.names.belongs(package.name)}
        transaction.repeat(base, own | under_way)
        base.resolve()
        transaction.carry_out(base, lambda: None)


def state(runtime: Runtime, stream: str, packages: t.Iterable[t.Any]) -> str:
    """Return a state of the runtime for the diff."""
    module = [f"stream {runtime.wanted['name']}:{stream}"] if stream else []
    return "".join(f"{line}\n" for line in [*module, *sorted({str(package) for package in packages})])


def forecast(runtime: Runtime, base: t.Any) -> dict[str, t.Any]:
    """Return what a solved transaction would change."""
    coming, going = transaction.arriving(base), transaction.leaving(base)
    return {
        "installed": [str(package) for package in coming],
        "removed": [str(package) for package in going],
        "needed_by": transaction.needed_by(base, runtime.names),
        "download_bytes": sum(package.downloadsize for package in coming),
        "install_bytes": sum(package.installsize for package in coming),
    }


def expected(runtime: Runtime, base: t.Any) -> str:
    """Return the state after a solved transaction for the diff."""
    stream = runtime.enabled if runtime.wanted["stream"] is None else runtime.wanted["stream"]
    return state(runtime, stream, [p for p in transaction.remaining(base) if runtime.names.belongs(p.name)])


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Make it as wanted, or in check mode see what would be done, and return the result."""
    runtime = Runtime(module.params)
    result = {
        "before": runtime.version,
        "stream": runtime.enabled,
        "settled": runtime.settled,
        "moving": runtime.moving,
        "cut": runtime.torn,
        "changed": not runtime.settled,
        **_NOTHING,
    }
    if runtime.settled:
        return result
    base = runtime.solve()
    before = state(runtime, runtime.enabled, runtime.packages)
    diff = {"before": before, "after": expected(runtime, base)}
    result = {**result, **forecast(runtime, base), "diff": diff}
    if runtime.moving and not runtime.torn and not module.params["allow_change"]:
        raise RefusedError(
            f"{runtime.version} is installed, and 'allow_change' does not permit another version."
        )
    if not module.check_mode:
        runtime.change(base)
    return result


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    if not transaction.available():
        _respawn(module)
    what = f"{module.params['name']} {module.params['version']}"
    try:
        module.exit_json(**run(module))
    except (RefusedError, *transaction.errors()) as error:
        module.fail_json(msg=f"{what} cannot be had: {str(error).strip()}")


def _respawn(module: AnsibleModule) -> None:
    python = None if has_respawned() else probe_interpreters_for_module(_PYTHONS, "dnf")
    if python is None:
        module.fail_json(msg="The box has no dnf 4 with its Python modules (package python3-dnf).")
    respawn_module(python)


if __name__ == "__main__":
    main()
