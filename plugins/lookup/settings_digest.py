# Copyright: the Switchroom developers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""One word for all of a role's variables, by which a run knows that it has checked them already."""

from __future__ import annotations

DOCUMENTATION = r"""
---
name: settings_digest
short_description: Digest the public variables of a role
version_added: "0.1.0"
author:
  - The Switchroom developers (@switchroom)
description:
  - Returns the same word as long as no variable whose name begins with the role's has another value.
  - The word says nothing about the values to anybody outside this run, because it is keyed anew for each.
options:
  _terms:
    description: The roles, one answer for each.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Check beforehand, unless these very variables passed in this run
  ansible.builtin.include_tasks: preflight.yml
  when: __asterisk_passed | default('') != lookup('switchroom.pbx.settings_digest', 'asterisk')
"""

RETURN = r"""
_raw:
  description: The digests.
  type: list
  elements: str
"""

import hashlib
import hmac
import json

from ansible import constants
from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """Digests roles' public variables."""

    def run(self, terms, variables=None, **kwargs):
        """Return one digest for each role."""
        self.set_options(var_options=variables, direct=kwargs)
        if variables is None:
            raise AnsibleLookupError("There are no variables to digest.")
        return [self._digest(term, variables) for term in terms]

    def _digest(self, role, variables):
        values = {
            name: self._templar.template(variables[name])
            for name in sorted(variables)
            if name.startswith(f"{role}_")
        }
        # A folder of this run, with a random name: all workers know it, and it ends with the run.
        key = constants.DEFAULT_LOCAL_TMP.encode()
        return hmac.new(key, json.dumps(values, default=str).encode(), hashlib.sha256).hexdigest()
