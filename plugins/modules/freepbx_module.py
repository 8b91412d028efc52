#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Has modules of FreePBX installed and enabled, and looks whether they are."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: freepbx_module
short_description: Have modules of FreePBX installed and enabled, and look whether they are
version_added: "0.1.0"
description:
  - Uses C(fwconsole ma) on the box. Its exit code says nothing, so the list of modules is read before
    and after.
  - A module that lies on the box is installed or enabled; one that does not is downloaded from FreePBX's
    mirror, which needs a network. FreePBX checks its signature.
  - Modules that are not named are left alone, and no enabled module is upgraded.
author:
  - The Switchroom developers (@switchroom)
options:
  names:
    description:
      - The modules' raw names, in the order in which they are to be installed.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - switchroom.pbx.box
requirements:
  - FreePBX on the box
"""

EXAMPLES = r"""
- name: Have the process manager and the API
  switchroom.pbx.freepbx_module:
    names: [pm2, api]
"""

RETURN = r"""
actions:
  description: What C(fwconsole ma) was, or in check mode would be, asked to do, by the module's name.
  returned: always
  type: dict
  sample: {"api": "downloadinstall"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.freepbx import fwconsole, modules

_ARGUMENTS = {"names": {"type": "list", "elements": "str", "required": True}}
_NOWHERE = "not on the box"


def enabled(status):
    """Return whether a status, for example ``Enabled and up to date``, is that of a running module."""
    return status.startswith("Enabled")


def action(status):
    """Return what ``fwconsole ma`` is asked to do about a module that is not enabled."""
    if status.startswith("Not Installed") or "Pending upgrade" in status:
        return "install"
    return "enable" if status.startswith("Disabled") else "downloadinstall"


def act(module, actions):
    """Do what is to be done; ends the module where a module is not enabled by it."""
    for name, verb in actions.items():
        said = fwconsole(module, "ma", verb, name)
        status = modules(module).get(name, _NOWHERE)
        if not enabled(status):
            tried = f"after 'fwconsole ma {verb}': {said.strip()[-2000:]}"
            module.fail_json(msg=f"FreePBX's module '{name}' is '{status}' {tried}")


def run(module):
    """Do what is missing and return the result."""
    known = modules(module)
    status = {name: known.get(name, _NOWHERE) for name in module.params["names"]}
    actions = {name: action(state) for name, state in status.items() if not enabled(state)}
    if not module.check_mode:
        act(module, actions)
    before = "".join(f"{name}: {status[name]}\n" for name in actions)
    after = "".join(f"{name}: Enabled\n" for name in actions)
    return {"changed": bool(actions), "actions": actions, "diff": {"before": before, "after": after}}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
