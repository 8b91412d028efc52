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

import json
import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

_ARGUMENTS: dict[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "version": {"type": "str", "required": True},
    "stream": {"type": "str"},
    "prefix": {"type": "str"},
    "packages": {"type": "list", "elements": "str", "required": True},
    "others": {"type": "list", "elements": "str", "default": []},
    "allow_change": {"type": "bool", "default": False},
}
_DRIVER = "_driver"  # the tool's dnf driver, which the action brings along: a bare box has no tool yet
_PYTHONS = ("/usr/libexec/platform-python", "/usr/bin/python3")
_LOCK_SECONDS, _POLL_SECONDS = 60.0, 1.0  # dnf-makecache.timer holds a lock for some seconds, at any time


def ask(module: AnsibleModule) -> dict[str, t.Any]:
    """Have the driver carry out the request, and return its last event; ends the module where it has none."""
    python = next((name for name in _PYTHONS if os.access(name, os.X_OK)), _PYTHONS[-1])
    request = {name: module.params[name] for name in _ARGUMENTS}
    request.update(command="stream", dry_run=module.check_mode, history="switchroom.pbx.dnf_stream")
    command = [python, "-I", "-B", module.params[_DRIVER]]
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        settings = {"LC_ALL": "C.UTF-8"}
        code, out, err = module.run_command(command, data=json.dumps(request), environ_update=settings)
        last = last_event(out)
        if last.get("code") != "locked" or time.monotonic() >= deadline:
            break
        time.sleep(_POLL_SECONDS)
    if not last:
        module.fail_json(msg=f"dnf gave no answer. {missing(err)}".strip(), rc=code, stderr=err)
    return last


def last_event(out: str) -> dict[str, t.Any]:
    """Return the driver's last line, nothing where it ended without one."""
    events = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return events[-1] if events and events[-1]["event"] in ("result", "error") else {}


def missing(err: str) -> str:
    """Return what to say of a box without dnf's modules."""
    if "ModuleNotFoundError: No module named 'dnf'" in err:
        return "The box has no dnf 4 with its Python modules (package python3-dnf)."
    return ""


def main() -> None:
    """Run the module."""
    arguments = {**_ARGUMENTS, _DRIVER: {"type": "path", "required": True}}
    module = AnsibleModule(argument_spec=arguments, supports_check_mode=True)
    last = ask(module)
    if last["event"] == "result":
        module.exit_json(**last["value"])
    what = f"{module.params['name']} {module.params['version']}"
    said = [f"{what} cannot be had: {last['message']}", last["cause"], last["hint"]]
    module.fail_json(msg="\n".join(line.strip() for line in said if line))


if __name__ == "__main__":
    main()
