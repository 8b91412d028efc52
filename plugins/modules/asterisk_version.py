#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Moves a box to another Asterisk by the box's own tool."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: asterisk_version
short_description: Move a box to another Asterisk, and back by itself if that is not healthy
version_added: "0.1.0"
description:
  - Runs C(switchroom switch) on the box, the same tool that an admin types as C(asterisk-version-switch).
  - The new engine is installed beside the running one; calls in progress may end; then one link is
    changed and
    the engine restarted. Where the new engine is not as healthy as the old one was, the old one
    comes back and the
    task fails.
  - The switch goes on by itself if the connection to the box is lost.
author:
  - The Switchroom developers (@switchroom)
options:
  version:
    description:
      - The engine to run. A series (V(22)) means its newest version that the box's repositories
        offer, so a later
        run may move the box on within the series.
      - An exact version (V(22.10.1)), an exact build (V(22.10.1-2)), or a certified branch or version
        (V(certified-22.8), V(22.8cert4)).
    type: str
    required: true
  channel:
    description:
      - Take packages from this channel too, for this one transaction.
    type: str
    choices: [testing]
  drain_timeout:
    description:
      - How long calls in progress may go on, in seconds. The box's own setting if not given.
    type: float
  now:
    description:
      - Do not wait for calls to end.
    type: bool
    default: false
  health_timeout:
    description:
      - How long the new engine may take to be as healthy as the old one, in seconds. The box's own
        setting if not given.
    type: float
  acknowledge:
    description:
      - Keys of findings that shall not stop the switch, as C(asterisk-version-switch --dry-run) shows them.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - switchroom.pbx.box
attributes:
  check_mode:
    details: The target is resolved and every check beforehand is made; a switch that would be
      refused fails.
requirements:
  - the package C(switchroom) on the box
"""

EXAMPLES = r"""
- name: Run the newest Asterisk 22, giving calls an hour to end
  switchroom.pbx.asterisk_version:
    version: "22"
    drain_timeout: 3600

- name: Try a version from the testing channel on this box only
  switchroom.pbx.asterisk_version:
    version: "22.11.0"
    channel: testing
"""

RETURN = r"""
before:
  description: The engine that was selected, version and build.
  returned: always
  type: str
  sample: 16.28.0-1
after:
  description: The engine that is selected now, or would be in check mode.
  returned: always
  type: str
  sample: 22.10.1-1
findings:
  description: What was found beforehand, each with C(key), C(severity) and C(message); in check mode only.
  returned: in check mode
  type: list
  elements: dict
outcome:
  description: How the switch ended, with its figures (outage in milliseconds, calls ended by it),
    or that there was nothing to do.
  returned: when it was no check
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.box import ask, fail

_ARGUMENTS = {
    "version": {"type": "str", "required": True},
    "channel": {"type": "str", "choices": ["testing"]},
    "drain_timeout": {"type": "float"},
    "now": {"type": "bool", "default": False},
    "health_timeout": {"type": "float"},
    "acknowledge": {"type": "list", "elements": "str", "default": []},
}


def words(params):
    """Return the command line that the parameters mean."""
    line = ["switch", params["version"], "--yes"]
    for name in ("channel", "drain_timeout", "health_timeout"):
        if params[name] is not None:
            line += [f"--{name.replace('_', '-')}", str(params[name])]
    line += ["--now"] if params["now"] else []
    for key in params["acknowledge"]:
        line += ["--acknowledge", key]
    return line


def answer(before, after, **more):
    """Return what the module returns; changed when the engine is another one."""
    diff = {"before": f"{before}\n", "after": f"{after}\n"}
    return {"changed": before != after, "before": before, "after": after, "diff": diff, **more}


def active(module):
    """Return the engine that is selected now, None where there is none."""
    return ask(module, "status")[1].get("active")


def refusal(said, acknowledged):
    """Return a dry run that ended in a refusal as the error that a switch would have been."""
    blocking = [one for one in said["findings"] if one["severity"] == "blocking"]
    known = [one for one in blocking if not (one["waivable"] and one["key"] in acknowledged)]
    acknowledge = [one["key"] for one in known if one["waivable"]]
    return {
        **said,
        "error": f"The switch to Asterisk '{said['target']}' would be refused.",
        "cause": "\n".join(f"{one['key']}: {one['message']} {one['hint']}".rstrip() for one in known),
        "hint": f"Cure it, or accept it with 'acknowledge: {acknowledge}'."
        if acknowledge
        else "Cure what is named.",
    }


def run(module):
    """Make the switch, or in check mode see whether it would be made, and return the result."""
    before = active(module)
    code, said = ask(module, *words(module.params), *(["--dry-run"] if module.check_mode else []))
    if code != 0:
        said = refusal(said, module.params["acknowledge"]) if said.get("event") == "dry-run" else said
        fail(module, code, said, before=before, after=active(module), changed=before != active(module))
    if module.check_mode:
        return answer(before, said["target"], findings=said.get("findings", []))
    return answer(before, active(module), outcome=said)


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
