#!/usr/bin/python
# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Has one client of FreePBX's API for programs, and its secret in a file that only root may read."""

from __future__ import annotations

DOCUMENTATION = r"""
---
module: freepbx_client
short_description: Have one client of FreePBX's API for programs, and keep its secret on the box
version_added: "0.1.0"
description:
  - FreePBX is asked as the user asterisk, by a program that uses its classes; the secret is written by root.
    It stays on the box.
  - A client whose secret was lost, between the two steps of a run that broke off for example, is made anew.
author:
  - The Switchroom developers (@switchroom)
options:
  path:
    description:
      - The file for the client's identifier and secret, as JSON.
    type: path
    required: true
  scopes:
    description:
      - What the client may do. Fixed when it is made.
    type: list
    elements: str
    required: true
  program:
    description:
      - The PHP program that asks FreePBX. It finds what it is asked in C($asked), and prints a JSON object on
        its last line.
    type: str
    required: true
extends_documentation_fragment:
  - switchroom.pbx.box
requirements:
  - FreePBX on the box
"""

EXAMPLES = r"""
- name: Have a client, and its secret kept
  switchroom.pbx.freepbx_client:
    path: /etc/switchroom/freepbx-api.json
    scopes: [gql]
    program: "{{ lookup('ansible.builtin.file', 'api-client.php') }}"
"""

RETURN = r"""
client_id:
  description: The client's identifier, empty where there would be a new one.
  returned: always
  type: str
  sample: 5e1f0c
"""

import base64
import json
import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.switchroom.pbx.plugins.module_utils.as_asterisk import PREFIX
from ansible_collections.switchroom.pbx.plugins.module_utils.box import last_document

_ARGUMENTS = {
    "path": {"type": "path", "required": True},
    "scopes": {"type": "list", "elements": "str", "required": True},
    "program": {"type": "str", "required": True},
}
_WORD = re.compile(r"[A-Za-z0-9_-]{1,200}")  # what asterisk says is not trusted to be more than a word


def known(path):
    """Return the client that was kept, or an empty one."""
    try:
        with open(path, encoding="utf-8") as stream:
            client = json.load(stream)
    except (FileNotFoundError, ValueError):
        return {}
    return client if isinstance(client, dict) else {}


def ask(module, client):
    """Have FreePBX say whether it knows the client, and make a new one where it may; return the new one."""
    asked = {"file": module.params["path"], "scopes": " ".join(module.params["scopes"])}
    asked.update(look=module.check_mode, id=client.get("client_id"), secret=client.get("client_secret"))
    # In the program's own text: an argument would be in the list of processes.
    told = base64.b64encode(json.dumps(asked).encode()).decode()
    head = f"<?php $asked = json_decode(base64_decode('{told}'), true); ?>"
    code, out, err = module.run_command([*PREFIX, "php"], data=head + module.params["program"])
    answer = last_document(out)
    if code != 0 or answer is None or not isinstance(answer.get("changed"), bool):
        module.fail_json(msg=f"FreePBX has no client of its API for programs: {(err or out).strip()[-2000:]}")
    return answer


def keep(path, client):
    """Write the client, whole on the disk before it takes its place."""
    new = f"{path}.new"
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(client, indent=4) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.rename(new, path)


def made(module, answer):
    """Return the new client as it is kept; ends the module where FreePBX named none."""
    words = {name: str(answer.get(name, "")) for name in ("client_id", "client_secret")}
    if not all(_WORD.fullmatch(word) for word in words.values()):
        module.fail_json(msg="FreePBX named no identifier and secret of its new client.")
    place = {"grant_type": "client_credentials", "token_path": "/admin/api/api/token"}
    return {**place, **words, "scope": " ".join(module.params["scopes"])}


def run(module):
    """Have the client and return the result."""
    path = module.params["path"]
    client = known(path)
    answer = ask(module, client)
    if answer["changed"]:
        client = {} if module.check_mode else made(module, answer)
        if client:
            keep(path, client)
    sides = [{"path": path, "state": state} for state in ("without a client", "with a client")]
    diff = dict(zip(("before", "after"), sides)) if answer["changed"] else {}
    return {"changed": answer["changed"], "client_id": client.get("client_id", ""), "diff": diff}


def main():
    """Run the module."""
    module = AnsibleModule(argument_spec=_ARGUMENTS, supports_check_mode=True)
    module.exit_json(**run(module))


if __name__ == "__main__":
    main()
