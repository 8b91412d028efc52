# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Speaks to FreePBX by its own command line, and believes only what can be read back.

It runs as the user asterisk, who owns it. ``fwconsole`` ends with 0 for an unknown setting and for a module
that was not installed, so whoever changes something reads it again.
"""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.switchroom.pbx.plugins.module_utils.as_asterisk import PREFIX

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

MISSING = "The box has no 'fwconsole': FreePBX is not installed (role switchroom.pbx.freepbx)."
_TRUE, _FALSE = ("1", "true"), ("0", "false", "")


def fwconsole(module: AnsibleModule, *words: str) -> str:
    """Run ``fwconsole WORDS`` and return what it printed; ends the module where that failed openly."""
    command = module.get_bin_path("fwconsole")
    if command is None:
        module.fail_json(msg=MISSING)
    code, out, err = module.run_command([*PREFIX, command, *words])
    if code != 0:
        said = (out.strip() or err.strip())[-2000:]
        module.fail_json(msg=f"'fwconsole {' '.join(words)}' failed: {said}", rc=code, stdout=out, stderr=err)
    return out


def setting(module: AnsibleModule, key: str) -> tuple[str, str]:
    """Return the type and the value of a setting; ends the module where there is none of that name."""
    said = fwconsole(module, "setting", key)
    line = rf'^Setting of "{re.escape(key)}" is \((?P<kind>[^)]*)\)\[(?P<value>.*)\]\s*\Z'
    found = re.search(line, said, re.MULTILINE | re.DOTALL)
    if found is None:
        module.fail_json(msg=f"FreePBX has no setting '{key}': {said.strip()[-500:]}")
    return found["kind"], found["value"]


def spelled(kind: str, value: t.Any) -> str:
    """Return a value as ``fwconsole setting`` takes it and, but for booleans, shows it."""
    word = str(value).lower() if isinstance(value, bool) else str(value).strip()
    if kind == "bool":
        return "1" if word.lower() in _TRUE else "0" if word.lower() in _FALSE else word
    return word


def modules(module: AnsibleModule) -> dict[str, str]:
    """Return the status of each module that the box knows, for example ``Enabled``."""
    # One document a line; the last one that carries rows is the list.
    rows = []
    for line in fwconsole(module, "ma", "list", "--format=json").splitlines():
        try:
            data = json.loads(line).get("data")
        except (ValueError, AttributeError):
            continue
        rows = data if isinstance(data, list) else rows
    if not rows:
        module.fail_json(msg="'fwconsole ma list' named no module at all: FreePBX is not whole.")
    return {row[0]: row[2] for row in rows}
