#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Looks once at what roles would else ask for one by one: packages, units, repositories."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: box_info
short_description: Look at a box's packages, units and repositories in one go
version_added: "0.1.0"
description:
  - Returns what the roles of this collection decide by, so that a run that changes nothing asks the
    box once instead of once for each package and unit.
  - The role C(switchroom.pbx.common) registers it as C(__common_box), anew whenever it installed packages.
author:
  - The Switchroom developers (@switchroom)
extends_documentation_fragment:
  - switchroom.pbx.box
attributes:
  diff_mode:
    support: none
"""

EXAMPLES = r"""
- name: Look at the box
  switchroom.pbx.box_info:
  register: box

- name: Run what does not run yet
  ansible.builtin.service:
    name: "{{ item }}"
    state: started
    enabled: true
  loop: "{{ ['chronyd.service'] | difference(box.settled) }}"
"""

RETURN = r"""
packages:
  description: The names of all installed packages.
  returned: always
  type: list
  elements: str
  sample: [chrony, switchroom]
enabled:
  description: The services, sockets, timers and paths that a boot starts.
  returned: always
  type: list
  elements: str
  sample: [chronyd.service, dnf-makecache.timer]
settled:
  description: Those of them that are active now.
  returned: always
  type: list
  elements: str
  sample: [chronyd.service]
repositories:
  description: The options of each repository of dnf by the repository's name, as its file has them,
    and C(on), whether it is enabled.
  returned: always
  type: dict
  sample: {"crb": {"on": true, "name": "CRB"}}
"""

import configparser
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

_REPOSITORIES = Path("/etc/yum.repos.d")
_QUERY = ["rpm", "--query", "--all", "--queryformat", "%{NAME}\\n"]
_UNITS = ["--type=service,socket,timer,path", "--plain", "--no-legend", "--no-pager"]
_ENABLED = ["systemctl", "list-unit-files", "--state=enabled", *_UNITS]
_ACTIVE = ["systemctl", "list-units", "--state=active", *_UNITS]
_TRUE = ("1", "true", "yes", "on")  # what dnf takes for it


def first_words(module, command):
    """Run a command on the box and return the first word of each line of its output, sorted."""
    _code, out, _err = module.run_command(command, check_rc=True)
    return sorted({line.split()[0] for line in out.splitlines() if line.strip()})


def repositories(folder):
    """Return all repositories of a folder of .repo files; one that cannot be parsed is dnf's to refuse."""
    found = {}
    for path in sorted(folder.glob("*.repo")):
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read(str(path), encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        for name in parser.sections():
            options = dict(parser[name])
            found[name] = {**options, "on": options.get("enabled", "1").strip().lower() in _TRUE}
    return found


def run(module):
    """Return what there is."""
    enabled, active = first_words(module, _ENABLED), first_words(module, _ACTIVE)
    return {
        "changed": False,
        "packages": first_words(module, _QUERY),
        "enabled": enabled,
        "settled": [unit for unit in active if unit in set(enabled)],
        "repositories": repositories(_REPOSITORIES),
    }


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
