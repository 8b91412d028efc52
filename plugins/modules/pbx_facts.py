#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gathers where a box stands: engines, what runs, a switch under way, the last one's end."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: pbx_facts
short_description: Gather where a PBX stands
version_added: "0.1.0"
description:
  - Runs C(switchroom status) on the box and returns what it says as the fact C(ansible_facts.pbx).
  - A box without the tool is no failure; its fact C(pbx.tool) is false, and
    nothing is selected or runs.
author:
  - The Switchroom developers (@switchroom)
extends_documentation_fragment:
  - switchroom.pbx.box
  - ansible.builtin.action_common_attributes.facts
attributes:
  diff_mode:
    support: none
  facts:
    support: full
"""

EXAMPLES = r"""
- name: Learn where the box stands
  switchroom.pbx.pbx_facts:

- name: Say what runs
  ansible.builtin.debug:
    msg: "Asterisk {{ ansible_facts.pbx.running }}"
"""

RETURN = r"""
ansible_facts:
  description: Where the box stands.
  returned: always
  type: dict
  contains:
    pbx:
      description: The answer of C(switchroom status), and C(tool), whether the box has it.
      type: dict
      returned: always
      sample: {"tool": true, "active": "22.10.1-1", "running": "22.10.1-1", "previous": null}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.box import ask

_NOTHING = {
    "active": None,
    "previous": None,
    "installed": [],
    "running": None,
    "service": "unknown",
    "transaction": None,
    "last": None,
}


def run(module):
    """Return the fact."""
    if module.get_bin_path("switchroom") is None:
        return {"changed": False, "ansible_facts": {"pbx": {"tool": False, **_NOTHING}}}
    _code, said = ask(module, "status")
    return {"changed": False, "ansible_facts": {"pbx": {"tool": True, **said}}}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec={}, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
