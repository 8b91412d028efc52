#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Judges whether a box has dial tone, by the box's own tool."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: pbx_health
short_description: Judge whether a box has dial tone
version_added: "0.1.0"
description:
  - Runs C(switchroom health) on the box. Asterisk runs and has booted, AMI and SIP answer, a local
    call is answered,
    and the checks of the site are content.
  - The task fails where the box is not healthy. It never changes anything.
author:
  - The Switchroom developers (@switchroom)
options:
  wait:
    description:
      - Look again until the box is healthy, this many seconds at most.
    type: float
  baseline:
    description:
      - A file on the box that O(save_baseline) wrote; what was registered and reachable then must
        be so again.
    type: path
  save_baseline:
    description:
      - Write what works now to this file on the box, if the box is healthy.
      - The file is a note for a later look; writing it does not count as a change. In check mode it
        is not written.
    type: path
extends_documentation_fragment:
  - switchroom.pbx.box
attributes:
  diff_mode:
    support: none
requirements:
  - the package C(switchroom) on the box
"""

EXAMPLES = r"""
- name: The box has dial tone, or gets it within a minute
  switchroom.pbx.pbx_health:
    wait: 60
"""

RETURN = r"""
healthy:
  description: Whether every required check is content.
  returned: always
  type: bool
checks:
  description: Each check with C(name), C(ok), C(required), C(seconds) and C(evidence).
  returned: when it could be judged
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.box import ask, fail

_ARGUMENTS = {
    "wait": {"type": "float"},
    "baseline": {"type": "path"},
    "save_baseline": {"type": "path"},
}


def words(params, check_mode):
    """Return the command line that the parameters mean."""
    line = ["health"]
    for name in ("wait", "baseline", "save_baseline"):
        if params[name] is not None and not (check_mode and name == "save_baseline"):
            line += [f"--{name.replace('_', '-')}", str(params[name])]
    return line


def run(module):
    """Judge the box and return the report; ends the module where it is not healthy."""
    code, said = ask(module, *words(module.params, module.check_mode))
    checks = said.get("checks", [])
    if code != 0 and checks:
        failed = [f"{one['name']}: {one['evidence']}" for one in checks if one["required"] and not one["ok"]]
        module.fail_json(
            msg=f"The box is not healthy. {'; '.join(failed)}", rc=code, healthy=False, checks=checks
        )
    if code != 0:
        fail(module, code, said, healthy=False)
    return {"changed": False, "healthy": True, "checks": checks}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
