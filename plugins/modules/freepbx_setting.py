#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Gives settings of FreePBX their values and reads them back."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: freepbx_setting
short_description: Give settings of FreePBX their values, and read them back
version_added: "0.1.0"
description:
  - Uses C(fwconsole setting) on the box. Its exit code says nothing, so every setting is read before
    and after.
  - The task fails where FreePBX knows no setting of a name, and where a setting does not keep its value.
  - Values are seen in the list of processes for a moment. This module is not for secrets.
author:
  - The Switchroom developers (@switchroom)
options:
  settings:
    description:
      - The keywords, as FreePBX's advanced settings name them, with their values. Booleans may be
        written as such.
    type: dict
    required: true
extends_documentation_fragment:
  - switchroom.pbx.box
requirements:
  - FreePBX on the box
"""

EXAMPLES = r"""
- name: Run AGI scripts in one lasting process, and statistics seldom
  switchroom.pbx.freepbx_setting:
    settings:
      LAUNCH_AGI_AS_FASTAGI: true
      SYS_STATS_MAXAGE: 300
"""

RETURN = r"""
before:
  description: The settings that differed, as they were.
  returned: always
  type: dict
  sample: {"SYS_STATS_MAXAGE": "50"}
after:
  description: The same settings as they were read back, or in check mode would be.
  returned: always
  type: dict
  sample: {"SYS_STATS_MAXAGE": "300"}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.freepbx import fwconsole, setting, spelled

_ARGUMENTS = {"settings": {"type": "dict", "required": True}}


def change(module, key, wanted):
    """Give a setting its value; ends the module where it does not keep it."""
    said = fwconsole(module, "setting", key, wanted)
    kind, now = setting(module, key)
    if spelled(kind, now) != wanted:
        module.fail_json(
            msg=f"FreePBX's setting '{key}' is '{now}' and not '{wanted}': {said.strip()[-500:]}"
        )


def differing(module):
    """Return what differs: two mappings, as it is and as it shall be."""
    before, after = {}, {}
    for key, value in module.params["settings"].items():
        kind, now = setting(module, key)
        if spelled(kind, now) != spelled(kind, value):
            before[key], after[key] = spelled(kind, now), spelled(kind, value)
    return before, after


def run(module):
    """Change what differs and return the result."""
    before, after = differing(module)
    for key, wanted in after.items():
        if not module.check_mode:
            change(module, key, wanted)
    shown = ["".join(f"{key} = {value}\n" for key, value in sorted(side.items())) for side in (before, after)]
    diff = dict(zip(("before", "after"), shown))
    return {"changed": bool(after), "before": before, "after": after, "diff": diff}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
